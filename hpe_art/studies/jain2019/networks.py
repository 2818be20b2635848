"""The networks of a study: which configs, their weights, and what is asked of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.config import Config

from hpe_art import zoo
from hpe_art.attacks import Universal
from hpe_art.data.mpii.folder import use_folder
from hpe_art.data.people import load_people
from hpe_art.errors import UserError
from hpe_art.estimators import PyTorchPoseEstimator
from hpe_art.estimators.loading import build_model, load_config
from hpe_art.evaluation.perturbations import training_set
from hpe_art.evaluation.running import config_to_attack
from hpe_art.evaluation.spec import FitSpec, RunSpec
from hpe_art.metrics import metric_for
from hpe_art.studies.jain2019.grid import DEFENCES, Grid, attacks_of, shown, universal_to_fit


@dataclass(frozen=True)
class Network:
    """A network, what is run on it, and whether the bundled universal perturbations are."""

    name: str
    cfg: Config
    spec: RunSpec
    folder: Path
    bundled: bool


def with_weights(files: Sequence[Path]) -> tuple[dict[Path, Config], dict[str, str]]:
    """Those configs that name weights which are there, and of the others why they are left out.

    Raises a UserError if none has weights, or a config cannot be loaded.
    """
    ready: dict[Path, Config] = {}
    left_out: dict[str, str] = {}
    for file in files:
        cfg = config_to_attack(file)
        source = cfg.get("load_from")
        if not source:
            left_out[file.stem] = "the config names no weights (load_from)"
        elif "://" not in source and not Path(source).is_file():
            left_out[file.stem] = f"its weights {source} are not there"
        elif source.startswith(zoo.PREFIX) and source.removeprefix(zoo.PREFIX) not in zoo.index():
            left_out[file.stem] = f"its weights {source} are not bundled"
        else:
            ready[file] = cfg
    if not ready:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in left_out.items())
        raise UserError(f"Expected a network with weights. Got none: {reasons}.")
    return ready, left_out


def of_one_dataset(
    configs: Mapping[Path, Config], common: RunSpec, dataset: dict[str, Any] | None = None
) -> tuple[dict[Path, Config], dict[str, str]]:
    """Those configs whose people and metric most have, and of the others why they are left out.

    Networks are compared in pairs: on the same people, by one metric. A dataset is taken instead of
    that of each config, which is changed. Raises a UserError if people cannot be loaded.
    """
    alike: dict[Any, list[Path]] = {}
    known: dict[str, Any] = {}
    for file, cfg in configs.items():
        if dataset:
            use_folder(cfg.test_dataloader, dataset)
        asked = {k: v for k, v in cfg.test_dataloader.dataset.items() if k != "pipeline"}
        if (about := repr((asked, cfg.test_evaluator))) not in known:
            people = load_people(
                cfg, common.num_samples, common.skip_unreadable, common.max_samples
            )
            label = common.metric or metric_for(cfg.test_evaluator, people.metainfo).label
            known[about] = people.truth.keypoints.tobytes(), label
        alike.setdefault(known[about], []).append(file)
    most = max(alike.values(), key=len)
    why = f"its test people or its metric are others than those of {most[0].stem}"
    others = {file.stem: why for files in alike.values() if files is not most for file in files}
    return {file: configs[file] for file in most}, others


def study_networks(
    configs: Mapping[Path, Config], grid: Grid, common: RunSpec, folder: Path
) -> list[Network]:
    """What is to be run on each network, in a folder of its own; `common` is the same for all."""
    networks = []
    for file, cfg in configs.items():
        # A study draws pictures of its own.
        cfg.visualizer = dict(type="Visualizer", name=file.stem)
        model = build_model(load_config(cfg, {"load_from": None}))
        outputs = PyTorchPoseEstimator(model, device_type="cpu").count_outputs()
        # Where people are asked for and not there, the run itself says no.
        people = common.fit != FitSpec() or training_set(cfg, common.fit)
        fits = bool(grid.fits and grid.universal and people)
        universal = universal_to_fit(grid, common.seed, outputs)
        if not fits:
            universal = _bundled(cfg, grid, common)
        attacks = attacks_of(grid, common.seed, outputs, universal)
        asked = {
            "attacks": tuple(attacks),
            "shown": shown(grid, attacks),
            "transfer_to": tuple(str(other) for other in configs if other != file),
            "defences": DEFENCES,
        }
        spec = common.model_copy(update=asked)
        networks.append(Network(file.stem, cfg, spec, folder / file.stem, not fits))
    return networks


def bundled_note(networks: Sequence[Network], grid: Grid) -> list[str]:
    """Says whose universal perturbations were not fitted, and why."""
    bundled = [network for network in networks if network.bundled]
    if not (grid.fits and grid.universal and bundled):
        return []
    found = []
    for network in bundled:
        sizes = [f"{a.eps:g}" for a in network.spec.attacks if isinstance(a, Universal)]
        words = f"{network.name} (eps {', '.join(sizes)})"
        found.append(words if sizes else f"none of {network.name}")
    return [
        "No training people to fit universal perturbations on: the bundled ones (last output) "
        f"of {', '.join(found)}. Render them (tools/train.py does), or name --fit-data-root."
    ]


def _bundled(cfg: Config, grid: Grid, common: RunSpec) -> list[Universal]:
    if not cfg.load_from.startswith(zoo.PREFIX):
        return []
    paths = {eps: zoo.perturbation_path(cfg.load_from, eps) for eps in grid.universal_eps}
    return [
        Universal(eps=eps, perturbation=str(path), seed=common.seed)
        for eps, path in paths.items()
        if path is not None
    ]
