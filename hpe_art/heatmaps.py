"""Gaussian heatmaps, to and from poses, on the device of the tensors: torch only.

Shapes: N images, K joints, B bones, H x W heatmap cells. Poses `y` are (N, K, 3), crop pixels and
visibility; `factor` is (2,), crop pixels per cell in x and y; `size` is (W, H) of the heatmaps,
(N, K, H, W); `sigma` is in cells. Where MMPose's `MSRAHeatmap` has a convention (rounding, window,
quarter-cell shift), these functions have the same. "Unbiased" is the codec's word for DARK (Zhang
et al. 2020, arXiv:1910.06278): Gaussians around the joint itself rather than its cell, which do not
end, and maxima found by a Newton step rather than a quarter of a cell.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import conv2d

Bone = tuple[int, int]
Size = tuple[int, int]
SHARPNESS = 25.0
"""Of the softmax that stands in for a maximum: a second peak of 0.8 gets a hundredth."""


def encode_heatmaps(
    y: Tensor, factor: Tensor, size: Size, sigma: float, unbiased: bool = False
) -> tuple[Tensor, Tensor]:
    """Gaussian targets, as MMPose's `MSRAHeatmap.encode`.

    The Gaussian ends at 3 sigma, which must be a whole number.

    Returns:
        Heatmaps with peak 1 at the nearest cell (or the joint), and weights (N, K): 1 where the
        joint is visible and its Gaussian touches the map, else 0.
    """
    width, height = size
    centre, weights = _centres(y, factor, size, sigma, unbiased)
    end = float("inf") if unbiased else 3 * sigma
    x_profile = _profile(torch.arange(width, device=y.device) - centre[..., :1], sigma, end)
    y_profile = _profile(torch.arange(height, device=y.device) - centre[..., 1:], sigma, end)
    heatmaps = y_profile[..., :, None] * x_profile[..., None, :]
    return heatmaps * weights[..., None, None], weights


def encode_bones(
    y: Tensor,
    bones: Sequence[Bone],
    factor: Tensor,
    size: Size,
    sigma: float,
    unbiased: bool = False,
) -> tuple[Tensor, Tensor]:
    """Targets of bones: at each cell the largest Gaussian of all points of the bone.

    That is the Gaussian of the cell's distance to the bone, a straight line between the cells of
    a pair of joints (unbiased: between the joints); it ends at 3 sigma.

    Returns:
        Heatmaps (N, B, H, W) with peak 1 along the bone, and weights (N, B): 1 where both joints
        have a target of their own, else 0.

    Source: Tang et al. 2018 (DLCM), bone-based part representation.
    """
    width, height = size
    centre, weights = _centres(y, factor, size, sigma, unbiased)
    begin, end = (list(joints) for joints in zip(*bones, strict=True))
    start = centre[:, begin, None, None]
    bone = centre[:, end, None, None] - start
    columns, rows = torch.meshgrid(
        torch.arange(width, device=y.device), torch.arange(height, device=y.device), indexing="xy"
    )
    offset = torch.stack([columns, rows], dim=-1) - start
    # A bone of length 0 is nearest at its start, whatever the fraction.
    squared_length = bone.square().sum(-1).clamp(min=1e-6)
    fraction = ((offset * bone).sum(-1) / squared_length).clamp(0.0, 1.0)
    squared_distance = (offset - fraction[..., None] * bone).square().sum(-1)
    both = weights[:, begin] * weights[:, end]
    heatmaps = torch.exp(-squared_distance / (2 * sigma**2)) * both[..., None, None]
    return heatmaps if unbiased else heatmaps * (squared_distance <= (3 * sigma) ** 2), both


def _centres(
    y: Tensor, factor: Tensor, size: Size, sigma: float, unbiased: bool
) -> tuple[Tensor, Tensor]:
    """Where each joint's Gaussian is (N, K, 2), in cells, and whether it has a target (N, K)."""
    centre = y[..., :2] / factor
    if not unbiased:
        # Truncated, not floored: that is how MMPose casts to integer.
        centre = (centre + 0.5).trunc()
    limits = centre.new_tensor(size)
    touches = ((centre - 3 * sigma < limits) & (centre + 3 * sigma + 1 >= 0)).all(-1)
    return centre, (touches & (y[..., 2] > 0)).to(y.dtype)


def _profile(distance: Tensor, sigma: float, end: float) -> Tensor:
    return torch.exp(-distance.square() / (2 * sigma**2)) * (distance.abs() <= end)


def decode_heatmaps(heatmaps: Tensor, factor: Tensor, blur: Tensor | None = None) -> Tensor:
    """Maxima between the cells, as MMPose's `MSRAHeatmap.decode`.

    A quarter of a cell towards the larger neighbours; with `blur`, a Gaussian kernel (L,) of odd L,
    unbiased, by a Newton step on the logarithm of the blurred heatmaps.

    Returns:
        (N, K, 3): x, y in crop pixels, and the maximum. Where no cell is positive, MMPose puts
        the joint at cell -1.
    """
    width = heatmaps.shape[-1]
    scores, best = heatmaps.flatten(2).max(-1)
    cells = torch.stack([best % width, best // width], dim=-1)
    refine = _quarter(heatmaps, cells) if blur is None else _newton(heatmaps, cells, blur)
    positive = (scores > 0)[..., None]
    placed = torch.where(positive, cells + refine, -torch.ones_like(refine))
    return torch.cat([placed * factor, scores[..., None]], dim=-1)


def _around(heatmaps: Tensor, cells: Tensor, dx: int, dy: int) -> Tensor:
    """The value (N, K) that many cells from the maximum; any value where that is off the map."""
    height, width = heatmaps.shape[-2:]
    place = (cells[..., 1] + dy) * width + cells[..., 0] + dx
    place = place.clamp(0, height * width - 1)
    return heatmaps.flatten(2).gather(2, place[..., None])[..., 0]


def _quarter(heatmaps: Tensor, cells: Tensor) -> Tensor:
    x, y = cells.unbind(-1)
    height, width = heatmaps.shape[-2:]
    right, left = _around(heatmaps, cells, 1, 0), _around(heatmaps, cells, -1, 0)
    below, above = _around(heatmaps, cells, 0, 1), _around(heatmaps, cells, 0, -1)
    inner_x = (x > 1) & (x < width - 1) & (y > 0)
    inner_y = (y > 1) & (y < height - 1) & (x > 0)
    signs = [(right - left).sign() * inner_x, (below - above).sign() * inner_y]
    return 0.25 * torch.stack(signs, dim=-1)


def _blurred(heatmaps: Tensor, blur: Tensor) -> Tensor:
    """Blurred, with the maximum that there was before."""
    channels, radius = heatmaps.shape[1], len(blur) // 2
    kernel = blur.to(heatmaps).expand(channels, 1, 1, -1)
    blurred = conv2d(heatmaps, kernel, padding=(0, radius), groups=channels)
    blurred = conv2d(blurred, kernel.mT, padding=(radius, 0), groups=channels)
    return blurred * (heatmaps.amax((2, 3)) / blurred.amax((2, 3)))[..., None, None]


def _newton(heatmaps: Tensor, cells: Tensor, blur: Tensor) -> Tensor:
    """One step to where the gradient of the blurred logarithm is zero (section 3.2 of DARK)."""
    logarithm = _blurred(heatmaps, blur).clamp(min=1e-10).log()

    def at(dx: int, dy: int) -> Tensor:
        return _around(logarithm, cells, dx, dy)

    x, y = 0.5 * (at(1, 0) - at(-1, 0)), 0.5 * (at(0, 1) - at(0, -1))
    xx = 0.25 * (at(2, 0) - 2 * at(0, 0) + at(-2, 0))
    yy = 0.25 * (at(0, 2) - 2 * at(0, 0) + at(0, -2))
    xy = 0.25 * (at(1, 1) - at(1, -1) - at(-1, 1) + at(-1, -1))
    determinant = xx * yy - xy.square()
    shift = torch.stack([xy * y - yy * x, xy * x - xx * y], dim=-1) / determinant[..., None]
    limits = cells.new_tensor(heatmaps.shape[:1:-1]) - 2
    inner = ((cells > 1) & (cells < limits)).all(-1) & (determinant != 0)
    return torch.where(inner[..., None], shift, torch.zeros_like(shift))


def sharpened(values: Tensor) -> Tensor:
    """A softmax over the last axis so sharp that nearly all of it lies at the maximum.

    Values (N, K, L) are stretched to 0 to 1 first.
    """
    low, high = values.amin(-1, keepdim=True), values.amax(-1, keepdim=True)
    return (SHARPNESS * (values - low) / (high - low).clamp(min=1e-6)).softmax(-1)


def expected_distances(heatmaps: Tensor, points: Tensor, factor: Tensor) -> Tensor:
    """How far joints lie from points (N, K, 2): (N, K) crop pixels, smooth in the heatmaps.

    The heatmap is read as a distribution over cells (`sharpened`), and the distance is averaged
    over it. It tends to that of the decoded joint, and unlike that has a gradient everywhere.
    """
    height, width = heatmaps.shape[2:]
    shares = sharpened(heatmaps.flatten(2))
    x = torch.arange(width, device=heatmaps.device) * factor[0] - points[..., :1]
    y = torch.arange(height, device=heatmaps.device) * factor[1] - points[..., 1:2]
    distances = (y[..., :, None].square() + x[..., None, :].square()).sqrt()
    return (shares * distances.flatten(2)).sum(-1)
