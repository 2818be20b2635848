"""It was brought into the range, out of the ball around it."""

import toys

from hpe_art.attacks import PoseSquare

X = toys.people(2)[0]
X[0, 0, 0, 0] = 1e30
DRAWN = [PoseSquare, set(), X]
