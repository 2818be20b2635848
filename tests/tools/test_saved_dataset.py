"""Perturbed crops are a data set that MMPose's own, unchanged tools score."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import mmpose
import pytest

from hpe_art.configs import shipped_folder

TEST = Path(mmpose.__file__).parent / ".mim" / "tools" / "test.py"
# MMPose's tools speak to their developers, as they would in a process of their own.
pytestmark = pytest.mark.filterwarnings("ignore")
OWN = """
_base_ = ["{base}"]
custom_imports = dict(imports=["hpe_art.plugin"], allow_failed_imports=False)
experiment_name = "{name}"
test_dataloader = dict(
    num_workers=0,
    persistent_workers=False,
    dataset=dict(
        _delete_=True,
        type="{kind}",
        data_root="{root}",
        ann_file="annotations/{annotations}",
        data_prefix=dict(img="noise_eps8/"),
        test_mode=True,
        pipeline=_base_.val_pipeline,
        {heads}
    ),
)
"""
COCO = """
test_evaluator = dict(
    _delete_=True, type="CocoMetric", ann_file="{root}/annotations/{annotations}"
)
"""


def own_config(folder, config, kind, heads="", add=""):
    """A config of what a run has saved."""
    root = folder / "perturbed"
    base = (shipped_folder() / f"{config}.py").absolute()
    found = {"MpiiDataset": "mpii_val.json", "CocoDataset": "person_keypoints_val.json"}
    asked = dict(base=base, kind=kind, root=root, name=folder.name, heads=heads)
    asked["annotations"] = found[kind]
    own = folder / "own.py"
    own.write_text((OWN + add).format(**asked))
    return own


@pytest.fixture
def numbers(monkeypatch, tmp_path):
    """`numbers(config)`: those that MMPose's tool writes of a config."""

    def run(own, weights):
        monkeypatch.setenv("LOCAL_RANK", "0")
        words = [TEST.name, str(own), weights, "--work-dir", str(tmp_path / "theirs")]
        monkeypatch.setattr("sys.argv", words)
        runpy.run_path(str(TEST), run_name="__main__")
        (written,) = (tmp_path / "theirs").glob("*/2*.json")
        return json.loads(written.read_text())

    return run


def test_people_of_mpii_score_the_same(attack, numbers):
    """Noise of whole grey levels loses nothing in a file."""
    flags = ["--attack", "noise", "--num-samples", 6, "--device", "cpu", "--save-dataset"]
    done = attack("hourglass", *flags, "--out", "mpii")
    assert done.code == 0, done.err
    (found,) = done.results.attacks
    heads = f'headbox_file="{done.folder}/perturbed/annotations/mpii_gt_val.mat",'
    own = own_config(done.folder, "hourglass", "MpiiDataset", heads)
    theirs = numbers(own, "zoo://hourglass")
    for name, value in found.official.items():
        assert theirs[name] == pytest.approx(value, abs=1e-4)


def test_people_of_coco_score_the_same(attack, numbers):
    """Alone in their images, so that precision can differ by who else was in them."""
    flags = ["--attack", "noise", "--num-samples", 6, "--device", "cpu", "--save-dataset"]
    done = attack("coco_resnet_heatmap", *flags, "--out", "coco")
    assert done.code == 0, done.err
    (found,) = done.results.attacks
    own = own_config(done.folder, "coco_resnet_heatmap", "CocoDataset", add=COCO)
    theirs = numbers(own, "zoo://coco_resnet_heatmap")
    for name in ("coco/AR", "coco/AR .5", "coco/AR .75"):
        assert theirs[name] == pytest.approx(found.official[name], abs=0.02)
    assert theirs["coco/AP"] == pytest.approx(found.official["coco/AP"], abs=0.03)


def test_what_whole_levels_lose_is_said_before(attack, config, weights):
    flags = ["--attack", "noise", "--eps", 0.25, "--save-dataset"]
    assert "below half a grey level is lost" in attack(config, weights, *flags).out
    plain = attack(config, weights, "--attack", "noise", "--eps", 0.25, "--out", "plain")
    assert "half a grey level" not in plain.out
