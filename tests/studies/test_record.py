"""The study on record: small, and enough to make its pages again."""

import re
from pathlib import Path

import numpy as np
import pytest
from example_results import EPE, attack, observer, run

from hpe_art.evaluation.result_files import ResultsError
from hpe_art.evaluation.results import Judged, Results, Score
from hpe_art.evaluation.store import OWN
from hpe_art.metrics import EPE as EpeMetric
from hpe_art.metrics import PCKh, relative, score
from hpe_art.report.markdown import report_markdown
from hpe_art.report.reading import read_runs
from hpe_art.skeleton import MPII
from hpe_art.studies.jain2019.findings import findings
from hpe_art.studies.jain2019.grid import Grid
from hpe_art.studies.jain2019.scores import StudyScores
from hpe_art.studies.record import Record, RecordedRun, Row, read_record, rows, write_record

STUDY = Path(__file__).parents[2] / "docs" / "study"
NOTHING = Score(value=None)


@pytest.fixture(scope="module")
def on_record():
    return read_record(STUDY)


def test_the_page_of_the_study_is_made_again(on_record):
    page = (STUDY / "README.md").read_text()
    figures = {
        name: (path, caption)
        for name, path, caption in re.findall(r"!\[(\w+)\]\((.*)\)\n\n(.*)\n", page)
    }
    assert report_markdown(on_record.results, figures) == page
    assert len(figures) == 7 and all((STUDY / path).is_file() for path, _ in figures.values())
    seen = [one.universal[-1].image for one in on_record.results.runs.values()]
    assert all((STUDY / image).is_file() for image in seen)


def test_its_findings_are_made_again(on_record):
    study = on_record.results.study
    assert findings(StudyScores(on_record.runs), Grid()) == study.findings
    assert [one.number for one in study.findings if one.verdict == "holds"] == [6, 7, 9]


def test_each_comparison_says_of_what_it_is(on_record):
    said = [one.what for finding in on_record.results.study.findings for one in finding.comparisons]
    assert len({*said}) == len(said) > 40
    assert all("PCKh" in one or "steps to half" in one or "degradation" in one for one in said)


def test_it_is_small():
    files = [path for path in STUDY.rglob("*") if path.is_file() and path.suffix != ".png"]
    assert sum(path.stat().st_size for path in files) < 600e3 and len(files) < 12


def recorded(metric, named, drawn):
    """Two attacks, the first with target poses and an observer."""
    seen = Judged(score=NOTHING, relative=NOTHING)
    attacks = [
        attack("IGSM-T-20", 8.0, 10, 20, observed={"other": seen}),
        attack("FGSM-U", 4.0, 10),
    ]
    one = run(attacks, metric=named, observers={"other": observer()})
    scores = {row: drawn(len(rows(one)), i) for i, row in enumerate(rows(one))}
    return RecordedRun(one, scores, metric)


def hits(count, i):
    found = np.random.default_rng(i).choice([0.0, 1.0], (20, 16), p=[0.3, 0.7])
    found[::4, 3] = np.nan
    return found


def errors(count, i):
    found = np.random.default_rng(i).uniform(0, 30 + i, (20, 16))
    found[::4, 3] = np.nan
    return found


@pytest.mark.parametrize(
    ("metric", "named", "drawn"),
    [(PCKh(MPII), run([]).metric, hits), (EpeMetric(MPII), EPE, errors)],
)
def test_there_and_back(tmp_path, metric, named, drawn):
    one = recorded(metric, named, drawn)
    whole = RecordedRun(one.run, one.scores, metric, training=one)
    write_record(tmp_path / "record.npz", Record(Results(runs={"net": one.run}), {"net": whole}))
    back = read_record(tmp_path / "record.npz")
    found = back.runs["net"]
    assert list(found.scores) == rows(one.run)
    for row, scores in one.scores.items():
        np.testing.assert_array_equal(found.scores[row], scores)
        np.testing.assert_array_equal(found.training.scores[row], scores)
    # The scores are those of the metric, of whom they should be, and against what.
    totals = {row: score(scores, metric, MPII).value for row, scores in one.scores.items()}
    first = back.results.runs["net"].attacks[0]
    assert first.score.value == totals[Row(0)] and first.target.value == totals[Row(0, OWN, True)]
    assert first.relative.value == relative(totals[Row(0)], totals[Row(None)])
    other = first.observed["other"]
    assert other.relative.value == relative(totals[Row(0, "other")], totals[Row(None, "other")])
    assert first.score.interval[0] < first.score.value < first.score.interval[1]
    assert back.results.runs["net"].attacks[1].target is None
    # What does not follow from them is kept as it is.
    names = ("settings", "eps", "linf_max", "forward_passes", "seconds")
    for old, new in zip(one.run.attacks, back.results.runs["net"].attacks, strict=True):
        assert all(getattr(old, name) == getattr(new, name) for name in names)


def test_reports_read_a_record_where_there_are_no_results(tmp_path):
    one = recorded(PCKh(MPII), run([]).metric, hits)
    write_record(tmp_path / "record.npz", Record(Results(runs={"net": one.run}), {"net": one}))
    for path in (tmp_path, tmp_path / "record.npz"):
        results, folders = read_runs([path])
        assert list(results.runs) == ["net"] and folders == {"net": tmp_path}


@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04 cut short"])
def test_what_is_no_record(tmp_path, content):
    if content is not None:
        (tmp_path / "record.npz").write_bytes(content)
    with pytest.raises(ResultsError, match="Expected the record of a study"):
        read_record(tmp_path)
