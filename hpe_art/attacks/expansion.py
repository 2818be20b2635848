"""From what a command line asks for to the specs of attacks."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hpe_art.attacks.specs import ATTACKS, AttackSpec
from hpe_art.errors import UserError
from hpe_art.registries import registered


def default_specs() -> list[AttackSpec]:
    """Those that run where no attack is named."""
    return expand(None, {})


def expand(names: Sequence[str] | None, options: Mapping[str, Any]) -> list[AttackSpec]:
    """Every attack that names and options ask for, in the order in which they run, each once.

    Args:
        names: of registered attacks; None for the default ones, the cheap
            ones first.
        options: values of fields by name; lists are multiplied out for the attacks that have the
            field. None and False count as not given.

    Raises:
        ValueError: no such attack, an option that none of them has, or a value out of range.
    """
    given = {
        name: list(value) if isinstance(value, (list, tuple)) else [value]
        for name, value in options.items()
        if value is not None and value is not False
    }
    kinds = ATTACKS.module_dict
    if names is None:
        usual = [kind for kind in kinds.values() if kind.by_default]
        chosen = {kind.name: kind for kind in sorted(usual, key=_cost)}
    else:
        chosen = {name: registered(ATTACKS, name) for name in names}
    _check_taken(chosen, given)
    found: list[AttackSpec] = []
    for kind in chosen.values():
        # A direction that is asked for is that of all.
        by_default = names is None and "targeted" not in given
        variants: Sequence[dict[str, Any]] = kind.by_default if by_default else ({},)
        for variant in variants:
            found += kind.expand({**given, **{name: [value] for name, value in variant.items()}})
    return _each_once(found)


def _cost(kind: type[AttackSpec]) -> float:
    """Backward passes of each image: cheap attacks run first."""
    passes = kind.passes([kind(**variant) for variant in kind.by_default])
    return math.inf if passes is None else passes[1]


def _check_taken(chosen: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    taken = set().union(*(kind.takes() for kind in chosen.values()))
    for option in given:
        if option not in taken:
            takers = [n for n, kind in ATTACKS.module_dict.items() if option in kind.takes()]
            flag = "--" + option.replace("_", "-")
            mend = f"with --attack {' or '.join(takers)}" if takers else "of an attack's fields"
            raise UserError(f"Expected {flag} {mend}. Got {' '.join(chosen)}.")


def _each_once(specs: Iterable[AttackSpec]) -> list[AttackSpec]:
    """Without those that differ in a default only."""
    found: list[AttackSpec] = []
    seen: list[Any] = []
    for spec in specs:
        if (known := (spec.label, spec.settings())) not in seen:
            seen.append(known)
            found.append(spec)
    return found
