"""Whether perturbations found faster are as strong: PCKh with each precision, side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from hpe_art.attacks import AttackSetting, UniversalPosePerturbation
from hpe_art.commands.paths import config_files
from hpe_art.data.crops import Crops, load_crops
from hpe_art.estimators import PyTorchPoseEstimator
from hpe_art.estimators.gradient_copy import PRECISIONS
from hpe_art.estimators.loading import load_config
from hpe_art.evaluation.attacked import Attacked
from hpe_art.evaluation.run import evaluate
from hpe_art.evaluation.study.networks import with_weights
from hpe_art.intervals import Draws, drawn_scores, interval

EPS = (1.0, 2.0, 4.0, 8.0)
KINDS = (("fgsm", False), ("igsm", False), ("igsm", True), ("uap", False))
UNIVERSAL_STEPS_TO_EPS = 20
"""A tenth of the default: few people are enough to reach eps."""


def strengths(
    configs: Sequence[Path],
    people: int,
    eps: Sequence[float] = EPS,
    device: str = "cpu",
    networks: Sequence[str] | None = None,
) -> Iterator[dict[str, Any]]:
    """Attacks every network that has weights with every precision.

    Over several steps signs of tiny gradients tip over, so that two runs which only round
    differently end up at other images, and each by chance a little stronger or weaker than the
    other. A mean over several eps and an interval over people tell that from a loss of strength.

    Args:
        configs: files, or folders of them.
        people: how many of the test set.
        eps: grey levels.
        device: "cpu", or "gpu" for where there is one.
        networks: file names of the configs to take; default all.

    Yields:
        For each network and attack: `network`, `attack`, `people`, `eps`, `found_with` (by
        precision), `PCKh` (by precision, one for each eps; towards the target for a targeted
        attack, else of the truth), and `weaker` (by precision): by how many points the attack is
        weaker than with float32, the mean over all eps, with the ends of its 95 % interval over
        people.
    """
    ready, _ = with_weights(config_files([str(path) for path in configs]))
    for file in ready:
        if networks and file.name not in networks:
            continue
        cfg = load_config(file)
        crops = load_crops(cfg, people)
        found_with, by_way = {}, {}
        for precision in PRECISIONS:
            estimator = PyTorchPoseEstimator.from_config(
                cfg, device_type=device, precision=precision
            )
            way = found_with[precision] = estimator.gradient_precision
            if way not in by_way:  # auto computes as another precision on some devices
                # As the tools score; parts that time others leave TF32 as it is.
                exact = torch.backends.cudnn.flags(enabled=True, allow_tf32=False)
                with TemporaryDirectory() as folder, exact:
                    settings = _settings(estimator, crops, eps, Path(folder))
                    *_, done = evaluate(estimator, crops, settings)
                by_way[way] = done.attacked
        attacked = {precision: by_way[way] for precision, way in found_with.items()}
        for number, (_, targeted) in enumerate(KINDS):
            part = slice(number * len(eps), (number + 1) * len(eps))
            draws = {name: _drawn(found[part], targeted) for name, found in attacked.items()}
            sign = -1 if targeted else 1
            weaker = {name: sign * (drawn - draws["float32"]) for name, drawn in draws.items()}
            yield {
                "network": file.stem,
                "attack": attacked["float32"][part][0].entry["name"],
                "people": len(crops),
                "eps": list(eps),
                "found_with": found_with,
                "PCKh": {name: drawn[0].tolist() for name, drawn in draws.items()},
                "weaker": {
                    name: dict(
                        zip(("points", "low", "high"), interval(by_eps.mean(1)), strict=True)
                    )
                    for name, by_eps in weaker.items()
                },
            }


def _settings(
    estimator: PyTorchPoseEstimator, crops: Crops, eps: Sequence[float], folder: Path
) -> list[AttackSetting]:
    """Each kind with each eps; the universal ones are fitted on the people, into the folder."""
    settings = []
    for attack, targeted in KINDS:
        for value in eps:
            path = None
            if attack == "uap":
                step = value / UNIVERSAL_STEPS_TO_EPS
                universal = UniversalPosePerturbation(estimator, value, step, verbose=False)
                path = str(universal.fit(crops.x[:], crops.y).save(folder / f"{value:g}.npz"))
            settings.append(AttackSetting(attack, eps=value, targeted=targeted, perturbation=path))
    return settings


def _drawn(found: Sequence[Attacked], targeted: bool) -> Draws:
    """(1 + R, eps), the PCKh that tells how strong the attack is."""
    hits = [one.target_hits if targeted else one.hits for one in found]
    return np.stack([drawn_scores(one)[:, 0] for one in hits if one is not None], axis=1)
