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
        data_prefix=dict(img="images/"),
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


def own_config(root, config, kind, heads="", add=""):
    """A config of what a run has saved of an attack."""
    base = (shipped_folder() / f"{config}.py").absolute()
    found = {"MpiiDataset": "mpii_val.json", "CocoDataset": "person_keypoints_val.json"}
    asked = dict(base=base, kind=kind, root=root, name=root.name, heads=heads)
    asked["annotations"] = found[kind]
    own = root / "own.py"
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


def saved(done, folder="saved"):
    """Where the one attack of a run is saved."""
    (found,) = done.results.attacks
    return done.folder.parent / folder / found.folder


def test_people_of_mpii_score_the_same(attack, numbers):
    """As the network scores what is left in whole levels of a perturbation that has others."""
    flags = ["--attack", "igsm", "--max-iter", 2, "--eps", 1.7, "--num-samples", 6]
    done = attack(
        "hourglass", *flags, "--device", "cpu", "--save-dataset", "saved", "--out", "mpii"
    )
    assert done.code == 0, done.err
    (found,) = done.results.attacks
    root = saved(done)
    heads = f'headbox_file="{root}/annotations/mpii_gt_val.mat",'
    own = own_config(root, "hourglass", "MpiiDataset", heads)
    theirs = numbers(own, "zoo://hourglass")
    for name, value in found.observed["saved"].official.items():
        assert theirs[name] == pytest.approx(value, abs=1e-4)
    assert "as saved, in whole grey levels" in done.out


def test_people_of_coco_score_the_same(attack, numbers):
    """Alone in their images, so that precision can differ by who else was in them.

    Noise of whole grey levels loses nothing in a file.
    """
    flags = ["--attack", "noise", "--num-samples", 6, "--device", "cpu", "--save-dataset", "saved"]
    done = attack("coco_resnet_heatmap", *flags, "--out", "coco")
    assert done.code == 0, done.err
    (found,) = done.results.attacks
    assert found.observed["saved"].official == found.official
    own = own_config(saved(done), "coco_resnet_heatmap", "CocoDataset", add=COCO)
    theirs = numbers(own, "zoo://coco_resnet_heatmap")
    for name in ("coco/AR", "coco/AR .5", "coco/AR .75"):
        assert theirs[name] == pytest.approx(found.official[name], abs=0.02)
    assert theirs["coco/AP"] == pytest.approx(found.official["coco/AP"], abs=0.03)


def test_what_whole_levels_lose_is_said_before(attack, config, weights):
    flags = ["--attack", "noise", "--eps", 0.25]
    for more in (["--save-images"], ["--save-dataset", "saved", "--out", "other"]):
        done = attack(config, weights, *flags, *more)
        said = "below half a grey level is lost in the whole levels of saved images: NOISE at 0.25."
        assert said in " ".join(done.out.split("images 0:00:00")[0].split())
        (found,) = done.results.attacks
        assert any(said in note for note in done.results.notes)
        assert found.observed["saved"].score == done.results.clean.score
    plain = attack(config, weights, *flags, "--out", "plain")
    assert "half a grey level" not in plain.out and not plain.results.observers


IGSM = ["--attack", "igsm", "--max-iter", 2, "--save-dataset", "saved"]


def test_a_saved_attack_is_a_folder_to_attack(attack, config, weights):
    """Of another aspect than the square; each pixel and each score is found again."""
    done = attack(config, weights, *IGSM, "--eps", 1.7, "--out", "first")
    assert done.code == 0, done.err
    (found,) = done.results.attacks
    files = {path.relative_to(saved(done)).as_posix() for path in saved(done).rglob("*.*")}
    labels = {f"annotations/{name}" for name in ("mpii_val.json", "mpii_gt_val.mat")}
    assert files == {"made_from.json", *labels, *(f"images/{i:05d}.png" for i in range(6))}
    again = attack(config, weights, "--data-root", saved(done), "--attack", "noise", "--out", "2nd")
    assert again.results.clean.score == found.observed["saved"].score


def test_a_folder_of_other_runs_is_refused(attack, config, weights):
    first = attack(config, weights, *IGSM, "--out", "first")
    image = saved(first) / "images" / "00002.png"
    before = image.read_bytes()
    image.unlink()
    more = attack(config, weights, *IGSM, "--eps", 2, 8, "--out", "first")
    assert more.code == 0 and len(list((attack.cwd / "saved").iterdir())) == 2, "both are kept"
    assert image.read_bytes() == before
    other = [config, weights, *IGSM, "--seed", 3, "--out", "other"]
    done = attack(*other)
    said = "folder for --save-dataset, or one of the same network, people and settings. Got saved "
    assert done.code == 2 and said in done.err and not done.folder.exists()
    assert attack(*other, "--overwrite").code == 0
    (folder,) = (attack.cwd / "saved").iterdir()
    assert len(list(folder.glob("images/*.png"))) == 6
    mine = attack.cwd / "mine"
    mine.mkdir()
    (mine / "notes.txt").write_text("mine")
    done = attack(config, weights, "--attack", "noise", "--save-dataset", "mine", "--out", "new")
    assert done.code == 2 and "Got mine with notes.txt: name another" in done.err
    done = attack(config, weights, "--attack", "noise", "--save-dataset", mine / "notes.txt")
    assert done.code == 2 and "writable folder for --save-dataset" in done.err
    done = attack(config, weights, "--attack", "noise", "--save-dataset", "")
    assert done.code == 2 and "a value for --save-dataset, got an empty one" in done.err
