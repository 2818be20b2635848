"""Attacks of other projects, given the loss that ours climb, and as many gradients.

Each takes a question and gives perturbed images. The loss is `margin` over all outputs, by the
metric's own circles; iterated ones have steps of 0.05 eps unless their own rule says otherwise.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any
from unittest import mock

import numpy as np
import torch
from art.attacks import evasion
from art.estimators.classification import ClassifierMixin
from torch import Tensor, nn

from benchmarks.cases import Array
from benchmarks.contenders import PlainEstimator
from hpe_art.estimators import PyTorchPoseEstimator
from hpe_art.losses import MARGIN, Goal

STEP = 0.05
"""Of eps."""


@dataclass(frozen=True)
class Question:
    """What every attack is asked: images of one batch, and how they may be changed.

    Attributes:
        x: (N, 3, H, W) float32, 0 to 255.
        y: (N, K, 3), true poses in crop pixels.
        goal: circles that the joints are to leave.
        eps: in grey levels.
        gradients: how many each image may take.
        passes: "backward", images of which a gradient was taken.
    """

    estimator: PyTorchPoseEstimator
    x: Array
    y: Array
    goal: Goal
    eps: float
    gradients: int
    passes: Counter[str] = field(default_factory=Counter)

    def loss(self) -> Callable[[Tensor], Tensor]:
        """That of all images (N,), differentiable; gradients count in `passes`, in images."""
        objective = self.estimator.objective(self.y, MARGIN, outputs="all", goal=self.goal)

        def losses(x: Tensor) -> Tensor:
            found = objective(x)
            if found.requires_grad:
                found.register_hook(lambda _: self.passes.update(backward=len(x)))
            return found

        return losses


Rival = Callable[[Question], Array]


class LossClassifier(ClassifierMixin, PlainEstimator):
    """The loss for ART, which also wants classes: 0 of the clean images, 1 of all others."""

    def __init__(self, question: Question) -> None:
        estimator = question.estimator
        device = "cpu" if estimator.device.type == "cpu" else "gpu"
        PlainEstimator.__init__(self, estimator.model, device)
        self.nb_classes = 2
        self._clean = question.x
        self._loss = question.loss()

    def loss_gradient(self, x: Any, y: Any, **kwargs: Any) -> Any:
        """(N, 3, H, W); of one batch, in order."""
        pixels = torch.tensor(x, device=self._device, requires_grad=True)
        (gradient,) = torch.autograd.grad(self._loss(pixels).sum(), pixels)
        return gradient.cpu().numpy()

    def compute_loss(self, x: Any, y: Any, **kwargs: Any) -> Any:
        """(N,)."""
        with torch.no_grad():
            return self._loss(torch.as_tensor(x, device=self._device)).cpu().numpy()

    def predict(self, x: Any, batch_size: int = 128, **kwargs: Any) -> Any:
        """(N, 2), so that whatever an attack finds is kept."""
        clean = (x == self._clean).all(axis=(1, 2, 3))
        return np.stack([clean, ~clean], axis=1).astype(np.float32)


class LossLogits(nn.Module):
    """Pixels of 0 to 1 to "logits" (N, 2), of which the second is the loss; it is always larger."""

    def __init__(self, question: Question) -> None:
        super().__init__()
        self._loss = question.loss()
        self._anchor = nn.Parameter(torch.zeros((), device=question.estimator.device))

    def forward(self, images: Tensor) -> Tensor:
        """(N, 2)."""
        losses = self._loss(images * 255)
        return torch.stack([torch.full_like(losses, -1e9), losses], dim=1)


def art(name: str, **settings: Any) -> Rival:
    """An attack of ART's shelf."""

    def run(question: Question) -> Array:
        attack = getattr(evasion, name)(
            LossClassifier(question),
            eps=question.eps,
            max_iter=question.gradients,
            batch_size=len(question.x),
            verbose=False,
            **{"eps_step": STEP * question.eps, **settings},
        )
        return np.asarray(attack.generate(question.x, np.zeros(len(question.x), int)), np.float32)

    return run


def torchattacks(name: str, passes: int = 1, **settings: Any) -> Rival:
    """An attack of torchattacks, which takes so many gradients in a step."""

    def run(question: Question) -> Array:
        import torchattacks as shelf

        model, x = LossLogits(question).eval(), _unit(question)
        steps = question.gradients // passes
        common = dict(eps=question.eps / 255, alpha=STEP * question.eps / 255, steps=steps)
        attack = getattr(shelf, name)(model, **common, **settings)
        labels = torch.zeros(len(x), dtype=torch.long, device=x.device)
        with mock.patch("torch.nn.CrossEntropyLoss", lambda: _loss_of):
            return _pixels(attack(x, labels))

    return run


def foolbox(name: str, **settings: Any) -> Rival:
    """An attack of foolbox, through its hook for a loss."""

    def run(question: Question) -> Array:
        import eagerpy
        import foolbox as shelf

        loss = question.loss()
        attack = getattr(shelf.attacks, name)(
            rel_stepsize=STEP, steps=question.gradients, random_start=False, **settings
        )

        def hook(model: Any, labels: Any) -> Callable[[Any], Any]:
            return lambda images: eagerpy.astensor(loss(images.raw).sum())

        x = torch.as_tensor(question.x, device=question.estimator.device)
        model = shelf.PyTorchModel(LossLogits(question).eval(), (0, 255), x.device)
        labels = torch.zeros(len(x), dtype=torch.long, device=x.device)
        nobody = shelf.criteria.Misclassification(labels)
        with mock.patch.object(attack, "get_loss_fn", hook):
            found = attack.run(model, x, nobody, epsilon=question.eps)
        return np.asarray(found.cpu().numpy(), np.float32)

    return run


def adv_lib(module: str, name: str, eps: str, steps: str, **settings: Any) -> Rival:
    """An attack of adv-lib, whose cross-entropy is the loss; eps and steps are its own words."""

    def run(question: Question) -> Array:
        sys.modules.setdefault("visdom", ModuleType("visdom"))  # its logger, which is not used
        function = getattr(import_module(f"adv_lib.attacks.{module}"), name)
        model, x = LossLogits(question).eval(), _unit(question)
        labels = torch.zeros(len(x), dtype=torch.long, device=x.device)
        eps_and_steps = {eps: question.eps / 255, steps: question.gradients}
        with mock.patch("torch.nn.functional.cross_entropy", _losses_of):
            found = function(model, x, labels, **eps_and_steps, **settings)
        return _pixels(found)

    return run


def _losses_of(logits: Tensor, labels: Tensor, **settings: Any) -> Tensor:
    return logits[:, 1]


def _loss_of(logits: Tensor, labels: Tensor) -> Tensor:
    return _losses_of(logits, labels).sum()


def _unit(question: Question) -> Tensor:
    return torch.as_tensor(question.x, device=question.estimator.device) / 255


def _pixels(images: Tensor) -> Array:
    return np.asarray(images.detach().cpu().numpy() * 255, np.float32)


RIVALS: dict[str, Rival] = {
    "ART PGD": art("ProjectedGradientDescent"),
    "ART MIM": art("MomentumIterativeMethod"),
    "ART Auto-PGD": art("AutoProjectedGradientDescent", eps_step=1.0),
    "ART Auto-CG": art("AutoConjugateGradient", eps_step=1.0),
    "torchattacks PGD": torchattacks("PGD"),
    "torchattacks MI-FGSM": torchattacks("MIFGSM"),
    "torchattacks NI-FGSM": torchattacks("NIFGSM"),
    "torchattacks VMI-FGSM": torchattacks("VMIFGSM", passes=6),
    "torchattacks DI-FGSM": torchattacks("DIFGSM"),
    "torchattacks TI-FGSM": torchattacks("TIFGSM"),
    "torchattacks SI-NI-FGSM": torchattacks("SINIFGSM", passes=5),
    "foolbox PGD": foolbox("LinfPGD"),
    "foolbox Adam-PGD": foolbox("LinfAdamPGD"),
    "foolbox MI-FGSM": foolbox("LinfMomentumIterativeFastGradientMethod"),
    "adv-lib PGD": adv_lib(
        "projected_gradient_descent", "pgd_linf", eps="ε", steps="steps", relative_step_size=STEP
    ),
    "adv-lib APGD": adv_lib(
        "auto_pgd",
        "apgd",
        eps="eps",
        steps="n_iter",
        norm=float("inf"),
        loss_function="ce",
        best_loss=True,
    ),
}
"""By project and attack. What chooses classes, or looks for the smallest eps, has no such loss."""


def missing_rivals() -> list[str]:
    """Projects that are not installed."""
    packages = {"torchattacks": "torchattacks", "foolbox": "foolbox", "adv-lib": "adv_lib"}
    return [name for name, package in packages.items() if find_spec(package) is None]
