"""Ways to run the same steps of PGD: other projects', ours, and the least that it can take.

Each takes a case and a number of steps, and gives a function without arguments that attacks the
case's images once. All start at the image, take steps of 0.4 eps along the sign of the gradient of
the training loss on the last output, and stay within eps 8 and 0 to 255.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from importlib.util import find_spec
from typing import Any, Literal
from unittest import mock

import numpy as np
import torch
from art.attacks.evasion import ProjectedGradientDescent
from art.estimators.pytorch import PyTorchEstimator
from torch import Tensor, nn

from benchmarks.cases import Array, Case
from hpe_art.attacks import PoseProjectedGradientDescent
from hpe_art.estimators.gradient_copy import GradientCopy
from hpe_art.estimators.heads import head_adaptor
from hpe_art.estimators.micro_batches import images_at_once, largest_output, micro_batches
from hpe_art.estimators.network import frozen, normalised, raw_outputs
from hpe_art.estimators.workers import side_by_side

EPS = 8.0
STEP = 3.2
Run = Callable[[], Any]
BESIDE = "ours, fast, beside two busy processes"
"""Of one thread each, which only this contender has to bear."""


class PlainEstimator(PyTorchEstimator):
    """What an ART user would write today: float32, the gradients of all weights, NumPy between."""

    def __init__(self, model: nn.Module, device_type: str) -> None:
        super().__init__(
            model=model, clip_values=(0, 255), channels_first=True, device_type=device_type
        )
        self._adaptor = head_adaptor(model.head)  # type: ignore[arg-type]

    def loss_gradient(self, x: Any, y: Any, **kwargs: Any) -> Any:
        """(N, 3, H, W)."""
        pixels = torch.tensor(x, device=self._device, requires_grad=True)
        poses = torch.tensor(y, device=self._device)
        self._model.zero_grad()
        target = self._adaptor.encode(poses)
        _loss(self._adaptor, _last(self._model, pixels), target).backward()
        if pixels.grad is None:
            raise RuntimeError("Expected a gradient. Got none.")
        return pixels.grad.cpu().numpy()

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """(3, H, W)."""
        width, height = self._adaptor.input_size
        return 3, int(height), int(width)

    def predict(self, x: Any, batch_size: int = 128, **kwargs: Any) -> Any:
        """Not needed here."""
        raise NotImplementedError

    def fit(self, x: Any, y: Any, **kwargs: Any) -> None:
        """Not needed here."""
        raise NotImplementedError

    def get_activations(self, x: Any, layer: Any, batch_size: int, framework: bool = False) -> Any:
        """Not needed here."""
        raise NotImplementedError

    def compute_loss(self, x: Any, y: Any, **kwargs: Any) -> Any:
        """Not needed here."""
        raise NotImplementedError


def _last(model: nn.Module, pixels: Tensor) -> Tensor:
    outputs = model(normalised(model, pixels), None, mode="tensor")
    return outputs[-1] if isinstance(outputs, (list, tuple)) else outputs


def _loss(adaptor: Any, output: Tensor, target: tuple[Tensor, Tensor]) -> Tensor:
    loss: Tensor = adaptor.loss(-1, output, target).sum()
    return loss


def art(case: Case, steps: int) -> Run:
    """ART's PGD on a plain estimator."""
    device = case.estimator.device.type
    plain = PlainEstimator(case.estimator.model, "cpu" if device == "cpu" else "gpu")
    attack = ProjectedGradientDescent(
        plain,
        eps=EPS,
        eps_step=STEP,
        max_iter=steps,
        batch_size=case.batch_size,
        verbose=False,
        summary_writer=False,
    )
    return lambda: attack.generate(case.x, case.y)


def torchattacks(case: Case, steps: int) -> Run:
    """PGD of torchattacks, whose cross-entropy is replaced by the same loss."""
    from torchattacks import PGD

    adaptor = head_adaptor(case.estimator.model.head)
    x, y = case.on_device()
    unit, target = x / 255, adaptor.encode(y)

    def loss(output: Tensor, labels: Tensor) -> Tensor:
        return _loss(adaptor, output, target)

    class Outputs(nn.Module):
        """The last output for pixels of 0 to 1."""

        def __init__(self) -> None:
            super().__init__()
            self.model = case.estimator.model

        def forward(self, pixels: Tensor) -> Tensor:
            return _last(self.model, pixels * 255)

    attack = PGD(Outputs().eval(), eps=EPS / 255, alpha=STEP / 255, steps=steps, random_start=False)

    def run() -> Any:
        with mock.patch("torchattacks.attacks.pgd.nn.CrossEntropyLoss", lambda: loss):
            return attack(unit, y)

    return run


def foolbox(case: Case, steps: int) -> Run:
    """LinfPGD of foolbox, with the same loss through its hook for one."""
    import eagerpy
    from foolbox import PyTorchModel
    from foolbox.attacks import LinfPGD
    from foolbox.criteria import Misclassification

    network, adaptor = case.estimator.model, head_adaptor(case.estimator.model.head)
    x, y = case.on_device()
    target = adaptor.encode(y)

    class PoseLinfPGD(LinfPGD):
        """With the loss of poses."""

        def get_loss_fn(self, model: Any, labels: Any) -> Any:
            return lambda images: eagerpy.astensor(
                _loss(adaptor, _last(network, images.raw), target)
            )

    model = PyTorchModel(network, bounds=(0, 255), device=case.estimator.device)
    attack = PoseLinfPGD(abs_stepsize=STEP, steps=steps, random_start=False)
    nobody = Misclassification(torch.zeros(len(x), dtype=torch.long, device=x.device))
    return lambda: attack.run(model, x, nobody, epsilon=EPS)


def ours(case: Case, steps: int, precision: Any = "float32", compile: bool = False) -> Run:
    """Our PGD, NumPy in and out; its copy of the network is made once, before."""
    estimator = case.with_precision(precision, compile)
    _ = estimator.gradient_precision
    attack = PoseProjectedGradientDescent(
        estimator,
        eps=EPS,
        eps_step=STEP,
        max_iter=steps,
        batch_size=case.batch_size,
        verbose=False,
    )
    return lambda: attack.generate(case.x, case.y)


def floor(case: Case, steps: int, precision: Literal["float32", "auto"] = "auto") -> Run:
    """Nothing but forward, gradient, sign and clamp, on the bare model that ours goes through.

    As many images go through at once as in ours, by as many workers.
    """
    estimator, adaptor = case.estimator, head_adaptor(case.estimator.model.head)
    x, y = case.on_device()
    low, high = (x - EPS).clamp(min=0), (x + EPS).clamp(max=255)
    target, weights = adaptor.encode(y)
    example = normalised(estimator.model, x[:1])
    fast = GradientCopy(estimator.model, "auto", False, example) if precision == "auto" else None
    model = estimator.model if fast is None else fast.model
    parts = _parts(estimator.model, x, torch.float32 if fast is None else fast.dtype)

    def attacked(part: slice) -> Tensor:
        now = x[part]
        for _ in range(steps):
            now = now.detach().requires_grad_()
            with nullcontext() if fast is None else fast.computing():
                output = raw_outputs(model, normalised(model, now))[-1]
            aims = target[part], weights[part]
            loss = adaptor.loss(-1, output.float(), aims).sum()
            (gradient,) = torch.autograd.grad(loss, now)
            moved = now.detach() + STEP * gradient.sign()
            now = torch.clamp(moved, low[part], high[part])
        return now

    def run() -> Tensor:
        with frozen(model):
            return torch.cat(side_by_side(attacked, parts, None))

    return run


def forward(case: Case) -> Run:
    """Nothing but forward passes of the bare model in float32: the least that poses can take."""
    model, (x, _) = case.estimator.model, case.on_device()
    parts = _parts(model, x, torch.float32)

    def output(part: slice) -> Tensor:
        return raw_outputs(model, normalised(model, x[part]))[-1]

    def run() -> list[Tensor]:
        with torch.no_grad():
            return side_by_side(output, parts, None)

    return run


def _parts(model: nn.Module, x: Tensor, dtype: torch.dtype) -> list[slice]:
    """What goes through at once, as in ours."""
    at_once = None
    if x.device.type == "cpu":
        at_once = images_at_once(largest_output(model, normalised(model, x[:1])), dtype)
    return list(micro_batches(len(x), len(x), at_once))


CONTENDERS: dict[str, Callable[[Case, int], Run]] = {
    "art": art,
    "torchattacks": torchattacks,
    "foolbox": foolbox,
    "ours, float32": ours,
    "ours, fast": lambda case, steps: ours(case, steps, "auto"),
    BESIDE: lambda case, steps: ours(case, steps, "auto"),
    "ours, bfloat16": lambda case, steps: ours(case, steps, "bfloat16"),
    "floor, float32": lambda case, steps: floor(case, steps, "float32"),
    "floor, fast": floor,
}
"""In the order in which they take turns."""


def missing_peers() -> list[str]:
    """Peers that are not installed."""
    return [name for name in ("torchattacks", "foolbox") if find_spec(name) is None]


def as_pixels(images: Any, name: str) -> Array:
    """What a contender found, as NumPy pixels of 0 to 255."""
    found = images.detach().cpu().numpy() if isinstance(images, Tensor) else np.asarray(images)
    return np.asarray(found * 255 if name == "torchattacks" else found, np.float32)
