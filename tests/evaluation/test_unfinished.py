"""What is there of a run that was stopped is what a run of those people would have found."""

from __future__ import annotations

import json

import pytest

from hpe_art.errors import UserError
from hpe_art.evaluation.store import Store
from hpe_art.evaluation.unfinished import BEGUN, read_unfinished
from hpe_art.report.html import report_html
from hpe_art.report.reading import read_runs

ATTACKS = ("noise", dict(type="igsm", max_iter=2), dict(type="fgsm", targeted=True))
LABELS = ["NOISE", "IGSM-U-2", "FGSM-T"]
LATER = {"official", "relative_official", "seconds"}


@pytest.fixture
def stopped(prepared_loop, monkeypatch, tmp_path):
    """`stopped(shards)`: the folder of a run that ends after so many; there are four in a batch."""

    def stop(shards, folder="stopped", **settings):
        loop, added, add = prepared_loop(*ATTACKS, folder=folder, **settings), [], Store.add

        def until(store, *arguments):
            if len(added) == shards:
                raise KeyboardInterrupt
            added.append(arguments)
            add(store, *arguments)

        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(Store, "add", until)
            loop.runner.test()
        return tmp_path / folder

    return stop


def scores(run):
    """All that does not wait for the end of a run, and takes no time."""
    found = run.model_dump()
    parts = [
        found["clean"],
        *found["attacks"],
        *(one["clean"] for one in found["observers"].values()),
    ]
    parts += [seen for one in found["attacks"] for seen in one["observed"].values()]
    for part in parts:
        for name in LATER & part.keys():
            del part[name]
    return [found[name] for name in ("clean", "attacks", "observers", "metric", "skeleton")]


def test_people_who_were_attacked_are_scored(attacked, stopped):
    few = {"batch_size": 2, "defences": ("jpeg",)}
    folder = stopped(10, **few)  # two batches, and of the third the clean images and noise
    run = read_unfinished(folder)
    _, whole = attacked(*ATTACKS, num_samples=4, **few).finished
    assert scores(run) == scores(whole)
    assert run.attacks[0].target.value is not None and run.observers["jpeg"].clean.score.value
    assert run.dataset.num_samples == 4 and len(run.dataset.images) == 6
    assert run.missing == ["2 of 6 people", "official numbers and pictures"]
    page = report_html(*read_runs([folder]))
    said = "Not finished: tiny (2 of 6 people, official numbers and pictures). The same command"
    assert said in page and page.index(said) < page.index("Summary</h2>")


def test_attacks_that_nobody_had_are_named(stopped):
    run = read_unfinished(stopped(3, batch_size=6))
    assert [attack.name for attack in run.attacks] == LABELS[:2]
    assert run.missing == ["FGSM-T eps 8", "official numbers and pictures"]
    assert run.dataset.num_samples == 6


def test_clean_images_alone_make_a_page(stopped):
    folder = stopped(1, batch_size=6)
    assert read_unfinished(folder).attacks == []
    assert "Not finished: tiny (NOISE eps 8, IGSM-U-2 eps 8, FGSM-T eps 8," in report_html(
        *read_runs([folder])
    )


def test_where_nothing_was_done_that_is_said(stopped):
    folder = stopped(0)
    assert read_unfinished(folder) is None
    with pytest.raises(UserError, match="a run was stopped there, and the same command goes on"):
        read_runs([folder])


def test_networks_of_a_study_that_was_stopped(stopped, attacked, tmp_path):
    stopped(5, "study/half", batch_size=2)
    stopped(0, "study/begun")
    attacked("noise", folder="study/whole")
    results, folders = read_runs([tmp_path / "study"])
    assert sorted(results.runs) == ["half", "whole"] and folders["half"].name == "half"
    assert results.study.missing == ["begun"]
    assert "Not finished: begun, half (4 of 6 people, official" in report_html(results, folders)


def test_a_finished_run_and_one_that_goes_on_are_not_mistaken(stopped, prepared_loop):
    folder = stopped(5, batch_size=2)
    prepared_loop(*ATTACKS, folder="stopped").runner.test()
    (run,) = read_runs([folder])[0].runs.values()
    assert run.missing == [] and run.clean.official


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda begun: begun.pop("run"), "Expected a run in .*begun.json. Got 1 validation error"),
        (lambda begun: begun["run"]["metric"].update(label="PCKh@7"), "PCKh@0.5. Got PCKh@7 in"),
        (lambda begun: begun["run"]["attacks"][0].update(folder=".."), "out of its folder"),
        (lambda begun: begun["run"]["dataset"].update(images={0: "\n"}), "cannot be shown"),
    ],
)
def test_what_a_stranger_has_changed_is_refused(stopped, change, words):
    folder = stopped(5, batch_size=2)
    path = folder / "store" / BEGUN
    begun = json.loads(path.read_text())
    change(begun)
    path.write_text(json.dumps(begun))
    with pytest.raises(UserError, match=words):
        read_unfinished(folder)
