"""The command: names everybody who cannot be used, in the numbers of the file."""

from __future__ import annotations

import json
import shutil
import warnings

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from hpe_art.data.folder_checks import check_folder
from hpe_art.rendered_people.dataset import coco_people_folder
from hpe_art.report.annotated_people import described


@pytest.fixture
def check(load_tool, monkeypatch, capsys):
    """`check(folder, ...)`: exit code, what is printed, and errors."""
    main = load_tool("check_data.py").main

    def run(*arguments):
        monkeypatch.setattr("sys.argv", ["check_data.py", *map(str, arguments)])
        with warnings.catch_warnings():
            try:
                code = main()
            except SystemExit as stop:
                code = stop.code
        printed = capsys.readouterr()
        return code, printed.out.splitlines(), printed.err

    return run


@pytest.fixture
def folder(tmp_path, write_people):
    """A folder in MPII format that a test may change."""
    return write_people(tmp_path / "people")


def test_a_folder_without_faults(check, folder):
    code, lines, _ = check(folder)
    named = [folder / "annotations" / f"mpii_{split}.json" for split in ("train", "val")]
    assert code == 0 and lines == [f"{file}: 6 people, faults: 0" for file in named]


def test_a_file_of_which_nobody_can_be_used(check, folder):
    train, val = (folder / "annotations" / f"mpii_{split}.json" for split in ("train", "val"))
    unlabelled = [{**one, "joints_vis": [0] * 16} for one in json.loads(val.read_text())]
    val.write_text(json.dumps(unlabelled))
    train.write_text("[]")
    code, lines, _ = check(folder)
    assert code == 1
    assert lines[:2] == [
        f"{train}: 0 people, faults: 1",
        f"  Expected people in {train}. Got none.",
    ]
    assert lines[2:4] == [f"{val}: 6 people, faults: 1", "  nobody has a labelled joint"]


def test_everybody_and_every_image_is_named(check, folder):
    file, heads = (folder / "annotations" / name for name in ("mpii_val.json", "mpii_gt_val.mat"))
    people = json.loads(file.read_text())
    people[0].update(scale=-1, center=[-1, -1])
    people[1]["joints_vis"] = [0] * 16
    people[3]["center"] = [5000, 20]
    people[4]["joints"][2:4] = [[130, 20], [20, -9]]
    file.write_text(json.dumps(people))
    boxes = loadmat(heads)["headboxes_src"]
    boxes[:, :, 5] = 0
    savemat(heads, {"headboxes_src": boxes})
    image = folder / "images" / "00002.jpg"
    image.write_bytes(image.read_bytes()[:-2000])
    code, lines, _ = check(folder, "--ann-file", "annotations/mpii_val.json")
    assert code == 1
    assert lines[0] == f"{file}: 6 people, faults: 4"
    assert lines[1:3] == [
        "  person 0 (00000.jpg): centre and scale are not known (-1)",
        "  person 5 (00004.jpg): its head box is [[0.0, 0.0], [0.0, 0.0]]",
    ]
    assert lines[3].startswith(f"  image {image}: image file is truncated")
    assert lines[4].startswith("  person 3 (00003.jpg): its box lies outside the image of 120 x")
    assert lines[5:] == [
        "  left out: person 1 (00001.jpg): no joint is labelled",
        "  doubtful: person 4 (00004.jpg): 2 of its joints lie outside the image of "
        "120 x 190 pixels",
    ]


def test_what_was_understood_is_drawn(check, folder, tmp_path, monkeypatch):
    monkeypatch.setattr("hpe_art.commands.check_data.DRAWN_PEOPLE", 1)
    file, drawn = folder / "annotations" / "mpii_val.json", tmp_path / "drawn"
    people = json.loads(file.read_text())
    people[0]["scale"] = -1
    file.write_text(json.dumps(people))
    check(folder, "--draw", drawn)  # those of training have no head boxes
    code, lines, _ = check(folder, "--ann-file", file, "--draw", drawn)
    assert code == 1 and lines[-1] == f"  drawn in {drawn}: 1"
    # Not of person 0, who cannot be used, and nothing of the run before.
    assert [path.name for path in drawn.iterdir()] == ["mpii_val_0001.png"]


def test_pictures_that_cannot_be_written_are_said_first(check, folder, tmp_path):
    (tmp_path / "file").write_text("no folder")
    code, lines, error = check(folder, "--draw", tmp_path / "file")
    assert (code, lines) == (2, []) and "Expected a writable folder for --draw" in error


def test_pixels_of_what_was_understood_count_from_0(folder):
    train, val = check_folder(folder)
    stored = json.loads((folder / "annotations" / "mpii_val.json").read_text())
    third = list(val.usable)[3]
    labelled = np.array(stored[3]["joints_vis"]) > 0
    assert third.number == 3 and third.image.name == "00003.jpg"
    np.testing.assert_allclose(third.pose[:, 2] > 0, labelled)
    points = np.array(stored[3]["joints"])[labelled] - 1
    np.testing.assert_allclose(third.pose[labelled, :2], points, atol=1e-4)
    x, y = stored[3]["center"]
    middle = x - 1, y + 15 * stored[3]["scale"] - 1  # as MpiiDataset has it
    np.testing.assert_allclose((third.box[:2] + third.box[2:]) / 2, middle, atol=1e-3)
    np.testing.assert_allclose(third.head_box, [9, 9, 169, 189])
    assert "person 3, 00003.jpg: 14 of 16 joints" in described(third)
    assert f"head_size {0.6 * np.hypot(160, 180):.1f} pixels" in described(third)
    assert next(iter(train.usable)).head_box is None


def test_cocos_format(check, tmp_path):
    folder = shutil.copytree(coco_people_folder("val"), tmp_path / "coco")
    file = folder / "annotations" / "person_keypoints_val.json"
    content = json.loads(file.read_text())
    number = content["annotations"][7]["id"]
    content["annotations"][7]["bbox"] = [900, 900, 5, 5]
    content["annotations"].append(content["annotations"][9])
    file.write_text(json.dumps(content))
    (folder / "images").rename(folder / "val")
    code, lines, _ = check(folder)
    assert code == 1
    assert lines[1] == "  left out: no people with joints: not checked", "detections"
    assert f"  person {number} (" in lines[3] and "outside its image of 192 x" in lines[3]
    assert [line.split(": ")[1] for line in lines[4:]] == ["2 annotations have the id 10"] * 2
    *_, keypoints = check_folder(folder)
    first, person = next(iter(keypoints.usable)), content["annotations"][0]
    x, y, width, height = person["bbox"]
    assert first.number == person["id"] and first.head_box is None
    np.testing.assert_allclose(first.box, [x, y, x + width, y + height], atol=1)
    np.testing.assert_allclose(first.pose[0, :2], person["keypoints"][:2], atol=1e-3)


@pytest.mark.parametrize(
    ("spoil", "code", "words"),
    [
        (lambda folder: shutil.rmtree(folder), 2, "Expected a folder of people. Got"),
        (lambda folder: shutil.rmtree(folder / "annotations"), 2, "Expected annotations (*.json)"),
        (lambda folder: shutil.rmtree(folder / "images"), 1, "a folder of images (--image-prefix)"),
        (
            lambda folder: (folder / "annotations" / "mpii_val.json").write_text("[{"),
            1,
            "Expected annotations in JSON. Got",
        ),
        (
            lambda folder: (folder / "annotations" / "mpii_gt_val.mat").write_text("no"),
            1,
            "Expected MPII head boxes in",
        ),
    ],
)
def test_files_that_cannot_be_checked(check, folder, spoil, code, words):
    spoil(folder)
    found, lines, error = check(folder)
    assert found == code and words in "".join([*lines, error])
    assert "Traceback" not in error
