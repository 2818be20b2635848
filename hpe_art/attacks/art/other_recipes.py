"""Attacks of ART's that query, move, cover or draw; universal ones; and combinations."""

from __future__ import annotations

from hpe_art.attacks.art.adaptations import (
    features_by_differences,
    graphite_blackbox,
    laser,
    on_blocks,
    on_probabilities,
    on_unit_pixels,
    patch,
    plain,
    square_on_the_estimator,
    towards_broken,
    with_labels,
)
from hpe_art.attacks.art.recipe import QUIET, Recipe
from hpe_art.estimators.classifier_view import BROKEN

OTHER_RECIPES: dict[str, Recipe] = {
    "SquareAttack": Recipe("estimator", square_on_the_estimator, eps=16.0),
    "BoundaryAttack": Recipe(
        "view",
        plain("BoundaryAttack", targeted=False, max_iter=20, num_trial=5, sample_size=5, **QUIET),
        eps=None,
    ),
    "HopSkipJump": Recipe(
        "view",
        plain("HopSkipJump", max_iter=2, max_eval=50, init_eval=20, init_size=20, **QUIET),
        eps=None,
    ),
    "GeoDA": Recipe(
        "view with pixels of 0 to 1",
        on_unit_pixels(plain("GeoDA", max_iter=500, **QUIET)),
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
        on_probabilities(plain("SimBA", attack="px", epsilon=64.0, max_iter=100, **QUIET)),
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
                **QUIET,
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
            **QUIET,
        ),
        eps=None,
        note="moves the picture, so the truth moves too: its drop in PCKh says little",
    ),
    "UniversalPerturbation": Recipe(
        "view",
        plain(
            "UniversalPerturbation",
            attacker="deepfool",
            attacker_params=dict(max_iter=5, **QUIET),
            max_iter=3,
            eps=16.0,
            **QUIET,
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
            "AdversarialPatch", patch_shape=(3, 128, 128), max_iter=20, learning_rate=20.0, **QUIET
        ),
        eps=None,
    ),
    "AdversarialPatchNumpy": Recipe(
        "view",
        patch("AdversarialPatchNumpy", target=BROKEN, max_iter=10, learning_rate=20.0, **QUIET),
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
            **QUIET,
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
