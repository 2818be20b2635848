"""The checkpoint that training goes on from: the newest whole one, or one that is named."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import hpe_art.compat  # noqa: F401  (before mmengine loads a checkpoint)

import torch
from torch import nn

from hpe_art.checkpoints import count_not_finite, load_file
from hpe_art.errors import ModelError, UserError

SAVED = re.compile(r"(epoch|iter)_(\d+)\.pth")
"""Names of MMEngine's checkpoints; the best ones lack the optimizer."""
MADE = "%Y%m%d_%H%M%S"
"""How MMEngine writes into a checkpoint when it was made."""
NEEDED = ("meta", "state_dict", "message_hub", "optimizer")


def saved_checkpoints(work_dir: str | Path) -> list[Path]:
    """Checkpoints of a work folder, whole or not, the newest first."""
    folders = [Path(work_dir), *(path.parent for path in _last(work_dir))]
    folders = list({folder.resolve(): folder for folder in reversed(folders)}.values())
    found = {path for one in folders for path in one.glob("*.pth") if SAVED.fullmatch(path.name)}
    return sorted(found, key=_age, reverse=True)


def check_nothing_replaced(work_dir: str | Path) -> None:
    """UserError where a training from the start would replace checkpoints by and by."""
    if saved := saved_checkpoints(work_dir):
        raise UserError(
            f"Expected --resume, or a --work-dir without checkpoints. Got {work_dir} with "
            f"{', '.join(path.name for path in saved[:3])}, which a training from the start would "
            "replace: name another folder."
        )


def _last(work_dir: str | Path) -> list[Path]:
    """The one that MMEngine names, which may lie elsewhere, or not be there."""
    file = Path(work_dir, "last_checkpoint")
    text = file.read_text(errors="replace").strip() if file.is_file() else ""
    return [Path(text)] if text and "\0" not in text else []


def _age(path: Path) -> tuple[str, int]:
    """When a checkpoint was made, as it says if it is whole, and its number."""
    number = SAVED.fullmatch(path.name)
    try:
        # Reads no more than the index, whatever the size.
        content = torch.load(path, map_location="cpu", mmap=True, weights_only=True)
        made = str(content["meta"]["time"])
    except Exception:  # whatever a damaged or foreign file leads to
        made = time.strftime(MADE, time.localtime(path.stat().st_mtime))
    return made, int(number[2]) if number else 0


def newest_whole(work_dir: str | Path, model: nn.Module) -> tuple[Path, list[str]]:
    """The newest checkpoint that training can go on from, and why newer ones cannot be used.

    UserError where there is none.
    """
    faults: list[str] = []
    for path in saved_checkpoints(work_dir):
        if (fault := resuming_fault(path, model)) is None:
            return path, faults
        faults.append(f"{path}: {fault}")
    faults += [f"{path}: not there" for path in _last(work_dir) if not path.exists()]
    got = f"{len(faults)} that cannot be used, first {faults[0]}" if faults else "none"
    raise UserError(
        f"Expected a whole checkpoint to resume in {work_dir}. Got {got}. Name another one, or "
        "start anew without --resume."
    )


def check_resumed(path: str, model: nn.Module) -> None:
    """UserError unless training can go on from a checkpoint."""
    if fault := resuming_fault(path, model):
        raise UserError(
            f"Expected a checkpoint to resume. Got {path}: {fault}. Name another one; --resume "
            "alone takes the newest whole one, and --load-from only the weights."
        )


def resuming_fault(path: str | Path, model: nn.Module) -> str | None:
    """Why training of a model cannot go on from a checkpoint; None if it can."""
    try:
        content = load_file(str(path))
    except ModelError:
        return "it is damaged, or no checkpoint"
    if not isinstance(content, dict) or (missing := [k for k in NEEDED if k not in content]):
        absent = f"no {', '.join(missing)}" if isinstance(content, dict) else "no training"
        return f"it holds {absent}, so it is not one of training"
    weights, own = content["state_dict"], model.state_dict()
    if not isinstance(weights, dict):
        return f"it holds a {type(weights).__name__} for weights"
    bad = [name for name, value in weights.items() if count_not_finite(value)]
    if bad:
        return f"{bad[0]} has values that are not finite"
    unfit = [n for n in own if getattr(weights.get(n), "shape", None) != own[n].shape]
    unfit += [name for name in weights if name not in own]
    if unfit:
        return f"it is of another network: {unfit[0]} is missing, or of another shape"
    return None


def check_optimizer(path: str | Path, optimizer: Any) -> None:
    """UserError unless the state of an optimizer, MMEngine's wrapper, is in a checkpoint."""
    saved, own = load_file(str(path))["optimizer"], optimizer.state_dict()
    if _settings(saved) != _settings(own):
        raise UserError(
            f"Expected a checkpoint of a run with this optimizer to resume. Got {path}, of another "
            "one: keep optim_wrapper as it was, or take only the weights with --load-from."
        )


def _settings(state: Any) -> Any:
    """What tells optimizers apart: how many weights they have, and the names of their settings.

    None if it is the state of none.
    """
    try:
        if "param_groups" not in state:  # several optimizers
            return {name: _settings(one) for name, one in state.items() if isinstance(one, dict)}
        return [
            (len(group["params"]), sorted(set(group) - {"initial_lr"}))
            for group in state["param_groups"]
        ]
    except (AttributeError, KeyError, TypeError):
        return None
