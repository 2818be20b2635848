"""Looking up what is registered by name, with an error that lists the names there are."""

from typing import Any

from mmengine.registry import Registry

from hpe_art.errors import UserError


def registered(registry: Registry, name: Any) -> Any:
    """What a registry has under a name; UserError lists the names that there are."""
    known = registry.module_dict
    if not isinstance(name, str) or name not in known:
        raise UserError(
            f"Expected the name of a registered {registry.name}, out of {sorted(known)}. "
            f"Got {name!r}."
        )
    return known[name]
