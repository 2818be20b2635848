"""Attacks people with every setting, and scores clean and perturbed images with one metric.

One direction: crops -> clean poses -> target poses -> per setting: x_adv -> poses -> PCKh.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from hpe_art.attacks import (
    AttackSetting,
    TargetPoses,
    complete_donors,
    random_far_poses,
)
from hpe_art.attacks.shared import shareable
from hpe_art.data.crops import Crops
from hpe_art.evaluation.attacked import (
    Array,
    Evaluation,
    OnImages,
    OnProgress,
    attack_together,
    clean_scores,
    keep_no_images,
    loaded,
    tell_nobody,
)
from hpe_art.evaluation.phases import Phases
from hpe_art.evaluation.transfer import Onlooker
from hpe_art.mpii import JOINTS

ChooseTargets = Callable[[Array], TargetPoses]


def far_targets(crops: Crops, seed: int) -> ChooseTargets:
    """The paper's rule for target poses, from the people of the whole test set.

    Raises:
        ValueError: nobody can give a target pose.
    """
    complete_donors(crops.donors, crops.index)

    def choose(clean: Array) -> TargetPoses:
        return random_far_poses(
            clean, crops.index, crops.donors, crops.head_size, crops.to_image, seed
        )

    return choose


def check_scorable(estimator: Any, crops: Crops) -> None:
    """Sees that joints and head sizes (the unit of PCKh) are there.

    Raises:
        ValueError: model and people have not MPII's joints, or the first person without a head
            size.
    """
    predicted = estimator.predict(np.zeros_like(crops.x[:1], np.float32)).shape[1]
    if not predicted == crops.truth.shape[1] == len(JOINTS):
        raise ValueError(
            f"Expected MPII's {len(JOINTS)} joints. Got a model of {predicted} and people of "
            f"{crops.truth.shape[1]}: name a model trained on MPII's joints, and --data-root."
        )
    if not np.all(crops.head_size > 0):
        first = int(np.flatnonzero(~(crops.head_size > 0))[0])
        raise ValueError(
            f"Expected a head size for everyone. Got {crops.head_size[first]} for person "
            f"{crops.index[first]} of {crops.ann_file}: name head boxes with --headbox-file."
        )


def evaluate(
    estimator: Any,
    crops: Crops,
    settings: list[AttackSetting],
    batch_size: int = 32,
    seed: int = 0,
    choose_targets: ChooseTargets | None = None,
    onlookers: Sequence[Onlooker] = (),
    num_examples: int = 0,
    on_progress: OnProgress = tell_nobody,
    on_images: OnImages = keep_no_images,
    phases: Phases | None = None,
) -> Iterator[Evaluation]:
    """Runs the settings, those together that one run serves.

    Args:
        estimator: a `PyTorchPoseEstimator`; not changed but for its `outputs`.
        crops: the people.
        settings: the attacks.
        batch_size: images per pass.
        seed: of the target poses and of the intervals.
        choose_targets: gives the target poses for the clean predictions (N, K, 3); default
            `far_targets`. Asked only if a setting is targeted.
        onlookers: other networks, or the same one defended, that are shown the perturbed images
            and scored on them.
        num_examples: of how many people to keep the perturbed images.
        on_progress: called with a name and a number of images just finished.
        on_images: called with each batch of perturbed images and their people's index.
        phases: counts the time of each phase.

    Yields:
        The growing evaluation, in the order of the settings: once after the clean images, once
        after each run.

    Raises:
        ValueError: a head size is missing or not positive, or there are no target poses;
            `check_scorable` says so earlier.
    """
    done = clean_evaluation(estimator, crops, batch_size, seed, onlookers, on_progress, phases)
    if any(setting.targeted for setting in settings):
        with done.phases.spent("clean"):
            choose = choose_targets or far_targets(crops, seed)
            done.targets = choose(done.clean_poses)
    yield done
    for group in shareable(settings):
        done.attacked += attack_together(
            estimator,
            crops,
            group,
            done,
            seed,
            lambda setting: onlookers,
            num_examples,
            on_progress,
            on_images,
        )
        done.attacked.sort(key=lambda attacked: settings.index(attacked.setting))
        yield done


def clean_evaluation(
    estimator: Any,
    crops: Crops,
    batch_size: int = 32,
    seed: int = 0,
    onlookers: Sequence[Onlooker] = (),
    on_progress: OnProgress = tell_nobody,
    phases: Phases | None = None,
) -> Evaluation:
    """What the network and its onlookers see in the clean images; arguments as in `evaluate`."""
    np.random.seed(seed)  # as in `attack_together`: Gaussian augmentation draws
    poses: list[Array] = []
    seen: list[list[Array]] = [[] for _ in onlookers]
    phases = phases or Phases()
    for _, x in loaded(crops, batch_size, estimator.device, phases):
        with phases.spent("clean"):
            poses.append(estimator.predict(x, batch_size))
            for onlooker, its_poses in zip(onlookers, seen, strict=True):
                its_poses.append(onlooker.poses(x, estimator.packs_bgr, batch_size))
        on_progress("clean", len(x))
    with phases.spent("clean"):
        clean_poses = np.concatenate(poses)
        clean, hits = clean_scores(crops, clean_poses, seed)
        done = Evaluation(clean, clean_poses, hits, phases=phases)
        for onlooker, its_poses in zip(onlookers, seen, strict=True):
            scores = clean_scores(crops, np.concatenate(its_poses), seed)
            done.onlookers[onlooker.kind, onlooker.name] = scores
    return done
