"""The ten claims of Jain et al. 2019, each tested on a study's numbers.

A claim is put as differences that are above 0 where it holds. Its verdict follows from their 95 %
bootstrap intervals over people, drawn in pairs: it holds if every one of them lies above 0. Where a
part of it could not be tested, the others can still show that it does not hold.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib import resources

from hpe_art.evaluation.results import Comparison, Finding
from hpe_art.studies.jain2019.claims import MEASURES
from hpe_art.studies.jain2019.grid import Grid
from hpe_art.studies.jain2019.scores import Missing, StudyScores

HOLDS, FAILS, UNTESTED = "holds", "does not hold", "not tested here"


def findings(scores: StudyScores, grid: Grid) -> list[Finding]:
    """All ten, in order; those whose networks or attacks were not studied are not tested."""
    texts = json.loads(resources.files(__package__).joinpath("claims.json").read_text("utf-8"))
    found = []
    for number, (text, measure) in enumerate(zip(texts, MEASURES, strict=True), start=1):
        lacks = None
        try:
            comparisons = measure(scores, grid)
        except Missing as missing:
            lacks, comparisons = missing.what, missing.comparisons
        verdict, why = _verdict(comparisons, lacks)
        found.append(
            Finding(number=number, **text, verdict=verdict, why=why, comparisons=comparisons)
        )
    return found


def _verdict(comparisons: Sequence[Comparison], lacks: str | None) -> tuple[str, str]:
    """The verdict, and the reason where it is not just the numbers."""
    deciding = [c for c in comparisons if c.decides]
    if any(c.low <= 0 for c in deciding):
        unsure = [c.what for c in deciding if c.low <= 0 < c.high]
        return FAILS, f"the interval includes 0: {'; '.join(unsure)}" if unsure else ""
    if lacks is None:
        return HOLDS, ""
    rest = "; what was tested of it holds" if deciding else ""
    return UNTESTED, f"needs {lacks}{rest}"
