"""From a config and a spec to MMEngine's Runner, with errors that a person can act on."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from mmengine.config import Config
from mmengine.runner import Runner

from hpe_art.errors import UserError, mendable, usable
from hpe_art.estimators.loading import (
    BUILDABLE,
    build_model,
    dataset_of,
    load_config,
    load_weights,
)
from hpe_art.estimators.parameters import unwrapped
from hpe_art.evaluation.loop import AttackLoop
from hpe_art.evaluation.prepared import Prepared, prepare, settled_precision
from hpe_art.evaluation.processes import join_processes
from hpe_art.evaluation.spec import RunSpec


def attack_runner(
    cfg: Config,
    spec: RunSpec,
    work_dir: str | Path,
    checkpoint: str,
    launcher: str = "none",
    record: dict[str, Any] | None = None,
) -> Runner:
    """A Runner whose test loop attacks, found good: its network, people and settings.

    Args:
        cfg: of the network, from `load_config`; not changed.
        spec: what to run.
        work_dir: folder of the results and the store.
        checkpoint: where the weights are from.
        launcher: none, pytorch, slurm or mpi.
        record: what else the results say, such as the arguments.

    Raises a UserError if something cannot be used, which says what and the mend.
    """
    cfg = copy.deepcopy(cfg)
    # The Runner would format it four times, which takes longer than to build the network.
    object.__setattr__(cfg, "_format_python_code", False)
    cfg.launcher, cfg.work_dir, cfg.resume = launcher, str(work_dir), False
    cfg.load_from = checkpoint
    cfg.log_level = "ERROR"  # the attack has a bar and a table of its own
    # MMEngine keeps loggers and visualizers by name, and gives the old one to a second run.
    cfg.experiment_name = f"attack_{uuid4().hex}"
    visualizer = cfg.get("visualizer") or dict(type="Visualizer")
    cfg.visualizer = {**visualizer, "name": cfg.experiment_name}
    cfg.test_cfg = dict(type="AttackLoop", record=record or {}, **spec.settings)
    join_processes(cfg)
    with nothing_left_of_refused(Path(work_dir)), mendable():
        with usable(BUILDABLE):
            runner = Runner.from_cfg(cfg)
        load_weights(unwrapped(runner.model), checkpoint)
        runner._has_loaded = True  # with errors that name the mend
        runner._test_loop = runner.build_test_loop(runner._test_loop)
        loop_of(runner).prepare()
    return runner


def prepared_run(
    cfg: Config, spec: RunSpec, folder: Path, checkpoint: str | None = None
) -> Prepared:
    """A run whose settings have been found good, to be looked at and not run; nothing is written.

    Takes what `attack_runner` takes. Raises a UserError if something cannot be used, or the folder
    was made from something else.
    """
    spec = spec.model_copy(update={"precision": settled_precision(spec, folder)})
    model = build_model(cfg, checkpoint)
    run = prepare(spec, cfg, model, cfg.test_dataloader, cfg.test_evaluator, folder)
    if run.store.folder.is_dir() and not spec.overwrite:
        run.store.claim(run.fingerprint)
    return run


@contextmanager
def nothing_left_of_refused(folder: Path) -> Iterator[None]:
    """Removes the folder of a run that is refused, if MMEngine's Runner has just made it."""
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        yield
    except UserError:
        if made and not (folder / "store").exists():  # nobody has begun to attack there
            shutil.rmtree(folder, ignore_errors=True)
            with suppress(OSError):  # not empty
                for path in made[1:]:
                    path.rmdir()
        raise


def config_to_attack(config: str | Path, options: dict[str, Any] | None = None) -> Config:
    """As `load_config`, of a config that says whom to attack, and how MMPose scores them.

    Raises:
        UserError: as there, or one of these is not in it.
    """
    cfg = load_config(config, options)
    parts = {
        "test_dataloader.dataset": dataset_of(cfg, "test_dataloader"),
        "test_evaluator": cfg.get("test_evaluator"),
    }
    for name, part in parts.items():
        if not part:
            raise UserError(
                f"Expected a config with people to attack. Got {config} without {name}: write it, "
                "or name another config."
            )
    return cfg


def loop_of(runner: Runner) -> AttackLoop:
    """The loop of `attack_runner`."""
    loop = runner._test_loop
    assert isinstance(loop, AttackLoop)
    return loop


def checkpoint_of(config: str, cfg: Config, given: str | None) -> str:
    """Where the weights are from: as given, or as the config says; a UserError if neither does."""
    checkpoint = given or cfg.get("load_from")
    if not checkpoint:
        raise UserError(
            f"Expected trained weights to attack. Got {config} without load_from and no "
            f"checkpoint: name one, or train it with tools/train.py {config}."
        )
    return str(checkpoint)
