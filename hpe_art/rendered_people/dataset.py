"""The rendered people as a dataset of MMPose: bundled for validation, rendered for training."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import hpe_art.compat  # noqa: F401, must come before mmpose

from mmengine.dist import barrier, is_main_process
from mmpose.datasets import MpiiDataset
from mmpose.registry import DATASETS

from hpe_art.rendered_people.cache import cache_folder
from hpe_art.rendered_people.person import SPLITS, VERSION
from hpe_art.rendered_people.rendering import render_people

logger = logging.getLogger(__name__)

NUM_PEOPLE = 8000
"""Training people unless asked otherwise."""
_BUNDLED = Path(__file__).parent / "people_val"


def people_folder(split: str, num_people: int = NUM_PEOPLE) -> Path:
    """The folder of a split in the layout of MPII.

    The validation people come with the package. The training people are rendered on first use into
    the user's cache (`platformdirs`, or the folder named by the environment variable
    HPE_ART_CACHE), which takes about 14 minutes for 8,000 people on two cores and needs Anny.
    A larger set begins with the people of a smaller one.

    Args:
        split: "train" or "val".
        num_people: number of training people.

    Raises:
        ImportError: the training people are not rendered yet and Anny is not installed.
        ValueError: no such split, or no people asked for.
    """
    if split not in SPLITS:
        raise ValueError(f"Expected a split of {', '.join(SPLITS)}. Got {split!r}.")
    if split == "val":
        return _BUNDLED
    folder = _train_folder(num_people)
    if not folder.exists():
        logger.info("Rendering %d training people into %s", num_people, folder)
        try:
            render_people(folder, split, num_people)
        except OSError:
            if not folder.exists():  # else another process was first
                raise
    return folder


def is_rendered(num_people: int = NUM_PEOPLE) -> bool:
    """Whether so many training people are in the cache already."""
    return _train_folder(num_people).exists()


def _train_folder(num_people: int) -> Path:
    return cache_folder() / f"people-v{VERSION}-train-{num_people}"


@DATASETS.register_module()
class RenderedPeople(MpiiDataset):
    """MMPose's `MpiiDataset` on the rendered people.

    Args:
        split: "train" or "val".
        num_people: number of training people; there are always 256 to validate on.
        test_mode: as in `MpiiDataset`; with it the head boxes are loaded for `MpiiPCKAccuracy`.
        **kwargs: whatever else `MpiiDataset` takes; the files are given by the split.
    """

    def __init__(
        self,
        split: str = "train",
        num_people: int = NUM_PEOPLE,
        test_mode: bool = False,
        **kwargs: Any,
    ) -> None:
        if is_main_process():
            people_folder(split, num_people)
        barrier()
        folder = people_folder(split, num_people)
        boxes = folder / "annotations" / f"mpii_gt_{split}.mat"
        super().__init__(
            data_root=str(folder),
            ann_file=f"annotations/mpii_{split}.json",
            data_prefix={"img": "images/"},
            headbox_file=str(boxes) if test_mode else None,
            test_mode=test_mode,
            **kwargs,
        )
