"""The spec of universal perturbations: one from a file, or one that is yet to be fitted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from art.attacks.attack import EvasionAttack

from hpe_art.attacks.specs import ATTACKS, AttackSpec, option
from hpe_art.attacks.universal import UniversalPosePerturbation
from hpe_art.attacks.universal_file import read_perturbation
from hpe_art.files import sha256
from hpe_art.losses import TRAINING

# What a file says of itself.
_OF_THE_FILE = ("eps", "targeted", "loss", "outputs")


@ATTACKS.register_module(name="uap")
@dataclass(frozen=True)
class Universal(AttackSpec):
    """A universal perturbation.

    Attributes:
        targeted: towards target poses, or away from the truth.
        loss: a name in `LOSSES`.
        outputs: "last" or "all" outputs in the loss.
        perturbation: file of a fitted one, whose eps, targeted, loss and outputs these are; None
            if it is yet to be fitted.
        tag: added to the label, where several have the same.
    """

    says: ClassVar = "one perturbation for all images, fitted on people to train on"

    targeted: bool = option(False, "towards target poses, not away from the truth")
    loss: str = option(TRAINING, "what is raised, or lowered towards target poses")
    outputs: str = option("last", "which outputs the loss is put on: last or all")
    perturbation: str | None = None
    tag: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.norm != np.inf:
            raise ValueError(f"Expected norm inf of a universal perturbation. Got {self.norm:g}.")
        self._check_number("eps", least=0.0, above=True)

    @classmethod
    def from_file(cls, path: str | Path, name: str = "") -> Universal:
        """The spec of a saved perturbation.

        Args:
            path: what `UniversalPosePerturbation.save` wrote.
            name: what tells it from others with the same label.

        Raises:
            ValueError: not such a file.
        """
        facts = read_perturbation(path)[1]
        given = {one: facts[one] for one in _OF_THE_FILE}
        return cls(**given, perturbation=str(path), tag=name)

    @property
    def label(self) -> str:
        """UAP-U, with the tag."""
        return f"{super().label} {self.tag}".strip()

    def settings(self) -> dict[str, Any]:
        """With the content of the file, not its place."""
        found = super().settings()
        del found["tag"]
        if self.perturbation is not None:
            found["perturbation"] = sha256(self.perturbation)
        return found

    def build(
        self, estimator: Any, batch_size: int = 32, epochs: int = 2
    ) -> UniversalPosePerturbation:
        """`UniversalPosePerturbation` from the file, or one that is yet to be fitted.

        Args:
            estimator: a `PyTorchPoseEstimator`.
            batch_size: not needed.
            epochs: passes of a fit over its people.

        Raises:
            ValueError: the file is none, or was fitted as another attack.
        """
        if self.perturbation is None:
            return UniversalPosePerturbation(
                estimator,
                eps=self.eps,
                epochs=epochs,
                targeted=self.targeted,
                loss=self.loss,
                outputs=self.outputs,
                seed=self.seed,
            )
        held = read_perturbation(self.perturbation)[1]
        for name in _OF_THE_FILE:
            if getattr(self, name) != held[name]:
                raise ValueError(
                    f"Expected the {name} that {self.perturbation} was fitted with, "
                    f"{held[name]}. Got {getattr(self, name)}."
                )
        return UniversalPosePerturbation.load(self.perturbation, estimator)

    @classmethod
    def build_shared(
        cls, estimator: Any, specs: Sequence[Universal], batch_size: int
    ) -> EvasionAttack:
        """From the file: to fit on those who are attacked would be another attack."""
        if specs[0].perturbation is None:
            raise ValueError("Expected the file of a fitted universal perturbation. Got None.")
        return specs[0].build(estimator)

    @classmethod
    def takes(cls) -> set[str]:
        """Files are given by `from_file`."""
        return super().takes() - {"perturbation", "tag"}

    @classmethod
    def passes(cls, specs: Sequence[Universal]) -> tuple[int, int]:
        """None at all, once it is fitted."""
        return 0, 0
