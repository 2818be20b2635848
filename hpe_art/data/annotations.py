"""Annotations of people in the formats of MPII and COCO: read, and what is wrong with whom.

Checked is what MMPose's loaders read, before they do: some faults end them in a traceback, for
others they leave a person out and say nothing, and a number that is none makes the loss one, too.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hpe_art.errors import UserError

MOST_PIXELS = 1e6
"""Beyond it, no number is a place or a length in an image."""
UNKNOWN = -1
"""MPII's centre and scale of people of whom they are not known."""


class DataError(UserError):
    """People cannot be used; the message names who and the mend."""


class Fault(NamedTuple):
    """What is wrong with one person, or with an image that shows nobody."""

    person: int | None  # MPII: place in the file, from 0; COCO: the id of the annotation
    image: str
    what: str
    stops: bool = True  # False: nothing to score, but nothing wrong either

    def __str__(self) -> str:
        who = "image" if self.person is None else f"person {self.person}"
        return f"{who} ({self.image}): {self.what}"


def read_json(path: str | Path) -> Any:
    """What a JSON file holds; DataError if it is none."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"Expected annotations in JSON. Got {path}: {error}.") from None


def read_mpii(path: str | Path) -> list[Any]:
    """The people of a file in MPII's format; DataError if it holds something else."""
    try:
        people = json.loads(Path(path).read_text(encoding="utf-8"))
        if not isinstance(people, list):
            raise ValueError(f"a {type(people).__name__}, not a list of people")
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"Expected MPII annotations in JSON. Got {path}: {error}.") from None
    return people


def mpii_faults(
    people: Sequence[Any], joints: int = 16, head_boxes: NDArray[Any] | None = None
) -> dict[int, Fault]:
    """Who of MPII's people cannot be used, by the place in the file.

    Args:
        people: N entries, as `MpiiDataset` reads them.
        joints: K, how many each has.
        head_boxes: (2, 2, N), corners of the boxes; None where there are none.
    """
    found = {}
    for place, entry in enumerate(people):
        box = None if head_boxes is None else head_boxes[..., place]
        if fault := next(_mpii_faults(entry, joints, box), None):
            found[place] = Fault(place, _name(entry, "image"), *fault)
    return found


def _mpii_faults(
    entry: Any, joints: int, head_box: NDArray[Any] | None
) -> Iterator[tuple[str, bool]]:
    if missing := _missing(entry, ("image", "center", "scale", "joints", "joints_vis")):
        yield missing, True
        return
    try:
        int(entry["image"].split(".")[0])
    except (AttributeError, ValueError):
        expected = "a name that begins with a whole number and a dot, such as 2000.jpg"
        yield f"image is {entry['image']!r:.80} for {expected}: MMPose takes it for an id", True
    centre, scale = _numbers(entry["center"], (2,)), _numbers(entry["scale"], ())
    if scale == UNKNOWN or (centre is not None and centre[0] == UNKNOWN):
        yield "centre and scale are not known (-1)", True
    if centre is None:
        yield f"center is {entry['center']!r:.80} for two finite numbers", True
    if scale is None or scale <= 0:
        yield f"scale is {entry['scale']!r:.80} for a finite number > 0", True
    points = _numbers(entry["joints"], (joints, 2))
    if points is None:
        yield _wrong_points(entry["joints"], (joints, 2), 2), True
    seen = _numbers(entry["joints_vis"], (joints,))
    if seen is None or not np.isin(seen, (0, 1)).all():
        yield f"joints_vis is {entry['joints_vis']!r:.80} for {joints} times 0 or 1", True
    elif not seen.any():
        yield "no joint is labelled", False
    elif points is not None and points[seen > 0].max() <= 0:
        yield "all its joints lie outside the image", True
    if head_box is not None and not 0 < np.linalg.norm(head_box[1] - head_box[0]) < MOST_PIXELS:
        yield f"its head box is {head_box.tolist()}", True


def coco_faults(content: Any, joints: int) -> dict[int, Fault]:
    """Who of COCO's people cannot be used, by the place among the annotations.

    What COCO's format has for people who are not to be used is no fault: crowds, no labelled joint,
    and annotations without keypoints. Images without people have negative places.

    Raises:
        DataError: the content is not in COCO's format at all.
    """
    if missing := _missing(content, ("images", "annotations", "categories")):
        raise DataError(f"Expected annotations in COCO's format. Got something else: {missing}.")
    for name in ("images", "annotations", "categories"):
        if not isinstance(content[name], list):
            kind = type(content[name]).__name__
            raise DataError(f"Expected a list of {name} in COCO's format. Got a {kind}.")
    for one in content["categories"]:
        if _id(one) is None:
            raise DataError(
                f"Expected categories with whole ids in COCO's format. Got {one!r:.80}."
            )
    images, annotations = content["images"], content["annotations"]
    copies, ids = Counter(map(_id, images)), Counter(map(_id, annotations))
    wrong = {_id(image): what for image in images if (what := _image_fault(image, copies))}
    known = {_id(image): image for image in images}
    found, shown = {}, set()
    for place, one in enumerate(annotations):
        image = _id({"id": one.get("image_id")}) if isinstance(one, dict) else None
        shown.add(image)
        if what := wrong.get(image) or next(_coco_faults(one, known.get(image), ids, joints), None):
            number = place if _id(one) is None else _id(one)
            found[place] = Fault(number, _name(known.get(image), "file_name"), what)
    for place, image in enumerate(images, 1):
        if _id(image) in wrong and _id(image) not in shown:
            found[-place] = Fault(None, _name(image, "file_name"), wrong[_id(image)])
    return found


def count_joints(content: Any) -> int | None:
    """How many joints the first category of COCO's annotations names that names any."""
    categories = content.get("categories") if isinstance(content, dict) else None
    for one in categories if isinstance(categories, list) else ():
        names = one.get("keypoints") if isinstance(one, dict) else None
        if isinstance(names, list) and names:
            return len(names)
    return None


def has_labels(content: Mapping[str, Any]) -> bool:
    """Whether anybody in COCO's annotations has a labelled joint: MMPose cannot load them else."""
    flat = [one.get("keypoints") for one in content["annotations"] if isinstance(one, dict)]
    flags = (flag for one in flat if isinstance(one, list) for flag in one[2::3])
    return any(isinstance(flag, (int, float)) and flag > 0 for flag in flags)


def usable_mpii(people: Sequence[Any], faults: Mapping[int, Fault]) -> list[Any]:
    """MPII's people with a usable one in place of each that is not: the others keep their places.

    Nobody if there is no usable one.
    """
    good = next((one for place, one in enumerate(people) if place not in faults), None)
    if good is None:
        return []
    return [good if place in faults else one for place, one in enumerate(people)]


def usable_coco(content: dict[str, Any], faults: Mapping[int, Fault]) -> dict[str, Any]:
    """COCO's annotations without people and images that cannot be used."""
    copies = Counter(map(_id, content["images"]))
    images = [one for one in content["images"] if not _image_fault(one, copies)]
    people = [one for place, one in enumerate(content["annotations"]) if place not in faults]
    return {**content, "images": images, "annotations": people}


def _image_fault(image: Any, copies: Counter[Any]) -> str | None:
    if missing := _missing(image, ("id", "file_name", "width", "height")):
        return missing
    if _id(image) is None:
        return f"the image's id is {image['id']!r:.80} for a whole number"
    if copies[image["id"]] > 1:
        return f"{copies[image['id']]} images have the id {image['id']}"
    if not isinstance(image["file_name"], str) or not image["file_name"]:
        return f"file_name is {image['file_name']!r:.80}"
    size = _numbers([image["width"], image["height"]], (2,))
    if size is None or size.min() <= 0:
        return f"the image is {image['width']!r:.40} x {image['height']!r:.40} pixels"
    return None


def _coco_faults(one: Any, image: Any, ids: Counter[Any], joints: int) -> Iterator[str]:
    if missing := _missing(one, ("id", "image_id", "category_id")):
        yield missing
        return
    if _id(one) is None:
        yield f"its id is {one['id']!r:.80} for a whole number"
    if ids[_id(one)] > 1:
        yield f"{ids[one['id']]} annotations have the id {one['id']}"
    if image is None:
        yield f"no image has the id {one['image_id']!r:.80}"
    if "bbox" not in one or "keypoints" not in one:
        return
    flat, box = _numbers(one["keypoints"], (3 * joints,)), _numbers(one["bbox"], (4,))
    if flat is None:
        yield _wrong_points(one["keypoints"], (3 * joints,), 3)
    if box is None:
        yield f"bbox is {one['bbox']!r:.80} for four finite numbers"
    if flat is None or box is None or image is None or one.get("iscrowd"):
        return
    points, seen = flat.reshape(-1, 3)[:, :2], flat.reshape(-1, 3)[:, 2]
    count = one.get("num_keypoints", int(seen.any()))
    if seen.min() < 0:
        yield f"its visibilities are {seen.tolist()!r:.80} for 0, 1 or 2"
    elif bool(count) != bool(seen.any()):
        yield f"num_keypoints is {count!r:.40} and {int((seen > 0).sum())} joints are labelled"
    elif count:
        yield from _place_faults(one, points[seen > 0], box, image)


def _place_faults(
    one: Any, points: NDArray[np.float64], box: NDArray[np.float64], image: Any
) -> Iterator[str]:
    """What is wrong with the place of a labelled person."""
    width, height = image["width"], image["height"]
    if box[2:].min() <= 0:
        yield f"bbox is {box.tolist()}: its width and height must be > 0"
    elif (box[:2] >= (width - 1, height - 1)).any() or (box[:2] + box[2:] <= 0).any():
        yield f"bbox is {box.tolist()}, outside its image of {width} x {height} pixels"
    elif not ((points >= 0) & (points < (width, height))).all(axis=1).any():
        yield f"all its joints lie outside its image of {width} x {height} pixels"
    area = _numbers(one.get("area", 1), (), MOST_PIXELS**2)
    if area is None or area <= 0:
        yield f"area is {one['area']!r:.80} for a finite number > 0"


def _missing(entry: Any, keys: Sequence[str]) -> str | None:
    if not isinstance(entry, dict):
        return f"it is {entry!r:.40} for an object"
    absent = [key for key in keys if key not in entry]
    return f"{' and '.join(absent)} missing" if absent else None


def _numbers(
    value: Any, shape: tuple[int, ...], most: float = MOST_PIXELS
) -> NDArray[np.float64] | None:
    """Numbers of that shape that can be places or lengths in an image; None if any cannot."""
    try:
        numbers = np.array(value)
    except (ValueError, OverflowError):  # lists of different lengths
        return None
    if numbers.shape != shape or numbers.dtype.kind not in "biuf":
        return None
    return numbers.astype(np.float64) if bool((np.abs(numbers) < most).all()) else None


def _wrong_points(value: Any, shape: tuple[int, ...], width: int) -> str:
    """What is wrong with joints of which each should have so many finite numbers."""
    try:
        got = np.array(value, np.float64)
    except (TypeError, ValueError, OverflowError):
        return f"its joints are no numbers of shape {shape}"
    if got.shape != shape:
        return f"its joints have the shape {got.shape} for {shape}"
    rows = got.reshape(-1, width)
    bad = ~(np.abs(rows) < MOST_PIXELS).all(axis=1)
    if not bad.any():
        return "its joints are text for numbers"
    return f"joint {bad.argmax()} is at {rows[bad.argmax(), :2].tolist()}"


def _name(entry: Any, key: str) -> str:
    return str(entry.get(key, "no image")) if isinstance(entry, dict) else "no image"


def _id(entry: Any) -> Any:
    """An entry's id; None where it has none by which it can be found."""
    number = entry.get("id") if isinstance(entry, dict) else None
    return number if isinstance(number, int) and not isinstance(number, bool) else None
