"""Runs a study: each network by the attack loop in a folder of its own, then all together."""

from __future__ import annotations

import copy
import gc
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hpe_art.attacks import Universal
from hpe_art.evaluation.attacking import rgb
from hpe_art.evaluation.examples import FINE, saved_examples, scaled, write_picture
from hpe_art.evaluation.loop import RESULTS
from hpe_art.evaluation.observers import Observer
from hpe_art.evaluation.perturbations import training_set
from hpe_art.evaluation.prepared import Prepared
from hpe_art.evaluation.processes import is_main
from hpe_art.evaluation.result_files import mark_missing, write_results
from hpe_art.evaluation.results import Alone, Results, Study
from hpe_art.evaluation.running import attack_runner, loop_of
from hpe_art.metrics import MetricError
from hpe_art.studies.jain2019.findings import findings
from hpe_art.studies.jain2019.grid import USUAL, Grid
from hpe_art.studies.jain2019.networks import Network
from hpe_art.studies.jain2019.scores import StudyScores
from hpe_art.studies.jain2019.strongest import strongest_findings
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
    """Runs what is missing of each network; gives all by network in the main process, else none.

    The results say the arguments; `on_network` is called with each name before it is attacked.
    Raises a UserError if something cannot be used, which says what and the mend.
    """
    runs = {}
    record = {"arguments": dict(arguments or {})}
    if is_main():
        mark_missing(folder / RESULTS, [network.name for network in networks])
    for network in networks:
        on_network(network.name)
        cfg, spec = network.cfg, network.spec
        runner = attack_runner(cfg, spec, network.folder, str(cfg.load_from), launcher, record)
        runner.test()
        training, notes = None, []
        try:
            training = _on_training_people(network, loop_of(runner).prepared, launcher)
        except MetricError as error:
            notes.append(f"Training people were not scored: {error}")
        if is_main():
            prepared, run = loop_of(runner).finished
            shown = {
                "notes": [*run.notes, *notes],
                "examples": saved_examples(
                    prepared, run, folder, f"{network.name}/pictures", USUAL
                ),
                "universal": _saved_alone(prepared, folder, network.name),
            }
            scores = joint_scores(prepared, run)
            run = run.model_copy(update=shown)
            runs[network.name] = RecordedRun(run, scores, prepared.metric, training)
            del prepared
        del runner  # and the network with its observers
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

    `left_out` says of networks that were not studied why, `notes` what is otherwise than asked for.
    """
    scores = StudyScores(runs)
    study = Study(
        protocol="Jain et al. 2019",
        grid=grid.record,
        findings=findings(scores, grid),
        strongest=strongest_findings(scores, grid),
        left_out=dict(left_out),
        notes=list(notes),
    )
    results = Results(runs={name: one.run for name, one in runs.items()}, study=study)
    write_results(folder / RESULTS, results)
    write_record(folder / RECORD, Record(results, dict(runs)))
    return results


def _on_training_people(
    network: Network, prepared: Prepared | None, launcher: str
) -> RecordedRun | None:
    """Universal perturbations that were fitted, on some of the people whom they were fitted on.

    Raises a MetricError if the metric cannot score training people, as without head boxes.
    """
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


def _saved_alone(prepared: Prepared, folder: Path, name: str) -> list[Alone]:
    """Writes each fitted universal perturbation; says what every network sees in it alone."""
    found = []
    estimator, bgr = prepared.estimator, prepared.estimator.packs_bgr
    others = [observer for observer in prepared.observers if observer.kind == "transfer"]
    networks = [Observer(name, estimator), *others]
    for attack in prepared.attacks.values():
        if isinstance(attack, Universal):
            noise = attack.build(estimator).resized(*estimator.input_shape[1:]).cpu().numpy()
            image = scaled(noise, attack.eps)[None]
            path = f"{name}/pictures/alone_{attack.label.lower()}_eps{attack.eps:g}.webp"
            seen = {one.name: one.poses(image, bgr)[0] for one in networks}
            found.append(
                Alone(
                    outputs=attack.outputs,
                    eps=attack.eps,
                    image=write_picture(folder, path, rgb(estimator, image)[0], FINE),
                    poses={other: np.round(pose, 2).tolist() for other, pose in seen.items()},
                )
            )
    return found
