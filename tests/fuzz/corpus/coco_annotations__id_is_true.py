"""True is a whole number to Python, and no id to COCO's reader."""

import copy
import json

from fuzz.properties.people import coco

ODD = copy.deepcopy(coco()[1])
ODD["images"][0]["id"] = True
DRAWN = [json.dumps(ODD).encode(), False]
