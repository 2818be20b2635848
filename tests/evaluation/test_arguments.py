from __future__ import annotations

import argparse
import math
from pathlib import Path

import pytest

from hpe_art.evaluation.arguments import (
    ArgumentsError,
    attack_settings,
    check_together,
    recorded,
)
from hpe_art.commands.paths import check_paths
from hpe_art.evaluation.results import attack_name

DEFAULTS = dict(
    attack=None,
    targeted=False,
    both=False,
    target="far",
    target_joints=None,
    perturbation=None,
    behind=None,
    defence=None,
    fit_data_root=None,
    fit_ann_file=None,
    fit_samples=None,
    epochs=None,
    eps=[8.0],
    eps_step=None,
    max_iter=None,
    outputs="last",
    norm=math.inf,
    batch_size=32,
    seed=0,
)


def arguments(**changes):
    return argparse.Namespace(**{**DEFAULTS, **changes})


def names(**changes):
    return [
        attack_name(s.attack, s.targeted, s.iterations, s.outputs)
        for s in attack_settings(arguments(**changes))
    ]


# --- paths ---------------------------------------------------------------------------------------


def test_paths_that_will_do(tmp_path, monkeypatch):
    config = tmp_path / "config.py"
    config.write_text("")
    check_paths([str(config)], tmp_path, str(tmp_path))
    check_paths([str(config)], tmp_path / "new" / "folder")
    monkeypatch.chdir(tmp_path)
    check_paths(["config.py"], Path("results") / "config")
    assert [path.name for path in tmp_path.iterdir()] == ["config.py"], "nothing is left behind"


def test_paths_that_will_not_do(tmp_path):
    config = tmp_path / "config.py"
    config.write_text("")
    with pytest.raises(ArgumentsError, match="Expected a config file. Got no.py, which does not"):
        check_paths(["no.py"], tmp_path)
    with pytest.raises(ArgumentsError, match=f"Got {tmp_path}, which is a folder"):
        check_paths([str(tmp_path)], tmp_path)
    with pytest.raises(ArgumentsError, match="Expected a folder for --data-root. Got .*no: not"):
        check_paths([str(config)], tmp_path, str(tmp_path / "no"))
    for out in (config, config / "below"):
        message = rf"Expected a writable folder for --out\. Got {out} \(Not a directory\)"
        with pytest.raises(ArgumentsError, match=message):
            check_paths([str(config)], out)


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="no folder that nobody can write to")
def test_a_folder_that_nobody_can_write_to(tmp_path):
    """Even root, whom permission bits do not stop."""
    config = tmp_path / "config.py"
    config.write_text("")
    with pytest.raises(ArgumentsError, match=r"writable folder for --out\. Got /proc/results \("):
        check_paths([str(config)], Path("/proc/results"))


# --- together ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"eps": [0.5, 255.0]},
        {"eps": [2000.0], "norm": 2.0},
        {"eps_step": 8.0},
        {"attack": ["noise", "igsm"], "max_iter": [5], "both": True},
        {"attack": ["noise", "fgsm"], "targeted": True},
    ],
)
def test_arguments_that_go_together(changes):
    check_together(arguments(**changes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"attack": ["fgsm"], "eps_step": 1.0}, "--eps-step with --attack igsm. Got fgsm"),
        ({"attack": ["noise", "fgsm"], "max_iter": [3]}, "--max-iter with .* Got noise fgsm"),
        ({"attack": ["noise"], "targeted": True}, "--both with fgsm or igsm. Got noise alone"),
        ({"attack": ["noise"], "both": True}, "--both with fgsm or igsm. Got noise alone"),
        ({"perturbation": ["a.npz"], "epochs": 3}, "--perturbation, or --epochs to fit one"),
        ({"perturbation": ["a.npz"], "attack": ["fgsm"]}, "with --attack uap. Got fgsm"),
        ({"perturbation": ["a.npz"]}, "file for --perturbation. Got a.npz: not there"),
        ({"fit_samples": 3}, "Expected --fit-samples with --attack uap. Got another"),
        ({"attack": ["uap"], "fit_data_root": "no"}, "--fit-data-root. Got no: not there"),
        ({"attack": ["uap"], "norm": 2.0}, "--norm inf with universal perturbations. Got 2"),
        ({"attack": ["uap"], "both": True}, "moves everybody alike. Got far"),
        (
            {"attack": ["uap"], "targeted": True, "target": "mirror", "target_joints": ["Hip"]},
            "no --target-joints with a targeted universal",
        ),
        ({"attack": ["uap"], "fit_ann_file": "a.json"}, "--fit-ann-file with --fit-data-root"),
        ({"perturbation": ["a.npz"], "max_iter": [3]}, "--max-iter with --attack igsm. Got uap"),
        ({"behind": "jpeg", "defence": ["jpeg"]}, "--behind or --defence. Got both"),
        ({"eps": [8.0, 256.0]}, "at most 255 grey levels for norm inf. Got 256"),
        ({"eps": [2.0, 8.0], "eps_step": 4.0}, "--eps-step of at most eps. Got 4 for eps 2"),
    ],
)
def test_arguments_that_do_not(changes, message):
    with pytest.raises(ArgumentsError, match=message):
        check_together(arguments(**changes))


# --- settings ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ["NOISE", "FGSM-U", "IGSM-U-10", "IGSM-T-20"]),
        ({"targeted": True}, ["NOISE", "FGSM-T", "IGSM-T-20"]),
        ({"both": True}, ["NOISE", "FGSM-U", "FGSM-T", "IGSM-U-10", "IGSM-T-20"]),
        ({"attack": ["igsm"]}, ["IGSM-U-10"]),
        ({"attack": ["igsm"], "targeted": True}, ["IGSM-T-20"]),
        (
            {"attack": ["igsm", "fgsm"], "both": True},
            ["IGSM-U-10", "IGSM-T-20", "FGSM-U", "FGSM-T"],
        ),
        ({"attack": ["fgsm"], "outputs": "all"}, ["FGSM-U-ALL"]),
        ({"attack": ["igsm"], "max_iter": [5, 50]}, ["IGSM-U-5", "IGSM-U-50"]),
        ({"max_iter": [5]}, ["NOISE", "FGSM-U", "IGSM-U-5", "IGSM-T-5"]),
        ({"attack": ["fgsm", "fgsm"]}, ["FGSM-U"]),
        ({"attack": ["uap", "noise"], "targeted": True}, ["UAP-T", "NOISE"]),
        ({"attack": ["uap", "noise"], "perturbation": ["a.npz"]}, ["NOISE"]),
    ],
)
def test_which_attacks_run(changes, expected):
    assert names(**changes) == expected


def test_every_eps_of_every_attack_in_order_and_once():
    settings = attack_settings(arguments(attack=["noise", "igsm"], eps=[2.0, 8.0, 2.0]))
    assert [(s.attack, s.eps) for s in settings] == [
        ("noise", 2), ("noise", 8), ("igsm", 2), ("igsm", 8),
    ]  # fmt: skip
    assert [s.step for s in settings[2:]] == pytest.approx([0.8, 3.2])


def test_the_settings_carry_every_argument():
    (setting,) = attack_settings(
        arguments(
            attack=["igsm"],
            targeted=True,
            eps=[4.0],
            eps_step=0.5,
            max_iter=[3],
            norm=2.0,
            outputs="all",
            seed=5,
            batch_size=7,
        )
    )
    assert (setting.eps, setting.step, setting.iterations) == (4, 0.5, 3)
    assert (setting.norm, setting.outputs, setting.targeted) == (2, "all", True)
    assert (setting.seed, setting.batch_size) == (5, 7)


def test_the_step_is_of_iterated_attacks_alone():
    settings = attack_settings(arguments(eps_step=1.0))
    assert {s.attack: s.effort["eps_step"] for s in settings} == {
        "noise": None, "fgsm": 8, "igsm": 1,
    }  # fmt: skip


def test_recorded_as_json_has_it():
    assert recorded(argparse.Namespace(norm=math.inf, out=Path("a/b"), eps=[8.0])) == {
        "norm": "inf", "out": "a/b", "eps": [8.0],
    }  # fmt: skip
    assert recorded(argparse.Namespace(norm=2.0))["norm"] == 2.0
