"""Pages of robustness cards: one for each, and a table that ranks them."""

from collections.abc import Iterable, Sequence
from statistics import mean

from hpe_art.evaluation.results import Interval, Measured
from hpe_art.report.table import markdown_lines
from hpe_art.studies.robustness_card import EPS, Card, Worst

INTRODUCTION = """\
# Robustness cards

One card for each network, by [one protocol](../docs/protocol.md), made by `python tools/card.py
NAME`. Scores are the {metric} that the strongest attack leaves (*{attack}*), the worst case of each
person. Networks are in the order of its mean over eps {eps}.
Cards are compared within one list of people and one version of the protocol. *smallest eps* is the
median of those that move a joint, *gradients* are those of the worst cases for each person.
"""


def card_page(card: Card) -> str:
    """One card as Markdown."""
    kept = {f"inf, eps {eps}": one for eps, one in card.worst_inf.items()}
    kept |= {f"2, eps {eps}": one for eps, one in card.worst_2.items()}
    rows = [_worst_row(name, one, card) for name, one in kept.items()]
    columns = ["norm", card.metric, "95 % interval", "relative", "joints lost by any image"]
    lines = [
        f"# {card.network}",
        "",
        _identity(card),
        "",
        f"## The worst case: {card.attack}",
        "",
        f"Clean {card.metric}: {_number(card.clean)} {_ends(card.clean_interval)}.",
        "",
        *markdown_lines([*columns, "gradients", card.paper], rows),
        "",
        "## The smallest eps that moves a joint",
        "",
        f"Median over people and joints ({card.minimum_people} people): "
        f"{_measured(card.minimum_inf)} grey levels, {_measured(card.minimum_2)} in norm 2. "
        f"First to give way: {', '.join(card.weakest)}.",
        "",
        *markdown_lines(["joint", "grey levels"], [*_joint_rows(card)]),
        "",
        *markdown_lines(
            ["eps", *card.broken_inf],
            [["joints lost, %", *(f"{share:.1f}" for share in card.broken_inf.values())]],
        ),
        "",
        "## Hidden gradients",
        "",
        *markdown_lines(
            ["check", "passed", "found"],
            [[one.name, "yes" if one.passed else "**no**", one.found] for one in card.checks],
        ),
        "",
    ]
    return "\n".join(lines)


def ranking_page(cards: Sequence[Card]) -> str:
    """The table of all cards, the most robust first; one for each list of people and protocol."""
    lists: dict[tuple[str, int, int, str], list[Card]] = {}
    for card in cards:
        key = (card.annotations, card.people, card.protocol, card.metric)
        lists.setdefault(key, []).append(card)
    first = cards[0]
    eps = ", ".join(f"{one:g}" for one in EPS["inf"])
    lines = [INTRODUCTION.format(metric=first.metric, attack=first.attack, eps=eps)]
    for (annotations, people, protocol, metric), some in lists.items():
        lines += [f"## {annotations}, {people} people, {metric}, protocol {protocol}", ""]
        lines += [*_ranking(some), ""]
    return "\n".join(lines)


def _ranking(cards: Iterable[Card]) -> list[str]:
    ranked = sorted(cards, key=lambda card: -_mean_score(card))
    bounds = [f"eps {eps:g}" for eps in EPS["inf"]] + [f"L2 {eps:g}" for eps in EPS["2"]]
    rows = []
    for card in ranked:
        worst = [*card.worst_inf.values(), *card.worst_2.values()]
        rows.append(
            [
                f"[{card.network}]({card.network}.md)",
                _number(card.clean),
                *(_number(one.score) for one in worst),
                _number(card.minimum_inf.value, 2),
                f"{sum(one.gradients for one in worst):.0f}",
                "passed" if card.passed else "**not passed**",
            ]
        )
    last = ["smallest eps", "gradients", "checks"]
    return markdown_lines(["network", "clean", *bounds, *last], rows)


def _mean_score(card: Card) -> float:
    return mean(one.score or 0.0 for one in card.worst_inf.values())


def _identity(card: Card) -> str:
    by = "" if card.by_protocol else " (other people than it asks for: not to be compared)"
    facts = {
        "config": card.config,
        "weights": f"{card.checkpoint}, SHA-256 {(card.sha256 or 'unknown')[:12]}",
        "people": f"the first {card.people} of {card.annotations} ({card.dataset})",
        "protocol": f"{card.protocol}{by}",
        "made": f"{card.date}, seed {card.seed}, {card.device}, gradients in {card.precision}, "
        f"{card.seconds / 60:.0f} minutes, {card.backward_passes:,} gradients, "
        f"{card.forward_passes:,} passes forward",
        "versions": ", ".join(f"{name} {version}" for name, version in card.versions.items()),
    }
    return "\n".join(f"- {name}: {fact}" for name, fact in facts.items())


def _worst_row(name: str, worst: Worst, card: Card) -> list[str]:
    paper = card.paper_inf.get(name.removeprefix("inf, eps ")) if name.startswith("inf") else None
    return [
        name,
        _number(worst.score),
        _ends(worst.interval),
        _number(worst.relative),
        _number(worst.joints_reached),
        f"{worst.gradients:.0f}",
        _number(paper),
    ]


def _joint_rows(card: Card) -> Iterable[list[str]]:
    for joint, value in card.joints_inf.items():
        yield [joint, _number(value, 2)]


def _measured(one: Measured) -> str:
    ends = ", ".join(_number(end, 2) for end in one.interval or ())
    return f"{_number(one.value, 2)} [{ends}]"


def _number(value: float | None, digits: int = 1) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _ends(interval: Interval | None) -> str:
    return "" if interval is None else f"[{interval[0]:.1f}, {interval[1]:.1f}]"
