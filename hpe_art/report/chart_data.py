"""What the page's charts show, as JSON for its script: every attack with its scores by joint."""

from collections.abc import Sequence
from typing import Any

from hpe_art.evaluation.results import Attack, Clean, Judged, Results, Run, Score
from hpe_art.report.body_layout import HEIGHT, WIDTH, body_layout
from hpe_art.report.leading import (
    family,
    leading_attack,
    leading_eps,
    metric_of,
    ranked_attacks,
)
from hpe_art.report.numbers import axis_label, digits_of
from hpe_art.report.styles import NIGHT, Styles
from hpe_art.report.words import left_out

DIGITS = 3
FIRST_ATTACKS = 2
"""Attacks that are shown until the reader chooses others."""
Point = list[float | None]
"""A score, and the ends of its interval if there is one."""


def chart_data(results: Results) -> dict[str, Any]:
    """JSON of all runs; names are told from numbers by their places in `networks` and `attacks`."""
    metric, runs = metric_of(results), results.runs
    attacks = list(dict.fromkeys(a.name for run in runs.values() for a in run.attacks))
    first = next(iter(runs.values()))
    return {
        "metric": {**metric.model_dump(), "digits": digits_of(metric)},
        "scores": _scores(results),
        "networks": styled(list(runs)),
        "attacks": styled(attacks, taken=len(runs)),
        "shown": _shown(results, attacks),
        "lead": {"attack": leading_attack(results, False), "eps": leading_eps(results)},
        "by_joint": _on_most(results),
        "joints": first.skeleton.joints,
        "left_out": left_out(first),
        "bones": first.skeleton.bones,
        "layout": next(filter(None, map(body_layout, runs.values())), None),
        "runs": [_run(run) for run in runs.values()],
        "body": [WIDTH, HEIGHT],
    }


def styled(names: Sequence[str], taken: int = 0) -> list[dict[str, Any]]:
    """How each is drawn, as the page's scripts have it; others have the first `taken` colours."""
    styles = Styles(names, taken)
    return [
        {
            "name": name,
            "colour": styles.colour(name),
            "night": NIGHT.get(styles.colour(name), styles.colour(name)),
            "mark": styles.outline(name),
            "dashes": styles.dashes(name),
        }
        for name in names
    ]


def _scores(results: Results) -> list[dict[str, Any]]:
    """Scores that the reader can choose: the key in a row, and what stands beside the axis."""
    metric, runs = metric_of(results), results.runs.values()
    scores = [
        {"key": "relative", "label": axis_label("relative", metric, long=True)},
        {"key": "score", "label": axis_label("", metric, long=True).strip()},
    ]
    if any(attack.target for run in runs for attack in run.attacks):
        scores.append({"key": "target", "label": axis_label("target", metric, long=True)})
    names = dict.fromkeys(name for run in runs for name in run.clean.official)
    scores += [{"key": f"official {name}", "label": name} for name in names]
    return scores


def _shown(results: Results, attacks: Sequence[str]) -> list[str]:
    """Names of the attacks to begin with: the strongest untargeted, else targeted, else all."""
    ranked = ranked_attacks(results, False) or ranked_attacks(results, True)
    return ranked[:FIRST_ATTACKS] or list(attacks)


def _on_most(results: Results) -> str | None:
    """The attack that joints are shown under first: of the ranked ones what most networks have."""
    ranked = ranked_attacks(results, False) + ranked_attacks(results, True)
    held = [{a.name for a in run.attacks} for run in results.runs.values()]
    return max(ranked, key=lambda name: sum(name in names for names in held), default=None)


def _run(run: Run) -> dict[str, Any]:
    return {
        "clean": _clean(run.clean),
        "observers": {name: one.kind for name, one in run.observers.items()},
        "attacks": [_attack(run, attack) for attack in run.attacks],
    }


def _attack(run: Run, attack: Attack) -> dict[str, Any]:
    return {
        "name": attack.name,
        "family": family(attack),
        "targeted": attack.targeted,
        "eps": attack.eps,
        "steps": attack.max_iter,
        "norm": attack.norm,
        "values": _values(attack),
        "joints": _by_joint(attack.relative, run.skeleton.joints),
        "observed": {name: _point(judged.relative) for name, judged in attack.observed.items()},
    }


def _clean(clean: Clean) -> dict[str, Point]:
    return {"score": _point(clean.score), **_official(clean)}


def _values(judged: Judged) -> dict[str, Point]:
    scores = {"relative": judged.relative, "score": judged.score, "target": judged.target}
    values = {key: _point(score) for key, score in scores.items() if score is not None}
    return values | _official(judged)


def _official(judged: Clean | Judged) -> dict[str, Point]:
    return {f"official {name}": [round(value, 4)] for name, value in judged.official.items()}


def _point(score: Score) -> Point:
    return _rounded(score.value, *(score.interval or ()))


def _by_joint(score: Score, joints: Sequence[str]) -> list[Point]:
    return [_rounded(score.joints.get(k), *(score.joint_intervals.get(k) or ())) for k in joints]


def _rounded(*values: float | None) -> Point:
    return [None if value is None else round(value, DIGITS) for value in values]
