"""Every evasion attack of ART 1.20, and how it is put to poses.

`RECIPES` says how to run those that apply to images, with few queries; `NOT_FOR_POSES` says of the
others why not. Eps and steps are in grey levels. The labels of a view's classes are its own
predictions: intact for all.
"""

from __future__ import annotations

from dataclasses import dataclass

from art.attacks import evasion

from hpe_art.attacks.art.adaptations import (
    EPS,
    Generate,
    features,
    features_by_differences,
    graphite_blackbox,
    laser,
    on_blocks,
    on_probabilities,
    on_unit_pixels,
    one_by_one,
    patch,
    plain,
    square_on_the_estimator,
    towards_broken,
    with_labels,
)
from hpe_art.estimators.classifier_view import BROKEN


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


_QUIET = dict(verbose=False)
_STEPS = dict(eps=EPS, eps_step=2.0, max_iter=10, **_QUIET)
_AUTO = dict(eps=EPS, eps_step=2.0, max_iter=10, nb_random_init=1, **_QUIET)

RECIPES: dict[str, Recipe] = {
    # On the estimator itself.
    "FastGradientMethod": Recipe("estimator", plain("FastGradientMethod", eps=EPS)),
    "BasicIterativeMethod": Recipe("estimator", plain("BasicIterativeMethod", **_STEPS)),
    "MomentumIterativeMethod": Recipe(
        "estimator",
        plain("MomentumIterativeMethod", **_STEPS),
        note="one batch only: with more it stumbles; PoseProjectedGradientDescent(decay=) does not",
    ),
    "ProjectedGradientDescent": Recipe("estimator", plain("ProjectedGradientDescent", **_STEPS)),
    "ProjectedGradientDescentNumpy": Recipe(
        "estimator", plain("ProjectedGradientDescentNumpy", **_STEPS)
    ),
    "FeatureAdversariesPyTorch": Recipe("estimator", features, eps=EPS),
    # Through the view.
    "ProjectedGradientDescentPyTorch": Recipe(
        "view", plain("ProjectedGradientDescentPyTorch", **_STEPS)
    ),
    "AutoProjectedGradientDescent": Recipe("view", plain("AutoProjectedGradientDescent", **_AUTO)),
    "AutoConjugateGradient": Recipe(
        "view", plain("AutoConjugateGradient", **{**_AUTO, "max_iter": 30})
    ),
    "RescalingAutoConjugateGradient": Recipe(
        "view", plain("RescalingAutoConjugateGradient", **{**_AUTO, "max_iter": 30})
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
    "DeepFool": Recipe("view", plain("DeepFool", max_iter=20, **_QUIET), eps=None),
    "NewtonFool": Recipe(
        "view with a softmax", on_probabilities(plain("NewtonFool", max_iter=20, **_QUIET)), None
    ),
    "CarliniL2Method": Recipe(
        "view with pixels of 0 to 1",
        on_unit_pixels(
            plain(
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
        on_unit_pixels(
            plain(
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
        on_unit_pixels(
            plain(
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
        on_unit_pixels(
            plain(
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
        "view", plain("SaliencyMapMethod", theta=255.0, gamma=0.005, batch_size=4, **_QUIET), None
    ),
    "ShadowAttack": Recipe(
        "view", one_by_one("ShadowAttack", nb_steps=20, batch_size=2, **_QUIET), eps=None
    ),
    "Wasserstein": Recipe(
        "view with pixels of 0 to 1",
        on_unit_pixels(
            plain(
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
        "view of 16 x 16 blocks with a softmax",
        on_blocks(
            16,
            plain(
                "VirtualAdversarialMethod",
                eps=400.0,
                finite_diff=1.0,
                max_iter=1,
                batch_size=4,
                **_QUIET,
            ),
            probabilities=True,
        ),
        None,
        note="of blocks, since it takes a difference over every number",
    ),
    "SquareAttack": Recipe("estimator", square_on_the_estimator, eps=16.0),
    "BoundaryAttack": Recipe(
        "view",
        plain("BoundaryAttack", targeted=False, max_iter=20, num_trial=5, sample_size=5, **_QUIET),
        eps=None,
    ),
    "HopSkipJump": Recipe(
        "view",
        plain("HopSkipJump", max_iter=2, max_eval=50, init_eval=20, init_size=20, **_QUIET),
        eps=None,
    ),
    "GeoDA": Recipe(
        "view with pixels of 0 to 1",
        on_unit_pixels(plain("GeoDA", max_iter=500, **_QUIET)),
        eps=None,
        note="leaves a file of cosines in the working directory",
    ),
    "SignOPTAttack": Recipe(
        "view",
        plain("SignOPTAttack", targeted=False, num_trial=20, max_iter=5, query_limit=2000, k=20),
        eps=None,
    ),
    "SimBA": Recipe(
        "view with a softmax",
        on_probabilities(plain("SimBA", attack="px", epsilon=64.0, max_iter=100, **_QUIET)),
        None,
    ),
    "ZooAttack": Recipe(
        "view with pixels of 0 to 1",
        on_unit_pixels(
            plain(
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
    "PixelAttack": Recipe(
        "view of 16 x 16 blocks",
        on_blocks(16, plain("PixelAttack", th=20, es=1, max_iter=20)),
        None,
        note="of blocks, since it looks for a few pixels out of all",
    ),
    "ThresholdAttack": Recipe(
        "view of 8 x 8 blocks",
        on_blocks(8, plain("ThresholdAttack", th=16, es=1, max_iter=3)),
        16.0,
        note="of blocks, since its first generation has a member for each number",
    ),
    "SpatialTransformation": Recipe(
        "view",
        plain(
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
        plain(
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
        towards_broken(
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
        patch(
            "AdversarialPatch", patch_shape=(3, 128, 128), max_iter=20, learning_rate=20.0, **_QUIET
        ),
        eps=None,
    ),
    "AdversarialPatchNumpy": Recipe(
        "view",
        patch("AdversarialPatchNumpy", target=BROKEN, max_iter=10, learning_rate=20.0, **_QUIET),
        eps=None,
    ),
    "AdversarialPatchPyTorch": Recipe(
        "view",
        patch(
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
        plain("BrendelBethgeAttack", steps=20, lr=0.1, init_size=20, batch_size=4),
        eps=None,
        needs="numba",
    ),
    "GRAPHITEBlackbox": Recipe(
        "view with pixels of 0 to 1", on_unit_pixels(graphite_blackbox), None
    ),
    "GRAPHITEWhiteboxPyTorch": Recipe(
        "view with pixels of 0 to 1",
        on_unit_pixels(
            towards_broken(
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
    "LaserAttack": Recipe("view with channels last", laser, None, note="needs NumPy 1"),
    "FeatureAdversariesNumpy": Recipe(
        "view of 8 x 8 blocks",
        on_blocks(8, features_by_differences),
        note="of blocks, since it takes a difference over every number: use "
        "FeatureAdversariesPyTorch",
    ),
    "CompositeAdversarialAttackPyTorch": Recipe(
        "view with pixels of 0 to 1",
        on_unit_pixels(with_labels("CompositeAdversarialAttackPyTorch")),
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
