"""One batch of people under every attack that they lack, from pixels to shards."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from hpe_art.attacks import AttackSpec, SharedRun, shareable
from hpe_art.data.people import People
from hpe_art.evaluation.goals import goal_of
from hpe_art.evaluation.phases import Phases
from hpe_art.evaluation.prepared import Prepared
from hpe_art.evaluation.store import CLEAN, OWN, Shard, key_of
from hpe_art.files import write_whole

Array = NDArray[np.float32]
Index = NDArray[np.int64]
OnProgress = Callable[[str, int], None]


@dataclass(frozen=True)
class Block:
    """People of one batch, and what each attack lacks of them.

    Attributes:
        rows: in the people of the run.
        lacking: by the attack's folder, the names of those whose predictions are missing.
    """

    rows: Index
    lacking: dict[str, list[str]] = field(default_factory=dict)


def planned_blocks(run: Prepared, batch_size: int) -> list[Block]:
    """Batches of people with something to do, the same however many processes there are."""
    held = {key: _held(run, key) for key in (CLEAN, *run.attacks)}
    blocks = []
    for first in range(0, len(run.people), batch_size):
        rows = np.arange(first, min(first + batch_size, len(run.people)))
        index = run.people.index[rows].tolist()
        wanted = {key: _names(run, key) for key in held}
        lacking = {
            key: [name for name in names if not held[key].get(name, set()).issuperset(index)]
            for key, names in wanted.items()
        }
        lacking = {key: names for key, names in lacking.items() if names}
        if lacking:
            blocks.append(Block(rows, lacking))
    return blocks


def _names(run: Prepared, key: str) -> list[str]:
    observers = run.observers if key == CLEAN else run.observers_of(key)
    return [OWN, *(observer.name for observer in observers)]


def _held(run: Prepared, key: str) -> dict[str, set[int]]:
    """People in the store, by observer; not those whose pictures are to be kept and are not."""
    found = run.store.held(key)
    pictured = set(run.people.index[: run.spec.kept].tolist())
    if key != CLEAN and pictured:
        pictured -= set(run.store.examples(key, pictured))
        found = {name: people - pictured for name, people in found.items()}
    if key != CLEAN and run.spec.save_images:
        folder = perturbed_folder(run, run.attacks[key])
        saved = {int(path.stem) for path in folder.glob("*.png")}
        found = {name: people & saved for name, people in found.items()}
    return found


class BatchAttacker:
    """Attacks batch after batch; each shard is written as soon as it is made.

    Args:
        run: what to attack.
        phases: counts the time of each phase.
        on_progress: called with the name of an attack and the number of images just finished.
    """

    def __init__(
        self, run: Prepared, phases: Phases, on_progress: OnProgress | None = None
    ) -> None:
        self.run, self.phases = run, phases
        self.on_progress = on_progress or (lambda name, count: None)
        self.keys = {attack: key for key, attack in run.attacks.items()}
        self.groups = shareable(run.attacks.values())
        self.shared = [SharedRun(run.estimator, group) for group in self.groups]

    def attack(self, block: Block, x: Array) -> None:
        """Adds to the store what the people of a block lack.

        Args:
            block: from `planned_blocks`.
            x: (n, 3, H, W), their crops, 0 to 255, as packed.
        """
        run, people = self.run, self.run.people[block.rows]
        with self.phases.spent("clean"):
            clean = self._clean(block, people, x)
            targets = None if run.choose is None else run.choose(clean, people).poses
            truth = _labelled(people.y, clean)
        for group, shared in zip(self.groups, self.shared, strict=True):
            todo = [attack for attack in group if self.keys[attack] in block.lacking]
            if not todo:
                continue
            seed_everything(group[0].seed, int(people.index[0]))
            before = _cost(run.estimator)
            with self.phases.spent("attack"):
                aims = targets if group[0].targeted else None
                goal = goal_of(people, run.metric, aims) if shared.needs_goal else None
                labels = truth if aims is None else aims
                perturbed = shared.generate(x, labels, people.index, goal)
            counts = {"generation": _cost_since(before, run.estimator)}
            for attack, x_adv in zip(group, perturbed, strict=True):
                if attack in todo:
                    self._keep(attack, block, people, x, x_adv, counts)

    def _clean(self, block: Block, people: People, x: Array) -> Array:
        run, names = self.run, block.lacking.get(CLEAN, [])
        if names:
            seen = self._seen(names, x, None)
            run.store.add(CLEAN, Shard(people.index, seen, {}))
            self.on_progress(CLEAN, len(x))
            if OWN in seen:
                return seen[OWN]
        return run.store.gathered(CLEAN, people.index)

    def _keep(
        self,
        attack: AttackSpec,
        block: Block,
        people: People,
        x: Array,
        x_adv: Array,
        counts: dict[str, Any],
    ) -> None:
        run, key = self.run, self.keys[attack]
        begun = _cost(run.estimator)
        with self.phases.spent("score"):
            poses = {}
            if OWN in block.lacking[key]:
                poses[OWN] = run.estimator.predict(x_adv, len(x_adv))
                scoring = _cost_since(begun, run.estimator)
                counts = {**counts, "scoring": scoring, "linf": float(np.abs(x_adv - x).max())}
            poses |= self._seen([n for n in block.lacking[key] if n != OWN], x_adv, x)
        with self.phases.spent("store"):
            pictured = max(0, run.spec.kept - int(block.rows[0]))
            examples = x_adv[:pictured].copy() if pictured else None
            run.store.add(key, Shard(people.index, poses, counts, examples))
            if run.spec.save_images:
                save_crops(perturbed_folder(run, attack), people.index, x_adv, run.estimator)
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
                bgr, size = run.estimator.packs_bgr, len(images)
                seen[name] = known[name].poses(images, bgr, size, clean)
        return seen


def _labelled(y: Array, clean: Array) -> Array:
    """True poses; people without a labelled joint have their own clean predictions."""
    unknown = ~(y[..., 2] > 0).any(axis=1)
    if not unknown.any():
        return y
    own = np.concatenate([clean[..., :2], np.ones_like(clean[..., 2:])], axis=-1)
    return np.where(unknown[:, None, None], own, y).astype(np.float32)


def seed_everything(seed: int, person: int) -> None:
    """Seeds what ART's attacks and defences draw from, by who is attacked and not by what ran."""
    drawn = int(np.random.SeedSequence([seed, person]).generate_state(1)[0])
    random.seed(drawn)
    np.random.seed(drawn)
    torch.manual_seed(drawn)


def _cost(estimator: Any) -> NDArray[np.float64]:
    """Images passed forward and backward, and seconds, so far."""
    passes = estimator.forward_passes, estimator.backward_passes
    return np.array([*passes, time.perf_counter()])


def _cost_since(before: NDArray[np.float64], estimator: Any) -> list[float]:
    cost: list[float] = (_cost(estimator) - before).tolist()
    return cost


def perturbed_folder(run: Prepared, attack: AttackSpec) -> Path:
    """Where the perturbed crops of an attack are written."""
    name = key_of(f"{attack.label}_eps{attack.eps:g}", {})
    return run.store.folder.parent / "perturbed" / name.rpartition("-")[0]


def save_crops(folder: Path, index: Index, images: Array, estimator: Any) -> None:
    """Writes crops as PNG named for their people, rounded to whole grey levels."""
    for person, image in zip(index.tolist(), rgb(estimator, images), strict=True):
        pixels = np.rint(image).astype(np.uint8).transpose(1, 2, 0)
        _, png = cv2.imencode(".png", pixels[..., ::-1])
        write_whole(folder / f"{person:05d}.png", png.tobytes())


def rgb(estimator: Any, images: NDArray[Any]) -> NDArray[Any]:
    """Crops (N, 3, H, W) as packed for the model, red first."""
    return images[:, ::-1] if estimator.packs_bgr else images
