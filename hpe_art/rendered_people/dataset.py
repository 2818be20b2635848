"""The rendered people as datasets of MMPose: bundled for validation, rendered for training."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import hpe_art.compat  # noqa: F401, must come before mmpose

from mmengine.dist import barrier, is_main_process
from mmpose.datasets import CocoDataset, MpiiDataset
from mmpose.registry import DATASETS

from hpe_art.rendered_people.body_model import cache_folder
from hpe_art.rendered_people.pictures import VERSION
from hpe_art.rendered_people.rendering import render_people

logger = logging.getLogger(__name__)

NUM_PEOPLE = 8000
"""Training people unless asked otherwise."""
NUM_PICTURES = 3000
"""Training pictures in COCO's format unless asked otherwise."""
# Of each format, the folder that comes with the package and the name in the cache.
_NAMES = {"mpii": ("people_val", "people"), "coco": ("coco_val", "coco-people")}


def people_folder(split: str, num_people: int = NUM_PEOPLE) -> Path:
    """The folder of a split, "train" or "val", in the layout of MPII.

    The validation people come with the package. The training people are rendered on first use into
    the user's cache (`platformdirs`, or the folder named by the environment variable
    HPE_ART_CACHE), which takes about 14 minutes for 8,000 people on two cores and needs Anny.
    A larger set begins with the people of a smaller one.

    Raises:
        ImportError: the training people are not rendered yet and Anny is not installed.
        ValueError: no such split, or no people asked for.
    """
    return _folder("mpii", split, num_people)


def coco_people_folder(split: str, num_pictures: int = NUM_PICTURES) -> Path:
    """The folder of a split in COCO's format; else as `people_folder`.

    Nobody is in both formats. The bundled 99 pictures show 128 labelled people; a training picture
    shows 1.3 on average.
    """
    return _folder("coco", split, num_pictures)


def _folder(label_format: str, split: str, count: int) -> Path:
    folder = _place(label_format, split, count)
    if split != "val" and not folder.exists():
        logger.info("Rendering %d training pictures into %s", count, folder)
        try:
            render_people(folder, split, count, label_format=label_format)
        except OSError:
            if not folder.exists():  # else another process was first
                raise
    return folder


def _place(label_format: str, split: str, count: int) -> Path:
    bundled, cached = _NAMES[label_format]
    if split == "val":
        return Path(__file__).parent / bundled
    return cache_folder() / f"{cached}-v{VERSION}-{split}-{count}"


def people_are_there(dataset: Mapping[str, Any]) -> bool:
    """Whether a dataset of MMPose, by its config, needs no people that are yet to be rendered."""
    rendered = {
        "RenderedPeople": ("mpii", "num_people", NUM_PEOPLE),
        "RenderedCocoPeople": ("coco", "num_pictures", NUM_PICTURES),
    }
    name = getattr(dataset["type"], "__name__", dataset["type"])
    if name not in rendered:
        return True
    label_format, number, usual = rendered[name]
    split = dataset.get("split", "train")
    return _place(label_format, split, dataset.get(number, usual)).exists()


def _shared_files(label_format: str, split: str, count: int, labels: str) -> dict[str, Any]:
    """Where MMPose finds a set; the first process makes it while the others wait."""
    if is_main_process():
        _folder(label_format, split, count)
    barrier()
    return {
        "data_root": str(_folder(label_format, split, count)),
        "ann_file": f"annotations/{labels}_{split}.json",
        "data_prefix": {"img": "images/"},
    }


@DATASETS.register_module()
class RenderedPeople(MpiiDataset):
    """MMPose's `MpiiDataset` on the rendered people, "train" or "val"; the split gives the files.

    `num_people` are to train on; there are always 256 to validate on. With `test_mode` the head
    boxes are loaded for `MpiiPCKAccuracy`.
    """

    def __init__(
        self,
        split: str = "train",
        num_people: int = NUM_PEOPLE,
        test_mode: bool = False,
        **kwargs: Any,
    ) -> None:
        files = _shared_files("mpii", split, num_people, "mpii")
        if test_mode:
            files["headbox_file"] = f"{files['data_root']}/annotations/mpii_gt_{split}.mat"
        super().__init__(**files, test_mode=test_mode, **kwargs)


@DATASETS.register_module()
class RenderedCocoPeople(CocoDataset):
    """MMPose's `CocoDataset` on people rendered in groups; else as `RenderedPeople`.

    `num_pictures` are to train on; there are always 99 to validate on.
    """

    def __init__(
        self, split: str = "train", num_pictures: int = NUM_PICTURES, **kwargs: Any
    ) -> None:
        files = _shared_files("coco", split, num_pictures, "person_keypoints")
        super().__init__(**files, **kwargs)
