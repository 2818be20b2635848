"""Who else is shown the images made for a network: other networks, and the same one defended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import interpolate

from hpe_art.errors import UserError
from hpe_art.estimators import PyTorchPoseEstimator
from hpe_art.estimators.defences import DEFENCES
from hpe_art.estimators.loading import load_config
from hpe_art.evaluation.spec import FLIP
from hpe_art.evaluation.store import OWN

Array = NDArray[np.float32]
Kind = Literal["transfer", "defence", "saved"]


@dataclass(frozen=True)
class Observer:
    """A network that sees images which were made for another, under its name in the results.

    Its kind is "defence" if it is the attacked network itself behind a defence, and "saved" if it
    is shown what is saved.
    """

    name: str
    estimator: Any
    kind: Kind = "transfer"

    def poses(
        self, images: Array, bgr: bool, batch_size: int = 32, clean: Array | None = None
    ) -> Array:
        """What it sees, in pixels of the images as they are given.

        Args:
            images: (N, 3, H, W), 0 to 255; resized where the network takes another size.
            bgr: whether they have blue first; turned round where the network has not.
            batch_size: images per pass.
            clean: (N, 3, H, W), the same before the attack; not looked at here.

        Returns:
            (N, K, 3): x, y, score. Raises a UserError if the network takes another aspect.
        """
        height, width = images.shape[2:]
        _, own_height, own_width = self.estimator.input_shape
        if height * own_width != width * own_height:
            raise UserError(
                f"Expected a network for crops of the aspect {width} x {height}. "
                f"Got {self.name} with {own_width} x {own_height}."
            )
        same_order = bgr == self.estimator.packs_bgr
        seen = torch.as_tensor(images if same_order else images[:, ::-1].copy())
        if (height, width) != (own_height, own_width):
            seen = interpolate(seen, (own_height, own_width), mode="bilinear", antialias=True)
        poses = self.estimator.predict(seen.numpy(), batch_size)
        ratio = np.float32(width / own_width)
        # Pixel centres lie at halves when an image is resized.
        points = (poses[..., :2] + 0.5) * ratio - 0.5 if ratio != 1 else poses[..., :2]
        return np.concatenate([points, poses[..., 2:]], axis=-1)


@dataclass(frozen=True)
class MirroredPerturbation(Observer):
    """The attacked network itself, shown the clean image with the perturbation mirrored.

    That tells whether a perturbation hangs on the image it was made for.

    Source: Jain et al. 2019, section 4.6 (defences).
    """

    name: str = FLIP
    estimator: Any = None
    kind: Kind = "defence"

    def poses(
        self, images: Array, bgr: bool, batch_size: int = 32, clean: Array | None = None
    ) -> Array:
        """As `Observer.poses`; without the clean images these are clean."""
        if clean is not None:
            images = np.clip(clean + (images - clean)[..., ::-1], 0, 255)
        return super().poses(np.ascontiguousarray(images), bgr, batch_size)


@dataclass(frozen=True)
class SavedImages(Observer):
    """The attacked network itself, shown the images as files have them: in whole grey levels."""

    name: str = "saved"
    estimator: Any = None
    kind: Kind = "saved"

    def poses(
        self, images: Array, bgr: bool, batch_size: int = 32, clean: Array | None = None
    ) -> Array:
        """As `Observer.poses`."""
        return super().poses(np.rint(images), bgr, batch_size)


def defended(name: str, estimator: PyTorchPoseEstimator) -> Observer:
    """The network behind a defence, a key of `DEFENCES` or `FLIP`, that it does not know of."""
    if name == FLIP:
        return MirroredPerturbation(estimator=estimator)
    behind = behind_defence(estimator, DEFENCES[name](estimator.packs_bgr))
    return Observer(name, behind, kind="defence")


def behind_defence(estimator: PyTorchPoseEstimator, defence: Any) -> PyTorchPoseEstimator:
    """Another estimator of the same model, behind a preprocessing defence of ART's."""
    return PyTorchPoseEstimator(
        estimator.model,
        flip_test=estimator.flip_test,
        precision=estimator.precision,
        compile=estimator.compile,
        preprocessing_defences=defence,
        device_type="cpu" if estimator.device.type == "cpu" else "gpu",
    )


def check_names(observers: Sequence[Observer]) -> None:
    """Raises a UserError if two have one name, or that of the attacked network in the store."""
    names = [observer.name for observer in observers]
    if len({OWN, *names}) <= len(names):
        raise UserError(
            f"Expected observers of different names, and none called {OWN}. "
            f"Got {', '.join(names)}: rename a config."
        )


def other_network(config: str | Path, estimator: PyTorchPoseEstimator, joints: int) -> Observer:
    """Another network, with the weights that its config names, for the crops of the attacked one.

    Raises a UserError if it has no weights, or such that predict no numbers, other joints, or takes
    crops of another aspect.
    """
    cfg = load_config(config)
    if not cfg.get("load_from"):
        raise UserError(
            f"Expected trained weights of an observer. Got {config} without load_from: train it "
            f"with tools/train.py {config}, and name them in the config."
        )
    device = "cpu" if estimator.device.type == "cpu" else "gpu"
    network = PyTorchPoseEstimator.from_config(cfg, device_type=device)
    observer = Observer(Path(config).stem, network)
    blank = np.zeros((1, *estimator.input_shape), np.float32)
    observer.poses(blank, estimator.packs_bgr)  # raises where the aspect is another
    try:
        found = network.count_joints()
    except UserError as error:
        raise UserError(f"{config}: {error}") from error
    if found != joints:
        raise UserError(
            f"Expected networks of {joints} joints, as the people have. Got {config} with {found}."
        )
    return observer
