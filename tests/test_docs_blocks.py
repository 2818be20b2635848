"""The code blocks of the pages in docs/ run, page by page, on fewer people than they say."""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from releases import write_release
from scipy.io import savemat

from hpe_art.data.coco.writer import PERSON
from hpe_art.skeleton import MPII

ROOT = Path(__file__).parents[1]
PAGES = ["start.md", "demo.md", "own_model.md", "runs.md", "mpii.md", "report.md", "extend.md"]
PAGES += ["minimum.md", "photographs.md", "coco.md"]
HERE = ("hpe_art", "tools", "pyproject.toml", "model_cards")
# What is added to a command, so that it takes seconds.
SHORTER = {
    "tools/attack.py": "--num-samples 2",
    "tools/study.py --quick": "--num-samples 2 --only fgsm --configs mmpose_configs/hourglass.py",
    "tools/study.py --configs trained": "--num-samples 2 --only fgsm --eps 8",
    "tools/train.py": "--cfg-options train_cfg.max_epochs=1 train_dataloader.batch_size=2 "
    "train_dataloader.num_workers=0 train_dataloader.persistent_workers=False "
    "val_dataloader.num_workers=0 val_dataloader.persistent_workers=False",
}
BLOCK = re.compile(r"```(bash|python)\n(.*?)```", re.DOTALL)


def blocks(page):
    return BLOCK.findall((ROOT / "docs" / page).read_text(encoding="utf-8"))


def shortened(script):
    script = script.replace("python ", f"{sys.executable} -W ignore ")
    script = re.sub(r"epoch_\d+", "epoch_1", script)  # trained for one only
    script = script.replace("\\\n", " ")
    lines = []
    for line in script.splitlines():
        added = [more for command, more in SHORTER.items() if command in line]
        lines.append(" ".join([line, *added]))
    return "set -e\n" + "\n".join(lines)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory, people, config, weights, write_people):
    """A clone's folders, and what the pages call by name."""
    folder = tmp_path_factory.mktemp("clone")
    for name in HERE:
        (folder / name).symlink_to(ROOT / name)
    subprocess.run(["cp", "-r", ROOT / "mmpose_configs", folder], check=True)
    (folder / "my_config.py").write_text(config.read_text())
    (folder / "my_checkpoint.pth").write_bytes(weights.read_bytes())
    (folder / "my_folder").symlink_to(people)
    return folder


def run_page(page, folder):
    """Runs the page's blocks in order; those in Python as one script, each after what is above."""
    python = []
    for language, code in blocks(page):
        if language == "bash":
            command = ["bash", "-c", shortened(code)]
        else:
            python.append(code)
            command = [sys.executable, "-W", "ignore", "-c", "\n".join(python)]
        done = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(folder)},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, f"{page}: {code}\n{done.stdout[-800:]}\n{done.stderr[-2000:]}"


def test_every_page_that_has_blocks_is_run():
    with_blocks = {path.name for path in (ROOT / "docs").glob("*.md") if blocks(path.name)}
    # art.md: tests/test_docs.py. results.md records what was run, for hours.
    assert with_blocks == {*PAGES, "art.md", "results.md"}


def test_the_index_names_every_page():
    index = (ROOT / "docs" / "README.md").read_text()
    pages = {path.name for path in (ROOT / "docs").glob("*.md")} - {"README.md"}
    assert set(re.findall(r"\]\((\w+\.md)\)", index)) == pages


@pytest.mark.slow
def test_five_minutes_and_its_report(workspace):
    run_page("start.md", workspace)
    assert (workspace / "results/curve/results.json").is_file()
    run_page("report.md", workspace)
    for page in ("report.html", "compared.html", "cards.html"):
        assert "<title>" in (workspace / page).read_text()


@pytest.mark.slow
def test_one_photograph(workspace):
    run_page("demo.md", workspace)
    for folder in ("demo/00004", "mirror", "coco"):
        assert (workspace / "results" / folder / "perturbed.png").is_file()


@pytest.fixture
def clicked(workspace):
    """Photographs by names of their own, and clicks on their joints in tables, one per format."""
    people = workspace / "hpe_art" / "rendered_people"
    stored = json.loads((people / "people_val" / "annotations" / "mpii_val.json").read_text())
    rows = {"clicks.csv": [], "coco_clicks.csv": []}
    (workspace / "photographs").mkdir()
    for place, one in enumerate(stored[:4]):
        image = f"IMG_{place}.jpg"
        shutil.copy(
            people / "people_val" / "images" / one["image"], workspace / "photographs" / image
        )
        for joint, (x, y), seen in zip(MPII.joints, one["joints"], one["joints_vis"]):
            x, y = (x - 1, y - 1) if seen else ("", "")
            rows["clicks.csv"].append((image, 1, joint, x, y))
            if joint in PERSON["keypoints"]:
                rows["coco_clicks.csv"].append((image, 1, joint, x, y))
    for name, lines in rows.items():
        with (workspace / name).open("w", newline="", encoding="utf-8-sig") as file:
            csv.writer(file).writerows([("image", "person", "joint", "x", "y"), *lines])
    yield stored[:4]
    shutil.rmtree(workspace / "photographs")


@pytest.mark.slow
def test_own_photographs(workspace, clicked):
    run_page("photographs.md", workspace)
    made = json.loads((workspace / "my_people/annotations/mpii_val.json").read_text())
    for one, true in zip(made, clicked):
        for key in ("joints", "joints_vis", "center", "scale"):
            np.testing.assert_allclose(one[key], true[key], atol=0.01)  # rounded again
    assert len(list((workspace / "my_people/drawn").iterdir())) == 4
    pictures = [path.name for path in (workspace / "results/my_people/pictures").iterdir()]
    assert "fgsm-u_eps8_0000.png" in pictures


@pytest.mark.slow
def test_own_photographs_with_cocos_joints(workspace, clicked):
    run_page("coco.md", workspace)
    results = json.loads((workspace / "results/my_coco/results.json").read_text())
    assert "my_coco/annotations/people_val.json" in json.dumps(results)
    assert len(list((workspace / "my_coco/drawn").iterdir())) == 4


@pytest.mark.slow
def test_own_model(workspace):
    run_page("own_model.md", workspace)


@pytest.mark.slow
def test_the_smallest_perturbation(workspace):
    run_page("minimum.md", workspace)


@pytest.mark.slow
def test_long_runs(workspace):
    run_page("runs.md", workspace)


@pytest.mark.slow
def test_extending(workspace, people):
    base = workspace / "mmpose_configs" / "_base_" / "rendered_people_128.py"
    text = base.read_text()
    # Trained on the few photographs of the tests: nothing is rendered.
    base.write_text(
        text.replace(
            'dict(type="RenderedPeople", split="train", pipeline=train_pipeline)',
            f'dict(type="MpiiDataset", data_root="{people}", '
            'ann_file="annotations/mpii_train.json", data_prefix=dict(img="images/"), '
            "pipeline=train_pipeline)",
        )
    )
    assert base.read_text() != text
    run_page("extend.md", workspace)


@pytest.mark.slow
def test_the_paper_on_mpii(workspace, write_people):
    root = write_people(workspace / "data" / "mpii")
    for file in (root / "annotations").iterdir():
        file.unlink()  # made from the release below
    write_release(workspace / "mpii_human_pose_v1_u12_1.mat")
    # The first person of a dozen images, whose numbers begin with 1.
    standard = {"RELEASE_img_index": np.arange(7, 19), "RELEASE_person_index": np.ones(12)}
    savemat(workspace / "detections.mat", standard)
    for number in range(1, 60):
        image = root / "images" / f"{number:09d}.jpg"
        image.write_bytes((root / "images" / "00000.jpg").read_bytes())
    # A network of the paper's kind and size of input, narrow enough for a test.
    large = workspace / "mmpose_configs" / "mpii" / "hourglass.py"
    large.write_text(large.read_text() + "\nmodel.update(backbone=dict(channels=8))\n")
    run_page("mpii.md", workspace)
    assert (workspace / "mpii.html").is_file()
