"""Scores by flat names."""

import re

from hpe_art.evaluation.results import Run

NOT_FOR_MLFLOW = re.compile(r"[^\w\-. :/]")
"""Characters that the name of a score there may not have, such as the @ of MMPose's PCK@0.1."""


def scalars(run: Run, for_mlflow: bool = False) -> dict[str, float]:
    """All scores of a run by flat names, for hooks, logs and best checkpoints."""
    key = run.metric.key
    found: dict[str, float | None] = {key: run.clean.score.value, **run.clean.official}
    for attack in run.attacks:
        name = attack.name if attack.eps is None else f"{attack.name}_eps{attack.eps:g}"
        scores = {
            key: attack.score.value,
            f"relative_{key}": attack.relative.value,
            f"target_{key}": None if attack.target is None else attack.target.value,
            **attack.official,
        }
        found |= {f"{name}/{what}": value for what, value in scores.items()}
    names = {name: NOT_FOR_MLFLOW.sub("_", name) if for_mlflow else name for name in found}
    return {names[name]: value for name, value in found.items() if value is not None}
