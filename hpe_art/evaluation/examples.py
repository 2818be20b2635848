"""What is shown of a run: the first people before and after an attack, from the store."""

from __future__ import annotations

from typing import Any

import numpy as np

from hpe_art.evaluation.attacking import rgb
from hpe_art.evaluation.prepared import Prepared
from hpe_art.evaluation.results import Attack
from hpe_art.evaluation.store import CLEAN
from hpe_art.metrics import score


def pictured_people(run: Prepared, attack: Attack) -> list[dict[str, Any]]:
    """The people whose perturbed images were kept, as the report draws them.

    Args:
        run: whose store has them.
        attack: one of its attacks.

    Returns:
        For each `index`, `clean`, `perturbed` (images, red first), `clean_pose`, `perturbed_pose`,
        `target_pose`, `clean_score` and `perturbed_score` (the person's own).
    """
    kept = run.store.examples(attack.folder, run.people.index[: run.spec.kept].tolist())
    rows = np.flatnonzero(np.isin(run.people.index, list(kept)))
    if not rows.size:
        return []
    people = run.people[rows]
    before = run.store.gathered(CLEAN, people.index)
    after = run.store.gathered(attack.folder, people.index)
    aims = run.choose(before, people).poses if run.choose and attack.targeted else None
    clean, perturbed = rgb(run.estimator, people.x[:]), [kept[i] for i in people.index.tolist()]
    return [
        {
            "index": int(people.index[i]),
            "clean": clean[i],
            "perturbed": rgb(run.estimator, perturbed[i][None])[0],
            "clean_pose": before[i],
            "perturbed_pose": after[i],
            # The others may go anywhere.
            "target_pose": None
            if aims is None
            else np.where(aims[i, :, 2:] > 0, aims[i, :, :2], np.nan),
            "clean_score": _own_score(run, rows[i], before[i]),
            "perturbed_score": _own_score(run, rows[i], after[i]),
        }
        for i in range(len(people))
    ]


def _own_score(run: Prepared, row: int, pose: np.ndarray) -> float | None:
    one = run.people[[row]]
    scores = run.metric.joint_scores(one.to_image(pose[None]), one.truth)
    return score(scores, run.metric, run.skeleton).value
