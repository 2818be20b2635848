"""Calls from Python: arrays, attacks with their parameters, and estimators with theirs."""

from __future__ import annotations

import inspect
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
import toys
from fuzz.holding import holds, refused
from fuzz.mutations import arrays, values
from fuzz.properties.targets import estimator
from hypothesis import strategies as st

from hpe_art.attacks import (
    ATTACKS,
    PoseAPGD,
    PoseAutoAttack,
    PoseFastGradientMethod,
    PoseFMN,
    PoseProjectedGradientDescent,
    PoseRayS,
    PoseSquare,
    PoseTransfer,
    RandomSignNoise,
    UniversalPosePerturbation,
    build_spec,
)
from hpe_art.estimators import PyTorchPoseEstimator
from hpe_art.losses import Goal

QUICK = {"max_iter": 2}
SETTINGS: dict[type, dict[str, Any]] = {
    PoseFastGradientMethod: {},
    PoseProjectedGradientDescent: {**QUICK, "verbose": False},
    PoseAPGD: QUICK,
    PoseAutoAttack: {},
    PoseFMN: {**QUICK, "binary_search_steps": 2},
    PoseSquare: QUICK,
    PoseRayS: QUICK,
    PoseTransfer: QUICK,
    RandomSignNoise: {},
}
WITHOUT_GOAL = (PoseFastGradientMethod, PoseProjectedGradientDescent, RandomSignNoise)
ARTS_OWN = {"summary_writer", "preprocessing", "preprocessing_defences", "postprocessing_defences"}
MANY = 10_000
"""Steps, starts or copies that are no error, and would take hours."""


@holds
def poses_and_gradients(folder: Path, draw: Any) -> None:
    """Right shapes, and numbers that are finite."""
    x, y = draw(arrays((2, 3, 32, 32))), draw(arrays((2, toys.JOINTS, 3), usual=31.0))
    with refused(ValueError):
        assert estimator().predict(x).shape == (len(x), toys.JOINTS, 3)
    with refused(ValueError):
        gradient = estimator().loss_gradient(x, y)
        assert gradient.shape == x.shape and np.isfinite(gradient).all()


def _odd(draw: Any, kind: Any, most: int) -> dict[str, Any]:
    """Odd values of some parameters, but for those that ART checks in its own words."""
    names = sorted(set(list(inspect.signature(kind).parameters)[1:]) - ARTS_OWN)
    chosen = draw(st.sets(st.sampled_from(names), max_size=most))
    return {name: draw(values()) for name in sorted(chosen)}


def _takes_hours(value: Any) -> bool:
    return isinstance(value, int) and value > MANY


@holds
def attacks(folder: Path, draw: Any) -> None:
    """Perturbed images lie in the eps ball and in 0 to 255."""
    kind = draw(st.sampled_from(list(SETTINGS)))
    odd = _odd(draw, kind, most=2)
    x, y = toys.people(2)[:2]
    x = draw(st.just(x) | arrays(x.shape))
    radii = torch.as_tensor(np.where(y[..., 2] > 0, 3.0, 0.0))
    goal = Goal(torch.as_tensor(y[..., :2]).double(), radii, odd.get("targeted") is True)
    more = {} if kind in WITHOUT_GOAL else {"goal": goal}
    with refused(ValueError):
        attack = kind(estimator(), **{**SETTINGS[kind], **odd})
        if any(_takes_hours(value) for name, value in odd.items() if name != "batch_size"):
            return
        found = attack.generate(x, y, **more)
        eps = getattr(attack, "eps", np.inf)
        if isinstance(eps, list):  # one for each
            found, eps = found[0], eps[0]
        assert found.shape == np.shape(x) and np.isfinite(found).all()
        if getattr(attack, "norm", "inf") in ("inf", np.inf):
            assert np.abs(found - x).max() <= np.max(eps) + 1e-3
        assert found.min() >= min(0, np.min(x)) and found.max() <= max(255, np.max(x))


@holds
def universal(folder: Path, draw: Any) -> None:
    """A perturbation that is fitted stays within its eps."""
    odd = _odd(draw, UniversalPosePerturbation, most=2)
    x, y = toys.people(2)
    with refused(ValueError):
        settings = {"epochs": 1, "verbose": False, **odd}
        attack = UniversalPosePerturbation(estimator(), **settings)
        if not _takes_hours(attack.epochs):
            moved = attack.fit(x, y).generate(x) - x
            assert np.abs(moved).max() <= attack.eps + 1e-3


@holds
def specs(folder: Path, draw: Any) -> None:
    """What a config says of an attack is one that can be built and named, or is refused."""
    name = draw(st.sampled_from(sorted(ATTACKS.module_dict)) | values())
    fields = sorted(ATTACKS.module_dict[name].takes()) if name in list(ATTACKS.module_dict) else []
    given = draw(st.dictionaries(st.sampled_from([*fields, "x"]), values(), max_size=2))
    with refused(ValueError):
        spec = build_spec({"type": name, **given})
        assert spec.label and spec.settings()["attack"] == name and hash(spec.share_key)


@cache
def _model() -> Any:
    return toys.hourglass()


@holds
def estimators(folder: Path, draw: Any) -> None:
    """An estimator that can be made sees poses, and has gradients that are finite."""
    odd = _odd(draw, PyTorchPoseEstimator, most=2)
    x, y = toys.people(2)
    with refused(ValueError):
        made = PyTorchPoseEstimator(_model(), **{"device_type": "cpu", **odd})
        made.compile = False  # takes minutes
        assert made.predict(x).shape == y.shape
        assert np.isfinite(made.loss_gradient(x, y)).all()
