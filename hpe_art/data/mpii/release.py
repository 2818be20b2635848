"""MPII's official release file, made into the files that MMPose's `MpiiDataset` reads.

ROOT/annotations/mpii_train.json  mpii_val.json  mpii_trainval.json
ROOT/annotations/mpii_gt_val.mat  mpii_gt_train.mat  (head boxes; MMPose itself knows the first)
ROOT/images/NNNNNNNNN.jpg  (not made here)

The release's numbers stay as they are: pixels count from 1, centre and scale are the annotators',
which is what `MpiiDataset` and `MpiiPCKAccuracy` expect. As in MMPose's own files a labelled joint
has visibility 1 whether hidden or not, an unlabelled one 0 and the position (-1, -1).

Source: Andriluka et al. 2014, "2D Human Pose Estimation", and the description with the file.
"""

import hashlib
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
from scipy.io import loadmat

from hpe_art.data.annotations import mpii_faults
from hpe_art.data.mpii.matlab import check_matlab
from hpe_art.data.mpii.writer import write_annotations
from hpe_art.errors import UserError, usable
from hpe_art.skeleton import MPII

FILES = (
    "mpii_train.json", "mpii_val.json", "mpii_trainval.json", "mpii_gt_train.mat", "mpii_gt_val.mat"
)  # fmt: skip
NOT_STANDARD = (
    "This is not the standard validation set (Tompson et al., 2,958 people; --val-list gives it), "
    "which the release does not name:\nPCKh on it is not comparable with published figures."
)


class ReleaseError(UserError):
    """The release or the list of validation people is not what it should be; and the mend."""


class Person(NamedTuple):
    """An annotated person."""

    image: str  # file name of the picture
    number: int  # place among the people of the picture, counted from 1 as in the release
    video: str  # what the pictures of one video have in common
    entry: dict[str, Any]  # of MMPose's JSON, and `head_box`: x1, y1, x2, y2, counted from 1


class Release(NamedTuple):
    """What the release holds; its test half has no joints."""

    images: list[str]  # all file names, in the order of the release
    people: list[Person]  # of the training half with joints, scale, position and head box
    left_out: Counter[str]  # how many of the training half lack what


Listed = set[tuple[str, int | None]]
"""An image, and the number of a person in it or None for all of them."""


def prepare(
    file: Path,
    root: Path,
    val_list: Path | None = None,
    val_fraction: float = 0.1,
    overwrite: bool = False,
) -> str:
    """Write the annotation files of MMPose's MPII layout in `root`, from the release.

    For validation are those on a list (`read_val_list`, `split_by_list`), else a share of videos.

    Returns:
        Lines for the user: how many people are where, who was left out, what is still to do.
    Raises:
        FileNotFoundError: no such release or list.
        FileExistsError: annotations are there already.
        ReleaseError: a file is not what it should be, or no one is left for one of the splits.
    """
    for given in filter(None, (file, val_list)):
        if not given.is_file():
            raise FileNotFoundError(f"Expected a file. Got {given}, which does not exist.")
    there = [name for name in FILES if (root / "annotations" / name).exists()]
    if there and not overwrite:
        raise FileExistsError(
            f"Expected no annotations in {root / 'annotations'}. Got {', '.join(there)}: "
            "replace them with --overwrite or name another --data-root."
        )
    release = read_release(file)
    if val_list:
        listed = read_val_list(val_list, release.images)
        train, val = split_by_list(release.people, listed)
        note = _not_found(release.people, listed)
    else:
        train, val = split_by_video(release.people, val_fraction)
        note = NOT_STANDARD
    if not train or not val:
        raise ReleaseError(
            f"Expected people to train on and to validate on. Got {len(train)} and {len(val)}: "
            "mend --val-list or --val-fraction."
        )
    _write(root, {"train": train, "val": val, "trainval": train + val})
    lines = [
        f"{root / 'annotations'}: {_count(train)} to train on, {_count(val)} to validate on.",
        *(f"Left out: {n:,} people without {lack}." for lack, n in release.left_out.items()),
        note,
        _absent_images(root / "images", {p.image for p in train + val}),
    ]
    return "\n".join(filter(None, lines))


def read_release(file: Path) -> Release:
    """Read the release; ReleaseError if it is another file, incomplete, or has joints over 15."""
    content = _load(file)
    release: Any = content.get("RELEASE")
    if not hasattr(release, "annolist") or not hasattr(release, "img_train"):
        raise ReleaseError(
            f"Expected RELEASE with annolist and img_train in {file}. Got {_names(content)}: "
            "give mpii_human_pose_v1_u12_1.mat from MPII's annotations."
        )
    annotations, is_train = np.ravel(release.annolist), np.ravel(release.img_train)
    if len(annotations) != len(is_train):
        counts = f"{len(is_train)} for {len(annotations)}"
        raise ReleaseError(f"Expected one value of img_train per image in {file}. Got {counts}.")
    with usable(f"the name of each image in {file}", ReleaseError):
        images = [str(annotation.image.name) for annotation in annotations]
    people: list[Person] = []
    left_out: Counter[str] = Counter()
    for i in np.flatnonzero(is_train == 1):
        index = _number(annotations[i], "vididx")
        video = images[i] if np.isnan(index) else f"video {index:.0f}"
        for number, rect in enumerate(np.ravel(getattr(annotations[i], "annorect", [])), 1):
            entry = _entry(images[i], rect)
            lack = _lack(entry)
            if lack:
                left_out[lack] += 1
            else:
                people.append(Person(images[i], number, video, entry))
    return Release(images, people, left_out)


def read_val_list(file: Path, images: list[str]) -> Listed:
    """Read who is for validation, given the images of the release.

    The file is a text with an image name, or an image name and the number of a person in it
    (counted from 1), per line; empty lines and those from `#` on do not count. Or it is the
    `detections.mat` of Tompson et al., which numbers images and people as the release does.
    ReleaseError for a line that is neither, or a MATLAB file without these numbers.
    """
    if file.suffix == ".mat":
        return _listed_in_matlab(file, images)
    listed: Listed = set()
    # Some editors begin a text with a byte-order mark.
    text = file.read_text(encoding="utf-8-sig", errors="replace")
    for row, line in enumerate(text.split("\n"), 1):
        match line.split("#")[0].replace(",", " ").split():
            case []:
                pass
            case [name]:
                listed.add((name, None))
            case [name, number] if number.isdecimal() and int(number) > 0:
                listed.add((name, int(number)))
            case _:
                raise ReleaseError(
                    "Expected an image name, or an image name and a person's number from 1 on. "
                    f"Got {line.strip()!r} in line {row} of {file}."
                )
    return listed


def _listed_in_matlab(file: Path, images: list[str]) -> Listed:
    content = _load(file)
    keys = ("RELEASE_img_index", "RELEASE_person_index")
    if not all(key in content for key in keys):
        raise ReleaseError(f"Expected {' and '.join(keys)} in {file}. Got {_names(content)}.")
    places, numbers = (np.ravel(content[key]) for key in keys)
    if places.shape != numbers.shape:
        counts = f"{len(places)} and {len(numbers)}"
        raise ReleaseError(f"Expected as many images as people in {file}. Got {counts}.")
    for key, values, most in zip(keys, (places, numbers), (len(images), np.inf), strict=True):
        good = [_is_place(value, most) for value in values]
        if not all(good):
            row = good.index(False)
            upto = f"1 to {most} (there are so many images)" if most < np.inf else "1 on"
            raise ReleaseError(
                f"Expected whole numbers from {upto} as {key} in {file}. Got {values[row]} in "
                f"place {row + 1}."
            )
    return {(images[int(i) - 1], int(k)) for i, k in zip(places, numbers, strict=True)}


def _is_place(value: Any, most: float) -> bool:
    """Whether a value of MATLAB's is one of the numbers 1 to `most`."""
    known = isinstance(value, (int, float, np.integer, np.floating))
    return known and 1 <= value <= most and float(value).is_integer()


def split_by_list(people: list[Person], listed: Listed) -> tuple[list[Person], list[Person]]:
    """Training people and the listed ones; others in the images of these are in neither."""
    images = {image for image, _ in listed}
    train = [p for p in people if p.image not in images]
    val = [p for p in people if {(p.image, p.number), (p.image, None)} & listed]
    return train, val


def split_by_video(people: list[Person], fraction: float) -> tuple[list[Person], list[Person]]:
    """Training people, and those of a share (0..1) of the videos; the same at every call."""

    def is_val(person: Person) -> bool:
        digest = hashlib.sha256(person.video.encode()).digest()
        return int.from_bytes(digest[:8], "big") < fraction * 2**64

    return [p for p in people if not is_val(p)], [p for p in people if is_val(p)]


def _load(file: Path) -> dict[str, Any]:
    with usable(f"{file} to be a MATLAB file", ReleaseError):
        check_matlab(file)
        return loadmat(file, squeeze_me=True, struct_as_record=False)


def _names(content: dict[str, Any]) -> str:
    return ", ".join(name for name in content if not name.startswith("__")) or "nothing"


def _number(struct: Any, name: str) -> float:
    """A field of a struct; NaN where it is missing, empty or no number, or the struct is."""
    value: Any = getattr(struct, name, ())
    try:
        return float(value) if np.size(value) == 1 else np.nan
    except (TypeError, ValueError):
        return np.nan


def _entry(image: str, rect: Any) -> dict[str, Any]:
    count = len(MPII.joints)
    joints, labelled = np.full((count, 2), -1.0), np.zeros(count, int)
    for point in np.ravel(getattr(getattr(rect, "annopoints", None), "point", [])):
        joint = _number(point, "id")
        if joint not in range(count):
            raise ReleaseError(f"Expected joints 0..{count - 1}. Got {joint:g} in {image}.")
        place = [_number(point, "x"), _number(point, "y")]
        if np.isfinite(place).all():
            joints[int(joint)], labelled[int(joint)] = place, 1
    position = getattr(rect, "objpos", None)
    return {
        "image": image,
        "center": [_number(position, "x"), _number(position, "y")],
        "scale": round(_number(rect, "scale"), 6),
        "joints": joints.round(4).tolist(),
        "joints_vis": labelled.tolist(),
        "head_box": [_number(rect, name) for name in ("x1", "y1", "x2", "y2")],
    }


def _lack(entry: dict[str, Any]) -> str | None:
    if not any(entry["joints_vis"]):
        return "joints"
    if not np.isfinite([*entry["center"], entry["scale"]]).all():
        return "scale or position"
    x1, y1, x2, y2 = entry["head_box"]
    if not np.hypot(x2 - x1, y2 - y1) > 0:
        return "a head box"
    return "numbers that can be used" if mpii_faults([entry]) else None


def _write(root: Path, splits: dict[str, list[Person]]) -> None:
    """Write all files elsewhere in `root` first, so that none is ever there in part."""
    annotations = root / "annotations"
    annotations.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=root, prefix=".annotations-") as work:
        for split, people in splits.items():
            folder = Path(work, split)
            folder.mkdir()
            write_annotations(folder, split, [p.entry for p in people])
        for file in Path(work).glob("*/annotations/*"):
            if file.name in FILES:
                file.replace(annotations / file.name)


def _count(people: list[Person]) -> str:
    return f"{len(people):,} people in {len({p.image for p in people}):,} images"


def _not_found(people: list[Person], listed: Listed) -> str:
    known = {(p.image, p.number) for p in people} | {(p.image, None) for p in people}
    missing = sorted(" ".join(map(str, filter(None, place))) for place in listed - known)
    count = f"{len(missing):,} of {len(listed):,}"
    where = "places on the list are not among the people who can be used, the first"
    return f"Not found: {count} {where} {missing[0]}." if missing else ""


def _absent_images(folder: Path, images: set[str]) -> str:
    there = {file.name for file in folder.iterdir()} if folder.is_dir() else set()
    count = f"{len(images - there):,} of {len(images):,} images are not in {folder}"
    mend = "put those of mpii_human_pose_v1.tar.gz there"
    return f"Still to do: {count}; {mend}." if images - there else ""
