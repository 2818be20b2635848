"""What is interrupted: small runs of each tool that keeps what it has done."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
LABELS = ROOT / "hpe_art/rendered_people/people_val/annotations/mpii_val.json"
EPOCHS = 4
CONFIGS = Path(__file__).parent / "configs"
"""Those of the project, which wait for a reader of people for half a minute only."""
HOURGLASS, DEEPPOSE = str(CONFIGS / "hourglass.py"), str(CONFIGS / "deeppose.py")
# Two steps in each epoch, with the people of the bundled test set.
SHORT = (
    "randomness.seed=0",
    f"train_cfg.max_epochs={EPOCHS}",
    f"train_cfg.val_interval={EPOCHS}",
    "train_dataloader.batch_size=4",
    "train_dataloader.dataset.indices=8",
    "train_dataloader.num_workers=0",
    "val_dataloader.dataset.indices=8",
    "val_dataloader.num_workers=0",
)


@dataclass(frozen=True)
class Job:
    """A command that goes on where it was stopped.

    Attributes:
        tool: its file below `tools/`.
        arguments: all but the work folder.
        numbers: what a finished work folder holds that no interruption may change.
        resume: what is said where it is to go on.
    """

    tool: str
    arguments: tuple[str, ...]
    numbers: Callable[[Path], Any]
    resume: tuple[str, ...] = ()

    def command(self, folder: Path, again: bool) -> list[str]:
        """The command line, for the first time or once more."""
        tool = [sys.executable, str(ROOT / "tools" / self.tool)]
        more = self.resume if again else ()
        return [*tool, *self.arguments, "--work-dir", str(folder), *more]


def scores(folder: Path) -> Any:
    """Of `attack.py` and `study.py`: the scores of every run and attack."""
    runs = json.loads((folder / "results.json").read_text())["runs"]
    return {name: _measured([run["clean"], run["attacks"]]) for name, run in runs.items()}


def corrupted(folder: Path) -> Any:
    """Of `corruptions.py`: the scores of every corruption and severity."""
    return _measured(json.loads((folder / "corruptions.json").read_text())["cells"])


def weights(folder: Path) -> Any:
    """Of `train.py`: every weight, and their mean, in bytes."""
    import torch

    # Written a moment ago by the run itself.
    path = folder / f"epoch_{EPOCHS}.pth"
    saved = torch.load(path, map_location="cpu", weights_only=False)
    return {
        f"{part} {name}": value.numpy().tobytes()
        for part in ("state_dict", "ema_state_dict")
        for name, value in saved[part].items()
    }


def _measured(value: Any) -> Any:
    """Without what differs between two runs: how long something took."""
    if isinstance(value, list):
        return [_measured(one) for one in value]
    if isinstance(value, dict):
        return {k: _measured(v) for k, v in value.items() if k not in ("seconds", "phases")}
    return value


PEOPLE = ("--num-samples", "8", "--batch-size", "4")
JOBS = {
    "attack": Job("attack.py", (HOURGLASS, "--attack", "noise", "fgsm", "igsm", *PEOPLE), scores),
    "study": Job(
        "study.py",
        ("--configs", DEEPPOSE, HOURGLASS, "--quick", "--only", "fgsm", *PEOPLE),
        scores,
    ),
    "corruptions": Job(
        "corruptions.py",
        (DEEPPOSE, "--corruptions", "fog", "contrast", "--severities", "1", "5", *PEOPLE),
        corrupted,
    ),
    "train": Job(
        "train.py",
        (
            "hourglass",
            *("--data-root", str(LABELS.parents[1]), "--train-ann-file", str(LABELS)),
            *("--cfg-options", *SHORT),
        ),
        weights,
        ("--resume",),
    ),
}
