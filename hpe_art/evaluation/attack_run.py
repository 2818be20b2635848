"""One attack run from its arguments to results.json: prepare, then run."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import cv2
import numpy as np
import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from hpe_art.attacks import AttackSetting
from hpe_art.datasets.crops import Crops, load_crops
from hpe_art.datasets.folder import mpii_dataset, use_folder
from hpe_art.estimators import PyTorchPoseEstimator
from hpe_art.estimators.loader import load_config
from hpe_art.evaluation.arguments import ArgumentsError, attack_settings, recorded
from hpe_art.evaluation.document import checkpoint_record, result_document
from hpe_art.evaluation.results import write_results
from hpe_art.evaluation.run import Evaluation, check_scorable, evaluate

DEFAULT_SAMPLES = 128


@dataclass(frozen=True)
class Prepared:
    """A run whose config, weights, people and arguments have been found good.

    Attributes:
        args: as `tools/attack.py` parses them.
        estimator: the model.
        crops: the people.
        settings: the attacks, in order.
        checkpoint: where the weights are from.
    """

    args: argparse.Namespace
    estimator: PyTorchPoseEstimator
    crops: Crops
    settings: list[AttackSetting]
    checkpoint: str


def prepare(args: argparse.Namespace) -> Prepared:
    """Does everything that can fail on bad input, before any attack.

    Args:
        args: as `tools/attack.py` parses them.

    Raises:
        ValueError: config, checkpoint, data or arguments cannot be used; the message says why.
    """
    if args.device == "cuda" and not torch.cuda.is_available():
        raise ArgumentsError("Expected a CUDA device for --device cuda. Got none: use cpu.")
    cfg = load_config(args.config, args.cfg_options)
    checkpoint = args.checkpoint or cfg.get("load_from")
    if not checkpoint:
        raise ArgumentsError(
            "Expected trained weights to attack. Got a config without load_from and no checkpoint: "
            f"name one, or train it with tools/train.py {args.config}."
        )
    if args.data_root:
        dataset = mpii_dataset(
            args.data_root, "val", args.ann_file, args.headbox_file, args.image_prefix
        )
        use_folder(cfg.test_dataloader, dataset)
    estimator = PyTorchPoseEstimator.from_config(
        cfg,
        checkpoint,
        device_type="cpu" if args.device == "cpu" else "gpu",
        flip_test=True if args.flip_test else None,
    )
    crops = load_crops(cfg, args.num_samples, args.skip_unreadable, DEFAULT_SAMPLES)
    settings = attack_settings(args)
    check_scorable(estimator, crops, settings)
    args.out.mkdir(parents=True, exist_ok=True)
    return Prepared(args, estimator, crops, settings, checkpoint)


def attack_run(
    run: Prepared, console: Console, num_examples: int = 0
) -> tuple[Evaluation, dict[str, Any]]:
    """Attacks and scores; results.json is rewritten after each attack.

    Args:
        run: from `prepare`.
        console: where the progress bar goes.
        num_examples: of how many people to keep the perturbed images.

    Returns:
        The evaluation and the result document.
    """
    args, started = run.args, datetime.now().astimezone()
    constant = dict(
        config=str(args.config),
        checkpoint=checkpoint_record(run.checkpoint),
        crops=run.crops,
        seed=args.seed,
        device=str(run.estimator.device),
        arguments=recorded(args),
        started=started,
        notes=_notes(run),
    )
    total = (len(run.settings) + 1) * len(run.crops)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TextColumn("images"), TimeRemainingColumn(), console=console) as bar:
        task = bar.add_task("clean", total=total)
        for done in evaluate(
            run.estimator,
            run.crops,
            run.settings,
            batch_size=args.batch_size,
            seed=args.seed,
            num_examples=num_examples,
            on_progress=lambda name, n: bar.update(task, description=name, advance=n),
            on_images=_image_saver(run) if args.save_images else _keep_none,
        ):
            document = result_document(done=done, **constant)
            write_results(args.out / "results.json", document)
    return done, document


def rgb(estimator: PyTorchPoseEstimator, images: np.ndarray) -> np.ndarray:
    """Crops (N, 3, H, W) as packed for the model, red first."""
    return images[:, ::-1] if estimator.packs_bgr else images


def _notes(run: Prepared) -> list[str]:
    notes = []
    if run.crops.skipped:
        names = ", ".join(run.crops.skipped[:5])
        notes.append(f"{len(run.crops.skipped)} unreadable images were left out: {names}.")
    if run.args.outputs == "all" and run.estimator.count_outputs() == 1:
        notes.append("The network has one output: all outputs equal the last.")
    if run.estimator.flip_test:
        notes.append("Scored and attacked with flip-test.")
    return notes


def _keep_none(setting: AttackSetting, index: np.ndarray, x_adv: np.ndarray) -> None:
    """Keeps no images."""


def _image_saver(run: Prepared) -> Any:
    """Writes perturbed crops as PNG, rounded to whole grey levels."""

    def save(setting: AttackSetting, index: np.ndarray, x_adv: np.ndarray) -> None:
        folder = run.args.out / "perturbed" / _folder_name(setting)
        folder.mkdir(parents=True, exist_ok=True)
        for person, image in zip(index, rgb(run.estimator, x_adv), strict=True):
            pixels = np.rint(image).astype(np.uint8).transpose(1, 2, 0)
            cv2.imwrite(str(folder / f"{person:05d}.png"), pixels[..., ::-1])

    return save


def _folder_name(setting: AttackSetting) -> str:
    kind = "" if setting.attack == "noise" else "-t" if setting.targeted else "-u"
    steps = f"-{setting.iterations}" if setting.attack == "igsm" else ""
    return f"{setting.attack}{kind}{steps}_eps{setting.eps:g}"
