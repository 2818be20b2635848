"""Points a config at a folder in MPII format: annotations, head boxes, images.

ROOT/annotations/mpii_train.json  mpii_val.json  mpii_gt_val.mat
ROOT/images/NNNNN.jpg
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hpe_art.data.annotations import DataError
from hpe_art.data.mpii.head_boxes import read_head_boxes

PIPELINE_KEYS = ("pipeline", "indices")

FolderError = DataError
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
        read_head_boxes(boxes, annotations)
        dataset.update(headbox_file=str(boxes), test_mode=True)
    return dataset


def _given_or_found(root: Path, given: str | None, usual: str, pattern: str, flag: str) -> Path:
    if given is not None:
        path = root / Path(given).expanduser()
        if not path.is_file():
            raise FolderError(f"Expected a file for {flag}. Got {path}, which does not exist.")
        return path
    folder = root / "annotations"
    if not folder.is_dir():
        raise FolderError(
            f"Expected a folder in MPII format, with annotations/{usual} and images. Got {root}, "
            "without annotations: docs/photographs.md makes such a folder of photographs and "
            f"clicks; annotations elsewhere are named with {flag}."
        )
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


def use_folder(loader: Any, dataset: dict[str, Any]) -> None:
    """Replaces the dataset of a dataloader's config, in place, keeping its pipeline.

    `loader` is `cfg.train_dataloader` or its like, `dataset` what `mpii_dataset` returns.

    Raises:
        FolderError: there is no dataset to be replaced.
    """
    held = loader.get("dataset") if isinstance(loader, Mapping) else None
    if not isinstance(held, Mapping):
        raise FolderError(
            "Expected a config with a dataset in whose place the folder comes. "
            f"Got {loader!r:.80} for a dataloader."
        )
    kept = {key: held[key] for key in PIPELINE_KEYS if key in held}
    loader.dataset = {**dataset, **kept}
