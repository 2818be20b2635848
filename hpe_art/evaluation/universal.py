"""Where universal perturbations come from: a file, a fit on training people, or the bundle."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from mmengine.config import Config

from hpe_art import zoo
from hpe_art.attacks import AttackSetting, TargetPoses, UniversalPosePerturbation
from hpe_art.datasets.crops import Crops, load_crops
from hpe_art.datasets.folder import mpii_dataset, use_folder
from hpe_art.datasets.rendered_people import NUM_PEOPLE, is_rendered
from hpe_art.evaluation.arguments import ArgumentsError
from hpe_art.evaluation.results import attack_name

FIT_SAMPLES = 4096
EPOCHS = 2


def saved_settings(args: argparse.Namespace, estimator: Any) -> list[AttackSetting]:
    """One setting for each file of `--perturbation`; the file says what it is.

    Raises:
        ValueError: a file that is no perturbation, or one for crops of another aspect.
    """
    settings = []
    for path in args.perturbation or ():
        attack = UniversalPosePerturbation.load(path, estimator)
        attack.resized(*estimator.input_shape[1:])
        settings.append(
            AttackSetting(
                "uap",
                eps=attack.eps,
                targeted=attack.targeted,
                outputs=attack.fitted["outputs"],
                seed=args.seed,
                batch_size=args.batch_size,
                perturbation=str(path),
            )
        )
    return settings


def people_to_fit_on(args: argparse.Namespace, cfg: Config) -> Crops | None:
    """Training people, cropped as in the test: those of `--fit-data-root`, or the config's own.

    Returns:
        None if the config's are rendered people that are not rendered yet.

    Raises:
        ValueError: they cannot be loaded.
    """
    cfg = cfg.copy()
    if args.fit_data_root:
        dataset = mpii_dataset(args.fit_data_root, "train", args.fit_ann_file)
        use_folder(cfg.test_dataloader, dataset)
    else:
        dataset = dict(cfg.train_dataloader.dataset)
        rendered = dataset["type"] == "RenderedPeople"
        if rendered and not is_rendered(dataset.get("num_people", NUM_PEOPLE)):
            return None
        cfg.test_dataloader.dataset = {**dataset, "pipeline": cfg.test_dataloader.dataset.pipeline}
    return load_crops(cfg, args.fit_samples, args.skip_unreadable, FIT_SAMPLES, with_donors=False)


def bundled_settings(settings: list[AttackSetting], checkpoint: str) -> list[AttackSetting]:
    """The settings, the universal ones with the files that were fitted on a bundled network.

    Raises:
        ArgumentsError: there is none of that size.
    """
    found = []
    for setting in settings:
        if setting.attack == "uap":
            path = None
            if checkpoint.startswith(zoo.PREFIX) and not setting.targeted:
                path = zoo.perturbation_path(checkpoint, setting.eps)
            if path is None:
                raise ArgumentsError(
                    "Expected training people to fit a universal perturbation on, or a bundled "
                    f"untargeted one. Got neither for {checkpoint} at eps {setting.eps:g}: render "
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
    targets: Callable[[Crops], TargetPoses] | None = None,
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
            estimator.set_params(outputs=setting.outputs)
            attack = UniversalPosePerturbation(
                estimator,
                eps=setting.eps,
                epochs=epochs or EPOCHS,
                targeted=setting.targeted,
                seed=setting.seed,
            )
            y = targets(people).poses if setting.targeted and targets else people.y
            attack.fit(people.x, y, source)
            name = attack_name("uap", setting.targeted, None, setting.outputs).lower()
            path = attack.save(out / f"{name}_eps{setting.eps:g}.npz")
            setting = replace(setting, perturbation=str(path))
        fitted.append(setting)
    return fitted
