"""What tells optimizers apart was asked of what is none."""

import torch

WEIGHTS = {"weight": torch.ones(2, 3), "bias": torch.ones(2)}
DRAWN = [True, {"meta": {}, "state_dict": WEIGHTS, "message_hub": {}, "optimizer": None}, b""]
