"""Maps of 5 x 5 cells written by hand, and what an adaptor says of them."""

import torch

from hpe_art.estimators.heads import Part
from hpe_art.losses import Goal, heatmap_mse

SIZE = 5
COUNTED = 25


class Head:
    """An adaptor of maps whose cells are a pixel wide, or of points in pixels."""

    def __init__(self, goal, maps=True):
        self.goal, self.maps = goal, maps

    def parts(self, output):
        place = torch.arange(COUNTED, dtype=output.dtype)
        cells = torch.stack([place % SIZE, place // SIZE], -1)
        return [Part(output.flatten(2), cells)] if self.maps else []

    def loss(self, index, output, target):
        return heatmap_mse(output, *target)

    def decode(self, output):
        return torch.cat([output, torch.ones_like(output[..., :1])], -1)

    def distances(self, output, y):
        return (output - y[..., :2]).norm(dim=-1)

    def targets(self, y, count):
        target = torch.zeros(len(y), y.shape[1], SIZE, SIZE, dtype=y.dtype)
        target[:, :, 2, 2] = 1.0
        return [(target, torch.ones(y.shape[:2], dtype=y.dtype))] * count


def goal_of(radius=1.2, targeted=False, joints=1):
    """A circle of five cells, a plus, around the middle."""
    return Goal(torch.full((1, joints, 2), 2.0), torch.full((1, joints), radius), targeted)


def maps(joints=1):
    """Peak 1 in the middle, another of 0.6 in the corner."""
    output = torch.zeros(1, joints, SIZE, SIZE, dtype=torch.float64)
    output[:, :, 2, 2], output[:, :, 0, 0] = 1.0, 0.6
    return output
