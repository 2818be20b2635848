"""A run whose network, people and settings have been found good, before any attack."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from numpy.typing import NDArray
from torch import nn

from hpe_art.attacks import AttackSpec
from hpe_art.attacks.targets import (
    RULES,
    TargetPoses,
    complete_donors,
    hold_others,
    mirrored_poses,
    poses_from_file,
    random_far_poses,
)
from hpe_art.data.people import People, load_people, people_of
from hpe_art.errors import UserError, usable
from hpe_art.estimators import PyTorchPoseEstimator
from hpe_art.estimators.gradient_copy import settled
from hpe_art.estimators.loading import FITTING
from hpe_art.evaluation.fingerprints import attack_key, fingerprint_of
from hpe_art.evaluation.observers import Observer, SavedImages, check_names, defended, other_network
from hpe_art.evaluation.perturbations import Fit, find_fit, is_unfitted, ready_attacks
from hpe_art.evaluation.spec import RunSpec, SpecError
from hpe_art.evaluation.store import CLEAN, OWN, Store
from hpe_art.metrics import Metric, metric_for, metric_named
from hpe_art.metrics.bootstrap import FEWEST
from hpe_art.skeleton import Skeleton

Array = NDArray[np.float32]
ChooseTargets = Callable[[Array, People], TargetPoses]


@dataclass(frozen=True)
class Prepared:
    """One network and its people, ready to be attacked.

    Attributes:
        evaluator: config of the official numbers.
        attacks: the specs by their folders in the store, in order.
        shown: folders of the attacks whose images the observers see.
        fingerprint: of all that the predictions depend on.
        choose: gives target poses for clean predictions; None where no attack is targeted.
        fit: of universal perturbations, where one is to be fitted.
    """

    spec: RunSpec
    estimator: PyTorchPoseEstimator
    people: People
    metric: Metric
    skeleton: Skeleton
    evaluator: Any
    attacks: dict[str, AttackSpec]
    shown: frozenset[str]
    observers: list[Observer]
    store: Store
    fingerprint: dict[str, Any]
    choose: ChooseTargets | None
    fit: Fit | None

    def observers_of(self, key: str) -> list[Observer]:
        """Who is shown the images of an attack, or the clean ones."""
        if key == CLEAN or key in self.shown:
            return self.observers
        return [observer for observer in self.observers if observer.kind == "saved"]

    def observed_by(self) -> dict[str, list[str]]:
        """Names of all who see the clean images, and those of each attack, by its folder."""
        return {
            key: [OWN, *(observer.name for observer in self.observers_of(key))]
            for key in (CLEAN, *self.attacks)
        }

    def notes(self) -> list[str]:
        """What a reader of the results has to know."""
        spec, estimator, skipped = self.spec, self.estimator, self.people.skipped
        names, bad = ", ".join(skipped[:5]), self.people.left_out
        bundled = self.fit is None and any(map(is_unfitted, spec.attacks))
        every = any(getattr(attack, "outputs", "last") == "all" for attack in spec.attacks)
        one = every and estimator.count_outputs() == 1
        notes = {
            f"No intervals: {len(self.people)} people, where {FEWEST} are needed.": (
                len(self.people) < FEWEST
            ),
            f"{len(skipped)} unreadable images were left out: {names}.": skipped,
            f"{len(bad)} people were left out, who cannot be used: {'; '.join(bad[:5])}.": bad,
            "The network has one output: all outputs equal the last.": one,
            "No training people are rendered: the bundled perturbations were used.": bundled,
            "Scored and attacked with flip-test.": estimator.flip_test,
            f"Scored and attacked behind {spec.behind}.": spec.behind,
            f"The device has memory for {estimator.fits} images at once: batches were halved.": (
                estimator.fits
            ),
            str(spec.lost): spec.lost,
            "People are the detections of the config; unmatched ones have no true pose.": (
                spec.detections
            ),
        }
        return [note for note, holds in notes.items() if holds]


def settled_precision(spec: RunSpec, folder: Path) -> str:
    """That of the store which is gone on with, or what "auto" comes to here."""
    # Another machine, or process, might come to something else.
    held = Store(folder / "store").fingerprint.get("precision")
    if spec.precision == "auto" and held and not spec.overwrite:
        return str(held)
    on_cpu = spec.device == "cpu" or not torch.cuda.is_available()
    return settled(spec.precision, torch.device("cpu" if on_cpu else "cuda"))


def prepare(
    spec: RunSpec,
    cfg: Config,
    model: nn.Module,
    dataloader: Mapping[str, Any],
    evaluator: Any,
    folder: Path,
) -> Prepared:
    """Does everything that can fail on bad input.

    Takes the config of the network and the model built from it, with its weights; configs of the
    people and of the official numbers; and the folder of the run. Raises a UserError if something
    cannot be used, which says what and the mend.
    """
    check_device(spec.device)
    score_in_float32()
    test_set = Config(dict(test_dataloader=dict(dataset=dataloader["dataset"])))
    some = (spec.num_samples, spec.skip_unreadable, spec.max_samples)
    people = load_people(test_set, *some, spec.detections)
    metainfo = people.metainfo
    described: Any = {**metainfo, "flip_indices": people.flip_indices}
    model.dataset_meta = described
    with usable(FITTING):
        estimator = _estimator(spec, model)
        _check_fit(estimator, people, spec.attacks)
    skeleton = Skeleton.from_metainfo(metainfo)
    named = metric_named(spec.metric, skeleton) if spec.metric else None
    metric = named or metric_for(evaluator, metainfo)
    metric.check(people.truth)
    metric.check_scored(people.truth)
    if any(attack.needs_goal for attack in spec.attacks):
        metric.radii(people.truth)  # raises early
    observers = _observers(spec, estimator, len(skeleton.joints))
    fit = find_fit(spec, cfg, skeleton)
    attacks = ready_attacks(spec, str(cfg.get("load_from") or ""), estimator, fit)
    keys = [attack_key(attack, spec, metric, fit) for attack in attacks]
    return Prepared(
        spec=spec,
        estimator=estimator,
        people=people,
        metric=metric,
        skeleton=skeleton,
        evaluator=evaluator,
        attacks=dict(zip(keys, attacks, strict=True)),
        shown=frozenset(keys if spec.shown is None else [keys[i] for i in spec.shown]),
        observers=observers,
        store=Store(folder / "store"),
        fingerprint=fingerprint_of(spec, cfg, estimator, people.dataset, observers),
        choose=_target_rule(spec, people, metric, skeleton) if spec.targeted else None,
        fit=fit,
    )


def check_device(asked: str) -> None:
    """Raises a UserError if "cuda" is asked for, out of "auto", "cpu" and "cuda", and not there."""
    if asked == "cuda" and not torch.cuda.is_available():
        raise UserError("Expected a CUDA device for --device cuda. Got none: use cpu.")


def score_in_float32() -> None:
    """Has this process convolve float32 as such, where PyTorch lets a GPU take TF32."""
    torch.backends.cudnn.allow_tf32 = False


def _estimator(spec: RunSpec, model: nn.Module) -> PyTorchPoseEstimator:
    estimator = PyTorchPoseEstimator(
        model,
        flip_test=spec.flip_test,
        precision=spec.precision,
        compile=spec.compile,
        device_type="cpu" if spec.device == "cpu" else "gpu",
    )
    if spec.behind:
        estimator = defended(spec.behind, estimator).estimator
    _ = estimator.gradient_precision  # makes the copy, if there is to be one
    return estimator


def _observers(spec: RunSpec, estimator: PyTorchPoseEstimator, joints: int) -> list[Observer]:
    """Those to whom perturbed images are shown too."""
    observers = [other_network(path, estimator, joints) for path in spec.transfer_to]
    observers += [defended(name, estimator) for name in spec.defences]
    observers += [SavedImages(estimator=estimator)] if spec.saves else []
    check_names(observers)
    return observers


def _check_fit(
    estimator: PyTorchPoseEstimator, people: People, attacks: Iterable[AttackSpec]
) -> None:
    """Passes a blank image, and its loss where an attack is to climb it."""
    predicted, labelled = estimator.count_joints(), people.y.shape[1]
    if predicted != labelled:
        raise SpecError(
            f"Expected a model and people of the same joints. Got a model of {predicted} and "
            f"people of {labelled}: name people with --data-root, or another config."
        )
    costs = [type(attack).passes([attack]) for attack in attacks]
    if any(cost is None or cost[1] for cost in costs):
        blank = np.zeros((1, *estimator.input_shape), np.float32)
        estimator.compute_loss(blank, people.y[:1])


def _target_rule(
    spec: RunSpec, people: People, metric: Metric, skeleton: Skeleton
) -> ChooseTargets:
    """How target poses are chosen for clean predictions of some people."""
    choose = _whole_poses(spec, people, metric, skeleton)
    if spec.target_joints is None:
        return choose
    moved = skeleton.joint_numbers(spec.target_joints)
    return lambda clean, some: hold_others(choose(clean, some), clean, moved)


def _whole_poses(
    spec: RunSpec, people: People, metric: Metric, skeleton: Skeleton
) -> ChooseTargets:
    if spec.target == "mirror":
        return lambda clean, some: mirrored_poses(some.y, skeleton.flip_indices)
    if spec.target not in RULES:
        joints = len(skeleton.joints)
        poses_from_file(spec.target, people.index, people.size, joints)  # raises early
        return lambda clean, some: poses_from_file(spec.target, some.index, some.size, joints)
    pool = people_of(people.dataset, range(len(people.dataset))).y
    complete_donors(pool, people.index)
    return lambda clean, some: random_far_poses(
        clean, some.index, pool, some.truth, metric, some.to_image, spec.seed
    )
