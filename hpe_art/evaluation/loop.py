"""MMEngine's loop that attacks every batch of a test set: `test_cfg = dict(type="AttackLoop")`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch
from mmengine.registry import LOOPS
from mmengine.runner import BaseLoop, Runner
from rich import get_console
from torch.utils.data import DataLoader

from hpe_art.data.workers import bounded
from hpe_art.errors import UserError
from hpe_art.estimators.parameters import unwrapped
from hpe_art.evaluation.attacking import (
    BatchAttacker,
    Block,
    Phases,
    pixels,
    planned_blocks,
    rgb,
)
from hpe_art.evaluation.collecting import checkpoint_record, run_record
from hpe_art.evaluation.gradient_checks import CHECKING, checks_of
from hpe_art.evaluation.perturbations import fitted
from hpe_art.evaluation.prepared import Prepared, prepare, settled_precision
from hpe_art.evaluation.processes import agreed, is_main, lost_processes_named, together
from hpe_art.evaluation.progress import forecast, images_of, progress_bar
from hpe_art.evaluation.result_files import check_kind, mark_missing, write_results
from hpe_art.evaluation.results import Results, Run
from hpe_art.evaluation.saved_crops import check_dataset, claim_crops, write_labels
from hpe_art.evaluation.scalars import scalars
from hpe_art.evaluation.spec import RunSpec, run_spec
from hpe_art.evaluation.unfinished import write_begun

BATCH_SIZE = 32
RESULTS = "results.json"


@LOOPS.register_module()
class AttackLoop(BaseLoop):
    """Attacks the people of a dataloader and scores them, before and under each attack.

    As `test_cfg` it takes the place of MMEngine's `TestLoop`, as `val_cfg` that of its `ValLoop`.
    Predictions are kept in WORK_DIR/store; a run that was stopped goes on from there. Validation
    keeps those of each epoch apart, under WORK_DIR/robustness.

    Args:
        runner: of MMEngine.
        dataloader: config of the people; its own sampler gives way to batches of those who are
            missing in the store, shared among the processes.
        evaluator: config of the official numbers.
        record: what the results say of the run: config, checkpoint, arguments.
        progress: show a bar.
        **settings: of a `RunSpec`; `attacks` is a list of dicts with the `type` of an attack.
    """

    def __init__(
        self,
        runner: Runner,
        dataloader: Any,
        evaluator: Any,
        record: Mapping[str, Any] | None = None,
        progress: bool = True,
        **settings: Any,
    ) -> None:
        self._runner = runner
        self.spec: RunSpec = run_spec(**settings)
        if not isinstance(dataloader, Mapping):
            raise UserError(
                "Expected the config of a dataloader for an AttackLoop. "
                f"Got {type(dataloader).__name__}: give the dict."
            )
        self.settings = bounded("a dataloader", dataloader)
        self.evaluator = evaluator
        self.dataloader: DataLoader | Sequence[Any] = ()
        self.record = {
            "config": str(runner.cfg.filename or runner.experiment_name),
            "checkpoint": checkpoint_record(runner._load_from),
            **(record or {}),
        }
        self.progress = progress
        self.phases = Phases()
        self.prepared: Prepared | None = None
        self.results: Results | None = None

    def prepare(self) -> Prepared:
        """Does all that can fail on bad input, and claims the folder; all processes or none."""
        precision = agreed(settled_precision(self.spec, self.folder))
        self.spec = self.spec.model_copy(update={"precision": precision})
        model = unwrapped(self.runner.model)
        with self.phases.spent("load"), together():
            run = self.prepared = prepare(
                self.spec, self.runner.cfg, model, self.settings, self.evaluator, self.folder
            )
            if is_main():
                check_dataset(run, self._overwrites)
                with run.store.locked():
                    self._claim(run)
        return run

    def _claim(self, run: Prepared) -> None:
        if not self.spec.overwrite:
            check_kind(self.folder / RESULTS, study=False)
        claim_crops(run, self._overwrites)
        run.store.claim(run.fingerprint, self._overwrites)

    @property
    def _overwrites(self) -> bool:
        # Weights that are still trained are others at each validation.
        return self.spec.overwrite or self.is_validation

    @property
    def _is_for_mlflow(self) -> bool:
        """Whether scores and pictures go there too, which is particular about their names."""
        return self.runner.visualizer.get_backend("MLflowVisBackend") is not None

    @property
    def finished(self) -> tuple[Prepared, Run]:
        """What was run, and its results; in the main process, after `run`."""
        if self.prepared is None or self.results is None:
            raise RuntimeError("Expected a loop that has run. Got none: call run first.")
        (run,) = self.results.runs.values()
        return self.prepared, run

    @property
    def is_validation(self) -> bool:
        """Whether a training run asks."""
        return self.runner._val_loop is self

    @property
    def folder(self) -> Path:
        """Of the results and the store."""
        work_dir = Path(self.runner.work_dir)
        if self.is_validation:
            return work_dir / "robustness" / f"epoch_{self.runner.epoch}"
        return work_dir

    def run(self) -> dict[str, float]:
        """Attacks who is missing, and scores everybody.

        Gives the scores as MMEngine's hooks take them, such as `PCKh`, `IGSM-U-10_eps8/PCKh` and
        `IGSM-U-10_eps8/relative_PCKh`, with the official numbers beside them.
        """
        phase = "val" if self.is_validation else "test"
        self.runner.call_hook(f"before_{phase}")
        self.runner.call_hook(f"before_{phase}_epoch")
        self.runner.model.eval()
        run = self.prepared
        if run is None or self.is_validation:  # weights change while training
            run = self.prepare()
        found = self._attack_and_score(run, datetime.now().astimezone())
        scores = {} if found is None else scalars(found, self._is_for_mlflow)
        metrics: dict[str, float] = agreed(scores)
        if not self.is_validation:  # MMEngine's own hook does it then
            self.runner.visualizer.add_scalars(metrics)
        self.runner.call_hook(f"after_{phase}_epoch", metrics=metrics)
        self.runner.call_hook(f"after_{phase}")
        return metrics

    def _attack_and_score(self, run: Prepared, started: datetime) -> Run | None:
        """The record of the run, in the main process."""
        found: Run | None = None
        blocks: list[Block] = []
        with ExitStack() as held:
            with together():
                if is_main():
                    held.enter_context(run.store.locked())
                    self._claim(run)
            self.prepared = run = self._fit(run)
            with together():
                if is_main():
                    size = batch_size_of(self.spec, self.settings)
                    blocks = planned_blocks(run, size, self.runner.world_size)
                    self._mark_missing(run, blocks)
                    if not (self.folder / RESULTS).is_file():
                        begun = {"started": started.isoformat(timespec="seconds")}
                        write_begun(run, {**self.record, **begun})
            blocks = agreed(blocks)
            with together():
                self._attack(run, blocks[self.runner.rank :: self.runner.world_size])
            with together():
                if is_main():
                    found = self._collected(run, started)
        return found

    def _mark_missing(self, run: Prepared, blocks: list[Block]) -> None:
        """So that results of before do not look as if they were those of a run that is stopped."""
        lacking = {key for block in blocks for key in block.lacking}
        attacks = [one for key, one in run.attacks.items() if key in lacking]
        names = [f"{one.label} eps {one.eps:g}" for one in attacks]
        if lacking:
            mark_missing(self.folder / RESULTS, names or ["clean"])

    def _fit(self, run: Prepared) -> Prepared:
        """The run with its universal perturbations, which all processes fit together."""
        if run.fit is None:
            return run
        source = str(self.record["checkpoint"]["path"] or "")
        with self.phases.spent("fit"), lost_processes_named():
            folder = self.folder / "perturbations"
            ready = fitted(run.attacks, run.estimator, run.fit, folder, source)
            return replace(run, attacks=ready)

    def _attack(self, run: Prepared, own: list[Block]) -> None:
        """Attacks this process's share of the batches."""
        self.dataloader = self._loader(run, own)
        total = images_of(own)
        with progress_bar(self.progress and is_main() and total > 0) as bar:
            task = bar.add_task("clean", total=total)
            attacker = BatchAttacker(
                run, self.phases, lambda name, n: bar.update(task, description=name, advance=n)
            )
            batches = iter(self.dataloader)
            for number, block in enumerate(own):
                begun = perf_counter()
                with self.phases.spent("read"):
                    x = torch.stack(next(batches)["inputs"]).numpy().astype(np.float32)
                attacker.attack(block, x)
                if number == 0 < len(own) - 1 and not bar.disable:
                    bar.console.print(forecast(own, perf_counter() - begun), highlight=False)

    def _loader(self, run: Prepared, blocks: list[Block]) -> DataLoader:
        """The config's loader, over these batches of people."""
        batched = ("batch_size", "shuffle", "drop_last")
        kept = {name: value for name, value in self.settings.items() if name not in batched}
        # It is read once. Workers that outlive it end when the garbage collector finds the Runner,
        # which may close their pipes before it stops them.
        kept["persistent_workers"] = False
        if not blocks:
            kept["num_workers"] = 0
        places = [run.people.index[block.rows].tolist() for block in blocks]
        over = dict(dataset=run.people.dataset, sampler=None, batch_sampler=places)
        settings = {**bounded("a dataloader", kept), **over}
        return self.runner.build_dataloader(settings, seed=self.runner.seed)

    def _collected(self, run: Prepared, started: datetime) -> Run:
        with self.phases.spent("scores"):
            seconds = (datetime.now().astimezone() - started).total_seconds()
            when = {"started": started.isoformat(timespec="seconds"), "seconds": seconds}
            found = run_record(run, {**self.record, **when})
        if any(attack.wants_checks for attack in run.attacks.values()):
            if self.progress and is_main():
                get_console().print(CHECKING, highlight=False)
            with self.phases.spent("checks"):
                found.checks = checks_of(run)
        write_labels(run)
        self.results = Results(runs={Path(found.config).stem: found})
        self.write()
        self._show(run)
        return found

    def write(self) -> None:
        """Writes the results, with the time that went into each phase so far."""
        if self.results is not None:
            for run in self.results.runs.values():
                run.phases = self.phases.typed()
            write_results(self.folder / RESULTS, self.results)

    def _show(self, run: Prepared) -> None:
        """Perturbed crops of the first people, for the backends of MMEngine's visualizer."""
        step = self.runner.epoch if self.is_validation else 0
        suffix = ".png" if self._is_for_mlflow else ""  # other backends add their own
        for key, attack in run.attacks.items():
            kept = run.store.examples(key, run.people.index[: self.spec.kept].tolist())
            for person, image in kept.items():
                # A file of that name is written by some backends: no slashes.
                name = f"{attack.label}_eps{attack.eps:g}_{person:05d}{suffix}"
                shown = pixels(rgb(run.estimator, image[None])[0])
                self.runner.visualizer.add_image(name, shown, step)


def batch_size_of(spec: RunSpec, dataloader: Mapping[str, Any]) -> int:
    """People at once: as asked for, or as in the config of the dataloader.

    Raises:
        UserError: the config has no number of people there.
    """
    size = spec.batch_size or dataloader.get("batch_size") or BATCH_SIZE
    if type(size) is not int or size < 1:
        raise UserError(f"Expected a whole test_dataloader.batch_size >= 1. Got {size!r:.80}.")
    return size
