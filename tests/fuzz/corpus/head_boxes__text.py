"""It was subtracted."""

import numpy as np

DRAWN = [False, {"headboxes_src": np.full((2, 2, 6), "x", object)}, False]
