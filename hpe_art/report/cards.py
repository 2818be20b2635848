"""Pages of robustness cards: one for each, and a table that ranks them."""

from collections.abc import Iterable, Sequence
from statistics import mean
from textwrap import fill
from urllib.parse import quote

from hpe_art.evaluation.results import Interval, Measured
from hpe_art.report.numbers import score_text
from hpe_art.report.table import markdown_lines, plain_markdown
from hpe_art.studies.robustness_card import Card, Worst

WIDTH = 118
HIDDEN = (
    "Whether attacks may have failed because the network hides its gradient, and not because it "
    "withstands them ([the checks](../docs/protocol.md#checks-for-hidden-gradients))."
)
COLUMNS = (
    "The score is of one image for each person, that which loses most joints; *joints lost by any "
    "image*, in percent, are those that some image lost, each joint perhaps by another. *relative* "
    "is in percent of the clean score, *gradients* are counted for each person. {paper}: the score "
    "under the attack of the paper, beside it."
)
INTRODUCTION = """\
# Robustness cards

One card for each network, by [one protocol](../docs/protocol.md), made by `python tools/card.py
NAME`. Scores are the {metric} that the strongest attack leaves (*{attack}*), the worst case of each
person. Networks are in the order of its mean over eps {eps}.
Cards are compared within one list of people and one version of the protocol. *smallest eps* is what
moves a joint, attacked alone, so far that it no longer counts as found, in grey levels: the median
over people and joints. *gradients* are those of the worst cases for each person.
"""


def card_page(card: Card) -> str:
    """One card as Markdown."""
    columns = ["norm", card.metric, "95 % interval", "relative", "joints lost by any image"]
    rows = [
        _worst_row(f"{norm}, eps {eps}", worst, paper.get(eps))
        for norm, held, paper in (
            ("inf", card.worst_inf, card.paper_inf),
            ("2", card.worst_2, {}),
        )
        for eps, worst in held.items()
    ]
    lines = [
        f"# {plain_markdown(card.network)}",
        "",
        _identity(card),
        "",
        f"## The worst case: {card.attack}",
        "",
        f"Clean {card.metric}: {score_text(card.clean)} {_ends(card.clean_interval)}.",
        "",
        *markdown_lines([*columns, "gradients", card.paper], rows),
        "",
        fill(COLUMNS.format(paper=card.paper), WIDTH),
        "",
        "## The smallest eps that moves a joint",
        "",
        "Each joint is attacked alone, until it no longer counts as found.",
        f"Median over people and joints ({card.minimum_people} people): "
        f"{_measured(card.minimum_inf)} grey levels,",
        f"{_measured(card.minimum_2)} in norm 2. First to give way: "
        f"{plain_markdown(', '.join(card.weakest))}.",
        "",
        *markdown_lines(
            ["joint", "grey levels"],
            [
                [plain_markdown(joint), score_text(value, 2)]
                for joint, value in card.joints_inf.items()
            ],
        ),
        "",
        *markdown_lines(
            ["eps", *card.broken_inf],
            [["joints lost, %", *(f"{share:.1f}" for share in card.broken_inf.values())]],
        ),
        "",
        *_checks(card),
    ]
    return "\n".join(lines)


def _checks(card: Card) -> list[str]:
    rows = [
        [plain_markdown(one.name), _yes(one.passed), plain_markdown(one.found)]
        for one in card.checks
    ]
    table = markdown_lines(["check", "passed", "found"], rows)
    return ["## Hidden gradients", "", fill(HIDDEN, WIDTH), "", *table, ""]


def ranking_page(cards: Sequence[Card]) -> str:
    """The table of all cards, the most robust first; one for each list of people and protocol."""
    first = cards[0]
    eps = ", ".join(first.worst_inf)
    lines = [INTRODUCTION.format(metric=first.metric, attack=first.attack, eps=eps)]
    for about, ranked in ranked_lists(cards).items():
        columns, cells = ranking_cells(ranked)
        rows = [
            [
                f"[{plain_markdown(card.network)}]({quote(card.network)}.md)",
                *row,
                "passed" if card.passed else "**not passed**",
            ]
            for card, row in zip(ranked, cells, strict=True)
        ]
        lines += [f"## {plain_markdown(about)}", ""]
        lines += [*markdown_lines(["network", *columns, "checks"], rows), ""]
    return "\n".join(lines)


def ranked_lists(cards: Iterable[Card]) -> dict[str, list[Card]]:
    """Cards that can be compared, by what they have in common; the most robust first."""
    lists: dict[str, list[Card]] = {}
    for card in sorted(cards, key=lambda card: -_mean_score(card)):
        about = f"{card.annotations}, {card.people} people, {card.metric}, protocol {card.protocol}"
        lists.setdefault(about, []).append(card)
    return lists


def ranking_cells(ranked: Sequence[Card]) -> tuple[list[str], list[list[str]]]:
    """Names of columns, and what they hold of each card."""
    bounds = [f"eps {eps}" for eps in ranked[0].worst_inf]
    bounds += [f"L2 {eps}" for eps in ranked[0].worst_2]
    rows = []
    for card in ranked:
        worst = [*card.worst_inf.values(), *card.worst_2.values()]
        rows.append(
            [
                score_text(card.clean),
                *(score_text(one.score) for one in worst),
                score_text(card.minimum_inf.value, 2),
                f"{sum(one.gradients for one in worst):.0f}",
            ]
        )
    return ["clean", *bounds, "smallest eps", "gradients"], rows


def _yes(passed: bool) -> str:
    return "yes" if passed else "**no**"


def _mean_score(card: Card) -> float:
    return mean(one.score or 0.0 for one in card.worst_inf.values())


def card_facts(card: Card) -> dict[str, str]:
    """What was attacked, by what, and what it cost."""
    by = "" if card.by_protocol else " (other people than it asks for: not to be compared)"
    return {
        "config": card.config,
        "weights": f"{card.checkpoint}, SHA-256 {(card.sha256 or 'unknown')[:12]}",
        "people": f"the first {card.people} of {card.annotations} ({card.dataset})",
        "protocol": f"{card.protocol}{by}",
        "made": f"{card.date}, seed {card.seed}, {card.device}, gradients in {card.precision}, "
        f"{card.seconds / 60:.0f} minutes, {card.backward_passes:,} gradients, "
        f"{card.forward_passes:,} passes forward",
        "versions": ", ".join(f"{name} {version}" for name, version in card.versions.items()),
    }


def _identity(card: Card) -> str:
    lines = [f"- {name}: {plain_markdown(fact)}" for name, fact in card_facts(card).items()]
    return "\n".join(
        fill(line, WIDTH, subsequent_indent="  ", break_on_hyphens=False) for line in lines
    )


def _worst_row(name: str, worst: Worst, paper: float | None) -> list[str]:
    return [
        name,
        score_text(worst.score),
        _ends(worst.interval),
        score_text(worst.relative),
        score_text(worst.joints_reached),
        f"{worst.gradients:.0f}",
        score_text(paper),
    ]


def _measured(one: Measured) -> str:
    value = score_text(one.value, 2)
    if one.interval is None:
        return value
    return f"{value} [{', '.join(score_text(end, 2) for end in one.interval)}]"


def _ends(interval: Interval | None) -> str:
    return "" if interval is None else f"[{interval[0]:.1f}, {interval[1]:.1f}]"
