"""Where universal perturbations come from: a file, a fit on training people, or the bundle."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeGuard

from mmengine.config import Config

from hpe_art import zoo
from hpe_art.attacks import AttackSpec, Universal
from hpe_art.attacks.targets import RULES, TargetPoses, mirrored_poses, poses_from_file
from hpe_art.data.people import People, load_people
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
    """What universal perturbations are fitted on, in so many passes, with targets if targeted."""

    people: People
    epochs: int
    targets: TargetPoses | None = None

    @property
    def identity(self) -> dict[str, Any]:
        """What tells it from another."""
        files = map(Path, self.people.ann_files)
        known = [(file.name, sha256(file)[:16] if file.is_file() else "") for file in files]
        return {
            "fitted_on": [part for pair in known for part in pair],
            "people": len(self.people),
            "epochs": self.epochs,
        }


def is_unfitted(attack: AttackSpec) -> TypeGuard[Universal]:
    """Whether it is a universal perturbation without a file."""
    return isinstance(attack, Universal) and attack.perturbation is None


def training_set(cfg: Config, fit: FitSpec) -> dict[str, Any] | None:
    """The config of the people to fit on, if they are there; else None."""
    known = fit.dataset or (cfg.get("train_dataloader") or {}).get("dataset")
    return dict(known) if known and people_are_there(known) else None


def find_fit(spec: RunSpec, cfg: Config, skeleton: Skeleton) -> Fit | None:
    """The people to fit on, cropped as in the test; None if nothing is to be fitted, or on nobody.

    Raises a UserError if they cannot be loaded, or are asked for in vain.
    """
    attacks = [attack for attack in spec.attacks if is_unfitted(attack)]
    if not attacks:
        return None
    dataset = training_set(cfg, spec.fit)
    if dataset is None:
        if spec.fit != FitSpec():
            raise UserError(
                "Expected training people for --epochs and --fit-samples. Got none: render them "
                "(tools/train.py does), or name a folder with --fit-data-root."
            )
        return None
    dataset.update(pipeline=cfg.test_dataloader.dataset.pipeline, test_mode=True)
    settings = Config(dict(test_dataloader=dict(dataset=dataset)))
    try:
        people = load_people(settings, spec.fit.samples, spec.skip_unreadable, FIT_SAMPLES)
    except UserError as error:
        raise type(error)(str(error).replace("--num-samples", "--fit-samples")) from error
    aimed = any(attack.targeted for attack in attacks)
    targets = _same_for_all(spec.target, people, skeleton) if aimed else None
    return Fit(people, spec.fit.epochs or EPOCHS, targets)


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
    """The attacks; universal ones that are not to be fitted with the files bundled with the source.

    Raises a UserError if one is none, or for crops of another aspect, or is not bundled.
    """
    found: list[AttackSpec] = []
    for attack in spec.attacks:
        if fit is None and is_unfitted(attack):
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

    All processes fit together; a fit that was stopped goes on from its last saved step. Saved in
    the folder, with the source of the network's weights.
    """
    ready = dict(attacks)
    for key, attack in attacks.items():
        if is_unfitted(attack):
            name = f"{attack.label.lower().replace(' ', '-')}_eps{attack.eps:g}"
            state = folder / f"{key}.part.npz"  # that of another fit is not gone on with
            path = _fitted(attack, estimator, fit, folder / name, state, source)
            ready[key] = replace(attack, perturbation=str(path))
    return ready


def _fitted(
    attack: Universal, estimator: Any, fit: Fit, place: Path, state: Path, source: str
) -> Path:
    path, about = (place.parent / f"{place.name}{end}" for end in (".npz", ".json"))
    made_of = json.dumps({**attack.settings(), **fit.identity, "source": source}, indent=1)
    if not agreed(about.is_file() and about.read_bytes() == made_of.encode()):
        people: Any = fit.people
        y = fit.targets.poses if attack.targeted and fit.targets else people.y
        perturbation = attack.build(estimator, epochs=fit.epochs)
        perturbation.verbose = is_main()
        perturbation.fit(people.x, y, source, state=state)
        if is_main():
            perturbation.save(path)
            write_whole(about, made_of)
            state.unlink(missing_ok=True)
    agreed(None)  # nobody reads it before it is there
    return path
