"""It was looked up in a dictionary."""

import toys

from hpe_art.attacks import PoseAPGD

DRAWN = [PoseAPGD, {"schedule"}, [], toys.people(2)[0]]
