"""The networks of a study: which configs, their weights, and the people they see."""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.config import Config

from hpe_art import zoo
from hpe_art.commands.paths import data_folder
from hpe_art.data.crops import Crops, load_crops
from hpe_art.data.mpii.folder import use_folder
from hpe_art.estimators import PyTorchPoseEstimator
from hpe_art.estimators.loading import load_config
from hpe_art.evaluation.arguments import ArgumentsError
from hpe_art.evaluation.document import checkpoint_record
from hpe_art.evaluation.run import check_scorable, far_targets
from hpe_art.evaluation.study.plan import DEFENCES
from hpe_art.evaluation.transfer import Onlooker, defended
from hpe_art.evaluation.universal import people_to_fit_on


@dataclass(frozen=True)
class Network:
    """One network of a study.

    Attributes:
        name: of the config, without its suffix.
        config: its file.
        checkpoint: where the weights are from.
        record: path and SHA-256 of the weights.
        model_sha256: of the model and the test pipeline in the config.
        estimator: a `PyTorchPoseEstimator`.
        crops: the test people as it sees them.
        outputs: their number.
        fit_on: training people, as it sees them; None where there are none.
        bundled: files of fitted universal perturbations, by eps.
        defended: the network itself as an onlooker, behind each defence.
    """

    name: str
    config: str
    checkpoint: str
    record: dict[str, str | None]
    model_sha256: str
    estimator: PyTorchPoseEstimator
    crops: Crops
    outputs: int
    fit_on: Crops | None = None
    bundled: dict[float, Path] = field(default_factory=dict)
    defended: dict[str, Onlooker] = field(default_factory=dict)

    @property
    def weights(self) -> str:
        """What tells its weights from others: their SHA-256, or where they are from."""
        return self.record["sha256"] or self.checkpoint


def identity(crops: Crops) -> list[Any]:
    """What tells people from others, wherever they lie: file, number, a hash of what is known."""
    known = hashlib.sha256(np.ascontiguousarray(crops.index, np.int64).tobytes())
    for values in (crops.truth, crops.head_size, crops.center, crops.scale):
        # To a thousandth of a pixel: another machine may round otherwise.
        known.update(np.rint(np.nan_to_num(values, nan=-1.0) * 1e3).astype(np.int64).tobytes())
    return [Path(crops.ann_file).name, len(crops), known.hexdigest()[:16]]


def with_weights(files: Sequence[Path]) -> tuple[dict[Path, Config], dict[str, str]]:
    """Those configs that name weights which are there, and of the others why they are left out.

    Raises:
        ArgumentsError: none has weights.
        ValueError: a config that cannot be loaded.
    """
    ready: dict[Path, Config] = {}
    left_out: dict[str, str] = {}
    for file in files:
        cfg = load_config(file)
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
        raise ArgumentsError(f"Expected a network with weights. Got none: {reasons}.")
    return ready, left_out


def load_networks(
    configs: dict[Path, Config],
    args: argparse.Namespace,
    default_people: int,
    to_fit: Collection[str],
    universal_eps: Sequence[float],
) -> list[Network]:
    """Everything that can fail on bad input, before any attack.

    Args:
        configs: from `with_weights`.
        args: as `tools/study.py` parses them.
        default_people: how many test people at most where the arguments do not say.
        to_fit: names of those that universal perturbations are fitted on; the others have the
            bundled ones.
        universal_eps: of the universal perturbations.

    Raises:
        ValueError: weights or people that cannot be used.
    """
    crops: dict[str, Crops] = {}
    people: dict[str, Crops | None] = {}
    networks = []
    for file, cfg in configs.items():
        if dataset := data_folder(args):
            use_folder(cfg.test_dataloader, dataset)
        estimator = PyTorchPoseEstimator.from_config(
            cfg,
            cfg.load_from,
            device_type="cpu" if args.device == "cpu" else "gpu",
            precision=args.precision,
            compile=args.compile,
        )
        _ = estimator.gradient_precision  # makes the fast copy, if there is to be one
        seen = repr(cfg.test_dataloader.dataset)
        if seen not in crops:
            crops[seen] = load_crops(cfg, args.num_samples, args.skip_unreadable, default_people)
        check_scorable(estimator, crops[seen])
        far_targets(crops[seen], args.seed)  # raises if nobody can give a target pose
        fit_on = None
        if file.stem in to_fit:
            trained_on = {k: v for k, v in cfg.train_dataloader.dataset.items() if k != "pipeline"}
            fitted_on = repr((seen, None if args.fit_data_root else trained_on))
            if fitted_on not in people:
                people[fitted_on] = people_to_fit_on(args, cfg)
            fit_on = people[fitted_on]
        networks.append(
            Network(
                file.stem,
                str(file),
                cfg.load_from,
                checkpoint_record(cfg.load_from),
                _model_sha256(cfg),
                estimator,
                crops[seen],
                estimator.count_outputs(),
                fit_on,
                {} if fit_on else _bundled(cfg.load_from, universal_eps),
                _behind_defences(estimator),
            )
        )
    _check_same_people(networks)
    return networks


def _model_sha256(cfg: Config) -> str:
    """Of what the config says about a trained model: not of how it began."""

    def without_start(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: without_start(v) for k, v in value.items() if k != "init_cfg"}
        return [without_start(v) for v in value] if isinstance(value, (list, tuple)) else value

    described = repr(without_start([cfg.model, cfg.test_dataloader.dataset.pipeline]))
    return hashlib.sha256(described.encode()).hexdigest()


def _bundled(checkpoint: str, universal_eps: Sequence[float]) -> dict[float, Path]:
    if not checkpoint.startswith(zoo.PREFIX):
        return {}
    paths = {eps: zoo.perturbation_path(checkpoint, eps) for eps in universal_eps}
    return {eps: path for eps, path in paths.items() if path is not None}


def _behind_defences(estimator: PyTorchPoseEstimator) -> dict[str, Onlooker]:
    return {name: defended(name, estimator) for name in DEFENCES}


def _check_same_people(networks: Sequence[Network]) -> None:
    first = networks[0]
    for network in networks:
        if identity(network.crops) != identity(first.crops):
            raise ArgumentsError(
                "Expected networks with the same test people, to compare them. Got others for "
                f"{network.name} than for {first.name}: name one set with --data-root."
            )
        blank: Any = network.crops.x[:1] * 0.0
        for other in networks:
            Onlooker(other.name, other.estimator).poses(blank, network.estimator.packs_bgr)
