"""People made of clicks are what the checks of annotations pass, with pixels and boxes as said."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest

from hpe_art.data.annotations import DataError, coco_faults, mpii_faults
from hpe_art.data.clicks import coco_person, mpii_person
from hpe_art.data.coco.writer import PERSON

PAGE = Path(__file__).parents[2] / "docs" / "photographs.md"
HEAD = {"head_top": (60, 10), "upper_neck": (60, 40)}
CLICKS = {**HEAD, "left_wrist": (90, 70.5)}
IMAGE = {"id": 5, "file_name": "a.jpg", "width": 100, "height": 200}


def test_mpii_counts_pixels_from_1_and_joints_in_its_order():
    entry = mpii_person("00001.jpg", CLICKS)
    assert mpii_faults([entry]) == {}
    assert entry["joints_vis"] == [int(k in (8, 9, 15)) for k in range(16)]
    assert entry["joints"][15] == [91, 71.5] and entry["joints"][0] == [-1, -1]
    assert entry["scale"] == pytest.approx(1.1 * 60.5 / 200, abs=1e-5)


def test_head_size_is_the_distance_of_the_clicks_on_the_head():
    low, high = np.split(np.array(mpii_person("00001.jpg", CLICKS)["head_box"]), 2)
    np.testing.assert_allclose((low + high) / 2, [61, 26])
    assert 0.6 * np.linalg.norm(high - low) == pytest.approx(30, abs=0.02)


def test_a_person_of_coco():
    entry = coco_person(IMAGE, {"nose": (50, 20), "left_ankle": (70, 120)})
    content = {"images": [IMAGE], "annotations": [{"id": 1, **entry}], "categories": [PERSON]}
    assert coco_faults(content, 17) == {}
    assert entry["bbox"] == [40, 10, 40, 120] and entry["area"] == pytest.approx(0.53 * 4800)
    assert entry["keypoints"][:6] == [50, 20, 2, 0, 0, 0]
    assert entry["keypoints"][-6:-3] == [70, 120, 2] and entry["num_keypoints"] == 2


@pytest.mark.parametrize(
    ("clicks", "words"),
    [
        ({**CLICKS, "nose": (60, 20)}, "Expected joints out of right_ankle, .* Got nose in 1.jpg"),
        ({"left_wrist": (90, 70)}, "in 1.jpg without head_top and upper_neck: click there too"),
        ({**CLICKS, "left_wrist": (np.nan, 3)}, "Expected finite places of joints. Got"),
    ],
)
def test_clicks_that_make_nobody(clicks, words):
    with pytest.raises(DataError, match=words):
        mpii_person("1.jpg", clicks)


def test_a_joint_of_mpii_is_none_of_cocos():
    with pytest.raises(DataError, match="Expected joints out of nose, .* Got head_top in a.jpg"):
        coco_person(IMAGE, {"head_top": (60, 10)})


@pytest.mark.parametrize("wide", [False, True])
def test_the_script_of_the_page_reads_both_kinds_of_tables(tmp_path, monkeypatch, wide):
    monkeypatch.chdir(tmp_path)
    Path("photographs").mkdir()
    Path("photographs/IMG_1.JPG").write_bytes(b"a photograph")
    text = PAGE.read_text()
    (script,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    (long_loop,) = re.findall(r"    for row in .*?float.*?\n", script, re.DOTALL)
    (wide_loop,) = re.findall(r"    for number, row in .*?\n\n", text, re.DOTALL)
    rows = [
        {"image": "IMG_1.JPG", "joint": name, "x": x, "y": y} for name, (x, y) in CLICKS.items()
    ]
    if wide:
        places = {f"{one['joint']}_{axis}": one[axis] for one in rows for axis in "xy"}
        rows = [{"image": "IMG_1.JPG", **places, "left_knee_x": "", "left_knee_y": ""}]
        script = script.replace(long_loop, wide_loop)
    with Path("clicks.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, rows[0])
        table.writeheader()
        table.writerows(rows)
    exec(script, {})
    (person,) = json.loads(Path("my_people/annotations/mpii_val.json").read_text())
    known = mpii_person("00000.JPG", CLICKS)
    assert person == {key: value for key, value in known.items() if key != "head_box"}
    assert Path("my_people/images/00000.JPG").read_bytes() == b"a photograph"
    assert Path("my_people/annotations/mpii_gt_val.mat").is_file()
