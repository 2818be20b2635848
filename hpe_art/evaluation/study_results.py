"""Results of a study as data: what it adds to the runs of its networks."""

from __future__ import annotations

from typing import Any

from hpe_art.evaluation.records import Record


class Comparison(Record):
    """One measured number of a finding, with its 95 % interval."""

    what: str
    value: float
    low: float
    high: float
    decides: bool = False


class Finding(Record):
    """A claim and what became of it; `number` is the paper's."""

    number: int | None
    claim: str
    paper: str
    verdict: str
    why: str = ""
    comparisons: list[Comparison] = []


class Study(Record):
    """What a study adds to the runs of its networks.

    `strongest` is what becomes of the claims under the strongest attack instead of the paper's.
    """

    protocol: str
    grid: dict[str, Any] = {}
    findings: list[Finding] = []
    strongest: list[Finding] = []
    left_out: dict[str, str] = {}
    missing: list[str] = []
    notes: list[str] = []
