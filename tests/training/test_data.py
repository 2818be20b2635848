"""The data of a training run is looked at before, and who cannot be used may be left out."""

from __future__ import annotations

import json
import math
from types import SimpleNamespace

import pytest
from mmengine.config import Config, ConfigDict

from hpe_art.data.annotations import DataError
from hpe_art.data.checks import unloaded
from hpe_art.training.data import check_annotations, check_images, datasets_of, leave_out


def test_datasets_within_others():
    one, other = ConfigDict(type="MpiiDataset"), ConfigDict(type="CocoDataset")
    repeated = ConfigDict(type="RepeatDataset", times=2, dataset=one)
    joined = ConfigDict(type="CombinedDataset", datasets=[repeated, other])
    assert list(datasets_of(joined)) == [one, other]
    assert list(datasets_of(None)) == []


def test_nobody_to_train_on(people, tmp_path):
    (tmp_path / "none.json").write_text("[]")
    settings = dict(type="MpiiDataset", ann_file=str(tmp_path / "none.json"))
    with pytest.raises(DataError, match=r"Expected people in .*none.json. Got none."):
        check_annotations(settings)


def test_nobody_of_coco_is_labelled(tmp_path):
    person = dict(id=1, image_id=1, category_id=1, iscrowd=0, area=9, bbox=[1, 1, 3, 3])
    content = {
        "images": [dict(id=1, file_name="1.jpg", width=8, height=8)],
        "annotations": [{**person, "num_keypoints": 0, "keypoints": [0] * 51}],
        "categories": [dict(id=1, name="person")],
    }
    (tmp_path / "coco.json").write_text(json.dumps(content))
    settings = dict(type="CocoDataset", ann_file=str(tmp_path / "coco.json"))
    with pytest.raises(DataError, match="Expected labelled joints in .*coco.json. Got 1 without"):
        check_annotations(settings)


def test_every_image_of_a_dataloader_is_read(people, tmp_path):
    from mmpose.datasets import MpiiDataset

    annotations = people / "annotations" / "mpii_train.json"
    dataset = MpiiDataset(ann_file=str(annotations), data_prefix=dict(img=f"{people}/images/"))
    check_images(SimpleNamespace(dataset=dataset))
    check_images(())
    dataset = MpiiDataset(ann_file=str(annotations), data_prefix=dict(img=f"{tmp_path}/"))
    with pytest.raises(DataError, match=rf"Got 5 that are not, first {tmp_path}/00000.jpg \(no su"):
        check_images(SimpleNamespace(dataset=dataset))


@pytest.fixture
def broken(write_config, write_people, tmp_path):
    """A config that trains on a folder where person 3 has a NaN joint, and image 1 is none."""
    people = write_people(tmp_path / "people")
    file = people / "annotations" / "mpii_train.json"
    entries = json.loads(file.read_text())
    entries[3]["joints"][0][0] = math.nan
    file.write_text(json.dumps(entries))
    (people / "images" / "00001.jpg").write_text("no image")
    config = Config.fromfile(write_config(tmp_path / "tiny.py", data_root=people))
    config.work_dir = str(tmp_path / "work")
    return config


def test_who_cannot_be_used_is_left_out_listed_and_the_others_stay(broken, tmp_path):
    def loaded():
        settings = broken.train_dataloader.dataset
        dataset = unloaded({k: v for k, v in settings.items() if k != "pipeline"})
        dataset.full_init()
        return [dataset.get_data_info(i) for i in range(len(dataset))]

    before = {info["img_id"]: info["keypoints"].tolist() for info in loaded()}
    lines = leave_out(broken)
    after = {info["img_id"]: info["keypoints"].tolist() for info in loaded()}
    assert after == {k: v for k, v in before.items() if k not in (1, 3)}
    check_annotations(broken.train_dataloader.dataset)
    listed = (tmp_path / "work" / "left_out" / "train.txt").read_text().splitlines()
    assert len(listed) == 2 and "joint 0 is at [nan" in listed[0]
    assert listed[1].startswith("00001.jpg: it cannot be read")
    assert lines[0].startswith("Left out of ") and ": 2 people or images, first " in lines[0]
    assert leave_out(broken) == [], "they are out already"


def test_whole_data_stays_as_it_is(config, tmp_path):
    whole = Config.fromfile(config)
    whole.work_dir = str(tmp_path / "work")
    before = whole.pretty_text
    assert leave_out(whole) == [] and whole.pretty_text == before
    assert not (tmp_path / "work").exists()
