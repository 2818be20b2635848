"""They were asked for their names."""

import json

import numpy as np
from fuzz.mutations import packed

NOISE = np.zeros((3, 32, 32), np.float32)
DRAWN = [{}, packed({"noise": NOISE, "step": np.array(1), "facts": np.array(json.dumps([1]))})]
