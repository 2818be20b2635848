"""The checks for hidden gradients in a run, done once and kept beside its store."""

from __future__ import annotations

import warnings
from dataclasses import asdict

import numpy as np
from pydantic import TypeAdapter, ValidationError

from hpe_art.attacks.masking import masking_checks
from hpe_art.evaluation.attacking import labelled, seed_everything
from hpe_art.evaluation.goals import goal_of
from hpe_art.evaluation.prepared import Prepared
from hpe_art.evaluation.results import CheckRecord
from hpe_art.evaluation.store import CLEAN
from hpe_art.files import write_whole
from hpe_art.gradients import GradientWarning

CHECKED_PEOPLE = 8
CHECKED_EPS = 2.0
CHECKS = "checks.json"
CHECKING = f"Checks {CHECKED_PEOPLE} people at most for hidden gradients: this may take minutes."
_RECORDS = TypeAdapter(list[CheckRecord])


def checks_of(run: Prepared) -> list[CheckRecord]:
    """The checks on the first people of a run.

    Args:
        run: whose clean predictions are in the store.
    """
    path = run.store.folder / CHECKS
    try:
        return _RECORDS.validate_json(path.read_bytes())
    except (OSError, ValidationError):
        pass
    people = run.people[:CHECKED_PEOPLE]
    y = labelled(people.y, run.store.gathered(CLEAN, people.index))
    seed_everything(run.spec.seed, 0)
    x = people.x[:].astype(np.float32)
    goal = goal_of(people, run.metric)
    with warnings.catch_warnings():  # one of the checks is whether there are any
        warnings.simplefilter("ignore", GradientWarning)
        found = masking_checks(run.estimator, x, y, goal, people.index, CHECKED_EPS)
    records = [CheckRecord(**asdict(check)) for check in found]
    write_whole(path, _RECORDS.dump_json(records, indent=1))
    return records
