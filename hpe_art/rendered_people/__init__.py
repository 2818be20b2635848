"""People rendered from a body model, in the format of MPII or of COCO.

The public names; each is imported when it is first used, as the processes that render people have
no use for MMPose. Configs that use the datasets import `hpe_art.rendered_people.dataset`.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOMES = {
    "RenderedCocoPeople": "hpe_art.rendered_people.dataset",
    "RenderedPeople": "hpe_art.rendered_people.dataset",
    "coco_people_folder": "hpe_art.rendered_people.dataset",
    "people_are_there": "hpe_art.rendered_people.dataset",
    "people_folder": "hpe_art.rendered_people.dataset",
    "render_people": "hpe_art.rendered_people.rendering",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'hpe_art.rendered_people' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
