"""MMEngine cannot pack a data set of nobody."""

import copy
import json

from fuzz.properties.people import coco

ODD = copy.deepcopy(coco()[1])
for one in ODD["annotations"][:2]:
    one["bbox"] = None
DRAWN = ["coco", json.dumps(ODD).encode()]
