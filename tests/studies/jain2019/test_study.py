"""What a study leaves, that it goes on where it was stopped, and that it grows."""

from __future__ import annotations

import pytest

from hpe_art.data.mpii.folder import mpii_dataset
from hpe_art.evaluation import perturbations
from hpe_art.evaluation.result_files import read_results
from hpe_art.evaluation.spec import FitSpec, RunSpec
from hpe_art.evaluation.store import Store, StoreError
from hpe_art.report.figures import report_figures
from hpe_art.report.html import report_html
from hpe_art.report.reading import read_runs
from hpe_art.studies.jain2019 import networks as study_networks
from hpe_art.studies.jain2019.grid import QUICK, Grid
from hpe_art.studies.record import read_record

CHEAP = ("noise", "fgsm")


def without_clock(results):
    """What must not depend on when and in how many goes it was made."""
    runs = results.model_dump()["runs"]
    for run in runs.values():
        for name in ("seconds", "started", "phases", "arguments"):
            del run[name]
        for attack in run["attacks"]:
            del attack["seconds"]
    return runs


def shards(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("store/*/*.npz")}


def test_what_a_study_leaves(whole):
    found = read_results(whole)
    assert list(found.runs) == ["deep", "flat"]
    names = {attack.name for attack in found.runs["deep"].attacks}
    assert {"NOISE", "FGSM-U", "FGSM-T-ALL", "IGSM-U-3", "IGSM-T-4-ALL", "UAP-U-ALL"} <= names
    assert not any(attack.outputs == "all" for attack in found.runs["flat"].attacks)
    assert [finding.number for finding in found.study.findings] == list(range(1, 11))
    assert found.study.grid["leading_attack"] == "IGSM-U-10"
    # Every network has the results of a run of its own.
    alone = read_results(whole / "flat").runs["flat"]
    assert alone.attacks == found.runs["flat"].attacks


def test_who_sees_what(whole):
    run = read_results(whole).runs["deep"]
    seen = {(a.name, a.eps): set(a.observed) for a in run.attacks if a.observed}
    everybody = {"flat", "smoothing", "flip-perturbation"}
    assert seen == dict.fromkeys(
        [("IGSM-U-10", 8.0), ("UAP-U", 8.0), ("UAP-U-ALL", 8.0)], everybody
    )
    assert set(run.observers) == everybody


def test_pictures_are_there(whole):
    run = read_results(whole).runs["deep"]
    shown = {(one.attack, one.eps): one.people for one in run.examples}
    # Not of the curves over steps, nor of the loss over all outputs.
    assert ("IGSM-U-10", 8.0) in shown and ("IGSM-U-3", 8.0) not in shown
    assert not any(name.endswith("ALL") for name, _ in shown)
    files = [p.image for people in shown.values() for p in people]
    files += [p.perturbation for people in shown.values() for p in people if p.perturbation]
    assert [p.perturbation for p in shown["clean", 0.0]] == [None] * 3
    (alone,) = (one for one in run.universal if one.outputs == "last")
    assert set(alone.poses) == {"deep", "flat"}
    assert all((whole / file).is_file() for file in [*files, alone.image])


def test_fitted_perturbations_are_scored_on_training_people_too(whole):
    training = read_results(whole / "deep" / "training").runs["deep"]
    assert [attack.name for attack in training.attacks] == ["UAP-U", "UAP-U-ALL"]
    assert training.dataset.ann_file.endswith("mpii_train.json")
    on_record = read_record(whole).runs["deep"].training
    assert on_record.run.attacks[0].score == training.attacks[0].score


def test_its_record_says_the_same(whole):
    results, record = read_results(whole), read_record(whole).results
    assert record.study == results.study
    for name, run in results.runs.items():
        for kept, attack in zip(record.runs[name].attacks, run.attacks, strict=True):
            assert (kept.score, kept.relative, kept.target) == (
                attack.score,
                attack.relative,
                attack.target,
            )
            assert kept.settings == attack.settings


def test_its_report(whole):
    results, folders = read_runs([whole])
    figures = report_figures(results, folders)
    assert {"eps", "transfer", "universal"} <= set(figures)
    assert "IGSM-U-10" in report_html(results, folders)


def test_a_study_that_was_stopped_goes_on(study, whole, tmp_path, monkeypatch):
    add, left = Store.add, [0]

    def counted(self, *args):
        left[0] -= 1
        if left[0] == 0:
            raise KeyboardInterrupt
        add(self, *args)

    monkeypatch.setattr(Store, "add", counted)
    grid = {"parts": CHEAP}
    for writes in (1, 5, 8):
        left[0] = writes
        with pytest.raises(KeyboardInterrupt):
            study(tmp_path / "study", grid=grid)
        assert not (tmp_path / "study" / "results.json").exists()
    left[0] = -1
    done = without_clock(study(tmp_path / "study", grid=grid))
    straight = without_clock(read_results(whole))
    for name, run in done.items():
        known = {(a["name"], a["eps"]): a for a in straight[name]["attacks"]}
        assert run["clean"] == straight[name]["clean"]
        assert run["attacks"] == [known[a["name"], a["eps"]] for a in run["attacks"]]


def test_a_finished_study_runs_nothing(study, copied):
    before, results = shards(copied), read_results(copied)
    assert without_clock(study(copied)) == without_clock(results)
    assert shards(copied) == before


def test_more_eps_later(study, copied):
    before = shards(copied)
    grid = {"parts": CHEAP, "eps": (8.0, 16.0)}
    found = study(copied, "flat", grid=grid)
    assert [(a.name, a.eps) for a in found.runs["flat"].attacks] == [
        ("NOISE", 8.0),
        ("NOISE", 16.0),
        ("FGSM-U", 8.0),
        ("FGSM-U", 16.0),
        ("FGSM-T", 8.0),
    ]
    added = [path.parent.name for path in shards(copied).keys() - before.keys()]
    assert {name.rpartition("-")[0] for name in added} == {"noise_eps16", "fgsm-u_eps16"}
    assert before.items() <= shards(copied).items()


def test_a_network_that_comes_later(study, whole, tmp_path):
    """Of the first one only what the second one sees is run again."""
    folder, grid = tmp_path / "study", {"parts": ("igsm",), "eps": (8.0,)}
    study(folder, "flat", grid=grid)
    before = shards(folder)
    both = study(folder, "flat", "deep", grid=grid)
    assert before.items() <= shards(folder).items()
    new = [path.parent.name for path in shards(folder / "flat") if path not in before]
    assert sorted(name[:14] for name in new) == ["clean", "igsm-u-10_eps8"]
    seen = both.runs["flat"].attacks[0].observed["deep"]
    straight = read_results(whole).runs["flat"].attacks
    (known,) = (a for a in straight if (a.name, a.eps) == ("IGSM-U-10", 8.0))
    assert seen == known.observed["deep"]


@pytest.mark.parametrize(
    ("settings", "words"),
    [({"seed": 7}, "seed 0 instead of 7"), ({"flip_test": True}, "flip_test")],
)
def test_a_study_of_other_settings_is_refused(study, whole, settings, words):
    with pytest.raises(StoreError, match=words):
        study(whole, grid={"parts": CHEAP}, **settings)


def test_other_weights_are_refused(study, copied, networks, write_weights, tmp_path, monkeypatch):
    import torch

    path = networks.parent / "flat.pth"
    held = path.read_bytes()
    weights = torch.load(path, weights_only=True)["state_dict"]
    try:
        torch.save({"state_dict": {k: v + 1 for k, v in weights.items()}}, path)
        with pytest.raises(StoreError, match="with other weights: choose"):
            study(copied, "flat", grid={"parts": CHEAP})
    finally:
        path.write_bytes(held)


def test_without_training_people_the_bundled_perturbations_are_taken(
    planned_networks, tmp_path, monkeypatch
):
    monkeypatch.setattr(perturbations, "people_are_there", lambda settings: False)
    grid = {"parts": (*CHEAP, "universal")}
    found = planned_networks(tmp_path, grid=grid, fit=FitSpec())
    assert all(network.bundled for network in found)
    assert not any(attack.name == "uap" for one in found for attack in one.spec.attacks)
    (note,) = study_networks.bundled_note(found, Grid())
    assert "none of deep, none of flat" in note and "--fit-data-root" in note
    assert study_networks.bundled_note(found, QUICK) == []


def test_networks_of_other_people_are_left_out(networks, write_people, tmp_path):
    text = (networks / "flat.py").read_text()
    elsewhere = write_people(tmp_path / "people", 5)
    other = tmp_path / "other.py"
    other.write_text(text.replace(str(networks.parent / "people"), str(elsewhere)))
    coarse = tmp_path / "coarse.py"
    coarse.write_text(text + 'test_evaluator = dict(type="PCKAccuracy", thr=0.2)\n')
    files = [other, coarse, *(networks / f"{name}.py" for name in ("deep", "flat"))]
    configs, _ = study_networks.with_weights(files)
    ready, left_out = study_networks.of_one_dataset(configs, RunSpec())
    assert [file.stem for file in ready] == ["deep", "flat"]
    assert set(left_out) == {"other", "coarse"} and "those of deep" in left_out["other"]
    # With the same people for all, the metric still differs.
    folder = mpii_dataset(networks.parent / "people", "val")
    ready, left_out = study_networks.of_one_dataset(configs, RunSpec(), folder)
    assert set(left_out) == {"coarse"}


def test_a_network_without_weights_is_left_out(networks):
    ready, left_out = study_networks.with_weights(sorted(networks.glob("*.py")))
    assert [file.stem for file in ready] == ["deep", "flat"]
    assert left_out == {"untrained": "the config names no weights (load_from)"}
    with pytest.raises(ValueError, match="Got none: untrained: the config names no weights"):
        study_networks.with_weights([networks / "untrained.py"])
