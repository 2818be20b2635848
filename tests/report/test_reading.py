"""Several result files as one."""

from __future__ import annotations

import json
import shutil

import pytest
from example_results import EPE

from hpe_art.evaluation.result_files import ResultsError, write_results
from hpe_art.evaluation.results import Results, Study
from hpe_art.report.reading import read_runs
from hpe_art.report.summary import remarks, summary, unfinished


def test_several_are_merged(study, tmp_path, frail):
    frail.notes = ["Odd."]
    write_results(tmp_path / "one.json", Results(runs={"net": frail}))
    results, folders = read_runs([study, tmp_path / "one.json"])
    assert list(results.runs) == ["sturdy", "frail", "net"]
    assert folders == {"sturdy": study, "frail": study, "net": tmp_path}
    assert results.study and len(results.study.findings) == 1
    # The same whichever is named first.
    again, _ = read_runs([tmp_path / "one.json", study])
    assert again.study == results.study and summary(again) == summary(results)


def test_of_two_studies_the_larger_says_what_was_asked_for(study, tmp_path, frail):
    about = Study(protocol="a card", missing=["net/clean"], left_out={"other": "no weights"})
    write_results(tmp_path / "small.json", Results(runs={"net": frail}, study=about))
    for paths in ([study, tmp_path / "small.json"], [tmp_path / "small.json", study]):
        merged = read_runs(paths)[0].study
        assert merged and merged.protocol == "the paper" and len(merged.findings) == 1
        assert merged.missing == ["net/clean"] and merged.left_out == {"other": "no weights"}


def test_a_network_in_two_files_of_three_is_refused(study, tmp_path, frail):
    shutil.copytree(study, tmp_path / "other")
    write_results(tmp_path / "one.json", Results(runs={"net": frail}))
    with pytest.raises(ResultsError, match=r"Got sturdy in .* and in .*: leave one out"):
        read_runs([study, tmp_path / "other", tmp_path / "one.json"])


def test_a_network_in_both_of_two_is_there_before_and_after(study, tmp_path):
    other = shutil.copytree(study, tmp_path / "other")
    results, folders = read_runs([study, other])
    assert list(results.runs) == [
        "sturdy (before)",
        "frail (before)",
        "sturdy (after)",
        "frail (after)",
    ]
    assert folders["frail (before)"] == study and folders["frail (after)"] == other


def test_several_metrics_are_refused(study, tmp_path, frail):
    frail.metric = EPE
    write_results(tmp_path / "one.json", Results(runs={"net": frail}))
    words = r"Got PCKh@0.5 on 16 joints and EPE on 16 joints \(sturdy and net\): report them apart"
    with pytest.raises(ResultsError, match=words):
        read_runs([study, tmp_path / "one.json"])


def test_a_study_that_was_stopped_is_shown_with_what_is_missing(tmp_path, frail):
    for name in ("frail", "begun"):
        (tmp_path / name / "store").mkdir(parents=True)
    write_results(tmp_path / "frail" / "results.json", Results(runs={"net": frail}))
    results, folders = read_runs([tmp_path])
    assert list(results.runs) == ["frail"] and folders == {"frail": tmp_path / "frail"}
    assert unfinished(results) == (
        "Not finished: begun. The same command goes on where it was stopped."
    )
    note = "Results of single networks: a study that was stopped goes on by the same command."
    assert remarks(results) == [note]


def test_no_network_is_refused(tmp_path):
    write_results(tmp_path / "results.json", Results(runs={}))
    with pytest.raises(ResultsError, match="results of a network at least. Got none in "):
        read_runs([tmp_path])


def test_a_folder_that_is_not_there_is_no_stopped_run(tmp_path):
    (tmp_path / "other" / "store").mkdir(parents=True)
    with pytest.raises(ResultsError, match=r"nothing, which does not exist: tools/attack\.py and"):
        read_runs([tmp_path / "nothing"])


@pytest.mark.parametrize("name", ["corruptions", "certificates"])
def test_what_has_a_page_of_its_own_is_refused(tmp_path, name):
    data = tmp_path / f"{name}.json"
    data.write_text("{}")
    for given in (tmp_path, data):
        with pytest.raises(ResultsError, match=rf"Got .*: its page is .*{name}\.md"):
            read_runs([given])


def test_what_cannot_be_read_is_refused(study, tmp_path):
    document = json.loads((study / "results.json").read_text())
    (study / "results.json").write_text(json.dumps({**document, "schema_version": 3}))
    with pytest.raises(ResultsError, match=r"schema_version 1 or 2 in .*\. Got 3: run it again"):
        read_runs([study])
    with pytest.raises(ResultsError, match=r"Got .*, which does not exist"):
        read_runs([tmp_path / "nowhere"])
    (tmp_path / "broken.json").write_text("{")
    with pytest.raises(ResultsError, match="Expected JSON in"):
        read_runs([tmp_path / "broken.json"])
    (tmp_path / "list.json").write_text("[]")
    with pytest.raises(ResultsError, match="Got None"):
        read_runs([tmp_path / "list.json"])
