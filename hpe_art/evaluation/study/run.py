"""Runs the cells of a study that are not on disk yet, and gathers what they hold."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from hpe_art import zoo
from hpe_art.attacks import AttackSetting, TargetPoses, UniversalPosePerturbation
from hpe_art.evaluation.attacked import Attacked, Evaluation, OnProgress, attack_together
from hpe_art.evaluation.run import clean_evaluation, far_targets
from hpe_art.evaluation.study.cells import CellStore, read_hits, written_hits
from hpe_art.evaluation.study.networks import Network, identity
from hpe_art.evaluation.study.pictures import save_examples, scaled_perturbation, write_picture
from hpe_art.evaluation.study.plan import DEFENCES, Cell, Cost, cost
from hpe_art.evaluation.transfer import Onlooker
from hpe_art.evaluation.universal import EPOCHS, fit_universal
from hpe_art.metrics import pckh_hits

TRAIN_PEOPLE = 128
OnShare = Callable[[Cell, float], None]
OnKept = Callable[[Cell], None]


@dataclass(frozen=True)
class Study:
    """What is studied, and where its cells are kept.

    Attributes:
        networks: loaded.
        cells: the plan, network by network.
        folder: of the study.
        seed: of everything that is drawn.
        batch_size: images per pass.
        epochs: passes over the people that universal perturbations are fitted on.
        pictured: people whose perturbed images are kept.
    """

    networks: list[Network]
    cells: list[Cell]
    folder: Path
    seed: int = 0
    batch_size: int = 32
    epochs: int = EPOCHS
    pictured: int = 3

    @property
    def store(self) -> CellStore:
        """The finished cells."""
        return CellStore(self.folder)

    def network(self, name: str) -> Network:
        """A network by its name."""
        return next(network for network in self.networks if network.name == name)

    def made_of_all(self, network: Network) -> dict[str, Any]:
        """What every cell of a network depends on.

        The networks that look on are not in it: the folder keeps to one set of weights for each
        (`prepared._claim_folder`).
        """
        return {
            "weights": network.weights,
            "model": network.model_sha256,
            "people": identity(network.crops),
            "seed": self.seed,
            "pictured": self.pictured,
        }

    def made_of(self, cell: Cell) -> dict[str, Any]:
        """What a cell depends on beside its settings."""
        network = self.network(cell.network)
        made_of = self.made_of_all(network)
        attack = cell.settings[0].attack if cell.settings else None
        fitted = attack == "uap" and network.fit_on is not None
        if attack == "uap":
            made_of["fit"] = (
                [identity(network.fit_on), self.epochs]
                if network.fit_on is not None
                else zoo.sha256(network.bundled[cell.settings[0].eps])
            )
        if attack == "igsm" or fitted:  # FGSM's gradient is the model's own (attacks)
            made_of["precision"] = network.estimator.precision
        return made_of

    def lacking(self, cell: Cell) -> Cell | None:
        """What is still to be run of a cell; None if it is finished."""
        return self.store.lacking(cell, self.made_of(cell))

    def cost(self, cell: Cell) -> Cost:
        """What a cell, or what it lacks, costs in passes."""
        network = self.network(cell.network)
        fits = 0
        again = self.lacking(cell) is not None and self.fitted_before(cell)
        if network.fit_on is not None and not again:
            fits = len(network.fit_on) * self.epochs
        one = cost(cell, len(network.crops), fits, train_people(network))
        twice = network.estimator.passes_per_image
        return Cost(
            one.forward * twice,
            one.backward * twice,
            {
                name: images * self.network(name).estimator.passes_per_image
                for name, images in one.elsewhere.items()
            },
        )

    def fitted_before(self, cell: Cell) -> Path | None:
        """The universal perturbation that a cell on disk was made with, if it is there too."""
        held = self.store.read(cell, self.made_of(cell)) if cell.settings else None
        kept = held["attacks"][0].get("perturbation") if held else None
        if kept is None:
            return None
        path = self.folder / kept["path"]
        return path if path.is_file() and zoo.sha256(path) == kept["sha256"] else None


def train_people(network: Network) -> int:
    """How many training people universal perturbations are scored on: none without head sizes."""
    people = network.fit_on
    if people is None or not (people.head_size > 0).all():
        return 0
    return min(TRAIN_PEOPLE, len(people))


def run_cells(
    study: Study,
    on_share: OnShare = lambda cell, share: None,
    on_kept: OnKept = lambda cell: None,
) -> None:
    """Runs what is missing; each finished cell is kept at once.

    Args:
        study: what to run.
        on_share: called with a cell of the plan and the share of its images that is done.
        on_kept: called with a cell of the plan that has just been written.
    """
    for network in study.networks:
        clean_cell, *cells = [cell for cell in study.cells if cell.network == network.name]
        lacking = study.lacking(clean_cell)
        if lacking is not None:
            run = partial(_clean, study, network, lacking)
            _keep(study, network, lacking, run, partial(on_share, clean_cell))
            on_kept(clean_cell)
        missing = {cell: lacking for cell in cells if (lacking := study.lacking(cell))}
        if missing:
            done = _seen_clean(study, network, clean_cell)
            for cell, lacking in missing.items():
                run = partial(_attacked, study, network, lacking, done)
                _keep(study, network, lacking, run, partial(on_share, cell))
                on_kept(cell)


def _keep(
    study: Study,
    network: Network,
    cell: Cell,
    run: Callable[[OnProgress], dict[str, Any]],
    on_share: Callable[[float], None],
) -> None:
    """Runs a cell, or what it lacks, counts the passes, and keeps it."""
    images = max(1, len(cell.settings)) * len(network.crops)
    others = [study.network(name) for name in _others(cell)]
    finished = 0

    def tell(name: str, count: int) -> None:
        nonlocal finished
        finished += count
        on_share(finished / images)

    on_share(0.0)
    begun, before = time.perf_counter(), _passes(network, others)
    content = run(tell)
    after = _passes(network, others)
    content["passes"] = {
        "forward": after["forward"] - before["forward"],
        "backward": after["backward"] - before["backward"],
        "elsewhere": {
            name: after["elsewhere"][name] - before["elsewhere"][name]
            for name in after["elsewhere"]
        },
    }
    content["seconds"] = time.perf_counter() - begun
    made_of = study.made_of(cell)
    if "precision" in made_of:
        content["found_with"] = [network.estimator.gradient_precision]
    study.store.add(cell, made_of, content)


def _others(cell: Cell) -> list[str]:
    """The networks that a cell's images are shown to."""
    return sorted({name for names in cell.shown for name in names} - set(DEFENCES))


def _passes(network: Network, others: Sequence[Network]) -> dict[str, Any]:
    """Images passed so far; a defended network counts as the network."""
    own = {id(network.estimator): network.estimator}
    own |= {id(o.estimator): o.estimator for o in network.defended.values()}
    return {
        "forward": sum(estimator.forward_passes for estimator in own.values()),
        "backward": network.estimator.backward_passes,
        "elsewhere": {other.name: other.estimator.forward_passes for other in others},
    }


def _onlookers(study: Study, network: Network, names: Sequence[str]) -> list[Onlooker]:
    return [
        network.defended.get(name) or Onlooker(name, study.network(name).estimator)
        for name in names
    ]


def _clean(study: Study, network: Network, cell: Cell, tell: OnProgress) -> dict[str, Any]:
    """Clean scores, of onlookers too, and who gives the target poses."""
    crops, seed = network.crops, study.seed
    onlookers = _onlookers(study, network, cell.shown[0])
    done = clean_evaluation(network.estimator, crops, study.batch_size, seed, onlookers, tell)
    targets = far_targets(crops, seed)(done.clean_poses)
    return {
        "clean": done.clean,
        "hits": written_hits(done.clean_hits),
        "onlookers": [
            {"kind": kind, "name": name, "clean": clean, "hits": written_hits(hits)}
            for (kind, name), (clean, hits) in done.onlookers.items()
        ],
        "targets": {
            "rule": targets.rule,
            "seed": targets.seed,
            "fallbacks": targets.fallbacks,
            "donors": targets.donors,
        },
        "examples": save_examples(study.folder, network, done.clean_poses, study.pictured),
    }


def _seen_clean(study: Study, network: Network, cell: Cell) -> Evaluation:
    """The clean part as it is on disk, so that it is the same whoever made it."""
    content = study.store.read(cell, study.made_of(cell))
    if content is None:
        raise RuntimeError(f"Expected the clean cell of {network.name} on disk. Got none.")
    kept = content["targets"]
    donors = np.asarray(kept["donors"], np.int64)
    targets = TargetPoses(
        network.crops.donors[donors], kept["rule"], kept["seed"], donors, kept["fallbacks"]
    )
    onlookers = {
        (o["kind"], o["name"]): (o["clean"], read_hits(o["hits"])) for o in content["onlookers"]
    }
    no_poses = np.zeros((0, 0, 3), np.float32)
    return Evaluation(
        content["clean"], no_poses, read_hits(content["hits"]), targets, onlookers=onlookers
    )


def _attacked(
    study: Study, network: Network, cell: Cell, done: Evaluation, tell: OnProgress
) -> dict[str, Any]:
    """Every setting of a cell: its entry, its hits, and the first people's images."""
    settings = list(cell.settings)
    if settings[0].attack == "uap":
        kept = study.fitted_before(cell)
        settings = [_with_perturbation(study, network, setting, kept) for setting in settings]
    shown = dict(zip(settings, cell.shown, strict=True))
    attacked = attack_together(
        network.estimator,
        network.crops,
        settings,
        done,
        study.seed,
        lambda setting: _onlookers(study, network, shown[setting]),
        study.pictured,
        tell,
    )
    return {"attacks": [_record(study, network, one) for one in attacked]}


def _record(study: Study, network: Network, one: Attacked) -> dict[str, Any]:
    record: dict[str, Any] = {
        "entry": one.entry,
        "hits": written_hits(one.hits),
        "target_hits": None if one.target_hits is None else written_hits(one.target_hits),
        "shown": [
            {"kind": kind, "name": name, "hits": written_hits(hits)}
            for (kind, name), hits in one.shown.items()
        ],
        "examples": save_examples(
            study.folder, network, one.poses, study.pictured, one.examples, one.entry
        ),
    }
    if one.setting.attack == "uap":
        others = [name for kind, name in one.shown if kind == "transfer_to"]
        record["alone"] = _alone(study, network, one.setting, others)
        path = Path(str(one.setting.perturbation))
        if network.fit_on is not None:
            where = path.relative_to(study.folder).as_posix()
            record["perturbation"] = {"path": where, "sha256": zoo.sha256(path)}
        if train_people(network):
            record["train_clean_hits"] = written_hits(_train_hits(study, network, None))
            record["train_hits"] = written_hits(_train_hits(study, network, one.setting))
    return record


def _with_perturbation(
    study: Study, network: Network, setting: AttackSetting, kept: Path | None
) -> AttackSetting:
    """The setting with its file: bundled, fitted before, or fitted now."""
    if network.fit_on is None:
        return replace(setting, perturbation=str(network.bundled[setting.eps]))
    if kept is not None:
        return replace(setting, perturbation=str(kept))
    folder = study.folder / "perturbations" / network.name
    return fit_universal(
        setting,
        network.estimator,
        network.fit_on.x,
        network.fit_on.y,
        folder,
        network.checkpoint,
        study.epochs,
        verbose=False,
    )


def _alone(
    study: Study, network: Network, setting: AttackSetting, others: Sequence[str]
) -> dict[str, Any]:
    """What the network and others see in the perturbation alone, scaled to 0..255."""
    attack = UniversalPosePerturbation.load(str(setting.perturbation), network.estimator)
    noise = attack.resized(*network.estimator.input_shape[1:]).numpy()
    image = scaled_perturbation(noise, setting.eps)
    name = f"pictures/{network.name}/{setting.outputs}_uap_eps{setting.eps:g}.webp"
    bgr, poses = network.estimator.packs_bgr, {}
    for other in (network, *map(study.network, others)):
        [pose] = Onlooker(other.name, other.estimator).poses(image[None], bgr)
        poses[other.name] = np.round(pose.astype(np.float64), 2)
    return {"image": write_picture(study.folder, name, image, network, "image"), "poses": poses}


def _train_hits(
    study: Study, network: Network, setting: AttackSetting | None
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Hits on the first training people, clean or with a universal perturbation."""
    if network.fit_on is None:
        raise RuntimeError("Expected training people. Got none.")
    people = network.fit_on.first(train_people(network))
    x = people.x[:].astype(np.float32)
    if setting is not None:
        x = UniversalPosePerturbation.load(str(setting.perturbation), network.estimator).generate(x)
    poses = people.to_image(network.estimator.predict(x, study.batch_size))
    return pckh_hits(poses, people.truth, people.head_size)
