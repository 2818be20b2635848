"""All robustness cards as one HTML page: a table that can be sorted, a chart, and each card."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from jinja2 import Environment, StrictUndefined

from hpe_art.report.cards import card_facts, ranked_lists, ranking_cells
from hpe_art.report.chart_data import styled
from hpe_art.report.html import as_script, code, template
from hpe_art.report.numbers import score_text
from hpe_art.report.words import metric_words
from hpe_art.studies.robustness_card import Card

SCRIPTS = ("page.js", "charts.js", "cards.js")


class Entry(NamedTuple):
    """A card in a table: its name, which no other has, its cells and what it was made of."""

    name: str
    card: Card
    cells: list[str]
    facts: dict[str, str]

    @property
    def meaning(self) -> str:
        """What its metric is."""
        return metric_words(self.card.metric)


def cards_html(cards: Sequence[Card]) -> str:
    """The page of cards from `read_cards`, with one table for those that can be compared."""
    times = Counter(card.network for card in cards)
    tables = []
    for about, ranked in ranked_lists(cards).items():
        columns, rows = ranking_cells(ranked)
        entries = [
            Entry(
                card.network if times[card.network] == 1 else f"{card.network}, {about}",
                card,
                cells,
                card_facts(card),
            )
            for card, cells in zip(ranked, rows, strict=True)
        ]
        tables.append((about, columns, entries))
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters["score"] = lambda value, digits=1: score_text(value, digits, none="–")
    return environment.from_string(template("cards.html.j2")).render(
        tables=tables,
        data=as_script(
            {
                "networks": styled([one.name for *_, entries in tables for one in entries]),
                "tables": [[_curve(one) for one in entries] for *_, entries in tables],
            }
        ),
        style=template("page.css"),
        scripts=code(SCRIPTS),
    )


def _curve(entry: Entry) -> dict[str, object]:
    card = entry.card
    worst = [[float(eps), one.score, *(one.interval or ())] for eps, one in card.worst_inf.items()]
    metric = f"{card.metric} ({card.unit})" if card.unit else card.metric
    return {"name": entry.name, "metric": metric, "attack": card.attack, "worst": worst}
