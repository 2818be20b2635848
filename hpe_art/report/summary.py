"""What to know first: which network breaks at which eps, and the weakest joint."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean

from hpe_art.evaluation.results import Attack, MetricRecord, Results, Score
from hpe_art.report.leading import leading_attack, metric_of, over_eps
from hpe_art.report.reading import name_in_file

BROKEN, BROKEN_ERROR = 50.0, 200.0
"""Relative score in percent below which a network counts as broken; above which, for an error."""


@dataclass(frozen=True)
class Row:
    """One network."""

    network: str
    clean: Score
    kept: dict[float, Score]  # the relative score by eps
    breaks_at: float | None  # the smallest eps that breaks it
    mean: float | None  # of what is kept at the eps that all networks have
    joint: str | None  # the groups that keep least, on average over eps; None if all keep as much

    @property
    def at_once(self) -> bool:
        """Whether the smallest eps that was tried breaks it already; a smaller one might too."""
        return self.breaks_at is not None and self.breaks_at == min(self.kept)


@dataclass(frozen=True)
class Summary:
    """The networks under the leading untargeted attack."""

    attack: str | None
    networks: int  # one that is there before and after is counted once
    rows: list[Row]  # the least robust network first
    eps: list[float]
    joint: str | None  # the same on average over networks, too


def summary(results: Results) -> Summary:
    """The networks in order of how robust they are, by the mean over the eps that all have."""
    name, metric = leading_attack(results, targeted=False), metric_of(results)
    of_all = {network: over_eps(run, name) for network, run in results.runs.items()}
    held = [{entry.eps for entry in entries} for entries in of_all.values() if entries]
    common = set.intersection(*held) if held else set()
    rows = []
    for network, entries in of_all.items():
        kept = {e.eps: e.relative for e in entries if e.eps is not None}
        known = {eps: one.value for eps, one in kept.items() if one.value is not None}
        compared = [v for eps, v in known.items() if eps in common or not common]
        rows.append(
            Row(
                network=network,
                clean=results.runs[network].clean.score,
                kept=kept,
                breaks_at=next((eps for eps, v in known.items() if _is_broken(v, metric)), None),
                mean=mean(compared) if compared else None,
                joint=_weakest(entries, metric),
            )
        )
    sign = 1 if metric.higher_is_better else -1
    rows.sort(key=lambda row: (row.mean is None, sign * (row.mean or 0.0), row.network))
    entries = [entry for found in of_all.values() for entry in found]
    eps = sorted({eps for row in rows for eps in row.kept})
    networks = len({*map(name_in_file, results.runs)})
    return Summary(name, networks, rows, eps, _weakest(entries, metric))


def unfinished(results: Results) -> str:
    """What is missing of runs that were stopped, in a sentence; empty where nothing is."""
    missing = list(results.study.missing) if results.study else []
    missing += [f"{n} ({', '.join(one.missing)})" for n, one in results.runs.items() if one.missing]
    how = "The same command goes on where it was stopped."
    return f"Not finished: {', '.join(missing)}. {how}" if missing else ""


def remarks(results: Results) -> list[str]:
    """What was left out, or is otherwise than asked for, in sentences."""
    study = results.study
    left_out = [f"{name} ({why})" for name, why in study.left_out.items()] if study else []
    said = [f"Not studied: {', '.join(left_out)}."] if left_out else []
    said += study.notes if study else []
    return said + [f"{name}: {one}" for name, run in results.runs.items() for one in run.notes]


def _is_broken(relative: float, metric: MetricRecord) -> bool:
    return relative < BROKEN if metric.higher_is_better else relative > BROKEN_ERROR


def _weakest(entries: Sequence[Attack], metric: MetricRecord) -> str | None:
    """The groups, or joints, that keep least on average over the entries that score them.

    None where all of several keep as much.
    """
    known: dict[str, list[float]] = {}
    for entry in entries:
        for name, value in (entry.relative.groups or entry.relative.joints).items():
            known.setdefault(name, []).extend([] if value is None else [value])
    means = {name: mean(values) for name, values in known.items() if values}
    worst = (min if metric.higher_is_better else max)(means.values(), default=None)
    found = [name for name, value in means.items() if value == worst]
    is_all = len(found) == len(means) > 1
    return None if is_all else ", ".join(found) or None
