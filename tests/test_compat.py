"""Both branches of each stand-in: here where that is safe, else in an interpreter of its own."""

from __future__ import annotations

import importlib.util
import os
import pickle
import subprocess
import sys
import textwrap
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from hpe_art import compat

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


class Evil:
    """A pickle that makes a file or folder when it is loaded."""

    def __init__(self, marker: Path, way: str = "method") -> None:
        self.marker, self.way = marker, way

    def __reduce__(self):
        return {
            "method": (Path.touch, (self.marker,)),
            "system": (os.mkdir, (str(self.marker),)),
            "eval": (eval, (f"open({str(self.marker)!r}, 'w').close()",)),
        }[self.way]


def load(path: Path):
    from mmengine.runner.checkpoint import CheckpointLoader

    return CheckpointLoader.load_checkpoint(str(path), map_location="cpu", logger="silent")


needs_allow_list = pytest.mark.skipif(
    not compat.DONE["checkpoint types allow-listed"], reason="this torch has no allow list"
)


@needs_allow_list
def test_a_checkpoint_of_mmengines_runner_loads(tmp_path):
    from mmengine.logging import MessageHub

    hub = MessageHub("a run")
    for value in (3.0, 1.0):
        hub.update_scalar("train/loss", value)
        hub.update_scalar("train/lr", np.float64(value))
    hub.update_info("epoch", 2)
    layer = torch.nn.Linear(3, 2)
    optimizer = torch.optim.AdamW(layer.parameters())
    layer(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    path = tmp_path / "epoch_2.pth"
    content = {
        "meta": {"epoch": 2, "seed": 0, "dataset_meta": {"sigmas": SIGMAS, "name": "mpii"}},
        "state_dict": layer.state_dict(),
        "optimizer": optimizer.state_dict(),
        "message_hub": hub.state_dict(),
    }
    torch.save(content, path)
    loaded = load(path)
    assert torch.equal(loaded["state_dict"]["weight"], layer.weight)
    np.testing.assert_array_equal(loaded["meta"]["dataset_meta"]["sigmas"], SIGMAS)
    history = loaded["message_hub"]["log_scalars"]["train/loss"]
    assert (history.current(), history.mean(), history.min()) == (1.0, 2.0, 1.0)
    again = MessageHub("another run")
    again.load_state_dict(loaded["message_hub"])
    assert again.get_scalar("train/lr").max() == 3.0


@needs_allow_list
@pytest.mark.parametrize("other", ["numpy.core.multiarray", "numpy._core.multiarray"])
def test_arrays_written_by_either_numpy_load(tmp_path, other):
    path = tmp_path / "weights.pth"
    values = np.arange(4, dtype=np.float32)
    torch.save({"a": values, "b": np.float32(2)}, path, _use_new_zipfile_serialization=False)
    module = np.ndarray.__reduce__(values)[0].__module__
    path.write_bytes(path.read_bytes().replace(module.encode(), other.encode()))
    loaded = load(path)
    np.testing.assert_array_equal(loaded["a"], values)
    assert loaded["b"] == 2


@pytest.mark.parametrize("way", ["method", "system", "eval"])
@pytest.mark.parametrize("nested", [True, False])
@pytest.mark.parametrize("new_format", [True, False])
def test_a_pickle_that_would_run_code_is_refused(tmp_path, way, nested, new_format):
    marker, path = tmp_path / "was run", tmp_path / "evil.pth"
    evil = Evil(marker, way)
    content = {"state_dict": {"a": evil}} if nested else evil
    torch.save(content, path, _use_new_zipfile_serialization=new_format)
    with pytest.raises(pickle.UnpicklingError, match=r"(?i)unsupported|not an allowed"):
        load(path)
    assert not marker.exists()
    pickle.loads(pickle.dumps(evil))
    assert marker.exists(), "the pickle is as evil as it should be"


class Getattr:
    """Pickles as `getattr(owner, name)`."""

    def __init__(self, owner: object, name: str) -> None:
        self.owner, self.name = owner, name

    def __reduce__(self):
        return getattr, (self.owner, self.name)


@needs_allow_list
def test_getattr_serves_the_statistics_of_histories_alone(tmp_path):
    from mmengine.logging import HistoryBuffer

    path = tmp_path / "weights.pth"
    torch.save({"a": Getattr(HistoryBuffer, "mean")}, path)
    assert load(path)["a"] is HistoryBuffer.mean
    for owner, name in ((HistoryBuffer, "__init__"), (np.ndarray, "tofile")):
        torch.save({"a": Getattr(owner, name)}, path)
        refusal = f"Got {owner.__name__}.{name}: this checkpoint is refused"
        with pytest.raises(pickle.UnpicklingError, match=refusal):
            load(path)


def test_a_downloaded_checkpoint_is_loaded_as_carefully(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    cache = tmp_path / "hub" / "checkpoints"
    cache.mkdir(parents=True)
    marker = tmp_path / "was run"
    torch.save({"state_dict": {"a": torch.ones(2)}}, cache / "good.pth")
    torch.save(Evil(marker), cache / "evil.pth")
    assert load("https://example.org/good.pth")["state_dict"]["a"].tolist() == [1, 1]
    with pytest.raises(pickle.UnpicklingError):
        load("https://example.org/evil.pth")
    assert not marker.exists()

    def download(url, path, progress):
        torch.save({"url": url}, path)

    monkeypatch.setattr(torch.hub, "download_url_to_file", download)
    assert load("https://example.org/new.pth?v=2")["url"].endswith("new.pth?v=2")
    assert (cache / "new.pth").is_file()


def test_a_missing_checkpoint(tmp_path):
    with pytest.raises(FileNotFoundError, match="none.pth can not be found"):
        load(tmp_path / "none.pth")


@needs_allow_list
def test_an_old_torch_has_no_list_of_harmless_types(monkeypatch):
    monkeypatch.delattr(torch.serialization, "add_safe_globals")
    assert compat.load_checkpoints_safely() is False


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
