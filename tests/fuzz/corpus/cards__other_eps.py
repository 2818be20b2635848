"""Rows of one table had other columns."""

import json

from fuzz.properties.results import CARDS

WHOLE = json.loads((CARDS / "deeppose.json").read_text())
FEWER = {eps: held for eps, held in WHOLE["worst_inf"].items() if eps != "2"}
DRAWN = [json.dumps({**WHOLE, "network": "net", "worst_inf": FEWER}).encode()]
