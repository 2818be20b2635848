"""Gaussian heatmaps, to and from poses, on the device of the tensors: torch only.

Shapes: N images, K joints, B bones, H x W heatmap cells. Where MMPose's `MSRAHeatmap` has a
convention (rounding, window, quarter-cell shift), these functions have the same.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def encode_heatmaps(
    y: Tensor, factor: Tensor, size: tuple[int, int], sigma: float
) -> tuple[Tensor, Tensor]:
    """Gaussian targets, as MMPose's `MSRAHeatmap.encode`, on the device of `y`.

    Args:
        y: (N, K, 3), crop pixels and visibility.
        factor: (2,), crop pixels per cell in x and y.
        size: (W, H) of the heatmaps.
        sigma: in cells; the Gaussian ends at 3 sigma, which must be a whole number.

    Returns:
        Heatmaps (N, K, H, W) with peak 1 at the nearest cell, and weights (N, K): 1 where the
        joint is visible and its Gaussian touches the map, else 0.
    """
    width, height = size
    centre, weights = _cells(y, factor, size, sigma)
    x_profile = _profile(torch.arange(width, device=y.device) - centre[..., :1], sigma)
    y_profile = _profile(torch.arange(height, device=y.device) - centre[..., 1:], sigma)
    heatmaps = y_profile[..., :, None] * x_profile[..., None, :]
    return heatmaps * weights[..., None, None], weights


def encode_bones(
    y: Tensor,
    bones: Sequence[tuple[int, int]],
    factor: Tensor,
    size: tuple[int, int],
    sigma: float,
) -> tuple[Tensor, Tensor]:
    """Targets of bones: at each cell the largest Gaussian of all points of the bone.

    That is the Gaussian of the cell's distance to the bone, a straight line between the two
    joints' cells; it ends at 3 sigma.

    Args:
        y: (N, K, 3), crop pixels and visibility.
        bones: B pairs of joints.
        factor: (2,), crop pixels per cell in x and y.
        size: (W, H) of the heatmaps.
        sigma: in cells.

    Returns:
        Heatmaps (N, B, H, W) with peak 1 along the bone, and weights (N, B): 1 where both joints
        have a target of their own, else 0.

    Source: Tang et al. 2018 (DLCM), section 3.2.
    """
    width, height = size
    centre, weights = _cells(y, factor, size, sigma)
    begin, end = (list(joints) for joints in zip(*bones, strict=True))
    start = centre[:, begin, None, None]
    bone = centre[:, end, None, None] - start
    columns, rows = torch.meshgrid(
        torch.arange(width, device=y.device), torch.arange(height, device=y.device), indexing="xy"
    )
    offset = torch.stack([columns, rows], dim=-1) - start
    # A bone within one cell has length 0; whatever the fraction, its nearest point is the start.
    squared_length = bone.square().sum(-1).clamp(min=1.0)
    fraction = ((offset * bone).sum(-1) / squared_length).clamp(0.0, 1.0)
    squared_distance = (offset - fraction[..., None] * bone).square().sum(-1)
    both = weights[:, begin] * weights[:, end]
    reached = (squared_distance <= (3 * sigma) ** 2) * both[..., None, None]
    return torch.exp(-squared_distance / (2 * sigma**2)) * reached, both


def _cells(y: Tensor, factor: Tensor, size: tuple[int, int], sigma: float) -> tuple[Tensor, Tensor]:
    """Nearest cell of each joint (N, K, 2), and whether it has a target (N, K)."""
    # Truncated, not floored: that is how MMPose casts to integer.
    centre = (y[..., :2] / factor + 0.5).trunc()
    limits = centre.new_tensor(size)
    touches = ((centre - 3 * sigma < limits) & (centre + 3 * sigma + 1 >= 0)).all(-1)
    return centre, (touches & (y[..., 2] > 0)).to(y.dtype)


def _profile(distance: Tensor, sigma: float) -> Tensor:
    inside = distance.abs() <= 3 * sigma
    return torch.exp(-distance.square() / (2 * sigma**2)) * inside


def decode_heatmaps(heatmaps: Tensor, factor: Tensor) -> Tensor:
    """Maxima with a quarter-cell shift, as MMPose's `MSRAHeatmap.decode`, on the device.

    Args:
        heatmaps: (N, K, H, W).
        factor: (2,), crop pixels per cell in x and y.

    Returns:
        (N, K, 3): x, y in crop pixels, and the maximum. Where no cell is positive, MMPose puts
        the joint at cell -1.
    """
    height, width = heatmaps.shape[-2:]
    flat = heatmaps.flatten(2)
    scores, best = flat.max(-1)
    x, y = best % width, best // width
    around = torch.stack([best + 1, best - 1, best + width, best - width], dim=-1)
    right, left, below, above = flat.gather(2, around.clamp(0, flat.shape[-1] - 1)).unbind(-1)
    positive = scores > 0
    inner_x = positive & (x > 1) & (x < width - 1) & (y > 0)
    inner_y = positive & (y > 1) & (y < height - 1) & (x > 0)
    shift = torch.stack([(right - left).sign() * inner_x, (below - above).sign() * inner_y], dim=-1)
    cells = torch.stack([x, y], dim=-1).to(heatmaps.dtype)
    cells = torch.where(positive[..., None], cells, -torch.ones_like(cells))
    return torch.cat([(cells + 0.25 * shift) * factor, scores[..., None]], dim=-1)
