"""Attacks of ART's that follow gradients image by image."""

from __future__ import annotations

from art.attacks import evasion

from hpe_art.attacks.art.adaptations import (
    EPS,
    features,
    on_blocks,
    on_probabilities,
    on_unit_pixels,
    one_by_one,
    plain,
)
from hpe_art.attacks.art.recipe import QUIET, Recipe

STEPS = dict(eps=EPS, eps_step=2.0, max_iter=10, **QUIET)
AUTO = dict(eps=EPS, eps_step=2.0, max_iter=10, nb_random_init=1, **QUIET)
CONSTANT = dict(max_iter=10, initial_const=1.0, learning_rate=0.05, batch_size=4, **QUIET)

GRADIENT_RECIPES: dict[str, Recipe] = {
    # On the estimator itself.
    "FastGradientMethod": Recipe("estimator", plain("FastGradientMethod", eps=EPS)),
    "BasicIterativeMethod": Recipe("estimator", plain("BasicIterativeMethod", **STEPS)),
    "MomentumIterativeMethod": Recipe(
        "estimator",
        plain("MomentumIterativeMethod", **STEPS),
        note="one batch only: with more it fails; PoseProjectedGradientDescent(decay=) does not",
    ),
    "ProjectedGradientDescent": Recipe("estimator", plain("ProjectedGradientDescent", **STEPS)),
    "ProjectedGradientDescentNumpy": Recipe(
        "estimator", plain("ProjectedGradientDescentNumpy", **STEPS)
    ),
    "FeatureAdversariesPyTorch": Recipe("estimator", features, eps=EPS),
    # Through the view.
    "ProjectedGradientDescentPyTorch": Recipe(
        "view", plain("ProjectedGradientDescentPyTorch", **STEPS)
    ),
    "AutoProjectedGradientDescent": Recipe("view", plain("AutoProjectedGradientDescent", **AUTO)),
    "AutoConjugateGradient": Recipe(
        "view", plain("AutoConjugateGradient", **{**AUTO, "max_iter": 30})
    ),
    "RescalingAutoConjugateGradient": Recipe(
        "view", plain("RescalingAutoConjugateGradient", **{**AUTO, "max_iter": 30})
    ),
    "AutoAttack": Recipe(
        "view",
        lambda view, x, y: evasion.AutoAttack(
            view,
            eps=EPS,
            eps_step=2.0,
            attacks=[
                evasion.AutoProjectedGradientDescent(view, loss_type="cross_entropy", **AUTO),
                evasion.AutoProjectedGradientDescent(
                    view, loss_type="difference_logits_ratio", **AUTO
                ),
                evasion.SquareAttack(view, eps=EPS, max_iter=50, **QUIET),
            ],
        ).generate(x),
        needs="multiprocess",
    ),
    "DeepFool": Recipe("view", plain("DeepFool", max_iter=20, **QUIET), eps=None),
    "NewtonFool": Recipe(
        "view with a softmax", on_probabilities(plain("NewtonFool", max_iter=20, **QUIET)), None
    ),
    "CarliniL2Method": Recipe(
        "view with pixels of 0 to 1",
        on_unit_pixels(
            plain(
                "CarliniL2Method",
                binary_search_steps=3,
                **CONSTANT,
            )
        ),
        None,
    ),
    "CarliniLInfMethod": Recipe(
        "view with pixels of 0 to 1",
        on_unit_pixels(
            plain(
                "CarliniLInfMethod",
                const_factor=10.0,
                decrease_factor=0.5,
                **CONSTANT,
            )
        ),
        None,
    ),
    "CarliniL0Method": Recipe(
        "view with pixels of 0 to 1",
        on_unit_pixels(
            plain(
                "CarliniL0Method",
                binary_search_steps=2,
                **CONSTANT,
            )
        ),
        None,
    ),
    "ElasticNet": Recipe(
        "view with pixels of 0 to 1",
        on_unit_pixels(
            plain(
                "ElasticNet",
                binary_search_steps=3,
                **CONSTANT,
            )
        ),
        None,
    ),
    "SaliencyMapMethod": Recipe(
        "view", plain("SaliencyMapMethod", theta=255.0, gamma=0.005, batch_size=4, **QUIET), None
    ),
    "ShadowAttack": Recipe(
        "view", one_by_one("ShadowAttack", nb_steps=20, batch_size=2, **QUIET), eps=None
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
                **QUIET,
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
                **QUIET,
            ),
            probabilities=True,
        ),
        None,
        note="of blocks, since it takes a difference over every number",
    ),
}
