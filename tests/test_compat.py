"""Both branches of each stand-in: here where that is safe, else in an interpreter of its own."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
import textwrap
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from mmengine.config import Config

from hpe_art import compat
from hpe_art.errors import UserError

SIGMAS = np.linspace(0.02, 0.1, 16)


class BlockXtcocotools:
    """A finder that makes `xtcocotools` unimportable, as on Python 3.12."""

    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "xtcocotools":
            raise ImportError(f"{name} is blocked")
        return None


@pytest.fixture
def fresh_xtcocotools(monkeypatch):
    """No module of xtcocotools is imported yet; afterwards everything is as it was."""
    before = {k: v for k, v in sys.modules.items() if k.split(".")[0] == "xtcocotools"}
    for name in before:
        del sys.modules[name]
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    yield
    for name in [k for k in sys.modules if k.split(".")[0] == "xtcocotools"]:
        del sys.modules[name]
    sys.modules.update(before)


def run_python(code: str) -> subprocess.CompletedProcess[str]:
    """Runs code in an interpreter of its own, which sees this one's modules' folders."""
    paths = [str(Path(compat.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
        capture_output=True,
        text=True,
    )


# --- mmcv._ext -----------------------------------------------------------------------------------


def test_compiled_operators_are_left_alone(monkeypatch):
    real = ModuleType("mmcv._ext")
    monkeypatch.setitem(sys.modules, "mmcv._ext", real)
    assert compat.stand_in_for_mmcv_ext() is False
    assert sys.modules["mmcv._ext"] is real


def test_compiled_operators_on_disk_are_left_alone(monkeypatch):
    monkeypatch.delitem(sys.modules, "mmcv._ext")
    found = ModuleSpec("mmcv._ext", None)
    monkeypatch.setattr(compat.importlib.util, "find_spec", lambda name: found)
    assert compat.stand_in_for_mmcv_ext() is False
    assert "mmcv._ext" not in sys.modules


needs_mmcv_lite = pytest.mark.skipif(
    not compat.DONE["mmcv._ext stand-in"], reason="the compiled mmcv is installed"
)


@needs_mmcv_lite
def test_a_missing_operator_says_what_to_install():
    from mmcv.ops import nms

    boxes = torch.tensor([[0.0, 0.0, 9.0, 9.0]])
    with pytest.raises(RuntimeError, match="operator 'nms' was called.*Install full mmcv instead"):
        nms(boxes, torch.ones(1), 0.5)


@needs_mmcv_lite
def test_the_stand_in_does_not_pretend_to_be_compiled():
    stand_in = sys.modules["mmcv._ext"]
    assert not hasattr(stand_in, "__file__")
    assert importlib.util.find_spec("mmcv._ext").origin is None


# --- xtcocotools ---------------------------------------------------------------------------------


def test_an_importable_xtcocotools_is_left_alone(fresh_xtcocotools, monkeypatch):
    package, mask = ModuleType("xtcocotools"), ModuleType("xtcocotools.mask")
    package.__path__ = []
    monkeypatch.setitem(sys.modules, "xtcocotools", package)
    monkeypatch.setitem(sys.modules, "xtcocotools.mask", mask)
    assert compat.stand_in_for_xtcocotools() is False
    assert sys.modules["xtcocotools"] is package and sys.modules["xtcocotools.mask"] is mask


@pytest.fixture
def stand_in(fresh_xtcocotools):
    sys.meta_path.insert(0, BlockXtcocotools())
    assert compat.stand_in_for_xtcocotools() is True


class BuiltAgainstNumPy1(BlockXtcocotools):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "xtcocotools":
            raise ValueError("numpy.dtype size changed, may indicate binary incompatibility")
        return None


def test_a_wheel_for_another_numpy_counts_as_missing(fresh_xtcocotools):
    sys.meta_path.insert(0, BuiltAgainstNumPy1())
    assert compat.stand_in_for_xtcocotools() is True


def test_pycocotools_serves_under_its_name(stand_in):
    import pycocotools.coco
    import pycocotools.mask
    import xtcocotools.mask as mask
    from xtcocotools.coco import COCO

    assert COCO is pycocotools.coco.COCO and mask is pycocotools.mask


def ground_truth_and_detections(coco_class):
    """One person with 16 joints, one joint unlabelled, and a detection some pixels off."""
    rng = np.random.default_rng(0)
    truth = np.concatenate([rng.uniform(20, 180, (16, 2)), np.full((16, 1), 2)], axis=1)
    truth[5, 2] = 0
    found = truth + np.concatenate([rng.normal(0, 6, (16, 2)), np.zeros((16, 1))], axis=1)
    person = {"id": 1, "image_id": 1, "category_id": 1, "area": 9000.0, "iscrowd": 0}
    person |= {"bbox": [20.0, 20.0, 160.0, 160.0], "num_keypoints": 15}
    coco = coco_class()
    coco.dataset = {
        "images": [{"id": 1, "width": 200, "height": 200}],
        "categories": [{"id": 1, "name": "person"}],
        "annotations": [{**person, "keypoints": truth.ravel().tolist()}],
    }
    coco.createIndex()
    detection = {"image_id": 1, "category_id": 1, "score": 0.9, "keypoints": found.ravel().tolist()}
    return coco, coco.loadRes([detection]), truth, found


def oks(evaluator) -> float:
    evaluator.evaluate()
    return float(np.asarray(evaluator.ious[1, 1]).squeeze())


def test_oks_is_computed_with_the_sigmas_given(stand_in):
    from xtcocotools.coco import COCO
    from xtcocotools.cocoeval import COCOeval

    coco, detections, truth, found = ground_truth_and_detections(COCO)
    squared = np.square(truth - found)[:, :2].sum(axis=1) / (2 * SIGMAS) ** 2 / 9000 / 2
    expected = np.exp(-squared[truth[:, 2] > 0]).mean()
    assert 0.1 < expected < 0.9
    # As MMPose's CocoMetric calls it: everything by position.
    assert oks(COCOeval(coco, detections, "keypoints", SIGMAS, True)) == pytest.approx(expected)


def test_oks_equals_that_of_xtcocotools(fresh_xtcocotools):
    try:
        from xtcocotools.coco import COCO
        from xtcocotools.cocoeval import COCOeval
    except (ImportError, ValueError):
        pytest.skip("xtcocotools is not installed")
    coco, detections, *_ = ground_truth_and_detections(COCO)
    theirs = oks(COCOeval(coco, detections, "keypoints", SIGMAS, True))

    for name in [k for k in sys.modules if k.split(".")[0] == "xtcocotools"]:
        del sys.modules[name]
    sys.meta_path.insert(0, BlockXtcocotools())
    assert compat.stand_in_for_xtcocotools() is True
    from xtcocotools.coco import COCO
    from xtcocotools.cocoeval import COCOeval

    assert COCO.__module__.startswith("pycocotools")
    coco, detections, *_ = ground_truth_and_detections(COCO)
    assert oks(COCOeval(coco, detections, "keypoints", SIGMAS, True)) == pytest.approx(theirs)


def test_what_only_xtcocotools_can_do_is_refused(stand_in):
    from xtcocotools.cocoeval import COCOeval

    with pytest.raises(NotImplementedError, match=r"Got iouType='keypoints_crowd', use_area=True"):
        COCOeval(iouType="keypoints_crowd")
    with pytest.raises(NotImplementedError, match=r"use_area=False: these need the real xtcoco"):
        COCOeval(iouType="keypoints", use_area=False)


# --- checkpoints ---------------------------------------------------------------------------------


# --- the whole -----------------------------------------------------------------------------------


def test_everything_missing_and_mmpose_registers_its_modules():
    done = run_python(
        """
        import logging, sys
        logging.basicConfig(level=logging.DEBUG, format="%(levelname)s %(name)s %(message)s")
        for noisy in ("matplotlib", "PIL", "asyncio"):
            logging.getLogger(noisy).setLevel(logging.WARNING)

        class Block:
            def find_spec(self, name, path=None, target=None):
                if name.split(".")[0] == "xtcocotools":
                    raise ImportError(name)

        sys.meta_path.insert(0, Block())
        import hpe_art.compat as compat
        from mmpose.utils import register_all_modules
        register_all_modules()
        from mmpose.registry import DATASETS, METRICS, MODELS
        assert DATASETS.get("CocoDataset") and METRICS.get("CocoMetric") and MODELS.get("RTMCCHead")
        assert compat.prepare()["pycocotools as xtcocotools"] is False, "once is enough"
        """
    )
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("DEBUG hpe_art.compat")]
    assert len(lines) == 2
    assert "pycocotools as xtcocotools: True" in lines[0]
    listed = f"checkpoint types allow-listed: {compat.DONE['checkpoint types allow-listed']}"
    assert listed in lines[0]
    assert "pycocotools as xtcocotools: False, checkpoint" in lines[1]


def test_nothing_missing_and_nothing_touched():
    """A full mmcv and a real xtcocotools, played by modules that are there before."""
    done = run_python(
        """
        import sys
        from types import ModuleType
        there = {name: ModuleType(name) for name in
                 ("mmcv._ext", "xtcocotools", "xtcocotools.mask")}
        there["xtcocotools"].__path__ = []
        sys.modules.update(there)
        import hpe_art.compat as compat
        assert not compat.DONE["mmcv._ext stand-in"]
        assert not compat.DONE["pycocotools as xtcocotools"]
        assert all(sys.modules[name] is module for name, module in there.items())
        assert "pycocotools" not in sys.modules
        """
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("suffix", [".yaml", ".yml"])
@pytest.mark.parametrize("base", [False, True])
def test_yaml_runs_no_code(tmp_path, suffix, base):
    marker, path = tmp_path / "was run", tmp_path / f"evil{suffix}"
    path.write_text(f'a: !!python/object/apply:os.mkdir ["{marker}"]')
    if base:
        (tmp_path / "config.py").write_text(f'_base_ = "evil{suffix}"')
        path = tmp_path / "config.py"
    with pytest.raises(UserError, match=r"Got !!python/object/apply:os.mkdir, which could run"):
        Config.fromfile(path)
    assert not marker.exists()


def test_yaml_of_mmengine_itself_is_read(tmp_path):
    config = Config(dict(size=(64, 96), steps=[dict(type="LoadImage")], scale=0.5))
    config.dump(tmp_path / "config.yaml")
    assert "!!python/tuple" in (tmp_path / "config.yaml").read_text()
    assert Config.fromfile(tmp_path / "config.yaml").to_dict() == config.to_dict()


def test_no_temporary_folder_is_left_where_its_removal_is_interrupted(tmp_path, monkeypatch):
    file = tmp_path / "config.py"
    file.write_text("a = 1")
    places = tmp_path / "temporary"
    places.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(places))
    removed = tempfile.TemporaryDirectory._rmtree

    def interrupted(*given, **settings):
        monkeypatch.setattr(tempfile.TemporaryDirectory, "_rmtree", removed)
        raise KeyboardInterrupt

    monkeypatch.setattr(tempfile.TemporaryDirectory, "_rmtree", interrupted)
    with pytest.raises(KeyboardInterrupt):
        Config.fromfile(file)
    assert list(places.iterdir()) == []
