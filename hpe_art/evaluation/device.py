"""The device that a tool is told to run on."""

from __future__ import annotations

import torch

from hpe_art.errors import UserError


def check_device(asked: str) -> None:
    """Sees that the device is there.

    Args:
        asked: "auto", "cpu" or "cuda".

    Raises:
        UserError: a CUDA device is asked for, and there is none.
    """
    if asked == "cuda" and not torch.cuda.is_available():
        raise UserError("Expected a CUDA device for --device cuda. Got none: use cpu.")


def score_in_float32() -> None:
    """Has this process convolve float32 as such, where PyTorch lets a GPU take TF32."""
    torch.backends.cudnn.allow_tf32 = False
