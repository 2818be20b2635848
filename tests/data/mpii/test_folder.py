from __future__ import annotations

import json

import numpy as np
import pytest
from mmengine.config import ConfigDict
from scipy.io import savemat

from hpe_art.data.mpii.folder import FolderError, mpii_dataset, use_folder


@pytest.fixture
def folder(tmp_path, write_people):
    """Two people in a folder that a test may change."""
    return write_people(tmp_path / "people", 2)


def test_the_usual_names_are_found_and_mmpose_loads_them(folder, monkeypatch):
    from mmpose.datasets import MpiiDataset

    monkeypatch.chdir(folder.parent)
    settings = mpii_dataset("people")
    assert settings.pop("type") == "MpiiDataset"
    # Every path is absolute: the working directory may change.
    monkeypatch.chdir("/")
    dataset = MpiiDataset(**settings)
    assert len(dataset) == 2
    info = dataset.get_data_info(0)
    assert info["img_path"] == str(folder / "images" / "00000.jpg")
    np.testing.assert_allclose(info["head_size"], [[0.6 * np.hypot(160, 180)]], rtol=1e-6)


def test_training_people_have_no_head_boxes(folder):
    settings = mpii_dataset(folder, "train")
    assert settings["ann_file"] == str(folder / "annotations" / "mpii_train.json")
    assert "headbox_file" not in settings and "test_mode" not in settings


def test_other_names_are_found_if_there_is_one(folder):
    annotations = folder / "annotations"
    (annotations / "mpii_val.json").rename(annotations / "lsp_val_upright.json")
    (annotations / "mpii_gt_val.mat").rename(annotations / "lsp_gt_val_upright.mat")
    settings = mpii_dataset(folder)
    assert settings["ann_file"].endswith("annotations/lsp_val_upright.json")
    assert settings["headbox_file"].endswith("annotations/lsp_gt_val_upright.mat")


def test_a_folder_of_photographs_is_led_to_its_page(tmp_path):
    (tmp_path / "IMG_2000.jpg").touch()
    with pytest.raises(FolderError, match=r"Got .*, without annotations: docs/photographs.md make"):
        mpii_dataset(tmp_path)


def test_the_usual_name_wins_over_other_candidates(folder):
    (folder / "annotations" / "val_of_others.json").write_text("[]")
    assert mpii_dataset(folder)["ann_file"].endswith("mpii_val.json")


def test_given_names_join_the_root(folder, tmp_path):
    (folder / "annotations" / "mpii_val.json").rename(folder / "people.json")
    boxes = (folder / "annotations" / "mpii_gt_val.mat").rename(tmp_path / "boxes.mat")
    (folder / "images").rename(folder / "pictures")
    settings = mpii_dataset(
        folder, ann_file="people.json", headbox_file=str(boxes), image_prefix="pictures"
    )
    assert settings["ann_file"] == str(folder / "people.json")
    assert settings["headbox_file"] == str(boxes)
    assert settings["data_prefix"] == {"img": f"{folder}/pictures/"}


def no_root(folder):
    folder.rename(folder.with_name("moved"))


def no_images(folder):
    (folder / "images").rename(folder / "pictures")


def no_annotations(folder):
    (folder / "annotations" / "mpii_val.json").unlink()


def no_boxes(folder):
    (folder / "annotations" / "mpii_gt_val.mat").unlink()


def two_annotations(folder):
    annotations = folder / "annotations"
    (annotations / "mpii_val.json").rename(annotations / "a_val.json")
    (annotations / "b_val.json").write_text("[]")


def two_boxes(folder):
    annotations = folder / "annotations"
    (annotations / "mpii_gt_val.mat").rename(annotations / "a_gt_val.mat")
    (annotations / "b_gt_val.mat").write_bytes(b"")


def broken_json(folder):
    (folder / "annotations" / "mpii_val.json").write_text('[{"image": ')


def binary_json(folder):
    (folder / "annotations" / "mpii_val.json").write_bytes(b"\x80\xff\x00")


def trainval_alone(folder):
    annotations = folder / "annotations"
    (annotations / "mpii_val.json").rename(annotations / "mpii_trainval.json")


def coco_json(folder):
    (folder / "annotations" / "mpii_val.json").write_text('{"images": [], "annotations": []}')


def garbage_boxes(folder):
    (folder / "annotations" / "mpii_gt_val.mat").write_bytes(b"no matrix at all" * 20)


def empty_boxes(folder):
    (folder / "annotations" / "mpii_gt_val.mat").write_bytes(b"")


def truncated_boxes(folder):
    path = folder / "annotations" / "mpii_gt_val.mat"
    path.write_bytes(path.read_bytes()[:200])


def other_matrix(folder):
    savemat(folder / "annotations" / "mpii_gt_val.mat", {"something": np.zeros(3)})


def flat_boxes(folder):
    savemat(folder / "annotations" / "mpii_gt_val.mat", {"headboxes_src": np.zeros((4, 2))})


def complex_boxes(folder):
    boxes = np.ones((2, 2, 2), complex)
    savemat(folder / "annotations" / "mpii_gt_val.mat", {"headboxes_src": boxes})


def boxes_in_words(folder):
    boxes = np.full((2, 2, 2), "here", object)
    savemat(folder / "annotations" / "mpii_gt_val.mat", {"headboxes_src": boxes})


def fewer_people(folder):
    path = folder / "annotations" / "mpii_val.json"
    path.write_text(json.dumps(json.loads(path.read_text())[:1]))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (no_root, r"Expected a folder in MPII format\. Got .*people, which does not exist"),
        (no_images, r"folder of images \(--image-prefix\)\. Got .*people/images: not there"),
        (no_annotations, r"Expected mpii_val.json or one file \*val\*.json in .*Got none.*--ann-f"),
        (trainval_alone, r"Expected mpii_val.json or one file .*Got none: name one with --ann-f"),
        (no_boxes, r"Expected mpii_gt_val.mat or one .*Got none: name one with --headbox-file"),
        (two_annotations, r"Got a_val.json, b_val.json: name one with --ann-file"),
        (two_boxes, r"Got a_gt_val.mat, b_gt_val.mat: name one with --headbox-file"),
        (broken_json, r"Expected MPII annotations in JSON\. Got .*mpii_val.json: Expecting value"),
        (binary_json, r"Expected MPII annotations in JSON\. Got .*mpii_val.json: .*decode"),
        (coco_json, r"Expected MPII annotations in JSON\. Got .*mpii_val.json: a dict, not a list"),
        (garbage_boxes, r"Expected MPII head boxes in .*mpii_gt_val.mat\. Got: "),
        (empty_boxes, r"Expected MPII head boxes in .*mpii_gt_val.mat\. Got: "),
        (truncated_boxes, r"Expected MPII head boxes in .*mpii_gt_val.mat\. Got: "),
        (other_matrix, r"Expected MPII head boxes in .*mpii_gt_val.mat\. Got: no headboxes_src"),
        (flat_boxes, r"Expected MPII head boxes in .*Got: headboxes_src of shape \(4, 2\)"),
        (complex_boxes, r"Expected MPII head boxes in .*Got: complex numbers"),
        (boxes_in_words, r"Got: headboxes_src of shape \(2, 2, 2\), cell, for numbers \(2, 2, N\)"),
        (fewer_people, r"Got 2 in mpii_gt_val.mat and 1 in mpii_val.json: name the matching pair"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_is_wrong_is_named(folder, spoil, message):
    spoil(folder)
    with pytest.raises(FolderError, match=message):
        mpii_dataset(folder)


def test_boxes_are_counted_before_they_are_unpacked(folder, monkeypatch):
    path = folder / "annotations" / "mpii_gt_val.mat"
    savemat(path, {"headboxes_src": np.zeros((2, 2, 10**6))}, do_compression=True)
    assert path.stat().st_size < 10**5
    monkeypatch.setattr("scipy.io.loadmat", None)
    with pytest.raises(FolderError, match=r"Got 1000000 in mpii_gt_val.mat and 2 in"):
        mpii_dataset(folder)


@pytest.mark.parametrize("flag", ["ann_file", "headbox_file"])
def test_a_given_file_must_be_there(folder, flag):
    with pytest.raises(FolderError, match=f"--{flag.replace('_', '-')}. Got .*people/x.y, which"):
        mpii_dataset(folder, **{flag: "x.y"})


def test_the_pipeline_of_the_config_is_kept_and_the_rest_replaced():
    loader = ConfigDict(
        batch_size=4,
        dataset=dict(type="RenderedPeople", split="val", pipeline=[dict(type="LoadImage")]),
    )
    use_folder(loader, dict(type="MpiiDataset", ann_file="a.json"))
    assert loader.batch_size == 4
    assert loader.dataset == dict(
        type="MpiiDataset", ann_file="a.json", pipeline=[dict(type="LoadImage")]
    )
