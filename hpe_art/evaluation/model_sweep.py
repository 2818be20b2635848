"""Every config of MMPose checked, one after the other; what was found is kept as it is found."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from pydantic import TypeAdapter, ValidationError

from hpe_art.errors import UserError, first_fault
from hpe_art.estimators.heads.base import pose_head
from hpe_art.estimators.loading import build_model, load_config
from hpe_art.evaluation.model_check import check_model
from hpe_art.evaluation.results import Record
from hpe_art.files import write_whole
from hpe_art.memory import forget_peak, peak_mib

WORKS, NEEDS, REFUSED, FAILS = "works", "needs", "refused", "fails"
FOUND = "models.json"
EXTRAS = {"mmpretrain": "hpe-art[vit]"}
"""What a config may need beyond MMPose, and what brings it."""


class Checked(Record):
    """What became of a config.

    Attributes:
        status: works; needs an extra; refused, since it is not a top-down model; or fails.
        why: of all but the first.
        like: the config of the same model that was checked instead.
        parameters: in millions.
        poses_apart: largest distance from MMPose's own poses, in crop pixels.
        gradients_apart: largest relative difference from central differences.
        peak_mib: memory that the process held at most.
    """

    config: str
    status: str
    why: str = ""
    like: str = ""
    head: str = ""
    codec: str = ""
    backbone: str = ""
    input_size: tuple[int, int] | None = None
    joints: int | None = None
    outputs: int | None = None
    parameters: float | None = None
    poses_apart: float | None = None
    gradients_apart: float | None = None
    seconds: float | None = None
    peak_mib: float | None = None


_LIST = TypeAdapter(list[Checked])


def read_checked(folder: Path) -> list[Checked]:
    """What was found in a folder so far, by all shards; UserError names a file that is broken."""
    found: dict[str, Checked] = {}
    for path in sorted(folder.glob(f"*{FOUND}")):
        found.update({one.config: one for one in _read(path)})
    return [found[name] for name in sorted(found)]


def _read(path: Path) -> list[Checked]:
    try:
        return _LIST.validate_json(path.read_bytes())
    except ValidationError as error:
        raise UserError(
            f"Expected what check-models found in {path}. Got {first_fault(error)}: remove it, or "
            "name another --out."
        ) from None


def check_configs(
    files: Sequence[Path],
    root: Path,
    folder: Path,
    shard: tuple[int, int] = (1, 1),
    kinds: bool = False,
) -> Iterator[Checked]:
    """Checks what is not in the folder yet, and writes it there.

    Args:
        files: configs.
        root: folder that names of configs are relative to.
        folder: where what is found is kept; several shards may share it.
        shard: which of how many parts to take; configs of one model are of one part.
        kinds: check one model of each kind of head, codec and backbone, and leave out the others.

    Yields:
        What was found of each.
    """
    number, count = shard
    path = folder / (FOUND if count == 1 else f"{number}_of_{count}_{FOUND}")
    earlier = {one.config: one for one in read_checked(folder)}
    mine = _read(path) if path.is_file() else []
    models: dict[str, Checked] = {}
    seen: set[Any] = set()
    for file in files:
        name = file.relative_to(root).as_posix()
        cfg, refused = _loaded(file)
        key = _identity(cfg) if cfg else name
        if cfg and kinds:
            if (kind := _kind(cfg)) in seen:
                continue
            seen.add(kind)
        if int(hashlib.sha256(key.encode()).hexdigest(), 16) % count != number - 1:
            continue
        if (found := earlier.get(name)) is None:
            if cfg is None:
                found = Checked(config=name, status=REFUSED, why=refused)
            elif like := models.get(key):
                found = like.model_copy(update={"config": name, "like": like.config})
            else:
                found = _checked(name, cfg)
            mine.append(found)
            write_whole(path, _LIST.dump_json(mine, indent=1, exclude_defaults=True).decode())
            yield found
        if found.status != REFUSED and not found.like:
            models[key] = found


def _loaded(file: Path) -> tuple[Config | None, str]:
    try:
        return load_config(file), ""
    except UserError as error:
        return None, _line(str(error))


def _identity(cfg: Config) -> str:
    """Of what decides about a model: not of its data and training."""
    dataset = (cfg.get("test_dataloader") or {}).get("dataset") or {}
    about = [cfg.model, dataset.get("type"), dataset.get("metainfo")]
    return json.dumps(about, sort_keys=True, default=str)


def _kind(cfg: Config) -> tuple[str, ...]:
    head = cfg.model.get("head", {})
    inner = head.get("pose_cfg", head)
    codec, loss = inner.get("decoder") or {}, inner.get("loss") or {}
    parts = (head, codec, loss, cfg.model.get("backbone"))
    return (*map(_name, parts), str(codec.get("heatmap_type")))


def _checked(name: str, cfg: Config) -> Checked:
    torch.manual_seed(0)
    forget_peak()
    cfg.load_from = None
    head = cfg.model.get("head", {})
    about: dict[str, Any] = {"config": name, "backbone": _name(cfg.model.get("backbone"))}
    about |= {"head": _name(head), "codec": _name(head.get("decoder"))}
    try:
        model: Any = build_model(cfg)
        codec: Any = pose_head(model.head).decoder
        size = getattr(codec, "keypoint_codec", codec).input_size
        parameters = sum(weight.numel() for weight in model.parameters()) / 1e6
        about |= {
            "codec": type(codec).__name__,
            "input_size": tuple(int(side) for side in size),
            "joints": len(model.dataset_meta["flip_indices"]),
            "parameters": round(parameters, 2),
        }
        found = check_model(model)
    except Exception as error:  # whatever a model raises is what is wrong with it
        line = _line(str(error)) or type(error).__name__
        needed = next((extra for module, extra in EXTRAS.items() if module in line), None)
        return Checked(**about, status=NEEDS if needed else FAILS, why=needed or line)
    return Checked(
        **about,
        status=FAILS if found.faults else WORKS,
        why="; ".join(found.faults),
        outputs=found.outputs,
        poses_apart=float(f"{found.poses_apart:.2g}"),
        gradients_apart=float(f"{found.gradients_apart:.2g}"),
        seconds=round(found.seconds, 1),
        peak_mib=round(peak_mib()),
    )


def _name(cfg: Any) -> str:
    kind = cfg.get("type", "") if isinstance(cfg, dict) else ""
    return kind if isinstance(kind, str) else kind.__name__


def _line(message: str) -> str:
    """Without folders, which are others elsewhere."""
    return " ".join(re.sub(r"/\S*/(?=\S)", "", message).split())[:200]
