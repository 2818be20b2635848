"""`AttackSpec`: what an attack is asked to do, registered by name in `ATTACKS`.

Each attack's own file says what its spec holds; nothing else in the package knows its name.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from itertools import product
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from art.attacks.attack import EvasionAttack
from mmengine.registry import Registry
from numpy.typing import NDArray

from hpe_art.attacks.checks import check_norm
from hpe_art.losses import LOSSES, TRAINING, needs_goal
from hpe_art.registries import registered

MAX_GREY = 255.0
Images = NDArray[np.float32]


class AttackRegistry(Registry):
    """Tells each spec the name under which it is registered."""

    def _register_module(self, module: Any, module_name: Any = None, force: bool = False) -> None:
        super()._register_module(module, module_name, force)
        names = [module_name] if isinstance(module_name, str) else module_name
        module.name = (names or [module.__name__])[0]


ATTACKS = AttackRegistry("attack", scope="hpe_art")


def option(default: Any, help: str) -> Any:
    """A field of a spec, with what the command line says about it."""
    return field(default=default, metadata={"help": help})


@dataclass(frozen=True)
class AttackSpec(ABC):
    """One attack to run: a frozen dataclass, whose fields are what it can be asked for.

    Attributes:
        name: the registered name.
        by_default: the fields of those that run where no attack is named.
        says: what it does, for readers of a report.
        eps: bound on the perturbation in its norm; grey levels for inf.
        norm: math.inf, 1 or 2; "inf" is taken too.
        seed: of what is random.

    Raises:
        ValueError: a field out of range (the message names it).
    """

    name: ClassVar[str] = ""
    by_default: ClassVar[tuple[dict[str, Any], ...]] = ()
    says: ClassVar[str] = ""

    eps: float = option(8.0, "bound on the perturbation, in grey levels for norm inf")
    norm: float = option(math.inf, "in which eps is measured: inf, 1 or 2")
    seed: int = option(0, "of what is random")

    def __post_init__(self) -> None:
        check_norm(self.norm)
        object.__setattr__(self, "norm", float(self.norm))
        for one in fields(self):
            value = getattr(self, one.name)
            if str(one.type).startswith("float") and type(value) is int:
                object.__setattr__(self, one.name, float(value))  # 8 and 8.0 are one attack
        self._check_number("eps", least=0.0)
        if self.norm == math.inf and self.eps > MAX_GREY:
            raise ValueError(
                f"Expected eps of at most {MAX_GREY:g} grey levels for norm inf. Got {self.eps:g}."
            )
        self._check_whole("seed", least=0)
        if not isinstance(self.targeted, bool):
            raise ValueError(f"Expected targeted True or False. Got {self.targeted!r}.")
        if (outputs := getattr(self, "outputs", "last")) not in ("last", "all"):
            raise ValueError(f'Expected outputs "last" or "all". Got {outputs!r}.')
        registered(LOSSES, getattr(self, "loss", None) or TRAINING)

    # A field of the specs that can be either; their definition takes this one's place.
    targeted = False
    wants_checks: ClassVar[bool] = False
    """Whether a run of it is to say if the network hides its gradient."""

    @property
    def needs_goal(self) -> bool:
        """Whether the attack aims at the metric, which then needs a radius."""
        return needs_goal(getattr(self, "loss", None) or TRAINING)

    @abstractmethod
    def build(self, estimator: Any, batch_size: int = 32) -> EvasionAttack:
        """The ART attack on a `PyTorchPoseEstimator`, which is left as it is.

        Args:
            estimator: to attack.
            batch_size: images per pass; the result does not depend on it.
        """

    @property
    def label(self) -> str:
        """As in results and tables: FGSM-U, IGSM-T-20-ALL; " L2" and "[loss]" where unusual."""
        settings = self.settings()
        parts = [self.name.upper()]
        if "targeted" in settings:
            parts.append("T" if self.targeted else "U")
        if settings.get("max_iter") is not None:
            parts.append(str(settings["max_iter"]))
        if settings.get("outputs") == "all":
            parts.append("ALL")
        norm = "" if self.norm == math.inf else f" L{self.norm:g}"
        loss = settings.get("loss", self.usual_loss)
        return "-".join(parts) + norm + ("" if loss == self.usual_loss else f" [{loss}]")

    @property
    def usual_loss(self) -> str | None:
        """The loss that the label leaves out."""
        usual: Any = {one.name: one.default for one in fields(self)}.get("loss")
        return usual

    def settings(self) -> dict[str, Any]:
        """All that the outcome depends on, as plain JSON, with defaults filled in."""
        norm = "inf" if self.norm == math.inf else self.norm
        return {"attack": self.name, **asdict(self), "norm": norm}

    @property
    def share_key(self) -> Hashable:
        """Specs with equal ones are served by one run."""
        return self

    @classmethod
    def passes(cls, specs: Sequence[Any]) -> tuple[int, int] | None:
        """Images passed (forward, backward) for each image by the run that these specs share.

        Without scoring, and counting flip-test once; None where it is not known before.
        """
        return None

    @classmethod
    def build_shared(cls, estimator: Any, specs: Sequence[Any], batch_size: int) -> EvasionAttack:
        """The ART attack for specs with equal `share_key`."""
        attack: EvasionAttack = specs[0].build(estimator, batch_size)
        return attack

    @classmethod
    def generate_shared(
        cls, attack: EvasionAttack, specs: Sequence[Any], x: Any, y: Any, **more: Any
    ) -> list[Images]:
        """The perturbed images (N, 3, H, W) of each of these specs, by that attack."""
        return [attack.generate(x, y, **more)] * len(specs)

    @classmethod
    def takes(cls) -> set[str]:
        """The names of the options that this attack has."""
        return {one.name for one in fields(cls)}

    @classmethod
    def expand(cls, given: Mapping[str, Sequence[Any]]) -> list[AttackSpec]:
        """The specs for values of options, multiplied out: direction first, eps last."""
        names = [name for name in given if name in cls.takes()]
        names.sort(key=lambda name: (name == "eps") - (name == "targeted"))
        combinations = product(*(given[name] for name in names))
        return [cls(**dict(zip(names, values, strict=True))) for values in combinations]

    def _check_number(self, name: str, least: float, above: bool = False) -> None:
        value = getattr(self, name)
        good = isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
        if not good or value < least or (above and value == least):
            sign = ">" if above else ">="
            raise ValueError(f"Expected a finite {name} {sign} {least:g}. Got {value!r}.")

    def _check_whole(self, name: str, least: int) -> None:
        value = getattr(self, name)
        if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
            raise ValueError(f"Expected a whole {name} >= {least}. Got {value!r}.")


def build_spec(given: AttackSpec | str | Mapping[str, Any]) -> AttackSpec:
    """A spec from what a config says, as MMEngine builds modules: dict(type="igsm", eps=4).

    Args:
        given: a dict with `type`, a registered name; the name alone; or a spec, which stays.

    Raises:
        ValueError: no such attack, or a field that it has not or that is out of range.
    """
    if isinstance(given, AttackSpec):
        return given
    arguments = {"type": given} if isinstance(given, str) else dict(given)
    kind = registered(ATTACKS, arguments.pop("type", None))
    known = [one.name for one in fields(kind)]
    for name in arguments:
        if name not in known:
            raise ValueError(f"Expected fields of {kind.name} out of {known}. Got {name!r}.")
    spec: AttackSpec = kind(**arguments)
    return spec


def as_config(spec: AttackSpec) -> dict[str, Any]:
    """What a config says of a spec: its type, and what is not the default."""
    changed = {
        one.name: getattr(spec, one.name)
        for one in fields(spec)
        if getattr(spec, one.name) != one.default
    }
    return {"type": spec.name, **changed}
