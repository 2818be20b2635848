"""Its rows were taken for people."""

import numpy as np
from fuzz.mutations import packed
from fuzz.properties.runs import INDEX, POSES

COUNTS = np.array("{}")
DRAWN = [packed({"index": INDEX[:, None], "poses/own": POSES, "counts": COUNTS})]
