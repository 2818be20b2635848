"""Where universal perturbations come from: a file, a fit on training people, or the bundle."""

from __future__ import annotations

import argparse
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.config import Config

from hpe_art import zoo
from hpe_art.attacks import AttackSetting, TargetPoses, UniversalPosePerturbation
from hpe_art.commands.paths import fit_folder
from hpe_art.data.crops import Crops, DataError, load_crops
from hpe_art.data.mpii.folder import use_folder
from hpe_art.evaluation.arguments import ArgumentsError, targets_asked
from hpe_art.evaluation.results import attack_name
from hpe_art.rendered_people.dataset import NUM_PEOPLE, is_rendered

FIT_SAMPLES = 4096
EPOCHS = 2


def saved_settings(args: argparse.Namespace, estimator: Any) -> list[AttackSetting]:
    """One setting for each file of `--perturbation`; the file says what it is.

    Raises:
        ValueError: a file that is no perturbation, or one for crops of another aspect.
    """
    files = list(dict.fromkeys(map(str, args.perturbation or ())))
    settings = []
    for path, label in zip(files, _labels(files), strict=True):
        attack = UniversalPosePerturbation.load(path, estimator)
        attack.resized(*estimator.input_shape[1:])
        if attack.targeted and args.target == "far":
            raise ArgumentsError(
                f"Expected --target mirror or a JSON file: what {path} was fitted to move people "
                "to. Got far."
            )
        settings.append(
            AttackSetting(
                "uap",
                eps=attack.eps,
                targeted=attack.targeted,
                outputs=attack.fitted["outputs"],
                seed=args.seed,
                batch_size=args.batch_size,
                perturbation=path,
                label=label,
            )
        )
    moves = targets_asked(args) or any(setting.targeted for setting in settings)
    if not moves and (args.target != "far" or args.target_joints):
        raise ArgumentsError(
            "Expected --target and --target-joints with a targeted perturbation. Got none: leave "
            "them out."
        )
    return settings


def _labels(files: list[str]) -> list[str]:
    """What tells perturbations apart: their file names, or as much of their paths as they need."""
    if len(files) < 2:
        return [""] * len(files)
    paths = [Path(file).absolute().with_suffix("") for file in files]
    names = [path.name for path in paths]
    if len(set(names)) == len(names):
        return names
    root = os.path.commonpath(paths)
    return ["-".join(path.relative_to(root).parts) for path in paths]


def people_to_fit_on(args: argparse.Namespace, cfg: Config) -> Crops | None:
    """Training people, cropped as in the test: those of `--fit-data-root`, or the config's own.

    Returns:
        None if the config's are rendered people that are not rendered yet.

    Raises:
        ValueError: they cannot be loaded.
    """
    cfg = cfg.copy()
    if dataset := fit_folder(args):
        boxes = Path(dataset["ann_file"]).with_name("mpii_gt_train.mat")
        if boxes.is_file() and not args.fit_ann_file:
            dataset.update(headbox_file=str(boxes), test_mode=True)
        use_folder(cfg.test_dataloader, dataset)
    else:
        dataset = dict(cfg.train_dataloader.dataset)
        if dataset["type"] == "RenderedPeople":
            if not is_rendered(dataset.get("num_people", NUM_PEOPLE)):
                return None
            dataset["test_mode"] = True  # for their head boxes
        cfg.test_dataloader.dataset = {**dataset, "pipeline": cfg.test_dataloader.dataset.pipeline}
    try:
        return load_crops(
            cfg, args.fit_samples, args.skip_unreadable, FIT_SAMPLES, with_donors=False
        )
    except DataError as error:
        raise ArgumentsError(str(error).replace("--num-samples", "--fit-samples")) from error


def bundled_settings(
    settings: list[AttackSetting], checkpoint: str, args: argparse.Namespace
) -> list[AttackSetting]:
    """The settings, the universal ones with the files that were fitted on a bundled network.

    Raises:
        ArgumentsError: there is none of that size, or arguments ask for a fit.
    """
    if args.epochs is not None or args.fit_samples is not None:
        raise ArgumentsError(
            "Expected training people for --epochs and --fit-samples. Got none: render them "
            "(tools/train.py does), or name a folder with --fit-data-root."
        )
    found = []
    for setting in settings:
        if setting.attack == "uap":
            path = None
            untargeted_last = not setting.targeted and setting.outputs == "last"
            if checkpoint.startswith(zoo.PREFIX) and untargeted_last:
                path = zoo.perturbation_path(checkpoint, setting.eps)
            if path is None:
                raise ArgumentsError(
                    "Expected training people to fit a universal perturbation on, or a bundled "
                    "untargeted one for the last output. "
                    f"Got neither for {checkpoint} at eps {setting.eps:g}: render "
                    "people (tools/train.py does), or name a folder with --fit-data-root."
                )
            setting = replace(setting, perturbation=str(path))
        found.append(setting)
    return found


def fitted_settings(
    settings: list[AttackSetting],
    estimator: Any,
    people: Crops,
    out: Path,
    source: str,
    epochs: int | None = None,
    targets: TargetPoses | None = None,
) -> list[AttackSetting]:
    """The settings, the universal ones with a perturbation that is fitted now and saved at once.

    Args:
        settings: all of a run.
        estimator: a `PyTorchPoseEstimator`.
        people: to fit on.
        out: folder; files are named for attack and eps.
        source: name of the network, saved with them.
        epochs: passes over the people; default 2.
        targets: target poses of the people, for targeted ones.
    """
    fitted = []
    for setting in settings:
        if setting.attack == "uap" and setting.perturbation is None:
            y = targets.poses if setting.targeted and targets else people.y
            setting = fit_universal(setting, estimator, people.x, y, out, source, epochs)
        fitted.append(setting)
    return fitted


def fit_universal(
    setting: AttackSetting,
    estimator: Any,
    x: Any,
    y: np.ndarray,
    out: Path,
    source: str,
    epochs: int | None = None,
    verbose: bool = True,
) -> AttackSetting:
    """The setting with a perturbation that is fitted now and saved in a folder.

    Args:
        setting: a universal one.
        estimator: a `PyTorchPoseEstimator`.
        x: (N, 3, H, W), to fit on.
        y: (N, K, 3), true poses, or target poses if targeted.
        out: folder; the file is named for attack and eps.
        source: name of the network, saved with it.
        epochs: passes over the people; default 2.
        verbose: show progress.
    """
    estimator.set_params(outputs=setting.outputs)
    attack = UniversalPosePerturbation(
        estimator,
        eps=setting.eps,
        epochs=epochs or EPOCHS,
        targeted=setting.targeted,
        seed=setting.seed,
        verbose=verbose,
    )
    attack.fit(x, y, source)
    name = attack_name("uap", setting.targeted, None, setting.outputs).lower()
    path = attack.save(out / f"{name}_eps{setting.eps:g}.npz")
    return replace(setting, perturbation=str(path))
