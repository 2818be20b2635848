"""The spec of perturbations that are to break other networks too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from hpe_art import zoo
from hpe_art.attacks.specs import ATTACKS, AttackSpec, option
from hpe_art.attacks.transfer import PoseTransfer
from hpe_art.configs import find_config
from hpe_art.estimators import PyTorchPoseEstimator
from hpe_art.estimators.loading import load_config
from hpe_art.files import sha256
from hpe_art.losses import TRAINING

METHODS = ("mi", "ni", "di", "ti", "si")
BEST = "ni-di-ti-si"
COPIES = 5
"""Of SI, as in its paper."""
SHARE = 0.05
"""Of the image's side, how long TI's window is: 15 of 299 pixels in its paper."""


@ATTACKS.register_module(name="transferable")
@dataclass(frozen=True)
class Transferable(AttackSpec):
    """Gradient steps that carry over to other networks; each eps runs on its own.

    Attributes:
        targeted: towards target poses, or away from the truth.
        max_iter: number of steps, each of eps / max_iter.
        methods: what is switched on, out of mi, ni, di, ti and si, joined by "-".
        sources: configs of further networks whose gradients count as much, joined by commas.
        loss: a name in `LOSSES`.
        outputs: "last" or "all" outputs in the loss.
    """

    says: ClassVar = "steps that are made to carry over to other networks"

    targeted: bool = option(False, "towards target poses, not away from the truth")
    max_iter: int = option(10, "number of steps")
    methods: str = option(BEST, f"out of {', '.join(METHODS)}, joined by -")
    sources: str = option("", "configs of further networks to find it on, joined by commas")
    loss: str = option(TRAINING, "what is raised, or lowered towards target poses")
    outputs: str = option("last", "which outputs the loss is put on: last or all")

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_whole("max_iter", least=1)
        for name in self.methods.split("-"):
            if name not in METHODS:
                raise ValueError(
                    f"Expected methods out of {', '.join(METHODS)}, joined by -. "
                    f"Got {self.methods!r}."
                )

    @property
    def label(self) -> str:
        """TRANSFERABLE-U-10; what is switched on, and the sources, where unusual."""
        methods = [] if self.methods == BEST else [self.methods.upper()]
        sources = [f"+{Path(config).stem}" for config in self._configs]
        return " ".join([super().label, *methods, *sources])

    def settings(self) -> dict[str, Any]:
        """With the weights of the sources, not their places."""
        sources = {Path(config).stem: _weights(config) for config in self._configs}
        return {**super().settings(), "sources": sources}

    def build(self, estimator: Any, batch_size: int = 32) -> PoseTransfer:
        """`PoseTransfer`, with the sources loaded onto the estimator's device.

        Raises:
            UserError: a source's config or weights cannot be used.
        """
        on = self.methods.split("-")
        device = "cpu" if estimator.device.type == "cpu" else "gpu"
        return PoseTransfer(
            estimator,
            norm=self.norm,
            eps=self.eps,
            max_iter=self.max_iter,
            decay=1.0 if "mi" in on or "ni" in on else None,
            nesterov="ni" in on,
            diversity=1.0 if "di" in on else 0.0,
            kernel=window(min(estimator.input_shape[1:])) if "ti" in on else 1,
            scales=COPIES if "si" in on else 1,
            sources=[
                PyTorchPoseEstimator.from_config(
                    find_config(config), device_type=device, precision=estimator.precision
                )
                for config in self._configs
            ],
            targeted=self.targeted,
            seed=self.seed,
            batch_size=batch_size,
            loss=self.loss,
            outputs=self.outputs,
        )

    @classmethod
    def passes(cls, specs: Sequence[Transferable]) -> tuple[int, int]:
        """Of the attacked network; each source takes as many."""
        copies = (COPIES if "si" in spec.methods.split("-") else 1 for spec in specs)
        total = sum(spec.max_iter * copy for spec, copy in zip(specs, copies, strict=True))
        return total, total

    @property
    def _configs(self) -> list[str]:
        return [name.strip() for name in self.sources.split(",") if name.strip()]


def _weights(config: str) -> str:
    """A hash of the file of a config's weights; where there is none here, what the config says."""
    named = str(load_config(find_config(config)).get("load_from"))
    bundled = named.startswith(zoo.PREFIX)
    file = zoo.checkpoint_path(named) if bundled else Path(named)
    return sha256(file)[:16] if file.is_file() else named


def window(side: int) -> int:
    """The odd number of pixels that TI averages over: 15 of 299, 13 of 256, 7 of 128."""
    return 2 * round(side * SHARE / 2) + 1
