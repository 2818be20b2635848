"""Whether perturbations found faster are as strong: scores with each precision, side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import numpy as np
import torch
from mmengine.config import Config

from hpe_art.attacks import AttackSpec, Universal, UniversalPosePerturbation, build_spec
from hpe_art.commands.paths import config_files
from hpe_art.data.people import load_people
from hpe_art.estimators import PyTorchPoseEstimator
from hpe_art.estimators.gradient_copy import PRECISIONS
from hpe_art.estimators.loading import load_config
from hpe_art.evaluation.prepared import Prepared
from hpe_art.evaluation.results import Attack
from hpe_art.evaluation.running import attack_runner, loop_of
from hpe_art.evaluation.spec import RunSpec
from hpe_art.evaluation.store import CLEAN
from hpe_art.metrics.bootstrap import Draws, drawn_scores, interval

EPS = (1.0, 2.0, 4.0, 8.0)
KINDS = (
    dict(type="fgsm"),
    dict(type="igsm"),
    dict(type="igsm", targeted=True),
    dict(type="uap"),
)
UNIVERSAL_STEPS_TO_EPS = 20
"""A tenth of the default: few people are enough to reach eps."""
Found = list[tuple[Attack, Draws]]
"""Every attack, and the draws of the score that tells how strong it is."""


def networks_with_weights(configs: Sequence[Path]) -> dict[Path, Config]:
    """The configs among these files, and in these folders, that name trained weights."""
    found = {file: load_config(file) for file in config_files([str(path) for path in configs])}
    return {file: cfg for file, cfg in found.items() if cfg.get("load_from")}


def strengths(
    configs: Sequence[Path],
    people: int,
    eps: Sequence[float] = EPS,
    device: Literal["cpu", "cuda"] = "cpu",
    networks: Sequence[str] | None = None,
) -> Iterator[dict[str, Any]]:
    """Attacks every network that has weights with every precision.

    Over several steps signs of tiny gradients tip over, so that two runs which only round
    differently end up at other images, and each by chance a little stronger or weaker than the
    other. A mean over several eps and an interval over people tell that from a loss of strength.

    Args:
        configs: files, or folders of them.
        people: how many of the test set.
        eps: grey levels.
        device: "cpu" or "cuda".
        networks: file names of the configs to take; default all.

    Yields:
        For each network and attack: `network`, `attack`, `people`, `eps`, `metric` (its label),
        `unit`, `found_with` (by precision), `score` (by precision, one for each eps; towards the
        target for a targeted attack, else of the truth), and `weaker` (by precision): by how much
        the attack is weaker than with float32, the mean over all eps, with the ends of its 95 %
        interval over people.
    """
    for file, cfg in networks_with_weights(configs).items():
        if networks and file.name not in networks:
            continue
        found_with, drawn, run = _with_each_precision(cfg, people, eps, device)
        about = {
            "network": file.stem,
            "people": len(run.people),
            "eps": list(eps),
            "metric": run.metric.label,
            "unit": run.metric.unit,
            "found_with": found_with,
        }
        for first in range(0, len(KINDS) * len(eps), len(eps)):
            part = {name: found[first : first + len(eps)] for name, found in drawn.items()}
            yield {**about, **_compared(part, run.metric.higher_is_better)}


def _with_each_precision(
    cfg: Config, people: int, eps: Sequence[float], device: Literal["cpu", "cuda"]
) -> tuple[dict[str, str], dict[str, Found], Prepared]:
    """By precision: how gradients were computed, and every attack; the last run."""
    found_with: dict[str, str] = {}
    by_way: dict[str, Found] = {}
    for precision in PRECISIONS:
        estimator = PyTorchPoseEstimator.from_config(
            cfg, device_type="cpu" if device == "cpu" else "gpu", precision=precision
        )
        way = found_with[precision] = estimator.gradient_precision
        if way in by_way:  # auto computes as another precision on some devices
            continue
        # As the tools score; parts that time others leave TF32 as it is.
        exact = torch.backends.cudnn.flags(enabled=True, allow_tf32=False)
        with TemporaryDirectory() as folder, exact:
            attacks = _attacks(estimator, cfg, people, eps, Path(folder))
            spec = RunSpec(attacks=attacks, num_samples=people, precision=precision, device=device)
            runner = attack_runner(cfg, spec, Path(folder) / "run", cfg.load_from)
            runner.test()
            prepared, run = loop_of(runner).finished
            by_way[way] = [(attack, _drawn(prepared, attack)) for attack in run.attacks]
    return found_with, {name: by_way[way] for name, way in found_with.items()}, prepared


def _attacks(
    estimator: PyTorchPoseEstimator, cfg: Config, people: int, eps: Sequence[float], folder: Path
) -> tuple[AttackSpec, ...]:
    """Each kind with each eps; the universal ones are fitted on the people, into the folder."""
    attacks = []
    for kind in KINDS:
        for value in eps:
            spec = build_spec({**kind, "eps": value})
            if isinstance(spec, Universal):
                some: Any = load_people(cfg, people)
                step = value / UNIVERSAL_STEPS_TO_EPS
                universal = UniversalPosePerturbation(estimator, value, step, verbose=False)
                path = universal.fit(some.x, some.y).save(folder / f"{value:g}.npz")
                spec = Universal.from_file(path)
            attacks.append(spec)
    return tuple(attacks)


def _drawn(run: Prepared, attack: Attack) -> Draws:
    """(1 + R,): against the target of a targeted attack, else against the truth."""
    people, truth = run.people, run.people.truth
    poses, clean = (run.store.gathered(one, people.index) for one in (attack.folder, CLEAN))
    if attack.targeted and run.choose is not None:
        aims = run.choose(clean, people).scored
        truth = replace(truth, keypoints=people.to_image(aims))
    scores = run.metric.joint_scores(people.to_image(poses), truth)
    return drawn_scores(scores, run.metric, run.skeleton, run.spec.seed)[:, 0]


def _compared(found: dict[str, Found], higher_is_better: bool) -> dict[str, Any]:
    """One attack at all eps, by precision."""
    attack, _ = found["float32"][0]
    draws = {name: np.stack([draw for _, draw in by_eps], 1) for name, by_eps in found.items()}
    sign = 1 if higher_is_better != attack.targeted else -1
    weaker = {name: sign * (drawn - draws["float32"]) for name, drawn in draws.items()}
    names = ("points", "low", "high")
    return {
        "attack": attack.name,
        "score": {name: drawn[0].tolist() for name, drawn in draws.items()},
        "weaker": {
            name: dict(zip(names, interval(by_eps.mean(1)), strict=True))
            for name, by_eps in weaker.items()
        },
    }
