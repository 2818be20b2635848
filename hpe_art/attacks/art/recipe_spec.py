"""The spec of an evasion attack of ART's, run as its recipe says."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from art.attacks.attack import EvasionAttack
from art.estimators.estimator import BaseEstimator, LossGradientsMixin

from hpe_art.attacks.specs import ATTACKS, AttackSpec, option
from hpe_art.errors import UserError
from hpe_art.estimators import PoseClassifierView

if TYPE_CHECKING:
    from hpe_art.attacks.art.recipe import Recipe


class RecipeAttack(EvasionAttack):
    """An attack of ART's on the estimator or its view, which is made for the images of a call.

    ART's attacks draw from NumPy's and PyTorch's global generators.

    Args:
        estimator: a `PyTorchPoseEstimator`.
        recipe: how the attack is run.
    """

    attack_params: ClassVar = [*EvasionAttack.attack_params, "recipe"]
    _estimator_requirements = (BaseEstimator, LossGradientsMixin)

    def __init__(self, estimator: Any, recipe: Recipe) -> None:
        super().__init__(estimator=estimator)
        self.recipe = recipe

    def generate(self, x: np.ndarray, y: np.ndarray | None = None, **kwargs: Any) -> np.ndarray:
        """Perturbed images (N, 3, H, W), float32, within the range of pixels."""
        x = x.astype(np.float32)
        of_poses = self.recipe.through == "estimator"
        target = self.estimator if of_poses else PoseClassifierView(self.estimator, x)
        labels = self.estimator.predict(x) if y is None else y
        found = np.asarray(self.recipe.generate(target, x.copy(), labels), np.float32)
        return np.clip(found, *self.estimator.clip_values)


@ATTACKS.register_module(name="art")
@dataclass(frozen=True)
class ArtRecipe(AttackSpec):
    """An evasion attack of ART's; its recipe says with which eps and steps.

    Attributes:
        recipe: name of a class of `art.attacks.evasion`, as in `RECIPES`.
        eps: the recipe's bound on the largest change of a pixel; infinite where it has none.
    """

    eps: float = np.inf
    recipe: str = option("", "a class of ART's evasion attacks")

    def __post_init__(self) -> None:
        # Importing all of ART's attacks takes a while.
        from hpe_art.attacks.art.recipes import NOT_FOR_POSES, RECIPES

        if self.recipe not in RECIPES:
            reason = NOT_FOR_POSES.get(self.recipe)
            because = f", which {reason}" if reason else ""
            raise UserError(
                f"Expected a recipe out of {', '.join(RECIPES)}. Got {self.recipe!r}{because}."
            )
        eps = RECIPES[self.recipe].eps
        object.__setattr__(self, "eps", np.inf if eps is None else eps)
        self._check_whole("seed", least=0)

    @property
    def label(self) -> str:
        """ART DeepFool."""
        return f"{self.name.upper()} {self.recipe}"

    def settings(self) -> dict[str, Any]:
        """Without an eps where the recipe has none."""
        eps = None if self.eps == np.inf else self.eps
        return {**super().settings(), "eps": eps}

    def build(self, estimator: Any, batch_size: int = 32) -> RecipeAttack:
        """`RecipeAttack`.

        Raises:
            ValueError: a package that the attack needs is not installed.
        """
        from hpe_art.attacks.art.recipes import RECIPES

        recipe = RECIPES[self.recipe]
        if recipe.needs and find_spec(recipe.needs) is None:
            raise UserError(
                f"Expected the package {recipe.needs} for {self.recipe}. Got none: install it."
            )
        return RecipeAttack(estimator, recipe)

    @classmethod
    def takes(cls) -> set[str]:
        """The recipe says the rest."""
        return {"recipe", "seed"}
