"""Every evasion attack of ART 1.20, and how it is put to poses.

`RECIPES` says how to run those that apply to images, with few queries; `NOT_FOR_POSES` says of the
others why not. Eps and steps are in grey levels. The labels of a view's classes are its own
predictions: intact for all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from art.attacks import evasion
from art.estimators.classification import PyTorchClassifier
from torch import Tensor, nn

from hpe_art.estimators.classifier_view import BROKEN, INTACT

EPS = 8.0
Generate = Callable[[Any, np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Recipe:
    """How an attack of ART is run.

    Attributes:
        through: "estimator", "view" (`PoseClassifierView`), or a word on a changed view.
        generate: (target, x, y) to perturbed images; the target is the estimator or the view.
        eps: bound on the largest change of a pixel; None where the attack has none of that kind.
        needs: package that has to be installed, if any.
        note: what a user should know.
    """

    through: str
    generate: Generate
    eps: float | None = EPS
    needs: str | None = None
    note: str = ""


def _plain(name: str, **arguments: Any) -> Generate:
    """The attack's class, called with the target and these arguments."""

    def generate(target: Any, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        attack = getattr(evasion, name)(target, **arguments)
        images: np.ndarray = attack.generate(x, y if not _is_view(target) else None)
        return images

    return generate


def _one_by_one(name: str, **arguments: Any) -> Generate:
    """For attacks that take a single image."""

    def generate(target: Any, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        attack = getattr(evasion, name)(target, **arguments)
        return np.concatenate([attack.generate(x[i : i + 1]) for i in range(len(x))])

    return generate


def _towards_broken(name: str, **arguments: Any) -> Generate:
    """For attacks that want a target class."""

    def generate(target: Any, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        attack = getattr(evasion, name)(target, **arguments)
        images: np.ndarray = attack.generate(x, _broken(len(x)))
        return images

    return generate


def _patch(name: str, **arguments: Any) -> Generate:
    """For attacks that make a patch, which is then put onto each image."""

    def generate(target: Any, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        attack = getattr(evasion, name)(target, **arguments)
        attack.generate(x, _broken(len(x)))
        images: np.ndarray = attack.apply_patch(x, scale=0.4)
        return images

    return generate


def _on_probabilities(generate: Generate) -> Generate:
    return lambda view, x, y: generate(view.with_probabilities(), x, y)


def _on_unit_pixels(generate: Generate) -> Generate:
    return lambda view, x, y: generate(view.with_unit_pixels(), x / 255, y) * 255


def _square_on_the_estimator(target: Any, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Square wants to know what success is, and a loss to lower; ours are of poses."""

    def error(truth: np.ndarray, poses: np.ndarray) -> np.ndarray:
        counts = truth[..., 2] > 0
        distances = np.linalg.norm(poses[..., :2] - truth[..., :2], axis=-1)
        return np.asarray((distances * counts).sum(1) / counts.sum(1).clip(min=1))

    attack = evasion.SquareAttack(
        target,
        eps=16.0,
        max_iter=100,
        adv_criterion=lambda truth, poses: error(truth, poses) > 1e9,
        loss=lambda images, truth: -error(truth, target.predict(images)),
        verbose=False,
    )
    images: np.ndarray = attack.generate(x, y)
    return images


def _features(target: Any, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Towards the inner features of the next person."""
    attack = evasion.FeatureAdversariesPyTorch(
        target, delta=EPS, layer="backbone", max_iter=20, step_size=1.0, verbose=False
    )
    images: np.ndarray = attack.generate(x, np.roll(x, 1, axis=0))
    return images


def _features_by_differences(target: Any, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    attack = evasion.FeatureAdversariesNumpy(target, delta=EPS, layer="backbone")
    images: np.ndarray = attack.generate(x, np.roll(x, 1, axis=0))
    return images


def _with_labels(name: str, **arguments: Any) -> Generate:
    """For attacks that do not ask the classifier for labels themselves."""

    def generate(target: Any, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        attack = getattr(evasion, name)(target, **arguments)
        labels = np.eye(3, dtype=np.float32)[[INTACT] * len(x)]
        images: np.ndarray = attack.generate(x, labels)
        return images

    return generate


def _laser(view: Any, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """A beam drawn over the image; the attack takes channels last, and pixels of 0 to 1."""
    from art.attacks.evasion.laser_attack.laser_attack import LaserBeam, LaserBeamGenerator

    unit = view.with_unit_pixels()
    last = PyTorchClassifier(
        nn.Sequential(_ChannelsFirst(), unit.model),
        nn.CrossEntropyLoss(),
        (*view.input_shape[1:], 3),
        view.nb_classes,
        channels_first=False,
        clip_values=(0.0, 1.0),
        device_type="cpu" if view.device.type == "cpu" else "gpu",
    )
    generator = LaserBeamGenerator(
        LaserBeam.from_array([380, 0, 0, 2]), LaserBeam.from_array([750, np.pi, 128, 12])
    )
    attack = evasion.LaserAttack(last, iterations=20, laser_generator=generator)
    images = attack.generate((x / 255).transpose(0, 2, 3, 1).astype(np.float32))
    return np.asarray(images.transpose(0, 3, 1, 2) * 255)


class _ChannelsFirst(nn.Module):
    """Images (N, H, W, 3) to (N, 3, H, W)."""

    def forward(self, images: Tensor) -> Tensor:
        return images.permute(0, 3, 1, 2).float()


def _graphite_blackbox(classifier: Any, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """It starts from images of the target class: those of a few gradient steps."""
    start = evasion.ProjectedGradientDescentPyTorch(
        classifier, eps=16 / 255, eps_step=4 / 255, max_iter=10, **_QUIET
    ).generate(x)
    attack = evasion.GRAPHITEBlackbox(
        classifier,
        noise_size=(128, 128),
        net_size=(128, 128),
        heat_patch_size=(64, 64),
        heat_patch_stride=(64, 64),
        num_xforms_mask=4,
        num_xforms_boost=4,
        num_boost_queries=40,
        rotation_range=(-5.0, 5.0),
    )
    images: np.ndarray = attack.generate(x, _broken(len(x)), x_tar=start)
    return images


def _broken(count: int) -> np.ndarray:
    return np.eye(3, dtype=np.float32)[[BROKEN] * count]


def _is_view(target: Any) -> bool:
    return isinstance(target, PyTorchClassifier)


_QUIET = dict(verbose=False)
_STEPS = dict(eps=EPS, eps_step=2.0, max_iter=10, **_QUIET)
_AUTO = dict(eps=EPS, eps_step=2.0, max_iter=10, nb_random_init=1, **_QUIET)

RECIPES: dict[str, Recipe] = {
    # On the estimator itself.
    "FastGradientMethod": Recipe("estimator", _plain("FastGradientMethod", eps=EPS)),
    "BasicIterativeMethod": Recipe("estimator", _plain("BasicIterativeMethod", **_STEPS)),
    "MomentumIterativeMethod": Recipe(
        "estimator",
        _plain("MomentumIterativeMethod", **_STEPS),
        note="one batch only: with more it stumbles; PoseProjectedGradientDescent(decay=) does not",
    ),
    "ProjectedGradientDescent": Recipe("estimator", _plain("ProjectedGradientDescent", **_STEPS)),
    "ProjectedGradientDescentNumpy": Recipe(
        "estimator", _plain("ProjectedGradientDescentNumpy", **_STEPS)
    ),
    "FeatureAdversariesPyTorch": Recipe("estimator", _features, eps=EPS),
    # Through the view.
    "ProjectedGradientDescentPyTorch": Recipe(
        "view", _plain("ProjectedGradientDescentPyTorch", **_STEPS)
    ),
    "AutoProjectedGradientDescent": Recipe("view", _plain("AutoProjectedGradientDescent", **_AUTO)),
    "AutoConjugateGradient": Recipe(
        "view", _plain("AutoConjugateGradient", **{**_AUTO, "max_iter": 30})
    ),
    "RescalingAutoConjugateGradient": Recipe(
        "view", _plain("RescalingAutoConjugateGradient", **{**_AUTO, "max_iter": 30})
    ),
    "AutoAttack": Recipe(
        "view",
        lambda view, x, y: evasion.AutoAttack(
            view,
            eps=EPS,
            eps_step=2.0,
            attacks=[
                evasion.AutoProjectedGradientDescent(view, loss_type="cross_entropy", **_AUTO),
                evasion.AutoProjectedGradientDescent(
                    view, loss_type="difference_logits_ratio", **_AUTO
                ),
                evasion.SquareAttack(view, eps=EPS, max_iter=50, **_QUIET),
            ],
        ).generate(x),
        needs="multiprocess",
    ),
    "DeepFool": Recipe("view", _plain("DeepFool", max_iter=20, **_QUIET), eps=None),
    "NewtonFool": Recipe(
        "view with a softmax", _on_probabilities(_plain("NewtonFool", max_iter=20, **_QUIET)), None
    ),
    "CarliniL2Method": Recipe(
        "view with pixels of 0 to 1",
        _on_unit_pixels(
            _plain(
                "CarliniL2Method",
                max_iter=10,
                binary_search_steps=3,
                initial_const=1.0,
                learning_rate=0.05,
                batch_size=4,
                **_QUIET,
            )
        ),
        None,
    ),
    "CarliniLInfMethod": Recipe(
        "view with pixels of 0 to 1",
        _on_unit_pixels(
            _plain(
                "CarliniLInfMethod",
                max_iter=10,
                initial_const=1.0,
                const_factor=10.0,
                decrease_factor=0.5,
                learning_rate=0.05,
                batch_size=4,
                **_QUIET,
            )
        ),
        None,
    ),
    "CarliniL0Method": Recipe(
        "view with pixels of 0 to 1",
        _on_unit_pixels(
            _plain(
                "CarliniL0Method",
                max_iter=10,
                binary_search_steps=2,
                initial_const=1.0,
                learning_rate=0.05,
                batch_size=4,
                **_QUIET,
            )
        ),
        None,
    ),
    "ElasticNet": Recipe(
        "view with pixels of 0 to 1",
        _on_unit_pixels(
            _plain(
                "ElasticNet",
                max_iter=10,
                binary_search_steps=3,
                initial_const=1.0,
                learning_rate=0.05,
                batch_size=4,
                **_QUIET,
            )
        ),
        None,
    ),
    "SaliencyMapMethod": Recipe(
        "view", _plain("SaliencyMapMethod", theta=255.0, gamma=0.005, batch_size=4, **_QUIET), None
    ),
    "ShadowAttack": Recipe(
        "view", _one_by_one("ShadowAttack", nb_steps=20, batch_size=2, **_QUIET), eps=None
    ),
    "Wasserstein": Recipe(
        "view with pixels of 0 to 1",
        _on_unit_pixels(
            _plain(
                "Wasserstein",
                eps=0.1,
                eps_step=0.1,
                max_iter=3,
                conjugate_sinkhorn_max_iter=5,
                projected_sinkhorn_max_iter=5,
                batch_size=4,
                **_QUIET,
            )
        ),
        None,
    ),
    "VirtualAdversarialMethod": Recipe(
        "view with a softmax",
        _on_probabilities(
            _plain(
                "VirtualAdversarialMethod",
                eps=500.0,
                finite_diff=1.0,
                max_iter=1,
                batch_size=4,
                **_QUIET,
            )
        ),
        None,
    ),
    "SquareAttack": Recipe("estimator", _square_on_the_estimator, eps=16.0),
    "BoundaryAttack": Recipe(
        "view",
        _plain("BoundaryAttack", targeted=False, max_iter=20, num_trial=5, sample_size=5, **_QUIET),
        eps=None,
    ),
    "HopSkipJump": Recipe(
        "view",
        _plain("HopSkipJump", max_iter=2, max_eval=50, init_eval=20, init_size=20, **_QUIET),
        eps=None,
    ),
    "GeoDA": Recipe("view", _plain("GeoDA", max_iter=500, **_QUIET), eps=None),
    "SignOPTAttack": Recipe(
        "view",
        _plain("SignOPTAttack", targeted=False, num_trial=20, max_iter=5, query_limit=2000, k=20),
        eps=None,
    ),
    "SimBA": Recipe(
        "view with a softmax",
        _on_probabilities(_plain("SimBA", attack="px", epsilon=64.0, max_iter=100, **_QUIET)),
        None,
    ),
    "ZooAttack": Recipe(
        "view with pixels of 0 to 1",
        _on_unit_pixels(
            _plain(
                "ZooAttack",
                max_iter=10,
                learning_rate=0.1,
                use_resize=False,
                nb_parallel=16,
                **_QUIET,
            )
        ),
        None,
    ),
    "PixelAttack": Recipe("view", _plain("PixelAttack", th=20, es=1, max_iter=3), eps=None),
    "ThresholdAttack": Recipe("view", _plain("ThresholdAttack", th=16, es=1, max_iter=1), eps=16.0),
    "SpatialTransformation": Recipe(
        "view",
        _plain(
            "SpatialTransformation",
            max_translation=20,
            num_translations=3,
            max_rotation=30,
            num_rotations=3,
            **_QUIET,
        ),
        eps=None,
        note="moves the picture, so the truth moves too: its drop in PCKh says little",
    ),
    "UniversalPerturbation": Recipe(
        "view",
        _plain(
            "UniversalPerturbation",
            attacker="deepfool",
            attacker_params=dict(max_iter=5, **_QUIET),
            max_iter=3,
            eps=16.0,
            **_QUIET,
        ),
        eps=16.0,
    ),
    "TargetedUniversalPerturbation": Recipe(
        "view",
        _towards_broken(
            "TargetedUniversalPerturbation",
            attacker="fgsm",
            attacker_params=dict(eps=12.0, targeted=True),
            max_iter=5,
            eps=16.0,
        ),
        eps=16.0,
    ),
    "AdversarialPatch": Recipe(
        "view",
        _patch(
            "AdversarialPatch", patch_shape=(3, 128, 128), max_iter=20, learning_rate=20.0, **_QUIET
        ),
        eps=None,
    ),
    "AdversarialPatchNumpy": Recipe(
        "view",
        _patch("AdversarialPatchNumpy", target=BROKEN, max_iter=10, learning_rate=20.0, **_QUIET),
        eps=None,
    ),
    "AdversarialPatchPyTorch": Recipe(
        "view",
        _patch(
            "AdversarialPatchPyTorch",
            patch_shape=(3, 128, 128),
            max_iter=20,
            learning_rate=20.0,
            targeted=True,
            **_QUIET,
        ),
        eps=None,
    ),
    "BrendelBethgeAttack": Recipe(
        "view",
        _plain("BrendelBethgeAttack", steps=20, lr=0.1, init_size=20, batch_size=4),
        eps=None,
        needs="numba",
    ),
    "GRAPHITEBlackbox": Recipe(
        "view with pixels of 0 to 1", _on_unit_pixels(_graphite_blackbox), None
    ),
    "GRAPHITEWhiteboxPyTorch": Recipe(
        "view with pixels of 0 to 1",
        _on_unit_pixels(
            _towards_broken(
                "GRAPHITEWhiteboxPyTorch",
                net_size=(128, 128),
                num_xforms=4,
                steps=3,
                first_steps=10,
                step_size=0.02,
                patch_removal_size=32,
                patch_removal_interval=32,
                rotation_range=(-5.0, 5.0),
            )
        ),
        None,
    ),
    "LaserAttack": Recipe("view with channels last", _laser, None, note="needs NumPy 1"),
    "FeatureAdversariesNumpy": Recipe(
        "estimator",
        _features_by_differences,
        note="takes differences over every pixel: use FeatureAdversariesPyTorch",
    ),
    "CompositeAdversarialAttackPyTorch": Recipe(
        "view with pixels of 0 to 1",
        _on_unit_pixels(_with_labels("CompositeAdversarialAttackPyTorch")),
        None,
        "kornia",
    ),
}

_AUDIO = "attacks speech recognisers"
_DETECTION = "attacks the boxes of object detectors"
_TABLES = "attacks models of tables, not of images"
_TENSORFLOW = "attacks TensorFlow models; the PyTorch version of the same attack runs"
NOT_FOR_POSES: dict[str, str] = {
    "AdversarialPatchTensorFlowV2": _TENSORFLOW,
    "AdversarialTexturePyTorch": "attacks object trackers in videos",
    "CarliniWagnerASR": _AUDIO,
    "DPatch": _DETECTION,
    "DecisionTreeAttack": _TABLES,
    "FeatureAdversariesTensorFlowV2": _TENSORFLOW,
    "FrameSaliencyAttack": "picks frames of a video",
    "HighConfidenceLowUncertainty": "attacks Gaussian processes",
    "ImperceptibleASR": _AUDIO,
    "ImperceptibleASRPyTorch": _AUDIO,
    "LowProFool": _TABLES,
    "MalwareGDTensorFlow": "attacks detectors of malware",
    "OverTheAirFlickeringPyTorch": "flickers over the frames of a video",
    "OverloadPyTorch": _DETECTION,
    "ProjectedGradientDescentTensorFlowV2": _TENSORFLOW,
    "RobustDPatch": _DETECTION,
    "SNAL": _DETECTION,
}
