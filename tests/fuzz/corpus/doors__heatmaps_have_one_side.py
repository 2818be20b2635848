"""The loss of a network that predicts was first asked for by the attack."""

import copy

from fuzz.properties.doors import _network

ODD = copy.deepcopy(_network())
ODD["model"]["head"]["decoder"]["heatmap_size"] = [8]
DRAWN = ["demo", ODD]
