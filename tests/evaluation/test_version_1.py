"""Results of 0.1 keep their numbers."""

from __future__ import annotations

import json

import pytest

from hpe_art.evaluation.result_files import ResultsError, read_results, write_results
from hpe_art.evaluation.results import Results
from hpe_art.evaluation.version_1 import converted
from hpe_art.skeleton import MPII

SPREAD = {"level": 95, "resamples": 1000, "seed": 0}


def scores(prefix: str, value: float | None) -> dict:
    return {
        f"{prefix}PCKh": value,
        f"{prefix}per_group": value and dict.fromkeys(MPII.groups, value),
        f"{prefix}per_joint": value and dict.fromkeys(MPII.joints, value + 1),
    }


def intervals(prefix: str, value: float | None) -> dict:
    ends = value and [value - 2, value + 3]
    return {
        f"{prefix}PCKh": ends,
        f"{prefix}per_group": ends and dict.fromkeys(MPII.groups, ends),
        f"{prefix}per_joint": ends and dict.fromkeys(MPII.joints, ends),
    }


def judged(plain: float, relative: float, target: float | None) -> dict:
    parts = {"": plain, "relative_": relative, "target_": target}
    both: dict = {"ci": dict(SPREAD)}
    for prefix, value in parts.items():
        both |= scores(prefix, value)
        both["ci"] |= intervals(prefix, value)
    return both


@pytest.fixture
def old_run() -> dict:
    """One of tools/attack.py."""
    entry = {
        "name": "IGSM-T-20",
        "attack": "igsm",
        "eps": 300.0,
        "eps_step": 1.0,
        "max_iter": 20,
        "targeted": True,
        "norm": 2,
        "outputs": "last",
        **judged(40.0, 50.0, 30.0),
        "linf_max": 7.5,
        "forward_passes": 21,
        "backward_passes": 20,
        "seconds": 2.5,
        "transfer_to": {"configs/other.py": judged(60.0, 90.0, None)},
        "defence": {"jpeg": judged(70.0, 95.0, None)},
    }
    clean = {**scores("", 80.0), "PCKh@0.1": 20.0, "ci": {**SPREAD, **intervals("", 80.0)}}
    return {
        "schema_version": 1,
        "config": "configs/net.py",
        "checkpoint": {"path": None, "sha256": None},
        "dataset": {"ann_file": "people.json", "num_samples": 3},
        "versions": {"python": "3.11"},
        "seed": 4,
        "device": "cpu",
        "precision": "float32",
        "arguments": {"eps": [300.0]},
        "started": "2026-01-01T00:00:00+00:00",
        "seconds": 5.0,
        "phases": {"attack": {"seconds": 5.0, "share": 1.0}},
        "clean": clean,
        "attacks": [entry],
        "targets": {"rule": "far", "seed": 4, "fallbacks": 0, "donors": [1, 2, 0]},
        "notes": ["Odd."],
        "transfer_to": {"configs/other.py": clean},
        "defence": {"jpeg": clean},
    }


def test_a_run_is_known_by_its_config_and_keeps_its_numbers(old_run):
    run = Results.model_validate(converted(old_run)).runs["net"]
    assert (run.metric.label, run.seed, run.notes) == ("PCKh@0.5", 4, ["Odd."])
    assert run.clean.finer == {"PCKh@0.1": 20.0} and run.clean.score.interval == (78.0, 83.0)
    (attack,) = run.attacks
    assert (attack.name, attack.norm, attack.eps) == ("IGSM-T-20 L2", 2, 300.0)
    assert (attack.score.value, attack.relative.value) == (40.0, 50.0)
    assert attack.target and attack.target.groups["Hip"] == 30.0
    assert attack.relative.joints["left_hip"] == 51.0
    assert attack.relative.joint_intervals["left_hip"] == (48.0, 53.0)
    assert (attack.forward_passes, attack.backward_passes, attack.seconds) == (21, 20, 2.5)


def test_those_who_saw_the_images_are_named_once(old_run):
    run = Results.model_validate(converted(old_run)).runs["net"]
    kinds = {name: one.kind for name, one in run.observers.items()}
    assert kinds == {"other": "transfer", "jpeg": "defence"}
    seen = run.attacks[0].observed
    assert {name: one.relative.value for name, one in seen.items()} == {"other": 90.0, "jpeg": 95.0}
    assert seen["jpeg"].target is None


def test_what_a_study_pictured_goes_to_its_networks(old_run):
    person = {"person": 0, "pose": [[1.0, 2.0]], "image": "clean_0.webp"}
    document = {
        "schema_version": 1,
        "kind": "study",
        "grid": {"curve_eps": 8.0},
        "arguments": {"quick": True},
        "runs": {"first": {**old_run, "arguments": {}}},
        "examples": {"first": [{"attack": "clean", "eps": 0.0, "people": [person]}]},
        "universal": {
            "first": [{"outputs": "last", "eps": 8.0, "image": "a.webp", "poses": {"first": []}}]
        },
        "findings": [
            {"number": 1, "claim": "C", "paper": "P", "verdict": "holds", "comparisons": []}
        ],
        "missing": ["first/noise"],
        "passes": {},
        "seconds": 1.0,
    }
    results = Results.model_validate(converted(document))
    run = results.runs["first"]
    assert run.examples[0].people[0].image == "clean_0.webp" and run.universal[0].eps == 8.0
    assert run.arguments == {"quick": True}
    assert results.study and results.study.missing == ["first/noise"]
    assert results.study.findings[0].verdict == "holds"


def test_leading_attacks_of_a_study_are_those_of_its_steps(old_run):
    (targeted,) = old_run["attacks"]
    targeted["norm"] = "inf"
    untargeted = {**targeted, "name": "IGSM-U-10", "targeted": False, "max_iter": 10}
    document = {"runs": {"net": {**old_run, "attacks": [untargeted, targeted]}}}
    grid = converted(document)["study"]["grid"]
    assert grid == {"leading_attack": "IGSM-U-10", "leading_targeted_attack": "IGSM-T-20"}


def test_files_of_version_1_are_read(old_run, tmp_path):
    (tmp_path / "results.json").write_text(json.dumps(old_run))
    results = read_results(tmp_path)
    write_results(tmp_path / "new.json", results)
    assert read_results(tmp_path / "new.json") == results
    del old_run["clean"]
    (tmp_path / "results.json").write_text(json.dumps(old_run))
    with pytest.raises(
        ResultsError, match=r"version 1 in .*results.json. Got some without 'clean'"
    ):
        read_results(tmp_path)
