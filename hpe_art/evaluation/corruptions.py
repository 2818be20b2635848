"""A network on corrupted photographs: every corruption at every severity, and their means.

mPC is the mean score under corruption, rPC the same in percent of the clean score (Michaelis et al.
2019, arXiv:1907.07484, equations 1 and 2), by the metric per person of the data set.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import mean
from typing import Any, NamedTuple

import numpy as np
from mmengine.config import Config

from hpe_art.data.corruptions import CORRUPTIONS, KINDS, SEVERITIES, CorruptImage
from hpe_art.errors import UserError, usable
from hpe_art.evaluation.official import relative
from hpe_art.evaluation.results import Measured, Official, Record, Run, Score
from hpe_art.evaluation.running import attack_runner, loop_of
from hpe_art.evaluation.scoring import Scored
from hpe_art.evaluation.spec import run_spec
from hpe_art.evaluation.store import CLEAN
from hpe_art.metrics.bootstrap import Draws, interval, relative_draws

ALL = "all"


class Cell(Record):
    """One corruption at one severity; `relative` is in percent of the clean score."""

    corruption: str
    severity: int
    score: Score
    relative: Measured
    official: Official


class Mean(Record):
    """The mean over severities of a corruption, or over corruptions of a kind, or of all.

    `name` is that of the corruption, the kind, or "all", of which `score` is mPC and `relative`
    rPC. `official` are the means of the evaluator's own numbers.
    """

    name: str
    score: Measured
    relative: Measured
    official: Official
    relative_official: dict[str, float | None]


class CorruptionResults(Record):
    """All that was found of a network; `clean` is the run on clean photographs."""

    clean: Run
    severities: list[int]
    cells: list[Cell]
    means: list[Mean]


class _Seen(NamedTuple):
    """A score's draws (1 + R,), and the evaluator's numbers."""

    draws: Draws
    official: Official


def score_corrupted(
    cfg: Config,
    checkpoint: str,
    folder: Path,
    corruptions: Sequence[str] = CORRUPTIONS,
    severities: Sequence[int] = SEVERITIES,
    say: Callable[[str], None] = lambda line: None,
    **settings: Any,
) -> CorruptionResults:
    """Scores a network; what is in the folder already is not run again.

    Args:
        cfg: of the network, from `load_config`; not changed.
        checkpoint: where the weights are from.
        folder: of the stores, one for each corruption and severity.
        corruptions: names out of `CORRUPTIONS`.
        severities: out of 1 to 5.
        say: is told what is scored next.
        **settings: of the `RunSpec`: people, seed, metric, device.

    Raises:
        UserError: something cannot be used; the message names the mend.
    """
    steps = {
        (name, severity): dict(
            type="CorruptImage", name=name, severity=severity, seed=settings.get("seed", 0)
        )
        for name in corruptions
        for severity in severities
    }
    for step in steps.values():
        CorruptImage(**{key: value for key, value in step.items() if key != "type"})  # raises early
    configs = {key: corrupted_config(cfg, step) for key, step in steps.items()}
    say("clean")
    clean, before = _scored(cfg, checkpoint, folder / "clean", settings)
    cells, seen = [], {}
    for (name, severity), one in configs.items():
        say(f"{name} {severity}")
        run, found = _scored(one, checkpoint, folder / name / str(severity), settings)
        seen[name, severity] = found
        cells.append(
            Cell(
                corruption=name,
                severity=severity,
                score=run.clean.score,
                relative=_measured(relative_draws(found.draws, before.draws)),
                official=run.clean.official,
            )
        )
    means = [
        _mean_of(title, [one for key, one in seen.items() if key[0] in names], before)
        for title, names in _groups(corruptions).items()
    ]
    return CorruptionResults(clean=clean, severities=list(severities), cells=cells, means=means)


def corrupted_config(cfg: Config, step: dict[str, Any]) -> Config:
    """The config whose test set passes a step of the pipeline right behind `LoadImage`."""
    cfg = copy.deepcopy(cfg)
    pipeline = cfg.test_dataloader.dataset.get("pipeline") or []
    with usable("a test pipeline of steps with a type"):
        places = [k for k, one in enumerate(pipeline) if _is_loading(one)]
    if len(places) != 1:
        raise UserError(
            f"Expected a test pipeline with one LoadImage. Got {len(places)}: corruptions come "
            "right behind it."
        )
    pipeline.insert(places[0] + 1, step)
    return cfg


def _is_loading(step: Any) -> bool:
    kind = step["type"]
    return str(getattr(kind, "__name__", kind)).rpartition(".")[2] == "LoadImage"


def _groups(corruptions: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """What has a mean: each corruption, each kind that is there wholly, and all."""
    named = {name: (name,) for name in corruptions}
    whole = {kind: names for kind, names in KINDS.items() if set(names) <= set(corruptions)}
    return {**named, **whole, ALL: tuple(corruptions)}


def _scored(
    cfg: Config, checkpoint: str, folder: Path, settings: dict[str, Any]
) -> tuple[Run, _Seen]:
    """The people of a config without any attack, from the folder or by the network."""
    spec = run_spec(attacks=(), precision="float32", **settings)
    runner = attack_runner(cfg, spec, folder, checkpoint)
    loop = loop_of(runner)
    loop.progress = False
    runner.test()
    run, record = loop.finished
    poses = run.people.to_image(run.store.gathered(CLEAN, run.people.index))
    joint_scores = run.metric.joint_scores(poses, run.people.truth)
    scored = Scored.of(joint_scores, run.metric, run.skeleton, spec.seed)
    return record, _Seen(scored.draws[:, 0], record.clean.official)


def _mean_of(name: str, seen: list[_Seen], clean: _Seen) -> Mean:
    draws = np.mean([one.draws for one in seen], axis=0)
    official = {key: mean(one.official[key] for one in seen) for key in clean.official}
    return Mean(
        name=name,
        score=_measured(draws),
        relative=_measured(relative_draws(draws, clean.draws)),
        official=official,
        relative_official=relative(official, clean.official),
    )


def _measured(draws: Draws) -> Measured:
    value, *ends = (number if math.isfinite(number) else None for number in interval(draws))
    return Measured(value=value, interval=None if None in ends else (ends[0], ends[1]))
