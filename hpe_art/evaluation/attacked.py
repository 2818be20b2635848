"""One run of an attack over people, for every setting that it serves: images, poses, scores."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from hpe_art.attacks import AttackSetting, TargetPoses, UniversalPosePerturbation
from hpe_art.attacks.shared import SharedRun
from hpe_art.data.crops import Crops
from hpe_art.evaluation.phases import Phases
from hpe_art.evaluation.results import attack_entry, attack_scores, clean_entry
from hpe_art.evaluation.transfer import Onlooker
from hpe_art.metrics import pckh_hits

Array = NDArray[np.float32]
Hits = NDArray[np.float64]
OnProgress = Callable[[str, int], None]
OnImages = Callable[[AttackSetting, NDArray[np.int64], Array], None]
OnlookersOf = Callable[[AttackSetting], Sequence[Onlooker]]


def tell_nobody(name: str, count: int) -> None:
    """Progress that nobody watches."""


def keep_no_images(setting: AttackSetting, index: NDArray[np.int64], x_adv: Array) -> None:
    """Images that nobody wants."""


def no_onlookers(setting: AttackSetting) -> Sequence[Onlooker]:
    """Images that nobody else sees."""
    return ()


@dataclass(frozen=True)
class Attacked:
    """One finished setting.

    Attributes:
        setting: what was run.
        entry: its part of the result file.
        poses: (N, K, 3), predictions on the perturbed images, in crop pixels.
        hits: (N, K), of those predictions against the truth.
        target_hits: (N, K), of those predictions against the target poses, if there are any.
        shown: hits (N, K) of each onlooker, by kind and name.
        examples: (n, 3, H, W), the perturbed images of the first people.
    """

    setting: AttackSetting
    entry: dict[str, Any]
    poses: Array
    hits: Hits
    target_hits: Hits | None
    shown: dict[tuple[str, str], Hits]
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
        phases: where the time went.
    """

    clean: dict[str, Any]
    clean_poses: Array
    clean_hits: Hits
    targets: TargetPoses | None = None
    attacked: list[Attacked] = field(default_factory=list)
    onlookers: dict[tuple[str, str], tuple[dict[str, Any], Hits]] = field(default_factory=dict)
    phases: Phases = field(default_factory=Phases)


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
        # A copy, because a part of an array, even an empty one, keeps all of it in memory.
        self.examples.append(x_adv[: max(0, num_examples)].copy())


def attack_together(
    estimator: Any,
    crops: Crops,
    group: list[AttackSetting],
    done: Evaluation,
    seed: int = 0,
    onlookers_of: OnlookersOf = no_onlookers,
    num_examples: int = 0,
    on_progress: OnProgress = tell_nobody,
    on_images: OnImages = keep_no_images,
) -> list[Attacked]:
    """Runs a group of settings that one run serves.

    Args:
        estimator: a `PyTorchPoseEstimator`; not changed but for its `outputs`.
        crops: the people.
        group: one of `attacks.shareable`.
        done: with the clean part, the target poses if the group is targeted, and the clean part of
            each onlooker.
        seed: of the intervals.
        onlookers_of: who is shown the perturbed images of a setting too.
        num_examples: of how many people to keep the perturbed images.
        on_progress: called with a name and a number of images just finished.
        on_images: called with each batch of perturbed images and their people's index.

    Returns:
        One for each setting, in their order.
    """
    # ART's attacks and defences draw from NumPy's generator: seeded for each run, so that none
    # depends on what ran before.
    np.random.seed(seed)
    run = SharedRun(estimator, group)
    labels = done.targets.poses if group[0].targeted and done.targets else crops.y
    gathered = [_Scored(setting, onlookers_of(setting)) for setting in group]
    spent = done.phases.spent
    for part, x in loaded(crops, group[0].batch_size, estimator.device, done.phases):
        begun = _cost(estimator)
        with spent("attack"):
            perturbed = run.generate(x, labels[part])
        gathered[0].cost += _cost(estimator) - begun
        for scored, x_adv in zip(gathered, perturbed, strict=True):
            with spent("score"):
                scored.add(estimator, x, x_adv, num_examples - part.start)
            with spent("tell"):
                on_images(scored.setting, crops.index[part], x_adv)
                on_progress(scored.setting.attack, len(x))
    with spent("tell"):
        attacked = [_attacked(crops, scored, done, seed) for scored in gathered]
    if isinstance(run.attack, UniversalPosePerturbation):
        attacked[0].entry["universal"] = run.attack.fitted
    return attacked


def _attacked(crops: Crops, scored: _Scored, done: Evaluation, seed: int) -> Attacked:
    setting, poses = scored.setting, np.concatenate(scored.poses)
    hits, target_hits = _judged(crops, poses, done)
    forward, backward, seconds = scored.cost
    entry = attack_entry(
        label=setting.label,
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
    shown = {}
    for onlooker, seen in zip(scored.onlookers, scored.seen, strict=True):
        _, clean_hits = done.onlookers[onlooker.kind, onlooker.name]
        judged = _judged(crops, np.concatenate(seen), done)
        shown[onlooker.kind, onlooker.name] = judged[0]
        entry.setdefault(onlooker.kind, {})[onlooker.name] = attack_scores(
            *judged, clean_hits, seed
        )
    examples = np.concatenate(scored.examples)
    return Attacked(setting, entry, poses, hits, target_hits, shown, examples)


def clean_scores(crops: Crops, poses: Array, seed: int) -> tuple[dict[str, Any], Hits]:
    """The `clean` part of the results, and the hits (N, K), of predictions in crop pixels."""
    hits, tenth = (_hits(crops, poses, crops.truth, share) for share in (0.5, 0.1))
    return clean_entry(hits, tenth, seed), hits


def _judged(crops: Crops, poses: Array, done: Evaluation) -> tuple[Hits, Hits | None]:
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


def _hits(crops: Crops, poses: Array, truth: Array, threshold: float = 0.5) -> Hits:
    return pckh_hits(crops.to_image(poses), truth, crops.head_size, threshold)


def loaded(
    crops: Crops, batch_size: int, device: torch.device, phases: Phases
) -> Iterator[tuple[slice, Array]]:
    """Rows and images (float32) of each batch; the next one is read while one is in use.

    Args:
        crops: the people.
        batch_size: images of a batch.
        device: where they go; for a GPU they are in page-locked memory, which it copies faster.
        phases: the time spent waiting is counted as "read".
    """

    def read(part: slice) -> Array:
        images = torch.from_numpy(crops.x[part].astype(np.float32))
        return (images.pin_memory() if device.type == "cuda" else images).numpy()

    parts = batches(len(crops), batch_size)
    with ThreadPoolExecutor(1) as pool:
        ahead = pool.submit(read, parts[0])
        for part, following in zip(parts, [*parts[1:], None], strict=True):
            with phases.spent("read"):
                x = ahead.result()
            if following is not None:
                ahead = pool.submit(read, following)
            yield part, x


def batches(count: int, batch_size: int) -> list[slice]:
    """The rows of each batch."""
    return [slice(b, min(b + batch_size, count)) for b in range(0, count, batch_size)]
