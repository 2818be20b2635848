"""What a run says before and after: the plan, and commands that can be typed."""

from __future__ import annotations

import shlex
from types import SimpleNamespace

import pytest

from hpe_art.attacks import build_spec
from hpe_art.commands import attack, spoken
from hpe_art.commands.attacks_asked import attacks_asked, check_together
from hpe_art.evaluation.attacking import Block
from hpe_art.evaluation.progress import duration, forecast


def next_of(*words: str) -> list[str]:
    return spoken.next_commands(attack._parser(), attack.parse(["hourglass", *words]))


@pytest.mark.parametrize(
    ("words", "stronger"),
    [
        ((), "AUTO-U"),
        (("--attack", "igsm", "--both", "--max-iter", "5", "--num-samples", "3"), "AUTO-U"),
        (("--attack", "igsm", "--targeted", "--target", "mirror"), "AUTO-T"),
        (("--target", "mirror", "--out", "a folder"), "AUTO-U"),
        (("--attack", "auto", "--eps", "1", "2", "--norm", "2"), "AUTO-U-STANDARD L2"),
        (("--cfg-options", "a.b=3", "--launcher", "pytorch", "--json"), "AUTO-U"),
    ],
)
def test_the_stronger_command_can_be_typed(monkeypatch, words, stronger):
    monkeypatch.setattr("sys.argv", ["tools/attack.py"])
    report, again = map(shlex.split, next_of(*words))
    assert report[:2] == ["python", "tools/report.py"] and report[-2] == "-o"
    assert again[:2] == ["python", "tools/attack.py"]
    args, before = attack.parse(again[2:]), attack.parse(["hourglass", *words])
    check_together(args)
    specs = attacks_asked(args)
    assert {spec.label for spec in specs} == {stronger}
    assert [spec.eps for spec in specs] == (before.eps or [8])
    other = "standard" if "auto" in words else "strongest"
    assert str(args.work_dir) == f"{before.work_dir}_{other}", "its target poses may be others"
    for name in ("config", "num_samples", "norm", "cfg_options", "targeted"):
        assert getattr(args, name) == getattr(before, name), name
    assert args.launcher == "none" and not args.json


@pytest.mark.parametrize("words", [("--norm", "1"), ("--attack", "auto", "--size", "standard")])
def test_where_there_is_none_stronger_only_the_report_is_named(monkeypatch, words):
    monkeypatch.setattr("sys.argv", ["/usr/bin/hpe-art"])
    assert next_of(*words) == ["hpe-art report results/hourglass -o results/hourglass/report.html"]


def test_the_plan_counts_gradients_of_shared_runs_once():
    kinds = [dict(type="fgsm", eps=e) for e in (1.0, 8.0)] + [dict(type="igsm"), dict(type="fmn")]
    attacks = dict(enumerate(map(build_spec, kinds)))
    run = SimpleNamespace(attacks=attacks, people=range(5))
    assert spoken.plan(run, "results/x") == (
        "Attacks 5 people with FGSM-U, IGSM-U-10, FMN-U-50 at eps 1, 8: at most 11 gradients for "
        "each, and those of FMN-U-50, which are not known before. Results go to results/x; what "
        "is there already is not made again."
    )


def test_the_forecast_counts_what_other_batches_lack():
    blocks = [Block(range(4), {"a": [], "b": []}), Block(range(2), {"a": []})]
    assert forecast(blocks, 8.0) == "The first 4 people took 8 s: about 2 s for the other 2."
    assert [duration(s) for s in (0.4, 99, 3725)] == ["0 s", "99 s", "1:02:05"]
