"""One attack run from its arguments to results.json: prepare, then run."""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import cv2
import numpy as np
from mmengine.config import Config
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from hpe_art.attacks import AttackSetting, TargetPoses
from hpe_art.attacks.targets import hold_others, mirrored_poses, poses_from_file
from hpe_art.commands.paths import data_folder
from hpe_art.data.crops import Crops, load_crops
from hpe_art.data.mpii.folder import use_folder
from hpe_art.estimators import PyTorchPoseEstimator
from hpe_art.estimators.loading import load_config
from hpe_art.evaluation.arguments import ArgumentsError, attack_settings, recorded
from hpe_art.evaluation.attacked import Evaluation, keep_no_images
from hpe_art.evaluation.device import check_device, score_in_float32
from hpe_art.evaluation.document import checkpoint_record, result_document
from hpe_art.evaluation.phases import Phases
from hpe_art.evaluation.results import write_results
from hpe_art.evaluation.run import (
    ChooseTargets,
    check_scorable,
    evaluate,
    far_targets,
)
from hpe_art.evaluation.transfer import Onlooker, defended
from hpe_art.evaluation.universal import (
    bundled_settings,
    fitted_settings,
    people_to_fit_on,
    saved_settings,
)
from hpe_art.mpii import JOINTS, joint_numbers

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
        targets: how target poses are picked, where a setting is targeted.
        onlookers: networks that are shown the perturbed images too.
        fit_on: people to fit universal perturbations on, where one is to be fitted.
        fit_targets: their target poses, where it is targeted.
        seconds: that it took to find all this good.
    """

    args: argparse.Namespace
    estimator: PyTorchPoseEstimator
    crops: Crops
    settings: list[AttackSetting]
    checkpoint: str
    targets: ChooseTargets | None = None
    onlookers: list[Onlooker] = field(default_factory=list)
    fit_on: Crops | None = None
    fit_targets: TargetPoses | None = None
    seconds: float = 0.0


def prepare(args: argparse.Namespace) -> Prepared:
    """Does everything that can fail on bad input, before any attack.

    Args:
        args: as `tools/attack.py` parses them.

    Raises:
        ValueError: config, checkpoint, data or arguments cannot be used; the message says why.
    """
    begun = time.perf_counter()
    check_device(args.device)
    score_in_float32()
    cfg = load_config(args.config, args.cfg_options)
    checkpoint = _checkpoint(args.config, cfg, args.checkpoint)
    if dataset := data_folder(args):
        use_folder(cfg.test_dataloader, dataset)
    estimator = PyTorchPoseEstimator.from_config(
        cfg,
        checkpoint,
        device_type="cpu" if args.device == "cpu" else "gpu",
        outputs=args.outputs,
        flip_test=True if args.flip_test else None,
        precision=args.precision,
        compile=args.compile,
    )
    if args.behind:
        estimator = defended(args.behind, estimator).estimator
    onlookers = [_onlooker(path, estimator, args.device) for path in args.transfer_to or ()]
    onlookers += [defended(name, estimator) for name in args.defence or ()]
    crops = load_crops(cfg, args.num_samples, args.skip_unreadable, DEFAULT_SAMPLES)
    _ = estimator.gradient_precision  # makes the fast copy, if there is to be one
    settings = attack_settings(args) + saved_settings(args, estimator)
    check_scorable(estimator, crops)
    fit_on = fit_targets = None
    if any(s.attack == "uap" and s.perturbation is None for s in settings):
        fit_on = people_to_fit_on(args, cfg)
        if fit_on is None:
            settings = bundled_settings(settings, checkpoint, args)
        elif args.targeted or args.both:
            fit_targets = _fixed_targets(args.target, fit_on)
    targets = None
    if any(setting.targeted for setting in settings):
        targets = _target_rule(args.target, args.target_joints, crops, args.seed)
    args.out.mkdir(parents=True, exist_ok=True)
    return Prepared(
        args,
        estimator,
        crops,
        settings,
        checkpoint,
        targets,
        onlookers,
        fit_on,
        fit_targets,
        time.perf_counter() - begun,
    )


def _checkpoint(config: str, cfg: Config, given: str | None) -> str:
    checkpoint = given or cfg.get("load_from")
    if not checkpoint:
        raise ArgumentsError(
            f"Expected trained weights to attack. Got {config} without load_from and no "
            f"checkpoint: name one, or train it with tools/train.py {config}."
        )
    return str(checkpoint)


def _onlooker(config: str, estimator: PyTorchPoseEstimator, device: str) -> Onlooker:
    """Another network with its own weights, seen to take the same crops."""
    cfg = load_config(config)
    other = PyTorchPoseEstimator.from_config(
        cfg, _checkpoint(config, cfg, None), device_type="cpu" if device == "cpu" else "gpu"
    )
    onlooker = Onlooker(config, other)
    blank = np.zeros((1, *estimator.input_shape), np.float32)
    joints = onlooker.poses(blank, estimator.packs_bgr).shape[1]
    if joints != len(JOINTS):
        raise ArgumentsError(
            f"Expected networks of MPII's {len(JOINTS)} joints for --transfer-to. "
            f"Got {config} with {joints}."
        )
    return onlooker


def _target_rule(target: str, joints: list[str] | None, crops: Crops, seed: int) -> ChooseTargets:
    if target == "far":
        choose = far_targets(crops, seed)
    else:
        fixed = _fixed_targets(target, crops)
        choose = lambda clean: fixed  # noqa: E731
    if joints is None:
        return choose
    moved = joint_numbers(joints)
    return lambda clean: hold_others(choose(clean), clean, moved)


def _fixed_targets(target: str, crops: Crops) -> TargetPoses:
    if target == "mirror":
        return mirrored_poses(crops.y)
    height, width = crops.x.shape[2:]
    return poses_from_file(target, len(crops), (width, height))


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
    settings = run.settings
    phases = Phases()
    phases.add("load", run.seconds)
    begun = time.perf_counter()
    if run.fit_on is not None:
        settings = fitted_settings(
            settings,
            run.estimator,
            run.fit_on,
            args.out / "perturbations",
            run.checkpoint,
            args.epochs,
            run.fit_targets,
        )
        phases.add("fit", time.perf_counter() - begun)
    constant = dict(
        config=str(args.config),
        checkpoint=checkpoint_record(run.checkpoint),
        crops=run.crops,
        seed=args.seed,
        device=str(run.estimator.device),
        precision=run.estimator.gradient_precision,
        arguments=recorded(args),
        started=started,
        notes=_notes(run),
    )
    total = (len(settings) + 1) * len(run.crops)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TextColumn("images"), TimeRemainingColumn(), console=console) as bar:
        task = bar.add_task("clean", total=total)
        for done in evaluate(
            run.estimator,
            run.crops,
            settings,
            batch_size=args.batch_size,
            seed=args.seed,
            choose_targets=run.targets,
            onlookers=run.onlookers,
            num_examples=num_examples,
            on_progress=lambda name, n: bar.update(task, description=name, advance=n),
            on_images=_image_saver(run) if args.save_images else keep_no_images,
            phases=phases,
        ):
            with phases.spent("tell"):
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
    universal = any(setting.attack == "uap" for setting in run.settings)
    if universal and run.fit_on is None and not run.args.perturbation:
        notes.append("No training people are rendered: the bundled perturbations were used.")
    if run.estimator.flip_test:
        notes.append("Scored and attacked with flip-test.")
    if run.args.behind:
        notes.append(f"Scored and attacked behind {run.args.behind}.")
    return notes


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
    if setting.label:
        return setting.label
    kind = "" if setting.attack == "noise" else "-t" if setting.targeted else "-u"
    steps = f"-{setting.iterations}" if setting.attack == "igsm" else ""
    norm = "" if setting.norm == np.inf else f"-l{setting.norm:g}"
    return f"{setting.attack}{kind}{steps}{norm}_eps{setting.eps:g}"
