"""The command: names everybody who cannot be used, in the numbers of the file."""

from __future__ import annotations

import json
import shutil
import warnings

import pytest
from scipy.io import loadmat, savemat

from hpe_art.rendered_people.dataset import coco_people_folder


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


def test_everybody_and_every_image_is_named(check, folder):
    file, heads = (folder / "annotations" / name for name in ("mpii_val.json", "mpii_gt_val.mat"))
    people = json.loads(file.read_text())
    people[0].update(scale=-1, center=[-1, -1])
    people[1]["joints_vis"] = [0] * 16
    people[3]["center"] = [5000, 20]
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
    assert lines[5:] == ["  left out: person 1 (00001.jpg): no joint is labelled"]


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
