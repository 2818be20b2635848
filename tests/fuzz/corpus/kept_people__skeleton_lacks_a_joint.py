"""Scores were of more joints than it has."""

import json

from fuzz.properties.runs import _kept

WHOLE = json.loads(str(_kept()[0]["skeleton"]))
DRAWN = [True, json.dumps({**WHOLE, "joints": WHOLE["joints"][1:]}).encode()]
