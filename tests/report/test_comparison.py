"""Before and after: paired differences, and what is said of them."""

from __future__ import annotations

import numpy as np
import pytest
from example_results import EPE, attack, run, score

from hpe_art.evaluation.result_files import write_results
from hpe_art.evaluation.results import Clean, Results
from hpe_art.evaluation.scoring import Scored
from hpe_art.metrics import PCKh
from hpe_art.report import comparison
from hpe_art.report.comparison import comparisons
from hpe_art.report.html import report_html
from hpe_art.report.reading import read_runs
from hpe_art.skeleton import MPII
from hpe_art.studies.record import Record, RecordedRun, Row, write_record

PEOPLE = 40


def recorded(hits, **more):
    """A run of the hits (N, K) on clean images and under IGSM-U-10 at eps 8."""
    metric = PCKh(MPII)
    clean, perturbed = (Scored.of(one, metric, MPII, 0) for one in hits)
    entry = attack("IGSM-U-10", 8.0, None)
    entry = entry.model_copy(
        update={
            "score": perturbed.record(MPII),
            "relative": perturbed.relative_to(clean).record(MPII),
        }
    )
    one = run([entry], clean=Clean(score=clean.record(MPII)), **more)
    one.dataset.num_samples = len(hits[0])
    return RecordedRun(one, {Row(None): hits[0], Row(0): hits[1]}, metric)


@pytest.fixture
def hits():
    """(clean, perturbed) of a network that keeps half of its joints."""
    rng = np.random.default_rng(0)
    clean = (rng.random((PEOPLE, 16)) < 0.9).astype(float)
    return clean, clean * (rng.random((PEOPLE, 16)) < 0.5)


@pytest.fixture
def compared(tmp_path):
    """`compared(before, after)`: what is said of two records of one network."""

    def compare(*both):
        for name, one in zip("ab", both):
            (tmp_path / name).mkdir()
            record = Record(Results(runs={"net": one.run}), {"net": one})
            write_record(tmp_path / name / "record.npz", record)
        results, folders = read_runs([tmp_path / "a", tmp_path / "b"])
        assert list(results.runs) == ["net (before)", "net (after)"]
        (found,) = comparisons(results, folders)
        return found, report_html(results, folders, [found])

    return compare


def test_differences_are_of_pairs(compared, hits):
    clean, perturbed = hits
    better = perturbed.copy()
    better[:, 0] = clean[:, 0]  # the right ankle is kept
    found, page = compared(recorded(hits), recorded((clean, better)))
    same, under = found.rows
    # The same people: an unpaired interval would be wide here.
    assert same.change == (0, 0, 0) and same.name == "clean"
    assert under.change.value == pytest.approx(under.after - under.before) and under.change.low > 0
    assert under.joints[0].low > 0 and under.joints[1] == (0, 0, 0)
    first, second = found.verdict
    assert first.startswith("Under IGSM-U-10 at eps 8, net (after) scores better: +")
    assert "points of PCKh@0.5 (95 % interval +" in first
    assert second == "On clean images they are the same."
    assert first in page and 'id="compare"' in page


def test_what_is_worse_is_said(compared, hits):
    clean, perturbed = hits
    found, _ = compared(recorded(hits), recorded((clean, perturbed * 0)))
    assert "net (after) scores worse: -" in found.verdict[0]


def test_what_cannot_be_told_is_said(compared, hits):
    clean, perturbed = hits
    found, _ = compared(recorded(hits), recorded((clean, perturbed[::-1] * clean)))
    low, high = found.rows[1].change[1:]
    assert low <= 0 <= high and "no difference can be told" in found.verdict[0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda one: one[:3], "too few people for intervals"),
        (lambda one: np.where(np.arange(16) == 2, np.nan, one), None),
    ],
    ids=["few", "no labels"],
)
def test_where_there_is_no_interval_there_is_no_verdict(compared, hits, change, message):
    some = tuple(map(change, hits))
    found, page = compared(recorded(some), recorded(some))
    if message:
        assert message in found.verdict[0] and len(found.verdict) == 1
        assert found.rows[1].change.low is None
    else:
        assert found.rows[1].joints[2].value is None and ">–<" in page


def test_other_people_are_not_compared(compared, hits):
    other = np.where(np.arange(16) == 2, np.nan, hits[0])
    found, _ = compared(recorded(hits), recorded((other, hits[1])))
    assert found.verdict == [comparison.UNPAIRED["people"]]


def test_two_networks_without_each_persons_scores(tmp_path, sturdy, frail):
    for name, one in (("sturdy", sturdy), ("frail", frail)):
        write_results(tmp_path / f"{name}.json", Results(runs={name: one}))
    (found,) = comparisons(*read_runs([tmp_path / "sturdy.json", tmp_path / "frail.json"]))
    assert (found.before, found.after) == ("sturdy", "frail")
    assert found.verdict == [comparison.UNPAIRED["scores"]]
    change = next(row for row in found.rows if (row.name, row.eps) == ("IGSM-U-10", 8.0)).change
    assert change == (pytest.approx(0.8 * 30 - 0.8 * 60), None, None)


def test_another_attack_is_compared_at_the_same_eps(tmp_path):
    for name in ("FGSM-U", "AUTO-U"):
        one = run([attack(name, 8.0, 50.0)])
        write_results(tmp_path / f"{name}.json", Results(runs={"net": one}))
    (found,) = comparisons(*read_runs([tmp_path / "FGSM-U.json", tmp_path / "AUTO-U.json"]))
    assert [row.name for row in found.rows] == ["clean", "FGSM-U → AUTO-U"]


def test_of_an_error_less_is_better():
    metric = EPE.model_copy()
    change = comparison.Change(-2.0, -3.0, -1.0)
    said = comparison._sentence("On clean images", change, "b", metric)
    assert (
        said == "On clean images, b scores better: -2.0 pixels of EPE (95 % interval -3.0 to -1.0)."
    )


def test_nothing_is_compared_without_a_score():
    one = run([], clean=Clean(score=score(None)))
    said = comparison._sentence("Clean", comparison.Change(None), "b", one.metric)
    assert said == "Clean, nothing can be compared."
