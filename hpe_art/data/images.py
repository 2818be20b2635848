"""Which images can be read, by the reader that will read them."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import cv2
from PIL import Image, UnidentifiedImageError

Reader = Callable[[str], Any]
"""Gives the pixels (H, W, ...) of a file; raises, or gives None, where it cannot."""


class Reading(NamedTuple):
    """What came of reading an image: its size in pixels, or why it cannot be read."""

    fault: str | None = None
    width: int = 0
    height: int = 0


def opencv(path: str) -> Any:
    """The pixels as MMPose's `LoadImage` reads them unless a config says otherwise."""
    return cv2.imread(path, cv2.IMREAD_COLOR)


def image_fault(path: str | Path, reader: Reader = opencv) -> str | None:
    """Why an image cannot be read to its end; None where it can."""
    return read_images([path], reader)[str(path)].fault


def read_images(paths: Iterable[str | Path], reader: Reader = opencv) -> dict[str, Reading]:
    """Reads each image once, several at a time."""
    names = list(dict.fromkeys(map(str, paths)))
    with warnings.catch_warnings(), ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        return dict(zip(names, pool.map(lambda name: _read(name, reader), names), strict=True))


def _read(path: str, reader: Reader) -> Reading:
    if not Path(path).is_file():
        return Reading("no such file")
    if not Path(path).stat().st_size:
        return Reading("an empty file")
    known = "of unknown format"
    try:
        with Image.open(path) as image:
            known = f"in the format {image.format}"
            # OpenCV fills the missing end of a truncated file with grey and says nothing.
            image.load()
    except (Image.DecompressionBombError, UnidentifiedImageError):
        pass  # too large for Pillow, or unknown to it: the reader may do better
    except (OSError, SyntaxError, ValueError) as error:
        return Reading(str(error))
    try:
        pixels = reader(path)
    except Exception as error:  # a reader of the user's own may raise anything
        return Reading(f"{known}, which its reader cannot read: {' '.join(str(error).split())}")
    if pixels is None:
        return Reading(f"{known}, which its reader cannot read")
    return Reading(None, int(pixels.shape[1]), int(pixels.shape[0]))
