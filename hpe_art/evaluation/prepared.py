"""A run whose network, people and settings have been found good, before any attack."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
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
from hpe_art.data.people import People, people_of
from hpe_art.data.test_sets import annotated_people, build_test_set, choose_people
from hpe_art.estimators import PyTorchPoseEstimator
from hpe_art.evaluation.device import check_device, score_in_float32
from hpe_art.evaluation.fingerprint import attack_key, fingerprint_of
from hpe_art.evaluation.observers import Observer, check_names, defended, other_network
from hpe_art.evaluation.perturbations import Fit, find_fit, is_unfitted, ready_attacks
from hpe_art.evaluation.spec import RunSpec, SpecError
from hpe_art.evaluation.store import Store
from hpe_art.metrics import Metric, metric_for, metric_named
from hpe_art.skeleton import Skeleton

Array = NDArray[np.float32]
ChooseTargets = Callable[[Array, People], TargetPoses]


@dataclass(frozen=True)
class Prepared:
    """One network and its people, ready to be attacked.

    Attributes:
        spec: what was asked for.
        estimator: the network.
        people: all who are attacked.
        metric: per person.
        skeleton: of the dataset.
        evaluator: config of the official numbers.
        attacks: the specs by their folders in the store, in order.
        shown: folders of the attacks whose images the observers see.
        observers: who is shown the perturbed images too.
        store: of the predictions.
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
    choose: ChooseTargets | None = None
    fit: Fit | None = None
    notes: list[str] = field(default_factory=list)

    def observers_of(self, key: str) -> list[Observer]:
        """Who is shown the images of an attack."""
        return self.observers if key in self.shown else []


def prepare(
    spec: RunSpec,
    cfg: Config,
    model: nn.Module,
    dataloader: Mapping[str, Any],
    evaluator: Any,
    folder: Path,
) -> Prepared:
    """Does everything that can fail on bad input.

    Args:
        spec: what to run.
        cfg: of the network.
        model: built from it, with its weights.
        dataloader: config of the people.
        evaluator: config of the official numbers.
        folder: of the run.

    Raises:
        UserError: something cannot be used; the message says what and the mend.
    """
    check_device(spec.device)
    score_in_float32()
    dataset = build_test_set(dataloader["dataset"], spec.detections)
    model.dataset_meta = dataset.metainfo
    estimator = _estimator(spec, model)
    chosen, skipped = choose_people(
        dataset, spec.num_samples, spec.skip_unreadable, spec.max_samples
    )
    annotated = annotated_people(dataloader["dataset"]) if spec.detections else None
    people = replace(people_of(dataset, chosen, annotated), skipped=skipped)
    skeleton = Skeleton.from_metainfo(dataset.metainfo)
    metric = (
        metric_named(spec.metric, skeleton)
        if spec.metric
        else metric_for(evaluator, dataset.metainfo)
    )
    _check_joints(estimator, people)
    metric.check(people.truth)
    if any(attack.needs_goal for attack in spec.attacks):
        metric.radii(people.truth)  # raises early
    joints = len(skeleton.joints)
    observers = [other_network(path, estimator, joints) for path in spec.transfer_to]
    observers += [defended(name, estimator) for name in spec.defences]
    check_names(observers)
    source = str(cfg.get("load_from") or "")
    fit = find_fit(spec, cfg, skeleton)
    attacks = ready_attacks(spec, source, estimator, fit)
    fingerprint = fingerprint_of(spec, cfg, estimator, dataset, observers)
    keys = [attack_key(attack, spec, metric, fit) for attack in attacks]
    shown = range(len(keys)) if spec.shown is None else spec.shown
    notes = _notes(spec, estimator, people, attacks, fit)
    return Prepared(
        spec=spec,
        estimator=estimator,
        people=people,
        metric=metric,
        skeleton=skeleton,
        evaluator=evaluator,
        attacks=dict(zip(keys, attacks, strict=True)),
        shown=frozenset(keys[i] for i in shown),
        observers=observers,
        store=Store(folder / "store"),
        fingerprint=fingerprint,
        choose=target_rule(spec, people, metric, skeleton) if spec.targeted else None,
        fit=fit,
        notes=notes,
    )


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


def _check_joints(estimator: PyTorchPoseEstimator, people: People) -> None:
    blank = np.zeros((1, *estimator.input_shape), np.float32)
    predicted, labelled = estimator.predict(blank).shape[1], people.y.shape[1]
    if predicted != labelled:
        raise SpecError(
            f"Expected a model and people of the same joints. Got a model of {predicted} and "
            f"people of {labelled}: name people with --data-root, or another config."
        )


def target_rule(spec: RunSpec, people: People, metric: Metric, skeleton: Skeleton) -> ChooseTargets:
    """How target poses are chosen for clean predictions of some people.

    Raises:
        UserError: no such rule or joint, or nobody can give a target pose.
    """
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
    everybody = people_of(people.dataset, range(len(people.dataset)))
    pool = everybody.y
    complete_donors(pool, people.index)
    return lambda clean, some: random_far_poses(
        clean, some.index, pool, some.truth, metric, some.to_image, spec.seed
    )


def _notes(
    spec: RunSpec,
    estimator: PyTorchPoseEstimator,
    people: People,
    attacks: Iterable[AttackSpec],
    fit: Fit | None,
) -> list[str]:
    notes = []
    if people.skipped:
        names = ", ".join(people.skipped[:5])
        notes.append(f"{len(people.skipped)} unreadable images were left out: {names}.")
    every = any(getattr(attack, "outputs", "last") == "all" for attack in attacks)
    if every and estimator.count_outputs() == 1:
        notes.append("The network has one output: all outputs equal the last.")
    if fit is None and any(map(is_unfitted, spec.attacks)):
        notes.append("No training people are rendered: the bundled perturbations were used.")
    if estimator.flip_test:
        notes.append("Scored and attacked with flip-test.")
    if spec.behind:
        notes.append(f"Scored and attacked behind {spec.behind}.")
    if spec.detections:
        notes.append("People are the detections of the config; unmatched ones have no true pose.")
    return notes
