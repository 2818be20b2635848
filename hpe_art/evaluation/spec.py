"""What a run is: one record that command lines and MMEngine configs are two doors to."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from hpe_art.attacks import AttackSpec, as_config, build_spec, default_specs
from hpe_art.errors import UserError
from hpe_art.estimators.defences import DEFENCES

FLIP = "flip-perturbation"
HALF = 0.5
"""Grey levels that rounding takes away."""


class SpecError(UserError):
    """A run that cannot be meant; the message names the setting and the mend."""


class FitSpec(BaseModel):
    """The people that universal perturbations are fitted on.

    Attributes:
        dataset: config of an MMPose dataset without a pipeline; None: the config's training set.
        samples: how many of its first people; None: `perturbations.FIT_SAMPLES` at most.
        epochs: passes over them; None: `perturbations.EPOCHS`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    dataset: dict[str, Any] | None = None
    samples: int | None = Field(default=None, ge=1)
    epochs: int | None = Field(default=None, ge=1)


class RunSpec(BaseModel):
    """Attacks on one network.

    Attributes:
        attacks: specs, or dicts with the `type` of a registered one; default those of a run
            without arguments.
        num_samples: the first people of the test set, who must be there; None: all.
        max_samples: how many at most where that is None.
        batch_size: images per pass; None: the dataloader's.
        seed: of target poses, intervals, and what attacks draw.
        target: "far", "mirror", or a JSON file of poses.
        target_joints: names of joints or groups that move; the others are held. None: all.
        transfer_to: configs of networks that see the images too.
        defences: that the images are scored behind too; the attacker does not know of them.
        shown: places of the attacks whose images are shown to those two; None: all.
        behind: a defence of images to attack and score through.
        flip_test: None: as the model's `test_cfg` says.
        precision: of gradients.
        compile: take gradients through a compiled copy.
        metric: name of the metric per person; None: the twin of the config's evaluator.
        detections: attack the config's `bbox_file` rather than its annotated people.
        skip_unreadable: leave out people whose image or annotation cannot be used.
        fit: of universal perturbations.
        kept: of how many people the perturbed images are kept, for pictures.
        save_images: write every perturbed crop as PNG, below the folder of the results.
        save_dataset: folder to write them to as a data set for each attack.
        overwrite: begin anew where the folder was made from something else.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    attacks: tuple[AttackSpec, ...] = Field(default_factory=lambda: tuple(default_specs()))
    num_samples: int | None = Field(default=None, ge=1)
    max_samples: int | None = Field(default=None, ge=1)
    batch_size: int | None = Field(default=None, ge=1)
    seed: int = Field(default=0, ge=0)
    target: str = "far"
    target_joints: tuple[str, ...] | None = None
    transfer_to: tuple[str, ...] = ()
    defences: tuple[str, ...] = ()
    shown: tuple[int, ...] | None = None
    behind: str | None = None
    flip_test: bool | None = None
    precision: Literal["auto", "float32", "folded", "bfloat16"] = "auto"
    compile: bool = False
    device: Literal["auto", "cpu", "cuda"] = "auto"
    metric: str | None = None
    detections: bool = False
    skip_unreadable: bool = False
    fit: FitSpec = FitSpec()
    kept: int = Field(default=0, ge=0)
    save_images: bool = False
    save_dataset: str | None = Field(default=None, min_length=1)
    overwrite: bool = False

    @field_validator("attacks", mode="before")
    @classmethod
    def _built(cls, attacks: Any) -> Any:
        return tuple(build_spec(attack) for attack in attacks)

    @field_validator("defences", "behind")
    @classmethod
    def _known(cls, names: Any) -> Any:
        known = (*DEFENCES, FLIP)
        for name in (names,) if isinstance(names, str) else names or ():
            if name not in known:
                raise ValueError(f"Expected a defence out of {', '.join(known)}. Got {name}.")
        return names

    @field_validator("behind")
    @classmethod
    def _sees_images_alone(cls, name: str | None) -> str | None:
        if name == FLIP:
            raise ValueError(
                f"Expected a defence that sees nothing but the image. Got {FLIP}, which mirrors "
                "the change of a clean image: whoever knows of it mirrors the change first, and "
                "reaches what is reached without a defence. Score behind it with --defence."
            )
        return name

    @property
    def targeted(self) -> bool:
        """Whether any attack needs target poses."""
        return any(attack.targeted for attack in self.attacks)

    @property
    def saves(self) -> bool:
        """Whether perturbed crops are written, in whole grey levels."""
        return self.save_images or self.save_dataset is not None

    @property
    def lost(self) -> str | None:
        """Which perturbations are lost in the whole levels of what is saved; None if none is."""
        small = [f"{one.label} at {one.eps:g}" for one in self.attacks if one.eps < HALF]
        if not self.saves or not small:
            return None
        return (
            "An eps below half a grey level is lost in the whole levels of saved images: "
            f"{', '.join(small)}."
        )

    @property
    def settings(self) -> dict[str, Any]:
        """What is not the default, as a config says it: `dict(type="AttackLoop", **settings)`."""
        found = self.model_dump(exclude_defaults=True, exclude={"attacks"})
        return {"attacks": [as_config(attack) for attack in self.attacks], **found}


def run_spec(**settings: Any) -> RunSpec:
    """The spec of these settings.

    Raises:
        SpecError: a setting that there is not, or a value that it cannot have.
    """
    try:
        return RunSpec(**settings)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"]))
        reason = first["msg"].removeprefix("Value error, ")
        if first["type"] == "extra_forbidden":
            known = ", ".join(RunSpec.model_fields)
            reason = f"Expected settings out of {known}. Got {name}."
        elif not reason.startswith("Expected"):
            reason = f"Expected another {name}. Got {first['input']!r}: {reason}."
        raise SpecError(reason) from None
