"""What users give: images, and poses as labels, in whatever arrays they have them.

Shapes: N images of (3, H, W) pixels, K joints. Poses are (N, K, 3): x, y in crop pixels, and
whether the joint counts (above 0).
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Numbers = NDArray[Any] | Tensor
GREY = (0.0, 255.0)
SLACK = 2.0
"""By how many grey levels pixels may leave their range without a word, as resampled ones do."""


def as_numbers(name: str, given: Any) -> Numbers:
    """A tensor without its graph, or whatever else NumPy reads as an array that PyTorch takes.

    Lists are read, and arrays of other strides or byte order copied.

    Raises:
        ValueError: there are no numbers in it (the message names what there is).
    """
    expected = f"Expected {name} as an array or a tensor of numbers."
    if isinstance(given, Tensor):
        if given.is_complex() or given.layout != torch.strided:
            raise ValueError(f"{expected} Got one of {given.dtype}, {given.layout}.")
        if given.is_meta:
            raise ValueError(f"{expected} Got one on the device meta, where there are none.")
        return given.detach()
    try:
        values = np.asarray(given)
    except Exception as error:  # whatever stands in a list
        kind = type(given).__name__
        raise ValueError(f"{expected} Got a {kind} that NumPy cannot read: {error}.") from None
    if values.dtype.kind not in "biuf":
        kind = type(given).__name__ if values.dtype.kind == "O" else str(values.dtype)
        raise ValueError(f"{expected} Got {kind}.")
    known = values.dtype if values.dtype.itemsize <= 8 else np.dtype(np.float64)
    return np.require(values, known.newbyteorder("="), "C")


def as_tensor(numbers: Numbers, device: torch.device | None = None) -> Tensor:
    """What `as_numbers` gave, or rows of it, as a tensor; one that is not to be written to."""
    if isinstance(numbers, Tensor):
        return numbers.to(device)
    return torch.as_tensor(np.require(numbers, requirements=["C", "W"]), device=device)


def as_array(numbers: Numbers) -> NDArray[Any]:
    """What `as_numbers` gave as an array; bfloat16, which NumPy lacks, becomes float32."""
    if not isinstance(numbers, Tensor):
        return numbers
    found: NDArray[Any] = numbers.to(
        "cpu", torch.float32 if numbers.dtype == torch.bfloat16 else numbers.dtype
    ).numpy()
    return found


def as_images(x: Any, shape: tuple[int | str, ...]) -> Numbers:
    """Images (N, *shape) as `as_numbers` reads them, at least one; a letter is any size.

    Raises:
        ValueError: another shape, none at all, or no numbers.
    """
    images = as_numbers("x", x)
    wanted = [
        has if isinstance(size, str) else size
        for size, has in zip(shape, images.shape[1:], strict=False)
    ]
    if len(wanted) < len(shape) or list(images.shape[1:]) != wanted:
        expected = ", ".join(map(str, shape))
        raise ValueError(f"Expected x of shape (N, {expected}). Got {tuple(images.shape)}.")
    if not len(images):
        raise ValueError("Expected at least one image. Got none.")
    return images


def check_pixels(images: Numbers, limits: Sequence[Any] | None = None) -> None:
    """Says where pixels cannot be grey levels; a GPU is waited for.

    Args:
        images: (N, 3, H, W).
        limits: the estimator's clip values; default 0 to 255.

    Raises:
        ValueError: some are NaN or infinite.
    """
    least, most = _ends(images)
    low, high = GREY if limits is None else (float(np.min(limits[0])), float(np.max(limits[1])))
    if not np.isfinite([least, most]).all():
        raise ValueError(f"Expected finite pixels. Got {least:g} to {most:g}.")
    unit = high / GREY[1]
    if least < low - SLACK or most > high + SLACK or (least < low and most < 10 * unit):
        mend = "give them as the model's pipeline packs them, not normalised"
    elif 0 < most <= unit:
        mend = f"multiply them by {GREY[1]:g}"
    else:
        return
    # As if said by who gave them to the estimator, or to an attack.
    warnings.warn(
        f"Expected pixels of {low:g} to {high:g}. Got {least:g} to {most:g}: {mend}.", stacklevel=4
    )


def as_poses(y: Any, count: int) -> Numbers:
    """Poses (N, K, 3) of so many images, as `as_numbers` reads them.

    Raises:
        ValueError: another shape, no numbers, or none that `check_poses` takes. That is not looked
            at on a GPU, which would be waited for.
    """
    if y is None:
        raise ValueError("Expected poses y of shape (N, K, 3). Got None.")
    poses = as_numbers("y", y)
    if poses.ndim != 3 or len(poses) != count or poses.shape[2] != 3:
        raise ValueError(f"Expected y of shape (N, K, 3), N = {count}. Got {tuple(poses.shape)}.")
    if is_on_host(poses):
        check_poses(poses)
    return poses


def check_poses(poses: Numbers) -> None:
    """Refuses labels (N, K, 3) that are not numbers where they count; a GPU is waited for.

    Raises:
        ValueError: a joint that counts at no finite place, or of which it is not said if it counts.
    """
    values = as_tensor(poses)
    counts, places = values[..., 2], values[..., :2]
    unclear = ~counts.isfinite()
    astray = unclear | ((counts > 0) & ~places.isfinite().all(-1))
    if astray.any():
        person, joint = astray.nonzero()[0].tolist()
        expected = "finite x and y where the third value of y is above 0"
        if unclear[person, joint]:
            expected = "a number as third value of y, above 0 where the joint counts"
        raise ValueError(
            f"Expected {expected}. "
            f"Got {values[person, joint].tolist()} for joint {joint} of person {person}."
        )


def is_on_host(numbers: Numbers) -> bool:
    """Whether nothing has to be waited for to look at them."""
    return not isinstance(numbers, Tensor) or numbers.device.type == "cpu"


def with_numbers(y: Tensor) -> Tensor:
    """The same labels, 0 for NaN and infinity at joints that do not count, since 0 * NaN is NaN."""
    return torch.where(y[..., 2:] > 0, y, y.nan_to_num(0.0, 0.0, 0.0))


def _ends(images: Numbers) -> tuple[float, float]:
    if isinstance(images, Tensor):
        least, most = torch.aminmax(images if images.is_floating_point() else images.float())
        return float(least), float(most)
    return float(images.min()), float(images.max())
