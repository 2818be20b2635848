"""The perturbed images of the first people, small enough to be looked at in a page."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from hpe_art.attacks.pgd import TARGETED_ITERATIONS, UNTARGETED_ITERATIONS
from hpe_art.evaluation.study.networks import Network

Array = NDArray[np.float32]
QUALITY = {"image": 85, "perturbation": 50}


def save_examples(
    folder: Path,
    network: Network,
    poses: Array,
    count: int,
    images: Array | None = None,
    entry: Mapping[str, Any] | None = None,
) -> list[dict[str, Any]]:
    """Writes the images as WebP under `FOLDER/pictures/NETWORK/`.

    Args:
        folder: of the study.
        network: the attacked network.
        poses: (N, K, 3), what it sees in them, in crop pixels.
        count: of people at most.
        images: (n, 3, H, W), perturbed, as packed; default the clean ones.
        entry: of the attack; None for clean images. Those of the curve over iterations and of the
            loss over all outputs are not kept.

    Returns:
        For each person `person`, `pose` (K x 2, crop pixels), `image` and, if perturbed,
        `perturbation` (scaled from -eps..eps to 0..255), both paths within the study.
    """
    if entry is not None and not _is_kept(entry):
        return []
    clean = network.crops.x[:count].astype(np.float32)
    images = clean if images is None else images[:count]
    name = "clean" if entry is None else f"{entry['name'].lower()}_eps{entry['eps']:g}"
    examples = []
    for i, image in enumerate(images):
        stem = f"pictures/{network.name}/{name}_{i}"
        example = {
            "person": int(network.crops.index[i]),
            "pose": np.round(poses[i, :, :2].astype(np.float64), 1),
            "image": write_picture(folder, f"{stem}.webp", image, network, "image"),
        }
        if entry is not None:
            scaled = scaled_perturbation(image - clean[i], entry["eps"])
            example["perturbation"] = write_picture(
                folder, f"{stem}_delta.webp", scaled, network, "perturbation"
            )
        examples.append(example)
    return examples


def scaled_perturbation(delta: Array, eps: float) -> Array:
    """A perturbation (3, H, W) of -eps to eps as an image of 0 to 255."""
    scaled: Array = np.clip((delta / eps + 1) * np.float32(127.5), 0, 255)
    return scaled


def _is_kept(entry: Mapping[str, Any]) -> bool:
    usual = TARGETED_ITERATIONS if entry["targeted"] else UNTARGETED_ITERATIONS
    whole = entry["attack"] != "igsm" or entry["max_iter"] == usual
    return entry["outputs"] == "last" and whole


def write_picture(folder: Path, name: str, image: Array, network: Network, kind: str) -> str:
    """Writes an image (3, H, W), channels as the network packs them; returns its name."""
    pixels = np.rint(image).astype(np.uint8).transpose(1, 2, 0)
    bgr = pixels if network.estimator.packs_bgr else pixels[..., ::-1]
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.ascontiguousarray(bgr), [cv2.IMWRITE_WEBP_QUALITY, QUALITY[kind]])
    return name
