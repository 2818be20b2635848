"""Lets today's Python, NumPy and PyTorch import OpenMMLab. Import this before `mmpose`.

Touches only what is missing, and says so once at debug level:

- no compiled `mmcv._ext` (as with mmcv-lite): a stand-in whose functions raise when called;
- no importable `xtcocotools` (no wheel from Python 3.12 on): pycocotools under its name;
- MMEngine's YAML files give plain values: a tag that would run code is refused;
- the temporary folder in which MMEngine reads a config goes, also when Ctrl-C meets its removal;
- MMEngine checkpoints are loaded with `weights_only=True`, with the few harmless types that
  they hold allow-listed. A pickle that would run code is refused, never executed.
"""

import hashlib
import importlib
import importlib.util
import logging
import pickle
import re
import socket
import sys
import tempfile
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from urllib.parse import urlparse

import numpy as np

from hpe_art.errors import UserError
from hpe_art.files import sha256

logger = logging.getLogger(__name__)

STALLED = 60
"""Seconds without a byte after which a download is given up."""
LONGEST_NAME = 200
NAMED_HASH = re.compile(r"-(?!20\d{6}\.)([0-9a-f]{8,64})\.\w+$")
"""Of a file, but for what is a date."""
HISTORY_STATISTICS = ("min", "max", "current", "mean")


class _MissingOps(ModuleType):
    """Stands in for `mmcv._ext`: every operator is there, none can be called."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("__"):
            raise AttributeError(name)

        def missing(*args: Any, **kwargs: Any) -> Any:
            raise RuntimeError(
                f"The compiled mmcv operator '{name}' was called, but this mmcv has none. "
                "Install full mmcv instead of mmcv-lite: pip uninstall mmcv-lite; "
                "pip install openmim; mim install 'mmcv>=2.0,<2.2'"
            )

        return missing


def stand_in_for_mmcv_ext() -> bool:
    """Puts a stand-in where `mmcv._ext` is missing. Returns whether it did."""
    if "mmcv._ext" in sys.modules or importlib.util.find_spec("mmcv._ext") is not None:
        return False
    stand_in = _MissingOps("mmcv._ext")
    # With a spec but no loader, mmcv's own check still finds that it has no operators.
    stand_in.__spec__ = ModuleSpec("mmcv._ext", None)
    sys.modules["mmcv._ext"] = stand_in
    return True


def stand_in_for_xtcocotools() -> bool:
    """Serves pycocotools as `xtcocotools` where that cannot be imported. Returns whether it did."""
    try:
        # A wheel built against NumPy 1 raises ValueError under NumPy 2, not ImportError.
        importlib.import_module("xtcocotools.mask")
        return False
    except (ImportError, ValueError):
        for name in [n for n in sys.modules if n.split(".")[0] == "xtcocotools"]:
            del sys.modules[name]

    import pycocotools.coco
    import pycocotools.cocoeval
    import pycocotools.mask

    evaluation = ModuleType("xtcocotools.cocoeval")
    evaluation.__dict__.update(vars(pycocotools.cocoeval), COCOeval=_coco_eval())
    package = ModuleType("xtcocotools")
    parts = {"coco": pycocotools.coco, "mask": pycocotools.mask, "cocoeval": evaluation}
    package.__dict__.update(parts, __path__=[])
    sys.modules["xtcocotools"] = package
    sys.modules.update({f"xtcocotools.{name}": module for name, module in parts.items()})
    return True


def _coco_eval() -> type:
    from pycocotools.cocoeval import COCOeval

    class XtCOCOeval(COCOeval):
        """pycocotools' COCOeval with the two arguments of xtcocotools that MMPose passes."""

        def __init__(
            self,
            cocoGt: Any = None,
            cocoDt: Any = None,
            iouType: str = "keypoints",
            sigmas: np.ndarray | None = None,
            use_area: bool = True,
        ) -> None:
            if iouType not in ("segm", "bbox", "keypoints") or not use_area:
                raise NotImplementedError(
                    "Expected iouType 'keypoints', 'bbox' or 'segm', with use_area. "
                    f"Got iouType={iouType!r}, use_area={use_area}: "
                    "these need the real xtcocotools (Python 3.11 or older)."
                )
            super().__init__(cocoGt, cocoDt, iouType)
            if sigmas is not None:
                self.params.kpt_oks_sigmas = np.asarray(sigmas)

    return XtCOCOeval


def _history_statistic(owner: type, name: str) -> Any:
    """The only `getattr` that a checkpoint may use: a statistic of MMEngine's HistoryBuffer."""
    from mmengine.logging import HistoryBuffer

    if owner is not HistoryBuffer or name not in HISTORY_STATISTICS:
        raise pickle.UnpicklingError(
            f"Unsupported getattr: expected one of {HISTORY_STATISTICS} of HistoryBuffer. "
            f"Got {getattr(owner, '__name__', owner)}.{name}: this checkpoint is refused."
        )
    return getattr(owner, name)


def _served_as(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """A copy of `function` that torch's allow list files under the dotted `name`."""

    def served(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    served.__module__, _, served.__name__ = name.rpartition(".")
    served.__qualname__ = served.__name__
    return served


def _harmless_types() -> list[Any]:
    from mmengine.logging import HistoryBuffer

    core = "_core" if hasattr(np, "_core") else "core"
    multiarray = importlib.import_module(f"numpy.{core}.multiarray")
    types = [HistoryBuffer, _served_as("builtins.getattr", _history_statistic), np.ndarray]
    types += [np.dtype, *{type(np.dtype(code)) for code in "?bhilqBHILQefdUS"}]
    # Files name the module of the NumPy that wrote them, which may be the other one.
    for module in ("numpy.core.multiarray", "numpy._core.multiarray"):
        for name in ("_reconstruct", "scalar"):
            types.append(_served_as(f"{module}.{name}", getattr(multiarray, name)))
    return types


def cached_path(url: str, folder: str | None = None) -> Path:
    """Where the download of an address is kept: others may have files of the same name."""
    import torch

    name = Path(urlparse(url).path).name[-LONGEST_NAME:]
    own = hashlib.sha256(url.encode()).hexdigest()[:16]
    return Path(folder or Path(torch.hub.get_dir(), "checkpoints")) / f"{own}-{name}"


def downloaded(url: str, folder: str | None = None, progress: bool = True) -> Path:
    """The file of an address, from the cache if it is there, and whole as far as its name says.

    A name that ends in - and 8 or more digits of a SHA-256, as those of torch.hub do, says it.

    Raises:
        OSError: it cannot be reached, or nothing has come for `STALLED` seconds.
        RuntimeError: another file than its name says.
    """
    import torch

    path = cached_path(url, folder)
    named = NAMED_HASH.search(path.name)
    wanted = named[1] if named else ""
    if path.is_file() and sha256(path).startswith(wanted):
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    usual = socket.getdefaulttimeout()
    socket.setdefaulttimeout(STALLED)  # torch.hub would wait for ever
    try:
        torch.hub.download_url_to_file(url, str(path), wanted or None, progress)
    finally:
        socket.setdefaulttimeout(usual)
    return path


def load_checkpoints_safely() -> bool:
    """Makes MMEngine's checkpoint loader refuse pickles that would run code.

    Returns whether the harmless types could be allow-listed; torch before 2.4 has no such list,
    and loads only plain tensors and containers.
    """
    import torch
    from mmengine.runner import checkpoint

    @checkpoint.CheckpointLoader.register_scheme(prefixes="", force=True)
    def load_from_local(filename: str, map_location: Any = None) -> Any:
        path = Path(filename).expanduser()
        if not path.is_file():
            raise FileNotFoundError(f"{filename} can not be found.")
        return torch.load(path, map_location=map_location, weights_only=True)

    def load_url(
        url: str, model_dir: str | None = None, map_location: Any = None, progress: bool = True
    ) -> Any:
        return load_from_local(str(downloaded(url, model_dir, progress)), map_location)

    # MMEngine downloads with torch.hub, which on its own runs any pickle.
    checkpoint.load_url = load_url
    if not hasattr(torch.serialization, "add_safe_globals"):
        return False
    torch.serialization.add_safe_globals(_harmless_types())
    return True


def _refuse_tag(loader: Any, kind: str, node: Any) -> None:
    raise UserError(
        f"Expected YAML of plain values. Got !!python/{kind}, which could run code: it is refused, "
        "and nothing was run."
    )


def load_yaml_safely() -> bool:
    """Makes MMEngine's YAML reader refuse tags that would run code. Returns that it did."""
    from mmengine.fileio.handlers import yaml_handler

    yaml = yaml_handler.yaml

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
        """Plain values, and the tuples that MMEngine itself writes."""

    Loader.add_constructor(
        "tag:yaml.org,2002:python/tuple",
        lambda loader, node: tuple(loader.construct_sequence(node, deep=True)),
    )
    Loader.add_multi_constructor("tag:yaml.org,2002:python/", _refuse_tag)
    yaml_handler.Loader = Loader
    return True


class _TemporaryFolder(tempfile.TemporaryDirectory[str]):
    def cleanup(self) -> None:
        """Removes it; an interruption in the middle would leave it for ever."""
        try:
            super().cleanup()
        except KeyboardInterrupt:
            super().cleanup()
            raise


def leave_no_temporary_folder() -> bool:
    """Has MMEngine read configs in folders that are always removed. Returns that it has."""
    from mmengine.config import config

    known = {**vars(tempfile), "TemporaryDirectory": _TemporaryFolder}
    config.tempfile = SimpleNamespace(**known)
    return True


def prepare() -> dict[str, bool]:
    """Applies everything above. Returns what was done; safe to call again."""
    done = {
        "mmcv._ext stand-in": stand_in_for_mmcv_ext(),
        "pycocotools as xtcocotools": stand_in_for_xtcocotools(),
        "checkpoint types allow-listed": load_checkpoints_safely(),
        "YAML of plain values": load_yaml_safely(),
        "temporary folders removed": leave_no_temporary_folder(),
    }
    logger.debug("OpenMMLab: %s", ", ".join(f"{k}: {v}" for k, v in done.items()))
    return done


DONE = prepare()
