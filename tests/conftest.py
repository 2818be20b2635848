"""A tiny folder in MPII format, a tiny config over it, and weights for that config."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

if "PYTEST_XDIST_WORKER" in os.environ:
    # Workers that each take every core wait for each other most of the time.
    _WORKERS = int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // _WORKERS)))

import hpe_art.compat  # noqa: F401  (before mmpose, whichever test file is run alone)

import cv2
import numpy as np
import pytest
from scipy.io import savemat

from hpe_art.skeleton import MPII

REPOSITORY = Path(__file__).parents[1]
COUNT = 6
# Person 1 lacks an ankle, person 3 the head top and a wrist; persons 4 and 5 share an image.
INVISIBLE = {1: [0], 3: [9, 15]}
IMAGE_OF = {5: 4}

CONFIG = """\
_base_ = ["{repository}/mmpose_configs/_base_/default_runtime.py"]
# Taller than wide, so that whoever swaps width and height is found out.
codec = dict(type="MSRAHeatmap", input_size=(64, 96), heatmap_size=(16, 24), sigma=1)
model = dict(
    type="TopdownPoseEstimator",
    data_preprocessor=dict(
        type="PoseDataPreprocessor", mean=[120, 110, 100], std=[60, 50, 40], bgr_to_rgb=True
    ),
    backbone=dict(type="StackedHourglass", num_stacks={stacks}, channels=8, depth=2),
    head=dict(
        type="CPMHead",
        in_channels=16,
        out_channels=16,
        num_stages={stacks},
        deconv_out_channels=None,
        final_layer=None,
        loss=dict(type="KeypointMSELoss", use_target_weight=True),
        decoder=codec,
    ),
    test_cfg=dict(flip_test=False, flip_mode="heatmap", shift_heatmap=False),
)
pipeline = [
    dict(type="LoadImage"),
    dict(type="GetBBoxCenterScale"),
    dict(type="TopdownAffine", input_size=codec["input_size"]),
]
root = "{data_root}"
train_dataloader = dict(
    batch_size=3,
    num_workers=0,
    drop_last=True,
    sampler=dict(type="DefaultSampler", shuffle=True),
    dataset=dict(
        type="MpiiDataset",
        data_root=root,
        ann_file="annotations/mpii_train.json",
        data_prefix=dict(img="images/"),
        pipeline=[
            *pipeline,
            dict(type="GenerateTarget", encoder=codec),
            dict(type="PackPoseInputs"),
        ],
    ),
)
val_dataloader = dict(
    batch_size=4,
    num_workers=0,
    sampler=dict(type="DefaultSampler", shuffle=False, round_up=False),
    dataset=dict(
        type="MpiiDataset",
        data_root=root,
        ann_file="annotations/mpii_val.json",
        headbox_file=root + "/annotations/mpii_gt_val.mat",
        data_prefix=dict(img="images/"),
        test_mode=True,
        pipeline=[*pipeline, dict(type="PackPoseInputs")],
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(type="MpiiPCKAccuracy")
test_evaluator = val_evaluator
train_cfg = dict(by_epoch=True, max_epochs=1, val_interval=1)
val_cfg = dict()
test_cfg = dict()
optim_wrapper = dict(optimizer=dict(type="AdamW", lr=1e-3))
load_from = {load_from!r}
"""


def _person(rng: np.random.Generator, size: tuple[int, int], number: int) -> dict[str, Any]:
    height, width = size
    joints = rng.uniform([15, 15], [width - 15, height - 15], (16, 2)).round(1)
    visible = np.ones(16, int)
    visible[INVISIBLE.get(number, [])] = 0
    low, high = joints.min(axis=0), joints.max(axis=0)
    joints[visible == 0] = -1
    return {
        "image": f"{IMAGE_OF.get(number, number):05d}.jpg",
        "joints": joints.tolist(),
        "joints_vis": visible.tolist(),
        "center": ((low + high) / 2).tolist(),
        "scale": float((high - low).max()) * 1.25 / 200,
    }


def _draw(image: np.ndarray, person: dict[str, Any]) -> None:
    points = np.rint(person["joints"]).astype(int)
    for a, b, side in MPII.bones:
        if person["joints_vis"][a] and person["joints_vis"][b]:
            colour = {"right": (0, 0, 255), "left": (255, 0, 0)}.get(side, (0, 255, 0))
            start, end = points[a].tolist(), points[b].tolist()
            cv2.line(image, tuple(start), tuple(end), colour, 3)


def _write_people(root: Path, count: int = COUNT) -> Path:
    rng = np.random.default_rng(0)
    (root / "images").mkdir(parents=True)
    (root / "annotations").mkdir()
    people: list[dict[str, Any]] = []
    images: dict[str, np.ndarray] = {}
    for number in range(count):
        size = (150 + 10 * IMAGE_OF.get(number, number), 120)
        person = _person(rng, size, number)
        name = person["image"]
        if name not in images:
            images[name] = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
        _draw(images[name], person)
        people.append(person)
    for name, image in images.items():
        cv2.imwrite(str(root / "images" / name), image)
    for split in ("train", "val"):
        (root / "annotations" / f"mpii_{split}.json").write_text(json.dumps(people))
    # Far larger than heads are, so that an untrained network finds some joints and misses some.
    corners = np.array([[10.0, 10.0], [170.0, 190.0]])[:, :, None] + np.zeros(count)
    savemat(root / "annotations" / "mpii_gt_val.mat", {"headboxes_src": corners})
    return root


@pytest.fixture(scope="session", autouse=True)
def small_runs_are_fast() -> Iterator[None]:
    """Spares each Runner what takes longer than six people: MMEngine formats and collects."""
    import mmengine.config.config
    import mmengine.dataset.base_dataset

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mmengine.config.config, "FormatCode", lambda text, **style: (text, True))
        patch.setattr(mmengine.dataset.base_dataset, "gc", SimpleNamespace(collect=int))
        yield


@pytest.fixture(scope="session")
def write_people() -> Callable[..., Path]:
    """`write_people(root, count=6)` makes a folder in MPII format and returns it."""
    return _write_people


@pytest.fixture(scope="session")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in MPII format with six people; not to be changed."""
    return _write_people(tmp_path_factory.mktemp("mpii") / "people")


@pytest.fixture(scope="session")
def write_config(people: Path) -> Callable[..., Path]:
    """`write_config(path, data_root=, stacks=, load_from=, add="")` writes a tiny config."""

    def write(
        path: Path,
        data_root: Path = people,
        stacks: int = 2,
        load_from: str | None = None,
        add: str = "",
    ) -> Path:
        text = CONFIG.format(
            repository=REPOSITORY, data_root=data_root, stacks=stacks, load_from=load_from
        )
        path.write_text(text + add)
        return path

    return write


@pytest.fixture(scope="session")
def write_weights() -> Callable[[Path, Path], Path]:
    """`write_weights(path, config)` saves random weights for a config and returns the path."""
    import torch

    from hpe_art.estimators.loading import build_model, load_config

    def write(path: Path, config: Path) -> Path:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            model = build_model(load_config(config, {"load_from": None}))
        torch.save({"state_dict": model.state_dict()}, path)
        return path

    return write


@pytest.fixture(scope="session")
def config(
    tmp_path_factory: pytest.TempPathFactory,
    write_config: Callable[..., Path],
    write_weights: Callable[[Path, Path], Path],
) -> Path:
    """The tiny config, whose `load_from` are random weights; not to be changed."""
    folder = tmp_path_factory.mktemp("config")
    config = write_config(folder / "tiny.py", load_from=str(folder / "tiny.pth"))
    write_weights(folder / "tiny.pth", config)
    return config


@pytest.fixture(scope="session")
def weights(config: Path) -> Path:
    """The weights of the tiny config; not to be changed."""
    return config.with_suffix(".pth")


@pytest.fixture
def own_zoo(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    write_config: Callable[..., Path],
    weights: Path,
) -> str:
    """The config of the one network in a bundle of the test's own."""
    from hpe_art import zoo
    from hpe_art.publishing import publish

    folder = tmp_path / "zoo"
    folder.mkdir()
    (folder / "index.json").write_text("{}")
    monkeypatch.setattr(zoo, "FOLDER", folder)
    config = str(write_config(tmp_path / "tiny.py", load_from="zoo://tiny"))
    publish(config, str(weights), "tiny", "train it")
    return config
