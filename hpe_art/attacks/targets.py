"""Target poses for targeted attacks, picked as in Jain et al. 2019.

Shapes: N victims, M donors, K joints. Poses are (., K, 3): x, y in crop pixels, visibility.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hpe_art.metrics import pckh_hits
from hpe_art.mpii import SCORED

Array = NDArray[np.float32]


@dataclass(frozen=True)
class TargetPoses:
    """The choice, to be recorded with the result.

    Attributes:
        poses: (N, K, 3), in the victim's crop.
        donors: (N,), index of each donor in the test set.
        fallbacks: victims for whom no donor has PCKh 0; they got the lowest there is.
        seed: of the draw.
    """

    poses: Array
    donors: NDArray[np.int64]
    fallbacks: int
    seed: int


def complete_donors(donors: Array, index: NDArray[np.int64]) -> NDArray[np.int64]:
    """Who can give a target pose: the people with all joints labelled.

    Args:
        donors: (M, K, 3), poses of the test set.
        index: (N,), place of each victim in it; nobody is their own donor.

    Raises:
        ValueError: a victim would have no donor.
    """
    complete = np.flatnonzero((donors[..., 2] > 0).all(axis=1))
    if not set(complete) - set(index.tolist()) and len(complete) < 2:
        raise ValueError(
            f"Expected donors with all {donors.shape[1]} joints labelled for target poses. "
            f"Got {len(complete)} in a test set of {len(donors)}."
        )
    return complete


def random_far_poses(
    clean: Array,
    index: NDArray[np.int64],
    donors: Array,
    head_size: Array,
    to_image: Callable[[Array], Array],
    seed: int = 0,
) -> TargetPoses:
    """Draws for each victim a true pose that its clean prediction does not match in any joint.

    A donor is another person with all joints labelled. Its pose, in pixels of its own crop, is
    taken over into the victim's crop; its PCKh@0.5 against the clean prediction, by the victim's
    head size, must be 0. Where no donor has 0, the lowest is taken.

    Args:
        clean: (N, K, 3), the network's clean predictions, in crop pixels.
        index: (N,), place of each victim in the test set.
        donors: (M, K, 3), poses of the test set in order, each in its own crop.
        head_size: (N,), in image pixels.
        to_image: maps (N, M, K, 3) poses from crop to image pixels.
        seed: of the draw; a victim's draw depends on its index only, not on who else is there.

    Raises:
        ValueError: nobody has all joints labelled.

    Source: Jain et al. 2019, section 4.2 (targeted attacks).
    """
    complete = complete_donors(donors, index)
    pckh = _pckh_against(clean, donors[complete], head_size, to_image)
    chosen, fallbacks = [], 0
    for row, victim in zip(pckh, index.tolist(), strict=True):
        order = np.random.default_rng([seed, victim]).permutation(len(complete))
        order = order[complete[order] != victim]
        far = order[row[order] == 0]
        fallbacks += len(far) == 0
        best = far[0] if len(far) else order[np.argmin(row[order])]
        chosen.append(complete[best])
    picked = np.asarray(chosen, np.int64)
    return TargetPoses(donors[picked], picked, fallbacks, seed)


def _pckh_against(
    clean: Array, donors: Array, head_size: Array, to_image: Callable[[Array], Array]
) -> NDArray[np.float64]:
    """(N, M): share of joints where the clean prediction matches the donor's pose."""
    count = len(clean)
    predicted = to_image(clean)
    shares = np.empty((count, len(donors)))
    # Donor by donor, so that memory stays (N, K, 3) however many there are.
    for m, donor in enumerate(donors):
        truth = to_image(np.broadcast_to(donor, (count, *donor.shape)))
        shares[:, m] = pckh_hits(predicted, truth, head_size)[:, SCORED].mean(axis=1)
    return shares
