"""One batch of people under every attack that they lack, from pixels to shards."""

from __future__ import annotations

import logging
import math
import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
from mmengine.runner import set_random_seed
from numpy.typing import NDArray

from hpe_art.attacks import AttackSpec, SharedRun, shareable
from hpe_art.evaluation.goals import goal_of
from hpe_art.evaluation.prepared import Prepared
from hpe_art.evaluation.results import Phase
from hpe_art.evaluation.saved_crops import held_crops, write_crops
from hpe_art.evaluation.store import CLEAN, OWN, Shard
from hpe_art.gradients import GradientWarning

Array = NDArray[np.float32]
Index = NDArray[np.int64]
OnProgress = Callable[[str, int], None]

TARGET = "target"
"""The detail that a targeted attack keeps beside its own: the pose that it is scored against."""

logger = logging.getLogger(__name__)


class Phases:
    """Seconds spent in each phase so far.

    Those of `tools/attack.py`: load (model and people), fit (universal perturbations), read
    (pixels), clean (clean and target poses), attack, score (poses of perturbed images), store
    (files), scores (scores, intervals, official numbers), pictures.
    """

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)

    @contextmanager
    def spent(self, phase: str) -> Iterator[None]:
        """Counts the time inside to a phase."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[phase] += time.perf_counter() - begun

    def typed(self) -> dict[str, Phase]:
        """Seconds and share of each phase, as they go into the results."""
        total = sum(self.seconds.values())
        return {
            name: Phase(seconds=spent, share=spent / total if total else 0.0)
            for name, spent in self.seconds.items()
        }


class Block(NamedTuple):
    """People of one batch (rows in those of the run), and what each attack lacks of them.

    `lacking` has, by the attack's folder, the names of those whose predictions are missing.
    """

    rows: Index
    lacking: dict[str, list[str]]


def planned_blocks(run: Prepared, batch_size: int, processes: int = 1) -> list[Block]:
    """Batches of people with something to do, which processes take in turns (`batches_of`)."""
    wanted = run.observed_by()
    held = {key: _held(run, key) for key in wanted}
    blocks = []
    for rows in batches_of(len(run.people), batch_size, processes):
        index = run.people.index[rows].tolist()
        lacking = {}
        for key, names in wanted.items():
            missing = [n for n in names if not held[key].get(n, set()).issuperset(index)]
            if missing:
                lacking[key] = missing
        if lacking:
            blocks.append(Block(rows, lacking))
    return blocks


def batches_of(count: int, batch_size: int, processes: int = 1) -> list[Index]:
    """Rows of each batch; processes that take them in turns have as many people, but for one."""
    rows = np.arange(count)
    if processes == 1:
        return [rows[first : first + batch_size] for first in range(0, count, batch_size)]
    each = math.ceil(count / processes / batch_size) or 1
    return [part for part in np.array_split(rows, each * processes) if len(part)]


def _held(run: Prepared, key: str) -> dict[str, set[int]]:
    """People in the store, by observer; not those whose pictures are to be kept and are not."""
    found = run.store.held(key)
    if key == CLEAN:
        return found
    pictured = set(run.people.index[: run.spec.kept].tolist())
    lost = pictured - set(run.store.examples(key, pictured))
    found = {name: people - lost for name, people in found.items()}
    saved = held_crops(run, key)
    return found if saved is None else {name: people & saved for name, people in found.items()}


class BatchAttacker:
    """Attacks batch after batch; each shard is written as soon as it is made.

    `on_progress` is called with the name of an attack and the number of images just finished.
    """

    def __init__(
        self, run: Prepared, phases: Phases, on_progress: OnProgress = lambda name, count: None
    ) -> None:
        self.run, self.phases, self.on_progress = run, phases, on_progress
        self.keys = {attack: key for key, attack in run.attacks.items()}
        self.shared = [SharedRun(run.estimator, group) for group in shareable(self.keys)]

    def attack(self, block: Block, x: Array) -> None:
        """Adds to the store what the people of a block lack, whose crops (n, 3, H, W) are x."""
        run, people = self.run, self.run.people[block.rows]
        with self.phases.spent("clean"):
            clean = self._clean(block, people.index, x)
            chosen = None if run.choose is None else run.choose(clean, people)
            targets = None if chosen is None else chosen.poses
            truth = labelled(people.y, clean)
        for shared in self.shared:
            todo = [attack for attack in shared.specs if self.keys[attack] in block.lacking]
            if not todo:
                continue
            first = shared.specs[0]
            seed_everything(first.seed, int(people.index[0]))
            before = _cost(run.estimator)
            with self.phases.spent("attack"):
                aims = targets if first.targeted else None
                goal = goal_of(people, run.metric, aims) if shared.needs_goal else None
                labels = truth if aims is None else aims
                with warnings.catch_warnings():  # the store keeps whose gradients are meant
                    warnings.simplefilter("ignore", GradientWarning)
                    perturbed = shared.generate(x, labels, people.index, goal)
            counts = {"generation": (_cost(run.estimator) - before).tolist()}
            details = dict(getattr(shared.attack, "details", {}))
            if chosen is not None and first.targeted:
                details[TARGET] = chosen.scored
            for attack, x_adv in zip(shared.specs, perturbed, strict=True):
                if attack in todo:
                    self._keep(attack, block, x, x_adv, counts, details)

    def _clean(self, block: Block, index: Index, x: Array) -> Array:
        if CLEAN in block.lacking:
            seen = self._seen(block.lacking[CLEAN], x, None)
            self.run.store.add(CLEAN, Shard(index, seen))
            self.on_progress(CLEAN, len(x))
            if OWN in seen:
                return seen[OWN]
        return self.run.store.gathered(CLEAN, index)

    def _keep(
        self,
        attack: AttackSpec,
        block: Block,
        x: Array,
        x_adv: Array,
        counts: dict[str, Any],
        details: dict[str, Any],
    ) -> None:
        run, key, index = self.run, self.keys[attack], self.run.people.index[block.rows]
        with self.phases.spent("score"):
            poses, others = {}, list(block.lacking[key])
            if OWN in others:
                others.remove(OWN)
                begun = _cost(run.estimator)
                poses[OWN] = run.estimator.predict(x_adv, len(x_adv))
                scoring = (_cost(run.estimator) - begun).tolist()
                counts = {**counts, "scoring": scoring, "linf": float(np.abs(x_adv - x).max())}
            poses |= self._seen(others, x_adv, x)
        with self.phases.spent("store"):
            pictured = max(0, run.spec.kept - int(block.rows[0]))
            examples = x_adv[:pictured].copy() if pictured else None
            run.store.add(key, Shard(index, poses, counts, examples, details))
            write_crops(run, key, index.tolist(), map(pixels, rgb(run.estimator, x_adv)))
        self.on_progress(attack.label, len(x))

    def _seen(self, names: Iterable[str], images: Array, clean: Array | None) -> dict[str, Array]:
        """What each of these sees; `OWN` is the network itself."""
        run, known = self.run, {observer.name: observer for observer in self.run.observers}
        seen = {}
        for name in names:
            seed_everything(run.spec.seed, 0)  # Gaussian augmentation draws
            if name == OWN:
                seen[name] = run.estimator.predict(images, len(images))
            else:
                bgr = run.estimator.packs_bgr
                seen[name] = known[name].poses(images, bgr, len(images), clean)
        return seen


def labelled(y: Array, clean: Array) -> Array:
    """True poses; people without a labelled joint have their own clean predictions."""
    unknown = ~(y[..., 2] > 0).any(axis=1)
    if not unknown.any():
        return y
    own = np.concatenate([clean[..., :2], np.ones_like(clean[..., 2:])], axis=-1)
    return np.where(unknown[:, None, None], own, y).astype(np.float32)


def seed_everything(seed: int, person: int) -> None:
    """Seeds what ART's attacks and defences draw from, by who is attacked and not by what ran."""
    set_random_seed(int(np.random.SeedSequence([seed, person]).generate_state(1)[0]))


def _cost(estimator: Any) -> NDArray[np.float64]:
    """Images passed forward and backward, and seconds, so far."""
    return np.array(
        [estimator.forward_passes, estimator.backward_passes, time.perf_counter()], np.float64
    )


def rgb(estimator: Any, images: NDArray[Any]) -> NDArray[Any]:
    """Crops (N, 3, H, W) as packed for the model, red first."""
    return images[:, ::-1] if estimator.packs_bgr else images


def pixels(image: NDArray[Any]) -> NDArray[np.uint8]:
    """An image (3, H, W) in whole grey levels, (H, W, 3)."""
    return np.rint(image).astype(np.uint8).transpose(1, 2, 0)
