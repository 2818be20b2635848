"""Certified joints of a smoothed network, beside what attacks in l2 leave of it.

    FOLDER/network    the network itself: a run of the loop, with its store
    FOLDER/smoothed   where the network puts the joints in noisy copies of each image

Shapes: N people, C noisy copies, K joints.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from mmengine.config import Config
from numpy.typing import NDArray

from hpe_art.attacks import Apgd
from hpe_art.data.people import People
from hpe_art.estimators.smoothing import noisy_poses, shown_with_noise
from hpe_art.evaluation.attacking import labelled, seed_everything
from hpe_art.evaluation.details import measured
from hpe_art.evaluation.goals import goal_of
from hpe_art.evaluation.observers import behind_defence
from hpe_art.evaluation.prepared import Prepared
from hpe_art.evaluation.results import Measured, Record, Run
from hpe_art.evaluation.running import attack_runner, loop_of
from hpe_art.evaluation.spec import run_spec
from hpe_art.evaluation.store import CLEAN, OWN, Shard, Store, key_of
from hpe_art.gradients import GradientWarning
from hpe_art.metrics.bootstrap import drawn_shares, of_enough
from hpe_art.metrics.certificates import Smoothing, smoothed_poses

Array = NDArray[np.float32]
BATCH_SIZE = 8
"""People who are attacked together."""


class AtEps(Record):
    """What is left at an eps in l2, in percent of the joints that count.

    Attributes:
        eps: in grey levels.
        certified: of the smoothed network, whatever the attack.
        smoothed: found by the smoothed network under the attack that knows of the noise.
        network: found by the network itself under the same attack, without noise.
        broken: joints that are certified at this eps, and that the attack has moved away all the
            same; by the confidence hardly ever any.
    """

    eps: float
    certified: Measured
    smoothed: Measured
    network: Measured
    broken: int


class Certificates(Record):
    """All that was found of a network.

    Attributes:
        network: the run of the network itself.
        sigma, copies, confidence: of the `Smoothing`.
        max_iter: steps of the attacks.
        gradient_copies: noisy copies that each step of the attack on the smoothed network sees.
        largest: eps that is certified where all copies agree; none is larger.
        clean: found by the network itself, in percent of the joints that count; `smoothed` by the
            smoothed one, and `certified` at any eps at all.
        rows: by eps.
        people: places in the test set.
        certified_eps: for each of them, of each joint, in grey levels of l2: 0 where nothing is
            certified, null where the joint does not count.
    """

    network: Run
    sigma: float
    copies: int
    confidence: float
    max_iter: int
    gradient_copies: int
    largest: float
    clean: Measured
    smoothed: Measured
    certified: Measured
    rows: list[AtEps]
    people: list[int]
    certified_eps: list[list[float | None]]


def certify(
    cfg: Config,
    checkpoint: str,
    folder: Path,
    smoothing: Smoothing,
    eps: Sequence[float] = (),
    max_iter: int = 20,
    gradient_copies: int = 4,
    say: Callable[[str], None] = lambda line: None,
    **settings: Any,
) -> Certificates:
    """Certifies and attacks a network; what is in the folder already is not run again.

    Args:
        cfg: of the network, from `load_config`; not changed.
        checkpoint: where the weights are from.
        folder: of the stores.
        smoothing: noise, copies and confidence.
        eps: of the attacks, in grey levels of l2.
        max_iter: steps of the attacks.
        gradient_copies: noisy copies that each step sees.
        say: is told what is done next.
        **settings: of the `RunSpec`: people, seed, metric, device.

    Raises:
        UserError: something cannot be used; the message names the mend.
    """
    attacks = [
        Apgd(eps=one, norm=2, max_iter=max_iter, outputs="all", schedule="linear")
        for one in sorted(set(eps))
    ]
    spec = run_spec(attacks=attacks, **settings)
    runner = attack_runner(cfg, spec, folder / "network", checkpoint)
    loop = loop_of(runner)
    loop.progress = False
    assert loop.prepared is not None
    store = Store(folder / "smoothed")
    smoothed = SmoothedNetwork(loop.prepared, smoothing, gradient_copies, store, say)
    goal_of(loop.prepared.people, loop.prepared.metric)  # raises early
    smoothed.claim()
    say("the network itself")
    runner.test()
    run, record = loop.finished
    with store.locked():
        smoothed.observe()
        for attack in attacks:
            smoothed.attack(attack)
    return _certificates(run, record, smoothed, attacks, max_iter)


@dataclass(frozen=True)
class SmoothedNetwork:
    """A network whose joints lie at their medians over noisy copies, and the store of the copies.

    Attributes:
        run: whose people and network they are.
        smoothing: noise and copies.
        gradient_copies: that each step of an attack sees.
        store: of the medians, with the points in all copies as details.
        say: is told what is done next.
    """

    run: Prepared
    smoothing: Smoothing
    gradient_copies: int
    store: Store
    say: Callable[[str], None]
    POINTS: ClassVar[str] = "points"

    def claim(self) -> None:
        """Sees that what is held is of the same noise; a StoreError if it is not."""
        noise = {name: getattr(self.smoothing, name) for name in ("sigma", "copies")}
        self.store.claim({**self.run.fingerprint, **noise}, self.run.spec.overwrite)

    def key(self, attack: Apgd) -> str:
        """Folder of an attack."""
        said = {"metric": self.run.metric.label, "gradient_copies": self.gradient_copies}
        return key_of(f"{attack.label}_eps{attack.eps:g}", {**attack.settings(), **said})

    def points(self, key: str = CLEAN) -> Array:
        """(N, C, K, 2), of everybody who is in the store."""
        found = self.store.details(key, self.run.people.index, self.POINTS)
        assert found is not None
        return found

    def observe(self) -> None:
        """Adds what the network sees in copies of the images as they are."""
        self._add(CLEAN, "noisy copies", lambda people, x: x)

    def attack(self, attack: Apgd) -> None:
        """Adds what it sees in copies of perturbed images; clean ones are there."""
        noise = shown_with_noise(self.smoothing.sigma, self.gradient_copies)
        estimator = behind_defence(self.run.estimator, noise)
        built = attack.build(estimator, BATCH_SIZE)

        def perturbed(people: People, x: Array) -> Array:
            seed_everything(self.run.spec.seed, int(people.index[0]))
            y = labelled(people.y, self.store.gathered(CLEAN, people.index))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", GradientWarning)  # of people wholly lost
                goal = goal_of(people, self.run.metric)
                found: Array = built.generate(x, y, goal, people.index)
            return found

        self._add(self.key(attack), f"attack at eps {attack.eps:g}", perturbed)

    def _add(self, key: str, what: str, images: Callable[[People, Array], Array]) -> None:
        people, store = self.run.people, self.store
        for first in range(0, len(people), BATCH_SIZE):
            self.say(f"{what}: {first} of {len(people)} people")
            some = people[first : first + BATCH_SIZE]
            if len(store.missing(key, some.index)):
                x = images(some, some.x[:].astype(np.float32))
                seen = np.stack([self._seen(*one) for one in zip(some.index, x, strict=True)])
                details = {self.POINTS: seen[..., :2]}
                store.add(key, Shard(some.index, {OWN: smoothed_poses(seen)}, details=details))

    def _seen(self, person: int, image: Array) -> Array:
        seed = [self.run.spec.seed, int(person)]
        size = self.run.spec.batch_size or 4 * BATCH_SIZE
        noise = (self.smoothing.sigma, self.smoothing.copies)
        return noisy_poses(self.run.estimator, image, *noise, seed, size)


def _certificates(
    run: Prepared,
    record: Run,
    smoothed: SmoothedNetwork,
    attacks: Sequence[Apgd],
    max_iter: int,
) -> Certificates:
    goal = goal_of(run.people, run.metric)
    places = (one.double().numpy() for one in (goal.centres, goal.radii))
    certified = smoothed.smoothing.certified_eps(smoothed.points(), *places)
    counts = ~np.isnan(certified)

    def share(holds: NDArray[np.bool_]) -> Measured:
        draws = 100 * drawn_shares(np.where(counts, holds, np.nan), run.spec.seed)
        return measured(of_enough(draws, len(holds)))

    def found(store: Store, key: str) -> NDArray[np.bool_]:
        poses = run.people.to_image(store.gathered(key, run.people.index))
        return run.metric.hits(poses, run.people.truth) > 0

    def at(attack: Apgd, own: str) -> AtEps:
        holds, survives = certified > attack.eps, found(smoothed.store, smoothed.key(attack))
        return AtEps(
            eps=attack.eps,
            certified=share(holds),
            smoothed=share(survives),
            network=share(found(run.store, own)),
            broken=int((holds & ~survives).sum()),
        )

    return Certificates(
        network=record,
        **asdict(smoothed.smoothing),
        max_iter=max_iter,
        gradient_copies=smoothed.gradient_copies,
        largest=float(smoothed.smoothing.reach()[0]),
        clean=share(found(run.store, CLEAN)),
        smoothed=share(found(smoothed.store, CLEAN)),
        certified=share(certified > 0),
        rows=[at(*one) for one in zip(attacks, run.attacks, strict=True)],
        people=run.people.index.tolist(),
        certified_eps=[[None if np.isnan(e) else float(e) for e in one] for one in certified],
    )
