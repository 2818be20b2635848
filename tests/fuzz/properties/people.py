"""People: annotations, head boxes, images, and the release that MPII's are made from."""

from __future__ import annotations

import json
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from conftest import _write_people as write_people
from fuzz.holding import holds, refused
from fuzz.mutations import broken_arrays, broken_bytes, broken_json, broken_picture
from hypothesis import reject
from hypothesis import strategies as st
from mmengine.config import Config
from scipy.io import loadmat, savemat

from hpe_art.data.folder_checks import check_folder
from hpe_art.data.people import People, load_people
from hpe_art.rendered_people.dataset import coco_people_folder
from hpe_art.report.annotated_people import annotated_panel

STEPS = [
    dict(type="LoadImage"),
    dict(type="GetBBoxCenterScale"),
    dict(type="TopdownAffine", input_size=(32, 32)),
    dict(type="PackPoseInputs", pack_transformed=True),
]
BOXES = "headboxes_src"
COCO_IMAGES = 3


def test_set(kind: str, annotations: Path, images: Path, **more: Any) -> Config:
    """The config of a set of people."""
    dataset = dict(
        type=kind,
        ann_file=str(annotations),
        data_prefix=dict(img=f"{images}/"),
        test_mode=True,
        pipeline=STEPS,
        **more,
    )
    return Config(dict(test_dataloader=dict(dataset=dataset)))


test_set.__test__ = False  # type: ignore[attr-defined]


@cache
def mpii() -> tuple[Path, list[Any], People]:
    """A folder in MPII format, its annotations, and its people."""
    root = write_people(Path(tempfile.mkdtemp()) / "people")
    file = root / "annotations/mpii_val.json"
    return root, json.loads(file.read_text()), load_people(mpii_set(file))


def mpii_set(annotations: Path, images: Path | None = None, boxes: Path | None = None) -> Config:
    """The config of the small folder, with some files of others."""
    root = annotations.parents[1] if images is None else mpii()[0]
    boxes = boxes or root / "annotations/mpii_gt_val.mat"
    images = images or root / "images"
    return test_set("MpiiDataset", annotations, images, headbox_file=str(boxes))


@cache
def coco() -> tuple[Path, dict[str, Any], dict[str, Any]]:
    """Some of the bundled people: images, annotations, and the pose of each annotation."""
    root = coco_people_folder("val")
    whole = json.loads((root / "annotations/person_keypoints_val.json").read_text())
    images = whole["images"][:COCO_IMAGES]
    known = {one["id"] for one in images}
    people = [one for one in whole["annotations"] if one["image_id"] in known]
    for one in people:
        del one["segmentation"]
    whole = {**whole, "images": images, "annotations": people}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "people.json")
        file.write_text(json.dumps(whole))
        found = load_people(test_set("CocoDataset", file, root / "images"))
    return root / "images", whole, dict(zip(coco_keys(whole, found), found.y, strict=True))


def coco_keys(content: dict[str, Any], people: People) -> list[str]:
    """All that the list says of each person and the image."""
    by_id = {one.get("id"): one for one in content["annotations"] if isinstance(one, dict)}
    images = {one.get("id"): one for one in content["images"] if isinstance(one, dict)}
    numbers = [people.dataset.get_data_info(i)["id"] for i in people.index.tolist()]
    return [repr((by_id[n], images[by_id[n]["image_id"]])) for n in numbers]


@holds
def annotations(folder: Path, draw: Any) -> None:
    """Who is as before in a broken list has the same pose as before, or nobody has any."""
    root, entries, whole = mpii()
    path, text = folder / "list.json", draw(broken_json(entries))
    path.write_bytes(text)
    with refused():
        found = load_people(mpii_set(path, root / "images"), None, draw(st.booleans()))
        read = json.loads(text)
        assert np.isfinite(found.y).all()
        for row, place in enumerate(found.index.tolist()):
            entry = read[found.dataset.get_data_info(place)["id"]]
            if entry in entries:
                assert np.array_equal(found.y[row], whole.y[entries.index(entry)])


@holds
def coco_annotations(folder: Path, draw: Any) -> None:
    """The same in COCO's format."""
    images, content, poses = coco()
    path, text = folder / "list.json", draw(broken_json(content))
    path.write_bytes(text)
    with refused():
        found = load_people(test_set("CocoDataset", path, images), None, draw(st.booleans()))
        assert np.isfinite(found.y).all()
        for key, pose in zip(coco_keys(json.loads(text), found), found.y, strict=True):
            assert key not in poses or np.array_equal(pose, poses[key])


@cache
def _detected() -> tuple[list[Any], list[Any]]:
    """Detections in the images of `coco`, and what is said of them: box and pose."""
    pictures, content, _ = coco()
    file = pictures.parent / "annotations/person_detections_val.json"
    known = {one["id"] for one in content["images"]}
    boxes = [one for one in json.loads(file.read_text()) if one["image_id"] in known]
    with tempfile.TemporaryDirectory() as folder:
        found = _detections(Path(folder), json.dumps(boxes).encode(), skip=False)
    return boxes, list(zip(found.truth.bbox, found.y, strict=True))


def _detections(folder: Path, boxes: bytes, skip: bool) -> People:
    pictures, content, _ = coco()
    (folder / "people.json").write_text(json.dumps(content))
    (folder / "boxes.json").write_bytes(boxes)
    more = {"bbox_file": str(folder / "boxes.json")}
    cfg = test_set("CocoDataset", folder / "people.json", pictures, **more)
    return load_people(cfg, None, skip, detections=True)


@holds
def detections(folder: Path, draw: Any) -> None:
    """Who is detected in a box of before has the same pose as before, or nobody has any."""
    boxes, before = _detected()
    text = draw(broken_json(boxes))
    with refused():
        found = _detections(folder, text, draw(st.booleans()))
        assert np.isfinite(found.y).all() and np.isfinite(found.truth.bbox).all()
        read = json.loads(text)
        if all(one in boxes for one in read):
            poses = {bytes(box): pose for box, pose in before}
            for box, pose in zip(found.truth.bbox, found.y, strict=True):
                assert np.array_equal(poses[bytes(box)], pose)


@holds
def head_boxes(folder: Path, draw: Any) -> None:
    """Whose box is as before has the same unit; every unit is a length."""
    root, _, whole = mpii()
    file = root / "annotations/mpii_gt_val.mat"
    before, path = loadmat(file)[BOXES], folder / "boxes.mat"
    if draw(st.booleans()):
        path.write_bytes(draw(broken_bytes(file.read_bytes())))
    else:
        _save(path, draw(broken_arrays({BOXES: before})))
    with refused():
        listed = root / "annotations/mpii_val.json"
        found = load_people(mpii_set(listed, root / "images", path), None, draw(st.booleans()))
        assert np.array_equal(found.y, whole.y[found.index])
        size, boxes = found.truth.head_size, loadmat(path)[BOXES]
        assert np.isfinite(size).all() and (size > 0).all()
        for one, place in zip(size, found.index.tolist(), strict=True):
            if np.array_equal(boxes[..., place], before[..., place]):
                assert one == whole.truth.head_size[place]


def _save(path: Path, arrays: dict[str, Any]) -> None:
    try:
        savemat(path, arrays)
    except Exception:  # MATLAB's format has no such thing
        reject()


@holds
def images(folder: Path, draw: Any) -> None:
    """A broken image is named, and its people left out if asked; the others are as before."""
    root, entries, whole = mpii()
    names = sorted({entry["image"] for entry in entries})
    name = draw(st.sampled_from(names))
    for one in names:
        (folder / one).symlink_to(root / "images" / one)
    (folder / name).unlink()
    (folder / name).write_bytes(draw(broken_picture((root / "images" / name).read_bytes())))
    skip = draw(st.booleans())
    with refused():
        listed = root / "annotations/mpii_val.json"
        found = load_people(mpii_set(listed, folder), None, skip)
        lost = set(range(len(entries))) - set(found.index.tolist())
        assert {entries[place]["image"] for place in lost} <= {name}
        assert bool(lost) == bool(found.skipped or found.left_out) and (skip or not lost)
        pixels, before = found.x[:], whole.x[:]
        assert pixels.shape == (len(found), 3, 32, 32)
        for row, place in enumerate(found.index.tolist()):
            assert np.array_equal(found.y[row], whole.y[place])
            if entries[place]["image"] != name:
                assert np.array_equal(pixels[row], before[place])


@holds
def folders(folder: Path, draw: Any) -> None:
    """Everybody in a folder is named or can be used, whichever file in it is broken."""
    root, entries, _ = mpii()
    (folder / "annotations").mkdir()
    (folder / "images").symlink_to(root / "images")
    listed, boxes = "annotations/mpii_val.json", "annotations/mpii_gt_val.mat"
    (folder / boxes).write_bytes((root / boxes).read_bytes())
    which = draw(st.sampled_from(["mpii", "coco", "boxes"]))
    if which == "boxes":
        (folder / listed).write_bytes((root / listed).read_bytes())
        _save(folder / boxes, draw(broken_arrays({BOXES: loadmat(root / boxes)[BOXES]})))
    else:
        (folder / listed).write_bytes(draw(broken_json(coco()[1] if which == "coco" else entries)))
    with refused():
        for one in check_folder(folder):
            assert all(text.isprintable() or "\n" in text for text in [*one.faults, *one.notes])
            for person in one.usable:
                assert annotated_panel(person)
                assert np.isfinite(person.pose).all() and np.isfinite(person.box).all()
