"""From a config to MMEngine's Runner, with everything that can fail found good first."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Any
from uuid import uuid4

import hpe_art.compat  # noqa: F401  (before mmengine loads a checkpoint)

from mmengine.config import Config
from mmengine.dist import is_main_process
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import nn

from hpe_art.checkpoints import WEIGHTS, check_backbone, read_weights
from hpe_art.errors import UserError, usable
from hpe_art.evaluation.loop import AttackLoop
from hpe_art.evaluation.running import nothing_left_of_refused
from hpe_art.files import write_whole
from hpe_art.training.config import first_weights
from hpe_art.training.data import check_annotations, check_images, datasets_of, leave_out
from hpe_art.training.hooks import FiniteHook, StoppedError, kept_checkpoint
from hpe_art.training.resuming import (
    check_nothing_replaced,
    check_optimizer,
    check_resumed,
    newest_whole,
)
from hpe_art.training.seeding import EpochSeedHook


def training_runner(cfg: Config, skip_bad: bool = False) -> Runner:
    """A Runner that is ready to train: its data, network and first weights have been found good.

    Raises a UserError if something cannot be used, which says what and the mend; who cannot be used
    of the data is left out instead where `skip_bad` is set, and told in the log.
    """
    if not cfg.get("resume"):
        check_nothing_replaced(cfg.work_dir)
    with nothing_left_of_refused(Path(cfg.work_dir)):
        with usable("a config that MMEngine can train", passing=(OSError,)):
            left_out = leave_out(cfg) if skip_bad else []
            # MMEngine keeps visualizers by name, and gives the old one to a second run.
            visualizer = cfg.get("visualizer") or dict(type="Visualizer")
            cfg.visualizer = {**visualizer, "name": f"train_{uuid4().hex}"}
            runner = Runner.from_cfg(cfg)
            for line in left_out:
                runner.logger.warning(line)
            _choose_weights(runner, first_weights(cfg))  # before people are rendered
            for name in ("train_dataloader", "val_dataloader"):
                for settings in datasets_of((cfg.get(name) or {}).get("dataset")):
                    check_annotations(settings)
            loaders = [runner.train_loop.dataloader, getattr(runner.val_loop, "dataloader", None)]
            runner.optim_wrapper = runner.build_optim_wrapper(runner.optim_wrapper)
            _check_best(runner)
        if runner._resume:
            check_optimizer(runner._load_from, runner.optim_wrapper)
        if not len(loaders[0]):
            people, size = len(loaders[0].dataset), loaders[0].batch_size
            raise UserError(
                f"Expected people for at least one batch of {size}. Got {people}: lower "
                "train_dataloader.batch_size, or train on more."
            )
        if is_main_process():
            for loader in loaders:
                check_images(loader)
    return runner


def _check_best(runner: Runner) -> None:
    """A UserError if the best checkpoint is to be that under an attack which is not run."""
    if not isinstance(runner.val_loop, AttackLoop):
        return
    names = [f"{attack.label}_eps{attack.eps:g}" for attack in runner.val_loop.spec.attacks]
    for hook in runner.hooks:
        for key in getattr(hook, "key_indicators", None) or ():
            attack, slash, score = key.rpartition("/")
            if slash and attack not in names:
                known = ", ".join(f"{name}/{score}" for name in names)
                raise UserError(f"Expected save_best of an attack in val_cfg: {known}. Got {key}.")


def train(runner: Runner) -> None:
    """Trains; what goes wrong in the first iteration is taken for a config that does not fit.

    Raises:
        UserError: so it is; the traceback is in the folder of the log.
        StoppedError: a file cannot be written or read, or a loss or a weight is not finite.
    """
    watch = FiniteHook()
    runner.register_hook(watch)
    runner.register_hook(EpochSeedHook())
    try:
        runner.train()
    except UserError:
        raise
    except OSError as error:  # such as a disk that is full
        raise StoppedError(
            f"Expected files that can be read and written in training. Got {error}. "
            f"{kept_checkpoint(runner)}."
        ) from error
    except Exception as error:
        if watch.iterations:
            raise
        file = Path(runner.log_dir, "traceback.txt")
        write_whole(file, traceback.format_exc())
        raise UserError(
            f"Expected a config that MMEngine can train. Got {type(error).__name__}: {error} "
            f"(all of it is in {file})."
        ) from error


def _choose_weights(runner: Runner, first: str | None) -> None:
    """Settles which checkpoint the Runner starts or goes on from, and says so."""
    model: Any = runner.model.module if is_model_wrapper(runner.model) else runner.model
    if runner._resume and runner._load_from:
        check_resumed(runner._load_from, model)
    elif runner._resume:
        path, faults = newest_whole(runner.work_dir, model)
        for fault in faults:
            runner.logger.warning(f"Training cannot go on from {fault}.")
        runner.logger.info(f"Training goes on from {path}, the newest whole checkpoint.")
        runner._load_from = str(path)
    elif first:
        check_first_weights(model, first)
        if runner._load_from:
            runner._load_from = f"{WEIGHTS}{runner._load_from}"  # in any format that is read here


def check_first_weights(model: nn.Module, checkpoint: str) -> None:
    """ModelError unless a checkpoint has a model's whole backbone; the head may be another.

    MMEngine trains from scratch what it does not find in a checkpoint, which is a path, or a name
    with one of MMEngine's prefixes.
    """
    own: Any = model.module if is_model_wrapper(model) else model
    check_backbone(own.backbone, read_weights(checkpoint), checkpoint)
