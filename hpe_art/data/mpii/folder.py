"""Points a config at a folder in MPII format: annotations, head boxes, images.

ROOT/annotations/mpii_train.json  mpii_val.json  mpii_gt_val.mat
ROOT/images/NNNNN.jpg
"""

import json
from pathlib import Path
from typing import Any

from hpe_art.errors import UserError

PIPELINE_KEYS = ("pipeline", "indices")


class FolderError(UserError):
    """A folder in MPII format lacks something; the message names it and the mend."""


def mpii_dataset(
    root: str | Path,
    split: str = "val",
    ann_file: str | None = None,
    headbox_file: str | None = None,
    image_prefix: str | None = None,
    ann_flag: str = "--ann-file",
) -> dict[str, Any]:
    """The config of an `MpiiDataset` over a folder, every path checked and absolute.

    Args:
        root: folder; the other paths, where relative, join it.
        split: "train", or "val", which has head boxes and is in test mode.
        ann_file: annotations; default `annotations/mpii_SPLIT.json`, or else the one file
            `annotations/*SPLIT*.json`.
        headbox_file: head boxes; default `annotations/mpii_gt_val.mat`, or else the one file
            `annotations/*gt*val*.mat`.
        image_prefix: folder of the images; default `images`.
        ann_flag: the flag of a tool that sets `ann_file`, for messages.
    Returns:
        Keyword arguments of `MpiiDataset` without a pipeline.
    Raises:
        FolderError: something is missing or ambiguous (the message lists the candidates), or
            annotations and head boxes differ in number.
    """
    root = Path(root).expanduser().absolute()
    if not root.is_dir():
        raise FolderError(f"Expected a folder in MPII format. Got {root}, which does not exist.")
    annotations = _given_or_found(root, ann_file, f"mpii_{split}.json", f"*{split}*.json", ann_flag)
    images = root / (image_prefix or "images")
    if not images.is_dir():
        raise FolderError(f"Expected a folder of images (--image-prefix). Got {images}: not there.")
    dataset: dict[str, Any] = dict(
        type="MpiiDataset",
        data_mode="topdown",
        data_root="",
        ann_file=str(annotations),
        data_prefix=dict(img=f"{images}/"),
    )
    if split == "val":
        usual, pattern = "mpii_gt_val.mat", "*gt*val*.mat"
        boxes = _given_or_found(root, headbox_file, usual, pattern, "--headbox-file")
        _check_same_people(annotations, boxes)
        dataset.update(headbox_file=str(boxes), test_mode=True)
    return dataset


def _given_or_found(root: Path, given: str | None, usual: str, pattern: str, flag: str) -> Path:
    if given is not None:
        path = root / Path(given).expanduser()
        if not path.is_file():
            raise FolderError(f"Expected a file for {flag}. Got {path}, which does not exist.")
        return path
    folder = root / "annotations"
    if (folder / usual).is_file():
        return folder / usual
    # Of both, neither is meant.
    found = [path for path in sorted(folder.glob(pattern)) if "trainval" not in path.name]
    if len(found) != 1:
        names = ", ".join(p.name for p in found) or "none"
        raise FolderError(
            f"Expected {usual} or one file {pattern} in {folder}. Got {names}: "
            f"name one with {flag}."
        )
    return found[0]


def _check_same_people(annotations: Path, boxes: Path) -> None:
    people, count = _count_people(annotations), _count_boxes(boxes)
    if people != count:
        raise FolderError(
            f"Expected as many head boxes as people. Got {count} in {boxes.name} and {people} in "
            f"{annotations.name}: name the matching pair with --ann-file and --headbox-file."
        )


def _count_people(annotations: Path) -> int:
    try:
        people = json.loads(annotations.read_text(encoding="utf-8"))
        if not isinstance(people, list):
            raise ValueError(f"a {type(people).__name__}, not a list of people")
    except (OSError, ValueError) as error:
        raise FolderError(
            f"Expected MPII annotations in JSON. Got {annotations}: {error}."
        ) from None
    return len(people)


def _count_boxes(boxes: Path) -> int:
    from scipy.io import loadmat

    try:
        content = loadmat(boxes)
        if "headboxes_src" not in content:
            raise ValueError("no headboxes_src")
        shape = content["headboxes_src"].shape
        if len(shape) != 3 or shape[:2] != (2, 2):
            raise ValueError(f"headboxes_src of shape {shape} for (2, 2, N)")
    except Exception as error:  # SciPy has many ways to stumble over a damaged file
        fact = str(error) or type(error).__name__
        raise FolderError(f"Expected MPII head boxes in {boxes}. Got: {fact}.") from None
    return shape[2]


def use_folder(loader: Any, dataset: dict[str, Any]) -> None:
    """Replaces the dataset of a dataloader's config, in place, keeping its pipeline.

    `loader` is `cfg.train_dataloader` or its like, `dataset` what `mpii_dataset` returns.
    """
    kept = {key: loader.dataset[key] for key in PIPELINE_KEYS if key in loader.dataset}
    loader.dataset = {**dataset, **kept}
