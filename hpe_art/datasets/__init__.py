"""People rendered from a body model, in the layout of MPII."""

from hpe_art.datasets.rendered_people import RenderedPeople, people_folder
from hpe_art.datasets.rendering import render_people

__all__ = ["RenderedPeople", "people_folder", "render_people"]
