"""People made of clicks are what the checks of annotations pass, with pixels and boxes as said."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from hpe_art.data.annotations import DataError, coco_faults, mpii_faults
from hpe_art.data.clicks import coco_person, mpii_person, read_clicks
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


@pytest.fixture
def script(tmp_path, monkeypatch):
    """That of the page, in a folder with a photograph: exit code and errors."""
    monkeypatch.chdir(tmp_path)
    Path("photographs").mkdir()
    Path("photographs/IMG_1.JPG").write_bytes(b"a photograph")
    (text,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    environment = {**os.environ, "PYTHONPATH": str(PAGE.parents[1])}

    def run(table):
        Path("clicks.csv").write_text(table)
        words = [sys.executable, "-c", text]
        done = subprocess.run(words, capture_output=True, text=True, env=environment)
        return done.returncode, done.stderr

    return run


WIDE = """\
image,head_top_x,head_top_y,upper_neck_x,upper_neck_y,left_wrist_x,left_wrist_y,left_knee_x,left_knee_y
IMG_1.JPG,60,10,60,40,90,70.5,,
"""
LONG = """\
image,joint,x,y
IMG_1.JPG,head_top,60,10
IMG_1.JPG,upper_neck,60,40
IMG_1.JPG,left_wrist,90,70.5
IMG_1.JPG,left_knee,,
"""


@pytest.mark.parametrize("table", [LONG, WIDE], ids=["long", "wide"])
def test_the_script_of_the_page_reads_both_kinds_of_tables(script, table):
    assert script(table) == (0, "")
    (person,) = json.loads(Path("my_people/annotations/mpii_val.json").read_text())
    known = mpii_person("00000.IMG_1.JPG", CLICKS)
    assert person == {key: value for key, value in known.items() if key != "head_box"}
    assert Path("my_people/images/00000.IMG_1.JPG").read_bytes() == b"a photograph"
    assert Path("my_people/annotations/mpii_gt_val.mat").is_file()


def test_the_script_of_the_page_says_what_is_wrong_in_a_line(script):
    code, said = script(LONG.replace("70.5", "two"))
    line = "Expected numbers for x and y of left_wrist (clicks.csv, line 4). Got 90 and two."
    assert code == 1 and said == f"hpe_art.data.annotations.DataError: {line}\n"


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (
            LONG.replace("joint,x", "name,x"),
            "the columns image, joint, x, y in .*. Got image, name",
        ),
        ("", "the columns image, joint, x, y in .*clicks.csv. Got none"),
        (LONG.replace("90,", ","), r"of left_wrist \(.*clicks.csv, line 4\). Got  and 70.5"),
        (LONG + "IMG_1.JPG,right_knee,7\n", "of right_knee .* Got 7 and None"),
        (WIDE.replace(",60,", ",far,"), r"of head_top \(.*line 2\). Got far and 10"),
        (LONG + "IMG_2.JPG,head_top,1,2\n", r"Expected IMG_2.JPG in .* \(.*line 6\). Got no such"),
        (
            LONG + "IMG_1.JPG,head_top,1,2\n",
            r"a column `person` .* Got head_top of .* \(.*line 6\)",
        ),
        (LONG + "\n,head_top,1,2\n", r"Expected  in .* \(.*line 7\). Got no such"),
    ],
    ids=["column", "empty", "half a place", "short line", "wide", "photograph", "twice", "no name"],
)
def test_what_is_wrong_with_a_table_is_said_with_its_line(tmp_path, table, words):
    (tmp_path / "IMG_1.JPG").touch()
    (tmp_path / "clicks.csv").write_text(table)
    with pytest.raises(DataError, match=words):
        read_clicks(tmp_path / "clicks.csv", tmp_path)


def test_people_of_one_image_and_other_names_of_joints(tmp_path):
    (tmp_path / "IMG_1.JPG").touch()
    rows = "image,person,joint,x,y\nIMG_1.JPG,a,LWrist,1,2\nIMG_1.JPG,b,LWrist,3,4\n"
    (tmp_path / "clicks.csv").write_text(rows, "utf-8-sig")
    found = read_clicks(tmp_path / "clicks.csv", tmp_path, {"LWrist": "left_wrist"})
    people = {"a": (1, 2), "b": (3, 4)}
    assert found == {("IMG_1.JPG", one): {"left_wrist": at} for one, at in people.items()}
