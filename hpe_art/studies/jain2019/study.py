"""Runs a study: each network by the attack loop in a folder of its own, then all together."""

from __future__ import annotations

import copy
import gc
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from hpe_art.attacks import Universal
from hpe_art.evaluation.loop import AttackLoop
from hpe_art.evaluation.perturbations import training_set
from hpe_art.evaluation.processes import is_main
from hpe_art.evaluation.result_files import write_results
from hpe_art.evaluation.results import Results, Study
from hpe_art.evaluation.running import attack_runner, loop_of
from hpe_art.metrics import MetricError
from hpe_art.studies.jain2019.findings import findings
from hpe_art.studies.jain2019.grid import Grid
from hpe_art.studies.jain2019.networks import Network
from hpe_art.studies.jain2019.pictures import saved_alone, saved_examples
from hpe_art.studies.jain2019.scores import StudyScores
from hpe_art.studies.record import RECORD, Record, RecordedRun, joint_scores, write_record

TRAINING_PEOPLE = 128
"""How many of them universal perturbations that were fitted are scored on."""


def run_study(
    networks: Sequence[Network],
    folder: Path,
    launcher: str = "none",
    arguments: Mapping[str, Any] | None = None,
    on_network: Callable[[str], None] = lambda name: None,
) -> dict[str, RecordedRun]:
    """Runs what is missing of each network.

    Args:
        networks: from `study_networks`.
        folder: of the study.
        launcher: none, pytorch, slurm or mpi.
        arguments: as the results say them.
        on_network: called with the name of each network before it is attacked.

    Returns:
        By network, in the main process; elsewhere none.

    Raises:
        UserError: something cannot be used; the message says what and the mend.
    """
    runs = {}
    record = {"arguments": dict(arguments or {})}
    for network in networks:
        on_network(network.name)
        cfg = network.cfg
        runner = attack_runner(
            cfg, network.spec, network.folder, str(cfg.load_from), launcher, record
        )
        runner.test()
        loop = loop_of(runner)
        training, notes = None, []
        try:
            training = _on_training_people(network, loop, launcher)
        except MetricError as error:
            notes.append(f"Training people were not scored: {error}")
        if is_main():
            runs[network.name] = _recorded(network, loop, training, notes, folder)
        del runner, loop  # and the network with its observers
        gc.collect()
    return runs


def write_study(
    folder: Path,
    runs: Mapping[str, RecordedRun],
    grid: Grid,
    left_out: Mapping[str, str],
    notes: Sequence[str] = (),
) -> Results:
    """Compares the networks, and writes `results.json` and the small record.

    Args:
        folder: of the study.
        runs: from `run_study`, in the main process.
        grid: what was asked for.
        left_out: networks that were not studied, and why.
        notes: what is otherwise than asked for, and why.
    """
    study = Study(
        protocol="Jain et al. 2019",
        grid=grid.record,
        findings=findings(StudyScores(runs), grid),
        left_out=dict(left_out),
        notes=list(notes),
    )
    results = Results(runs={name: one.run for name, one in runs.items()}, study=study)
    write_results(folder / "results.json", results)
    write_record(folder / RECORD, Record(results, dict(runs)))
    return results


def _recorded(
    network: Network,
    loop: AttackLoop,
    training: RecordedRun | None,
    notes: list[str],
    folder: Path,
) -> RecordedRun:
    prepared, run = loop.finished
    shown = {
        "notes": [*run.notes, *notes],
        "examples": saved_examples(prepared, run, folder, network.name),
        "universal": saved_alone(prepared, folder, network.name),
    }
    scores = joint_scores(prepared, run)
    return RecordedRun(run.model_copy(update=shown), scores, prepared.metric, training)


def _on_training_people(network: Network, loop: AttackLoop, launcher: str) -> RecordedRun | None:
    """Universal perturbations that were fitted, on some of the people whom they were fitted on.

    Raises:
        MetricError: the metric cannot score training people, as without head boxes.
    """
    prepared = loop.prepared
    if prepared is None or prepared.fit is None:
        return None
    cfg = copy.deepcopy(network.cfg)
    people = training_set(cfg, network.spec.fit) or {}
    people.update(pipeline=cfg.test_dataloader.dataset.pipeline, test_mode=True)
    cfg.test_dataloader.dataset = people
    changed = {
        "attacks": tuple(a for a in prepared.attacks.values() if isinstance(a, Universal)),
        "num_samples": min(TRAINING_PEOPLE, len(prepared.fit.people)),
        "transfer_to": (),
        "defences": (),
        "shown": None,
        "kept": 0,
    }
    spec = network.spec.model_copy(update=changed)
    runner = attack_runner(cfg, spec, network.folder / "training", str(cfg.load_from), launcher)
    runner.test()
    if not is_main():
        return None
    on_training, run = loop_of(runner).finished
    return RecordedRun(run, joint_scores(on_training, run), on_training.metric)
