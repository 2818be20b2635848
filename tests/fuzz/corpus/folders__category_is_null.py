"""COCO's reader asked it for its id."""

import json

from fuzz.properties.people import coco

DRAWN = ["coco", json.dumps({**coco()[1], "categories": [None]}).encode()]
