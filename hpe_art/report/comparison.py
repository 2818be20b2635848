"""Before and after: what has changed for the same people, with intervals over them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import NamedTuple

import numpy as np

from hpe_art.evaluation.results import Attack, MetricRecord, Results, Run
from hpe_art.metrics.bootstrap import Draws, drawn_scores, interval
from hpe_art.report.leading import leading_attack, leading_eps
from hpe_art.report.numbers import UNITS, digits_of, eps_text
from hpe_art.report.reading import AFTER, BEFORE, name_in_file
from hpe_art.studies.record import RecordedRun, Row, person_scores

UNPAIRED = {
    "people": "The two are not of the same people, so there are no intervals and no verdict.",
    "scores": "The scores of each person are not beside both results, so there are no intervals "
    "and no verdict. A folder of tools/attack.py or tools/study.py has them.",
    "few": "There are too few people for intervals, so there is no verdict.",
}


class Side(NamedTuple):
    """One of the two: the name in the page, its run, and where it lies under which name."""

    name: str
    run: Run
    folder: Path
    network: str


class Change(NamedTuple):
    """After minus before, in the metric's unit, and the ends of its 95 % interval."""

    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class ChangedRow:
    """The clean images, or an attack: both scores, and the change of all joints and of each."""

    name: str
    eps: float | None
    before: float | None
    after: float | None
    change: Change
    joints: list[Change]


@dataclass(frozen=True)
class Comparison:
    """Two runs of one network, or of two.

    Attributes:
        before, after: their names.
        rows: the clean images, then each attack.
        lead: place of the row that the verdict is by.
        verdict: sentences that say only what the intervals allow.
    """

    before: str
    after: str
    rows: list[ChangedRow]
    lead: int
    verdict: list[str]


def comparisons(results: Results, folders: Mapping[str, Path]) -> list[Comparison]:
    """Of results that were read from two paths: each network in both, or the only one of each."""
    runs = results.runs
    pairs = [
        (name, name_in_file(name) + AFTER) for name in runs if name_in_file(name) + BEFORE == name
    ]
    if not pairs and len(runs) == 2:
        first, second = runs
        pairs = [(first, second)]
    sides = {name: Side(name, run, folders[name], name_in_file(name)) for name, run in runs.items()}
    return [compare(sides[before], sides[after]) for before, after in pairs]


def compare(before: Side, after: Side) -> Comparison:
    """What has changed from one to the other on clean images and under each attack of both."""
    recorded = [person_scores(side.folder, side.network, side.run) for side in (before, after)]
    pairs = _pairs(before.run, after.run)
    held = [one for one in recorded if one is not None]
    unpaired = _unpaired(before.run, after.run, held)
    rows = [
        _row(before.run, after.run, pair, held if not unpaired else [])
        for pair in [(None, None), *pairs]
    ]
    lead = _lead(before.run, rows)
    verdict = [unpaired] if unpaired else _verdict(before, after, rows, lead)
    return Comparison(before.name, after.name, rows, lead, verdict)


def _pairs(before: Run, after: Run) -> list[tuple[int | None, int | None]]:
    """Places of the attacks that both were run with; if none, of the leading ones by eps."""
    places = {(a.name, a.eps): i for i, a in enumerate(after.attacks)}
    same = [(i, places.get((a.name, a.eps))) for i, a in enumerate(before.attacks)]
    if found := [(i, j) for i, j in same if j is not None]:
        return [*found]
    leads = [_leading(run) for run in (before, after)]
    return [(leads[0][eps], leads[1][eps]) for eps in leads[0] if eps in leads[1]]


def _leading(run: Run) -> dict[float | None, int]:
    """Places of the leading attack by eps."""
    name = leading_attack(Results(runs={"one": run}), targeted=False)
    return {a.eps: i for i, a in enumerate(run.attacks) if a.name == name}


def _unpaired(before: Run, after: Run, held: Sequence[RecordedRun]) -> str:
    """Why the two cannot be compared person by person; empty where they can."""
    who = [
        (Path(run.dataset.ann_file).name, run.dataset.num_samples, run.dataset.skipped)
        for run in (before, after)
    ]
    if who[0] != who[1]:
        return UNPAIRED["people"]
    if len(held) < 2:
        return UNPAIRED["scores"]
    one, other = (np.isnan(run.scores[Row(None)]) for run in held)
    if not np.array_equal(one, other):  # not labelled alike
        return UNPAIRED["people"]
    return "" if isfinite(_draws(held[0], Row(None))[1:, 0].sum()) else UNPAIRED["few"]


def _row(
    before: Run,
    after: Run,
    pair: tuple[int | None, int | None],
    held: Sequence[RecordedRun],
) -> ChangedRow:
    one, other = (
        run.clean if place is None else run.attacks[place]
        for run, place in zip((before, after), pair, strict=True)
    )
    name, eps = "clean", None
    if isinstance(one, Attack) and isinstance(other, Attack):
        name = one.name if one.name == other.name else f"{one.name} → {other.name}"
        eps = one.eps
    joints = before.skeleton.joints
    if held:
        draws = [_draws(run, Row(place)) for run, place in zip(held, pair, strict=True)]
        changes = [_change(column) for column in (draws[1] - draws[0]).T]
    else:
        scores = [(one.score.value, other.score.value)]
        scores += [(one.score.joints.get(k), other.score.joints.get(k)) for k in joints]
        changes = [Change(None if old is None or new is None else new - old) for old, new in scores]
    total, *by_joint = changes
    by_joint = by_joint[: len(joints)]
    return ChangedRow(name, eps, one.score.value, other.score.value, total, by_joint)


def _draws(one: RecordedRun, row: Row) -> Draws:
    # One seed for both, so that the same people are drawn.
    return drawn_scores(one.scores[row], one.metric, one.skeleton, seed=0)


def _change(draws: Draws) -> Change:
    return Change(*(value if isfinite(value) else None for value in interval(draws)))


def _verdict(before: Side, after: Side, rows: Sequence[ChangedRow], lead: int) -> list[str]:
    """Sentences about the leading attack, the clean images, and all attacks together."""
    metric = before.run.metric
    clean, *attacks = rows
    said = [_sentence("On clean images", clean.change, after.name, metric)]
    if lead:
        row = rows[lead]
        under = f"Under {row.name}" + ("" if row.eps is None else f" at eps {eps_text(row.eps)}")
        said.insert(0, _sentence(under, row.change, after.name, metric))
    if len(attacks) > 1:
        told = [_direction(row.change, metric) for row in attacks]
        said.append(
            f"Of {len(attacks)} attacks, each by its own interval, {after.name} scores better "
            f"under {told.count(1)} and worse under {told.count(-1)}; {told.count(0)} cannot be "
            "told."
        )
    return said


def _lead(run: Run, rows: Sequence[ChangedRow]) -> int:
    """The place of the leading attack at the leading eps, or else of what leaves least."""
    results = Results(runs={"one": run})
    named = (leading_attack(results, targeted=False), leading_eps(results))
    places = [i for i, row in enumerate(rows) if (row.name, row.eps) == named]
    sign = 1 if run.metric.higher_is_better else -1
    known = {i: sign * row.before for i, row in enumerate(rows) if i and row.before is not None}
    return next(iter(places), min(known, key=lambda i: known[i], default=0))


def _direction(change: Change, metric: MetricRecord) -> int:
    """1 if better after, -1 if worse, 0 where the interval does not tell."""
    if change.low is None or change.high is None or change.low <= 0 <= change.high:
        return 0
    return 1 if (change.low > 0) == metric.higher_is_better else -1


def _sentence(under: str, change: Change, after: str, metric: MetricRecord) -> str:
    if change.value is None or change.low is None or change.high is None:
        return f"{under}, nothing can be compared."
    if change == (0, 0, 0):
        return f"{under} they are the same."
    digits = digits_of(metric)
    value, low, high = (f"{one:+.{digits}f}" for one in change)
    unit = "points" if metric.unit == "%" else UNITS.get(metric.unit, "").removeprefix("in ")
    measured = f"{value} {unit}".rstrip() + f" of {metric.label} (95 % interval {low} to {high})"
    told = {1: f"{after} scores better", -1: f"{after} scores worse"}
    said = told.get(_direction(change, metric), "no difference can be told")
    return f"{under}, {said}: {measured}."
