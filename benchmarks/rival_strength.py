"""What attacks of other projects leave of the bundled networks, beside what ours leave."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config

from benchmarks.cases import Array
from benchmarks.rivals import RIVALS, STEP, Question, Rival, missing_rivals
from benchmarks.strength import networks_with_weights
from hpe_art.attacks import build_spec
from hpe_art.data.people import People, load_people
from hpe_art.estimators import PyTorchPoseEstimator
from hpe_art.evaluation.goals import goal_of
from hpe_art.evaluation.prepared import score_in_float32
from hpe_art.evaluation.scoring import Scored
from hpe_art.metrics import Metric, metric_for
from hpe_art.metrics.bootstrap import interval
from hpe_art.skeleton import Skeleton

EPS = 1.0
"""Where the strongest attacks leave something and the others have not failed yet."""
FEW, MANY = 100, 1000
"""Gradients for an image: of AUTO's two sizes, and of what is compared with each."""
FAST, STANDARD = "AUTO fast", "AUTO standard"
LONG_LOSSES = ("margin", "cross_entropy", "training")


def ours(**settings: Any) -> Rival:
    """An attack of this project, by the settings of its spec."""

    def run(question: Question) -> Array:
        spec = build_spec({"eps": question.eps, **settings})
        before = question.estimator.backward_passes
        attack = spec.build(question.estimator, len(question.x))
        goal = {"goal": question.goal} if spec.needs_goal else {}
        found = attack.generate(question.x, question.y, **goal)
        question.passes["backward"] += question.estimator.backward_passes - before
        return np.asarray(found)

    return run


def _igsm(steps: int, loss: str) -> Rival:
    return ours(type="igsm", max_iter=steps, loss=loss, outputs="all", eps_step=STEP * EPS)


OURS: dict[str, tuple[int, Rival]] = {
    FAST: (FEW, ours(type="auto")),
    STANDARD: (MANY, ours(type="auto", size="standard")),
    **{f"IGSM, {loss}, {FEW} steps": (FEW, _igsm(FEW, loss)) for loss in LONG_LOSSES},
    **{f"IGSM, {loss}, {MANY} steps": (MANY, _igsm(MANY, loss)) for loss in LONG_LOSSES},
}
"""By name: the gradients that an image may take, and the attack."""


@dataclass
class Arena:
    """A network, its people, and what was found on them."""

    name: str
    people: People
    metric: Metric
    skeleton: Skeleton
    question: Question
    found: dict[str, Scored] = field(default_factory=dict)

    @classmethod
    def of(cls, name: str, cfg: Config, people: int, device: str) -> Arena:
        """The network of a config."""
        estimator = PyTorchPoseEstimator.from_config(
            cfg, device_type="cpu" if device == "cpu" else "gpu", precision="auto"
        )
        known = load_people(cfg, people, False, None)
        metainfo = known.dataset.metainfo
        metric, x = metric_for(cfg.test_evaluator, metainfo), known.x[:].astype(np.float32)
        question = Question(estimator, x, known.y, goal_of(known, metric), EPS, FEW)
        return cls(name, known, metric, Skeleton.from_metainfo(metainfo), question)

    @cached_property
    def clean(self) -> Scored:
        """The score of clean images."""
        return self.scored(self.question.x)

    def scored(self, images: Array) -> Scored:
        """The score of images, which must be within the ball and the pixel range."""
        moved = float(np.abs(images - self.question.x).max())
        if moved > EPS + 1e-3 or images.min() < -1e-3 or images.max() > 255 + 1e-3:
            raise ValueError(f"Expected pixels of 0 to 255 within eps {EPS:g}. Got {moved:g}.")
        poses = self.question.estimator.predict(images.astype(np.float32))
        places = self.people.to_image(poses)
        scores = self.metric.joint_scores(places, self.people.truth)
        return Scored.of(scores, self.metric, self.skeleton, 0)

    def row(self, attack: str, gradients: int, rival: Rival) -> dict[str, Any]:
        """What an attack leaves, its cost, and how much more that is than our ensemble leaves."""
        question = replace(self.question, gradients=gradients)
        question.passes.clear()
        torch.manual_seed(0)
        np.random.seed(0)
        scored = self.found[attack] = self.scored(rival(question))
        left = scored.relative_to(self.clean).draws[:, 0]
        ensemble = self.found[FAST if gradients == FEW else STANDARD]
        more = left - ensemble.relative_to(self.clean).draws[:, 0]
        return {
            "network": self.name,
            "attack": attack,
            "eps": EPS,
            "people": len(question.x),
            "metric": self.metric.label,
            "gradients": question.passes["backward"] / len(question.x),
            "left": dict(zip(("value", "low", "high"), interval(left), strict=True)),
            "more": dict(zip(("value", "low", "high"), interval(more), strict=True)),
        }


def rival_strengths(
    configs: Sequence[Path], people: int, device: str, networks: Sequence[str] | None
) -> Iterator[dict[str, Any]]:
    """Attacks every network that has weights, with our ensembles first.

    Args:
        configs: files, or folders of them.
        people: how many of the test set.
        device: "cpu" or "cuda".
        networks: file names of the configs to take; default all.

    Yields:
        For each network and attack what is left of the score in percent (`left`), and how much more
        that is than what AUTO with as many gradients leaves (`more`): each with the ends of its
        95 % interval over people; below 0 the attack is stronger.
    """
    score_in_float32()
    absent = tuple(missing_rivals())
    rivals = {name: (FEW, one) for name, one in RIVALS.items() if not name.startswith(absent)}
    for file, cfg in networks_with_weights(configs).items():
        if networks and file.name not in networks:
            continue
        arena = Arena.of(file.stem, cfg, people, device)
        cells = arena.question.estimator.head.has_cells
        every = {**OURS, **rivals}
        for name, (gradients, rival) in sorted(every.items(), key=lambda one: one[1][0]):
            if cells or "cross_entropy" not in name:
                yield arena.row(name, gradients, rival)
