"""Whether perturbations found faster are as strong: PCKh with each precision, side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from hpe_art.attacks import AttackSetting
from hpe_art.datasets.crops import load_crops
from hpe_art.estimators import PyTorchPoseEstimator
from hpe_art.estimators.fast import PRECISIONS
from hpe_art.estimators.loader import load_config
from hpe_art.evaluation.run import evaluate
from hpe_art.evaluation.study.networks import config_files, with_weights

EPS = (2.0, 8.0)


def strengths(
    configs: Sequence[Path], people: int, eps: Sequence[float] = EPS, device: str = "cpu"
) -> Iterator[dict[str, Any]]:
    """Attacks every network that has weights with every precision.

    Args:
        configs: files, or folders of them.
        people: how many of the test set.
        eps: grey levels.
        device: "cpu", or "gpu" for where there is one.

    Yields:
        For each network and attack: `network`, `attack`, `eps`, `found_with` (by precision), and
        `PCKh` (by precision; towards the target for a targeted attack, else of the truth).
    """
    ready, _ = with_weights(config_files([str(path) for path in configs]))
    settings = [
        AttackSetting(attack, eps=value, targeted=targeted)
        for attack, targeted in (("fgsm", False), ("igsm", False), ("igsm", True))
        for value in eps
    ]
    for file, _ in ready.items():
        cfg = load_config(file)
        crops = load_crops(cfg, people)
        entries, found_with = {}, {}
        for precision in PRECISIONS:
            estimator = PyTorchPoseEstimator.from_config(
                cfg, device_type=device, precision=precision
            )
            *_, done = evaluate(estimator, crops, settings)
            entries[precision] = [attacked.entry for attacked in done.attacked]
            found_with[precision] = estimator.found_with
        for number, setting in enumerate(settings):
            key = "target_PCKh" if setting.targeted else "PCKh"
            yield {
                "network": file.stem,
                "attack": entries["float32"][number]["name"],
                "eps": setting.eps,
                "found_with": found_with,
                "PCKh": {name: rows[number][key] for name, rows in entries.items()},
            }
