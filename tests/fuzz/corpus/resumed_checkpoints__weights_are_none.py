"""The shape was asked of what is no tensor."""

WEIGHTS = {"weight": None, "bias": None}
DRAWN = [True, {"meta": {}, "state_dict": WEIGHTS, "message_hub": {}, "optimizer": {}}, b""]
