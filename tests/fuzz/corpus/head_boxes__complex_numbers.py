"""They have a length, too."""

import numpy as np

DRAWN = [False, {"headboxes_src": np.ones((2, 2, 6), np.complex64)}, False]
