"""Where universal perturbations come from: a file, a fit on training people, or the bundle."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mmengine.config import Config

from hpe_art import zoo
from hpe_art.attacks import AttackSpec, Universal
from hpe_art.attacks.targets import RULES, TargetPoses, mirrored_poses, poses_from_file
from hpe_art.data.people import People, people_of
from hpe_art.data.test_sets import build_test_set, choose_people
from hpe_art.errors import UserError
from hpe_art.evaluation.processes import agreed, is_main
from hpe_art.evaluation.spec import FitSpec, RunSpec
from hpe_art.files import sha256, write_whole
from hpe_art.losses import TRAINING
from hpe_art.rendered_people import people_are_there
from hpe_art.skeleton import Skeleton

FIT_SAMPLES = 4096
EPOCHS = 2


@dataclass(frozen=True)
class Fit:
    """What universal perturbations are fitted on.

    Attributes:
        people: training people, cropped as in the test.
        epochs: passes over them.
        targets: their target poses, for targeted perturbations.
    """

    people: People
    epochs: int
    targets: TargetPoses | None = None

    @property
    def identity(self) -> dict[str, Any]:
        """What tells it from another."""
        file = Path(self.people.ann_file)
        return {
            "fitted_on": [file.name, sha256(file)[:16] if file.is_file() else ""],
            "people": len(self.people),
            "epochs": self.epochs,
        }


def is_unfitted(attack: AttackSpec) -> bool:
    """Whether it is a universal perturbation without a file."""
    return isinstance(attack, Universal) and attack.perturbation is None


def find_fit(spec: RunSpec, cfg: Config, skeleton: Skeleton) -> Fit | None:
    """The people to fit on; None where nothing is to be fitted, or nobody is there.

    Args:
        spec: of the run.
        cfg: whose training set it is, unless the spec names another.
        skeleton: of the dataset.

    Raises:
        UserError: they cannot be loaded, or are asked for in vain.
    """
    attacks = [attack for attack in spec.attacks if is_unfitted(attack)]
    if not attacks:
        return None
    settings = copy.deepcopy(spec.fit.dataset or _training_set(cfg))
    if settings is None or not people_are_there(settings):
        if spec.fit != FitSpec():
            raise UserError(
                "Expected training people for --epochs and --fit-samples. Got none: render them "
                "(tools/train.py does), or name a folder with --fit-data-root."
            )
        return None
    settings["pipeline"] = cfg.test_dataloader.dataset.pipeline
    dataset = build_test_set({**settings, "test_mode": True})
    chosen, skipped = _chosen(dataset, spec)
    found = replace(people_of(dataset, chosen), skipped=skipped)
    targets = None
    if any(attack.targeted for attack in attacks):
        targets = _same_for_all(spec.target, found, skeleton)
    return Fit(found, spec.fit.epochs or EPOCHS, targets)


def _chosen(dataset: Any, spec: RunSpec) -> tuple[list[int], tuple[str, ...]]:
    try:
        return choose_people(dataset, spec.fit.samples, spec.skip_unreadable, FIT_SAMPLES)
    except UserError as error:
        raise UserError(str(error).replace("--num-samples", "--fit-samples")) from error


def _training_set(cfg: Config) -> dict[str, Any] | None:
    found = cfg.get("train_dataloader") or {}
    return dict(found["dataset"]) if "dataset" in found else None


def _same_for_all(target: str, people: People, skeleton: Skeleton) -> TargetPoses:
    if target == RULES[0]:
        raise UserError(
            "Expected --target mirror or a JSON file for a targeted universal perturbation, which "
            f"moves everybody alike. Got {target}."
        )
    if target in RULES:
        return mirrored_poses(people.y, skeleton.flip_indices)
    return poses_from_file(target, people.index * 0, people.size, len(skeleton.joints))


def ready_attacks(spec: RunSpec, source: str, estimator: Any, fit: Fit | None) -> list[AttackSpec]:
    """The attacks; universal ones that are not to be fitted with their bundled files.

    Args:
        spec: of the run.
        source: where the network's weights are from.
        estimator: the network.
        fit: from `find_fit`.

    Raises:
        UserError: a file that is no perturbation of that kind or for crops of another aspect, or
            there is no bundled one.
    """
    found: list[AttackSpec] = []
    for attack in spec.attacks:
        if isinstance(attack, Universal) and attack.perturbation is None and fit is None:
            attack = replace(attack, perturbation=_bundled(attack, source))
        if isinstance(attack, Universal) and attack.perturbation is not None:
            attack.build(estimator).resized(*estimator.input_shape[1:])
        found.append(attack)
    return found


def _bundled(attack: Universal, source: str) -> str:
    plain = not attack.targeted and attack.outputs == "last" and attack.loss == TRAINING
    path = None
    if source.startswith(zoo.PREFIX) and plain:
        path = zoo.perturbation_path(source, attack.eps)
    if path is None:
        raise UserError(
            "Expected training people to fit a universal perturbation on, or a bundled untargeted "
            f"one for the last output. Got neither for {source} at eps {attack.eps:g}: render "
            "people (tools/train.py does), or name a folder with --fit-data-root."
        )
    return str(path)


def fitted(
    attacks: dict[str, AttackSpec], estimator: Any, fit: Fit, folder: Path, source: str
) -> dict[str, AttackSpec]:
    """The attacks, universal ones with perturbations that are fitted now, or were before.

    All processes fit together; a fit that was stopped goes on from its last saved step.

    Args:
        attacks: by their folders in the store.
        estimator: the network.
        fit: what to fit on.
        folder: where perturbations are saved, under the names of their folders.
        source: name of the network, saved with them.
    """
    ready = dict(attacks)
    for key, attack in attacks.items():
        if isinstance(attack, Universal) and attack.perturbation is None:
            y = fit.targets.poses if attack.targeted and fit.targets else fit.people.y
            ready[key] = _fitted(key, attack, estimator, fit, y, folder, source)
    return ready


def _fitted(
    key: str, attack: Universal, estimator: Any, fit: Fit, y: Any, folder: Path, source: str
) -> Universal:
    name = f"{attack.label.lower().replace(' ', '-')}_eps{attack.eps:g}"
    path, about = folder / f"{name}.npz", folder / f"{name}.json"
    state = folder / f"{key}.part.npz"  # that of another fit is not gone on with
    made_of = json.dumps({**attack.settings(), **fit.identity, "source": source}, indent=1)
    if not agreed(about.is_file() and about.read_text("utf-8") == made_of):
        perturbation = attack.build(estimator, epochs=fit.epochs)
        perturbation.verbose = is_main()
        people: Any = fit.people
        perturbation.fit(people.x, y, source, state=state)
        if is_main():
            perturbation.save(path)
            write_whole(about, made_of)
            state.unlink(missing_ok=True)
    agreed(None)  # nobody reads it before it is there
    return replace(attack, perturbation=str(path))
