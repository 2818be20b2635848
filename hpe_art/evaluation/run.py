"""Attacks people with every setting, and scores clean and perturbed images with one metric.

One direction: crops -> clean poses -> target poses -> per setting: x_adv -> poses -> PCKh.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpe_art.attacks import (
    AttackSetting,
    SharedRun,
    TargetPoses,
    UniversalPosePerturbation,
    complete_donors,
    random_far_poses,
    shareable,
)
from hpe_art.datasets.crops import Crops
from hpe_art.evaluation.results import attack_entry, attack_scores, clean_entry
from hpe_art.evaluation.transfer import Onlooker
from hpe_art.metrics import pckh_hits
from hpe_art.mpii import JOINTS

Array = NDArray[np.float32]
OnProgress = Callable[[str, int], None]
OnImages = Callable[[AttackSetting, NDArray[np.int64], Array], None]
ChooseTargets = Callable[[Array], TargetPoses]


@dataclass(frozen=True)
class Attacked:
    """One finished setting.

    Attributes:
        setting: what was run.
        entry: its part of the result file.
        poses: (N, K, 3), predictions on the perturbed images, in crop pixels.
        hits: (N, K), of those predictions against the truth.
        examples: (n, 3, H, W), the perturbed images of the first people.
    """

    setting: AttackSetting
    entry: dict[str, Any]
    poses: Array
    hits: NDArray[np.float64]
    examples: Array


@dataclass
class Evaluation:
    """Everything that one run computed; what is finished is here even if a later part fails.

    Attributes:
        clean: the `clean` part of the result file.
        clean_poses: (N, K, 3), in crop pixels.
        clean_hits: (N, K).
        targets: the target poses, where a targeted attack was asked for.
        attacked: the finished settings.
        onlookers: of those that look on, by kind and name: the `clean` part and the hits (N, K).
    """

    clean: dict[str, Any]
    clean_poses: Array
    clean_hits: NDArray[np.float64]
    targets: TargetPoses | None = None
    attacked: list[Attacked] = field(default_factory=list)
    onlookers: dict[tuple[str, str], tuple[dict[str, Any], NDArray[np.float64]]] = field(
        default_factory=dict
    )


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
    on_progress: OnProgress = lambda name, count: None,
    on_images: OnImages = lambda setting, index, x_adv: None,
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

    Yields:
        The growing evaluation, in the order of the settings: once after the clean images, once
        after each run.

    Raises:
        ValueError: a head size is missing or not positive, or there are no target poses;
            `check_scorable` says so earlier.
    """
    poses = []
    for part in _parts(len(crops), batch_size):
        poses.append(estimator.predict(crops.x[part].astype(np.float32), batch_size))
        on_progress("clean", len(poses[-1]))
    clean_poses = np.concatenate(poses)
    done = Evaluation(*_clean(crops, clean_poses, seed))
    for onlooker in onlookers:
        seen = onlooker.poses(crops.x.astype(np.float32), estimator.packs_bgr, batch_size)
        entry, _, hits = _clean(crops, seen, seed)
        done.onlookers[onlooker.kind, onlooker.name] = entry, hits
    if any(setting.targeted for setting in settings):
        done.targets = (choose_targets or far_targets(crops, seed))(clean_poses)
    yield done
    for group in shareable(settings):
        done.attacked += _attack(
            estimator, crops, group, done, seed, onlookers, num_examples, on_progress, on_images
        )
        done.attacked.sort(key=lambda attacked: settings.index(attacked.setting))
        yield done


class _Scored:
    """What is gathered of one setting, batch by batch."""

    def __init__(self, setting: AttackSetting, onlookers: Sequence[Onlooker]) -> None:
        self.setting = setting
        self.onlookers = onlookers
        self.poses: list[Array] = []
        self.examples: list[Array] = []
        self.linf = 0.0
        self.seen: list[list[Array]] = [[] for _ in onlookers]
        self.cost = np.zeros(3)

    def add(self, estimator: Any, x: Array, x_adv: Array, num_examples: int) -> None:
        begun = _cost(estimator)
        self.poses.append(estimator.predict(x_adv, self.setting.batch_size))
        self.cost += _cost(estimator) - begun
        for onlooker, seen in zip(self.onlookers, self.seen, strict=True):
            bgr, batch_size = estimator.packs_bgr, self.setting.batch_size
            seen.append(onlooker.poses(x_adv, bgr, batch_size, clean=x))
        self.linf = max(self.linf, float(np.abs(x_adv - x).max()))
        self.examples.append(x_adv[: max(0, num_examples)])


def _attack(
    estimator: Any,
    crops: Crops,
    group: list[AttackSetting],
    done: Evaluation,
    seed: int,
    onlookers: Sequence[Onlooker],
    num_examples: int,
    on_progress: OnProgress,
    on_images: OnImages,
) -> list[Attacked]:
    run = SharedRun(estimator, group)
    labels = done.targets.poses if group[0].targeted and done.targets else crops.y
    gathered = [_Scored(setting, onlookers) for setting in group]
    for part in _parts(len(crops), group[0].batch_size):
        x = crops.x[part].astype(np.float32)
        begun = _cost(estimator)
        perturbed = run.generate(x, labels[part])
        gathered[run.longest].cost += _cost(estimator) - begun
        for scored, x_adv in zip(gathered, perturbed, strict=True):
            scored.add(estimator, x, x_adv, num_examples - part.start)
            on_images(scored.setting, crops.index[part], x_adv)
            on_progress(scored.setting.attack, len(x))
    attacked = [_attacked(crops, scored, done, seed) for scored in gathered]
    if isinstance(run.attack, UniversalPosePerturbation):
        attacked[0].entry["universal"] = run.attack.fitted
    return attacked


def _attacked(crops: Crops, scored: _Scored, done: Evaluation, seed: int) -> Attacked:
    setting, poses = scored.setting, np.concatenate(scored.poses)
    hits, target_hits = _judged(crops, poses, done)
    forward, backward, seconds = scored.cost
    entry = attack_entry(
        attack=setting.attack,
        eps=setting.eps,
        **setting.effort,
        targeted=setting.targeted,
        norm=setting.norm,
        outputs=setting.outputs,
        hits=hits,
        target_hits=target_hits,
        clean_hits=done.clean_hits,
        seed=seed,
        linf_max=scored.linf,
        forward_passes=int(forward),
        backward_passes=int(backward),
        seconds=float(seconds),
    )
    for onlooker, seen in zip(scored.onlookers, scored.seen, strict=True):
        _, clean_hits = done.onlookers[onlooker.kind, onlooker.name]
        judged = _judged(crops, np.concatenate(seen), done)
        entry.setdefault(onlooker.kind, {})[onlooker.name] = attack_scores(
            *judged, clean_hits, seed
        )
    return Attacked(setting, entry, poses, hits, np.concatenate(scored.examples))


def _clean(
    crops: Crops, poses: Array, seed: int
) -> tuple[dict[str, Any], Array, NDArray[np.float64]]:
    hits, tenth = (_hits(crops, poses, crops.truth, share) for share in (0.5, 0.1))
    return clean_entry(hits, tenth, seed), poses, hits


def _judged(
    crops: Crops, poses: Array, done: Evaluation
) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
    """Hits of the truth, and of the target poses if there are any."""
    targets = None if done.targets is None else crops.to_image(done.targets.scored)
    return (
        _hits(crops, poses, crops.truth),
        None if targets is None else _hits(crops, poses, targets),
    )


def _cost(estimator: Any) -> NDArray[np.float64]:
    """Images passed forward and backward, and seconds, so far."""
    passes = estimator.forward_passes, estimator.backward_passes
    return np.array([*passes, time.perf_counter()])


def _hits(crops: Crops, poses: Array, truth: Array, threshold: float = 0.5) -> NDArray[np.float64]:
    return pckh_hits(crops.to_image(poses), truth, crops.head_size, threshold)


def _parts(count: int, batch_size: int) -> list[slice]:
    return [slice(b, min(b + batch_size, count)) for b in range(0, count, batch_size)]
