"""Hooks of MMEngine's Runner: precision and memory format, whole checkpoints, finite numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import hpe_art.compat  # noqa: F401  (before mmengine loads a checkpoint)

import torch
from mmengine.dist import is_main_process
from mmengine.fileio import LocalBackend, register_backend
from mmengine.hooks import CheckpointHook, Hook
from mmengine.model import is_model_wrapper
from mmengine.registry import HOOKS
from mmengine.runner import Runner

from hpe_art.checkpoints import count_not_finite
from hpe_art.errors import UserError
from hpe_art.files import PART, write_whole
from hpe_art.training.resuming import newest_whole


class StoppedError(UserError):
    """Training cannot go on; the message says why and what is kept."""


class DivergedError(StoppedError):
    """It has come to numbers that are none."""


@HOOKS.register_module()
class BFloat16BackboneHook(Hook):
    """Trains the backbone in bfloat16, on any device; validation stays in float32.

    MMEngine's `AmpOptimWrapper` refuses to run on a CPU, and MMPose's heads cannot turn bfloat16
    into NumPy. bfloat16 has the exponents of float32, so the loss needs no scaling.
    """

    def before_train(self, runner: Runner) -> None:
        """Wraps the backbone's forward pass."""
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        backbone = model.backbone
        exact = backbone.forward

        def forward(x: torch.Tensor) -> Any:
            if not backbone.training:
                return exact(x)
            with torch.autocast(x.device.type, dtype=torch.bfloat16):
                outputs = exact(x)
            return type(outputs)(output.float() for output in outputs)

        backbone.forward = forward


@HOOKS.register_module()
class ChannelsLastHook(Hook):
    """Trains in the channels-last memory format, the faster one for convolutions."""

    def before_train(self, runner: Runner) -> None:
        """Converts the model once; parameters stay the same objects."""
        runner.model.to(memory_format=torch.channels_last)


@register_backend("whole")
class WholeFiles(LocalBackend):
    """Files of this machine that are whole or as they were; removed when `remove_now` is called."""

    def __init__(self) -> None:
        self.old: list[str] = []

    def put(self, obj: bytes, filepath: str | Path) -> None:
        """Writes beside the place, syncs and renames."""
        write_whole(filepath, obj)

    def remove(self, filepath: str | Path) -> None:
        """Notes what is to be removed."""
        self.old.append(str(filepath))

    def remove_now(self) -> None:
        """Removes it: the caller has written what takes its place."""
        for path in self.old:
            Path(path).unlink(missing_ok=True)
        self.old.clear()


@HOOKS.register_module()
class WholeCheckpointHook(CheckpointHook):
    """MMEngine's hook, after which a whole checkpoint is left whenever training is stopped.

    A checkpoint is whole or not there; older ones, and older best ones, are removed after it is
    written, and of those that are limited in number two are kept at least.
    """

    def __init__(
        self,
        interval: int = -1,
        max_keep_ckpts: int = -1,
        backend_args: dict[str, Any] | None = None,
        **options: Any,
    ) -> None:
        if not isinstance(interval, int) or not isinstance(max_keep_ckpts, int):
            given = f"interval={interval!r} and max_keep_ckpts={max_keep_ckpts!r}"
            raise UserError(f"Expected whole numbers for the CheckpointHook. Got {given}.")
        super().__init__(
            interval=interval,
            max_keep_ckpts=max(2, max_keep_ckpts) if max_keep_ckpts > 0 else max_keep_ckpts,
            backend_args=backend_args or dict(backend="whole"),
            **options,
        )

    def before_train(self, runner: Runner) -> None:
        """Removes what a process that was killed has left of a file."""
        super().before_train(runner)
        if is_main_process() and isinstance(self.file_backend, WholeFiles):
            for part in Path(self.out_dir).glob(PART.format(name="*", process="*")):
                part.unlink(missing_ok=True)

    def _save_checkpoint_with_step(self, runner: Runner, step: int, meta: dict[str, Any]) -> None:
        super()._save_checkpoint_with_step(runner, step, meta)
        self._remove_old()

    def _save_best_checkpoint(self, runner: Runner, metrics: dict[str, Any]) -> None:
        super()._save_best_checkpoint(runner, metrics)
        self._remove_old()

    def _remove_old(self) -> None:
        if isinstance(self.file_backend, WholeFiles):
            self.file_backend.remove_now()


@HOOKS.register_module()
class FiniteHook(Hook):
    """Stops training at a loss or a weight that is no finite number, before it is saved."""

    priority = "VERY_HIGH"

    def __init__(self) -> None:
        self.iterations = 0

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: dict[str, Any] | None = None,
    ) -> None:
        """DivergedError if a loss is not finite; names the images."""
        for name, value in (outputs or {}).items():
            if "loss" in name and not bool(torch.isfinite(torch.as_tensor(value)).all()):
                samples = data_batch.get("data_samples", []) if isinstance(data_batch, dict) else []
                paths = [Path(str(one.metainfo.get("img_path"))).name for one in samples]
                batch = f" (images {', '.join(paths[:8])})" if paths else ""
                total = float(torch.as_tensor(value).detach().sum())
                raise _diverged(runner, f"{name} {total:g}{batch}")
        self.iterations += 1

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """DivergedError if a weight is not finite."""
        for name, value in checkpoint["state_dict"].items():
            if count := count_not_finite(value):
                raise _diverged(runner, f"{name} with {count} values that are none")


def kept_checkpoint(runner: Runner) -> str:
    """What is left of a run that stops, in words."""
    model = runner.model.module if is_model_wrapper(runner.model) else runner.model
    try:
        return f"{newest_whole(runner.work_dir, model)[0]} is kept: go on from it with --resume"
    except UserError:
        return "No checkpoint is kept"


def _diverged(runner: Runner, what: str) -> DivergedError:
    return DivergedError(
        f"Expected finite numbers in training. Got {what}, in epoch {runner.epoch + 1}, iteration "
        f"{runner.iter + 1}. {kept_checkpoint(runner)}; lower optim_wrapper.optimizer.lr, or check "
        "the data."
    )
