"""What holds whatever is given: a `UserError` that says it, or numbers that can be trusted.

Each property takes a folder of its own and draws its input. What else is raised is a fault.
"""

from __future__ import annotations

import contextlib
import io
import json
import math
import tempfile
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import cv2
import example_results
import numpy as np
import torch
import toys
from conftest import _write_people as write_people
from fuzz.mutations import ODD_TEXTS, arrays, broken_bytes, broken_document, broken_json, values
from hypothesis import strategies as st
from mmengine.config import Config
from rich.console import Console

from hpe_art.attacks import (
    PoseFastGradientMethod,
    PoseProjectedGradientDescent,
    UniversalPosePerturbation,
)
from hpe_art.attacks.targets import points_from_file, poses_from_file
from hpe_art.checkpoints import read_weights
from hpe_art.commands import COMMANDS
from hpe_art.data.images import image_fault
from hpe_art.data.people import load_people
from hpe_art.data.photographs import read_photograph
from hpe_art.errors import UserError
from hpe_art.estimators.loading import load_config
from hpe_art.evaluation.result_files import read_results
from hpe_art.evaluation.store import CLEAN, OWN, Shard, Store, StoreError
from hpe_art.report.table import joint_table, results_markdown, results_table

PROPERTIES: dict[str, Callable[[Path, Any], None]] = {}
QUICK = {"max_iter": 2, "verbose": False}
LONGEST = 2000
"""Characters of an error: it names things, and does not hold them."""


def holds(function: Callable[[Path, Any], None]) -> Callable[[Path, Any], None]:
    PROPERTIES[function.__name__] = function
    return function


@contextlib.contextmanager
def refused(kind: type[ValueError] = UserError) -> Iterator[None]:
    """Lets an error pass that a user can mend, if it can be read."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except kind as error:
        message = str(error)
        assert message.startswith("Expected"), message
        assert len(message) < LONGEST, message[:LONGEST]


@cache
def estimator() -> Any:
    return toys.wrap(toys.hourglass())


@holds
def results(folder: Path, draw: Any) -> None:
    """What can be read can be shown."""
    entries = [
        example_results.attack("IGSM-U-10", 8.0, 20.0),
        example_results.attack("FGSM-U", 8.0, 40.0),
    ]
    whole = example_results.run(entries).model_dump(mode="json")
    whole = {"schema_version": 2, "runs": {"hourglass": whole}}
    path = folder / "results.json"
    path.write_bytes(draw(broken_json(whole)))
    with refused():
        for run in read_results(path).runs.values():
            results_markdown(run)
            Console(file=io.StringIO()).print(results_table(run), joint_table(run))


@holds
def checkpoints(folder: Path, draw: Any) -> None:
    """The tensors of what can be read are finite; a model says itself what else does not fit."""
    path = folder / "weights.pth"
    whole = {"state_dict": {"a.weight": torch.ones(2, 3), "a.bias": torch.zeros(2)}, "meta": {}}
    if draw(st.booleans()):
        torch.save(draw(broken_document(whole)), path)
    else:
        file = io.BytesIO()
        torch.save(whole, file)
        path.write_bytes(draw(broken_bytes(file.getvalue())))
    with refused():
        for name, value in read_weights(str(path)).items():
            assert isinstance(name, str)
            assert not isinstance(value, torch.Tensor) or torch.isfinite(value.float()).all()


@holds
def configs(folder: Path, draw: Any) -> None:
    """A config that can be loaded has a model."""
    model = {"type": "TopdownPoseEstimator", "head": {"type": "HeatmapHead"}}
    whole = {"model": model, "test_dataloader": {"dataset": {"type": "MpiiDataset"}}, "a": [1]}
    kind = draw(st.sampled_from(["json", "yaml", "py"]))
    path = folder / f"config.{kind}"
    if kind == "py":
        source = b"model = dict(type='A', head=dict(a=[1, 2]))\n_base_ = []\n"
        path.write_bytes(draw(broken_bytes(source)))
    else:
        path.write_bytes(draw(broken_json(whole)))
    with refused():
        assert load_config(path).model.type == "TopdownPoseEstimator"


@holds
def target_poses(folder: Path, draw: Any) -> None:
    """Targets lie in the crop."""
    pose = [[0.25, 0.5], None, [1, 0]]
    path = folder / "poses.json"
    path.write_bytes(draw(broken_json(draw(st.sampled_from([pose, [pose, pose]])))))
    with refused():
        found = poses_from_file(path, np.array([0, 1]), (64, 32), 3)
        assert found.poses.shape == (2, 3, 3) and np.isfinite(found.poses).all()
        assert (found.poses[..., :2] >= 0).all() and (found.poses[..., :2] <= (64, 32)).all()


@holds
def marked_points(folder: Path, draw: Any) -> None:
    """Points are finite, and one is there at least."""
    by_name = {"keypoints": {"a": [3, 4], "c": [1.5, 2]}}
    path = folder / "points.json"
    whole = draw(st.sampled_from([by_name, {"keypoints": [[3, 4], None, [1, 2]]}]))
    path.write_bytes(draw(broken_json(whole)))
    with refused():
        found = points_from_file(path, ("a", "b", "c"))
        assert found.shape == (3, 3) and np.isfinite(found).all() and found[:, 2].any()


@cache
def _perturbation() -> bytes:
    path = Path(__file__).parents[2] / "hpe_art/zoo/hourglass_uap8.npz"
    return path.read_bytes()


@holds
def perturbations(folder: Path, draw: Any) -> None:
    """Images stay within eps of a perturbation that can be loaded."""
    path, x = folder / "noise.npz", toys.people(1)[0]
    with np.load(io.BytesIO(_perturbation())) as held:
        levels, fitted = held["noise"], json.loads(str(held["fitted"]))
    if draw(st.booleans()):
        path.write_bytes(draw(broken_bytes(_perturbation())))
    else:
        shape = draw(st.sampled_from([levels.shape, (3, 8, 8), (4, 8, 8), (3, 0, 8), (3, 8)]))
        noise = np.full(shape, draw(st.sampled_from([0, 127, -127, -128])), np.int8)
        facts = draw(st.just(fitted) | broken_document(fitted))
        np.savez(path, noise=noise, fitted=np.array(json.dumps(facts, default=str)))
    with refused():
        attack = UniversalPosePerturbation.load(path, estimator())
        moved = np.abs(attack.generate(x) - x)
        assert moved.max() <= attack.eps + 1e-3


@holds
def photographs(folder: Path, draw: Any) -> None:
    """What is read has pixels; what the check lets pass is read."""
    kind = draw(st.sampled_from([".png", ".jpg", ".bmp"]))
    pixels = np.arange(40 * 50 * 3, dtype=np.uint8).reshape(40, 50, 3)
    path = folder / f"a{kind}"
    path.write_bytes(draw(broken_bytes(cv2.imencode(kind, pixels)[1].tobytes())))
    side = st.floats(-1e4, 1e4) | st.just(math.nan)
    box = draw(st.none() | st.lists(side, min_size=4, max_size=4))
    with refused():
        if image_fault(path) is None:
            assert cv2.imread(str(path)) is not None
    with refused():
        assert read_photograph(path, box).longer_side > 0


@holds
def stores(folder: Path, draw: Any) -> None:
    """A damaged shard counts as missing; one that is read is as it was written."""
    store = Store(folder / "store")
    index = np.arange(3)
    poses = np.arange(3 * 2 * 3, dtype=np.float32).reshape(3, 2, 3)
    store.add(CLEAN, Shard(index, {OWN: poses}, {}))
    (path,) = (folder / "store" / CLEAN).glob("*.npz")
    path.write_bytes(draw(broken_bytes(path.read_bytes())))
    with refused(), contextlib.suppress(StoreError):
        found = Store(folder / "store").gathered(CLEAN, index)
        assert np.array_equal(found, poses)


WORDS = ["--eps", "--out", "--seed", "--num-samples", "--attack", "--data-root", "--cfg-options"]
WORDS += ["--help", "-x", "--batch-size", "--norm", "--resume", "hourglass", "no.py", "a=1", "8"]


@holds
def arguments(folder: Path, draw: Any) -> None:
    """A command line is one, or its process ends with 0 (help) or 2."""
    name = draw(st.sampled_from(sorted(COMMANDS)))
    parse = import_module(f"hpe_art.commands.{name.replace('-', '_')}").parse
    words = draw(st.lists(st.sampled_from(WORDS + [str(one) for one in ODD_TEXTS]), max_size=5))
    with refused(), _silent(), contextlib.chdir(folder):
        try:
            parse(words)
        except SystemExit as stop:
            assert stop.code in (0, 2)


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
        yield


@holds
def poses_and_gradients(folder: Path, draw: Any) -> None:
    """Right shapes, and numbers that are finite."""
    x, y = draw(arrays((2, 3, 32, 32))), draw(arrays((2, toys.JOINTS, 3), usual=31.0))
    with refused(ValueError):
        assert estimator().predict(x).shape == (len(x), toys.JOINTS, 3)
    with refused(ValueError):
        gradient = estimator().loss_gradient(x, y)
        assert gradient.shape == x.shape and np.isfinite(gradient).all()


@holds
def attacks(folder: Path, draw: Any) -> None:
    """Perturbed images lie in the eps ball and in 0 to 255."""
    kind = draw(st.sampled_from([PoseFastGradientMethod, PoseProjectedGradientDescent]))
    names = ["eps", "norm", "targeted", "batch_size"]
    names += ["eps_step", "max_iter"] if kind is PoseProjectedGradientDescent else []
    odd = {name: draw(values()) for name in draw(st.sets(st.sampled_from(names), max_size=2))}
    settings = {"eps": 8.0, **(QUICK if kind is PoseProjectedGradientDescent else {})}
    x, y = toys.people(2)[:2]
    x = draw(st.just(x) | arrays(x.shape))
    with refused(ValueError):
        attack = kind(estimator(), **{**settings, **odd})
        found = attack.generate(x, y)
        if isinstance(attack.eps, list):  # one for each
            found, attack.eps = found[0], attack.eps[0]
        assert found.shape == x.shape and np.isfinite(found).all()
        if attack.norm in ("inf", np.inf):
            assert np.abs(found - x).max() <= attack.eps + 1e-3
        assert found.min() >= min(0, np.min(x)) and found.max() <= max(255, np.max(x))


@cache
def _people() -> tuple[Path, list[dict[str, Any]], Any]:
    """A folder in MPII format, its annotations, and the poses that they give."""
    root = write_people(Path(tempfile.mkdtemp()) / "people")
    file = root / "annotations/mpii_val.json"
    entries = json.loads(file.read_text())
    return root, entries, load_people(_test_set(root, file)).y


def _test_set(root: Path, annotations: Path) -> Config:
    steps = [dict(type="LoadImage"), dict(type="GetBBoxCenterScale")]
    steps += [dict(type="TopdownAffine", input_size=(32, 32))]
    steps += [dict(type="PackPoseInputs", pack_transformed=True)]
    boxes = str(root / "annotations/mpii_gt_val.mat")
    dataset = dict(
        type="MpiiDataset",
        ann_file=str(annotations),
        headbox_file=boxes,
        data_prefix=dict(img=f"{root}/images/"),
        test_mode=True,
        pipeline=steps,
    )
    return Config(dict(test_dataloader=dict(dataset=dataset)))


@holds
def annotations(folder: Path, draw: Any) -> None:
    """Who is as before in a broken list has the same pose as before, or nobody has any."""
    root, entries, poses = _people()
    path, text = folder / "list.json", draw(broken_json(entries))
    path.write_bytes(text)
    with refused():
        found = load_people(_test_set(root, path), None, draw(st.booleans()))
        read = json.loads(text)
        assert np.isfinite(found.y).all()
        for row, place in enumerate(found.index.tolist()):
            entry = read[found.dataset.get_data_info(place)["id"]]
            if entry in entries:
                assert np.array_equal(found.y[row], poses[entries.index(entry)])
