from __future__ import annotations

import re

import pytest
from example_results import EPE, attack, observer, run, score
from rich.console import Console

from hpe_art.evaluation.results import Clean, GradientRecord, SkeletonRecord
from hpe_art.report import results_markdown, results_table
from hpe_art.report.table import joint_table, observer_table
from hpe_art.skeleton import MPII


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def printed(table, width: int = 200) -> list[list[str]]:
    console = Console(width=width, record=True, file=None, quiet=False)
    with console.capture() as capture:
        console.print(table)
    return [line.split() for line in capture.get().splitlines()]


def test_markdown_shows_every_number(results):
    lines = results_markdown(results).splitlines()
    assert cells(lines[0]) == ["attack", "eps", "PCKh", "relative", "target", *MPII.groups]
    assert cells(lines[2]) == [
        "clean", "-", "80.0 ±1.0", "-", "-", *["80.0 ±1.0"] * 7, "-",
    ]  # fmt: skip
    row = ["IGSM-U-10", "8", "12.0 ±1.0", "15.0 ±1.0", "-", *["12.0 ±1.0"] * 8]
    assert cells(lines[5]) == row
    assert cells(lines[7]) == ["IGSM-T-100-ALL", "2", "-", "-", "50.0 ±1.0", *["-"] * 8]
    assert cells(lines[8])[:5] == ["IGSM-T-100-ALL", "8", "5.0 ±1.0", "6.2 ±1.0", "76.5 ±1.0"]
    assert lines[-1] == (
        "PCKh@0.5 in percent, also in the eight joint groups (plain, not relative). relative: of "
        "the clean PCKh. target: PCKh against the target pose. eps in grey levels. ±: half of a "
        "95 % bootstrap interval over people."
    )


def test_the_screen_table_fits_into_100_columns(results):
    rows = printed(results_table(results), width=100)
    assert not any("…" in cell for row in rows for cell in row)
    assert ["mmpose_configs/hourglass.py,", "128", "people"] in rows
    assert ["clean", "-", "80.0", "-", "-", *["80.0"] * 7, "-"] in rows
    assert ["NOISE", "8", "79.6", "99.5", "-", *["79.6"] * 8] in rows
    assert ["±1.0"] * 10 in rows
    assert " ".join(rows[-1]).endswith("than half of the head's length.")
    assert "Gradients in float32. PCKh: percentage" in " ".join(" ".join(row) for row in rows)


def test_at_most_ten_groups_are_columns_and_fit_too():
    joints = [f"landmark_{k}" for k in range(14)]
    groups = {f"Forefinger {k}": [k] for k in range(14)}
    skeleton = SkeletonRecord(joints=joints, groups=groups, bones=[])
    scores = {"score": score(80.0, skeleton), "relative": score(90.0, skeleton)}
    one = run(
        [attack("IGSM-T-100-ALL", 0.25, 90.0, **scores)],
        skeleton=skeleton,
        clean=Clean(score=score(99.5, skeleton)),
    )
    rows = printed(results_table(one), width=100)
    assert not any("…" in cell for row in rows for cell in row)
    assert ["clean", "-", "99.5", "-", "-", *["99.5"] * 8] in rows
    assert ["clean", "-", "99.5", "-", "-", *["99.5"] * 10] in [
        [cell.removesuffix(" ±1.0") for cell in cells(line)]
        for line in results_markdown(one).splitlines()
    ]
    assert "the first ten of the 14 joint groups" in results_markdown(one)
    assert len([row for row in printed(joint_table(one)) if row[:1] == ["Forefinger"]]) == 14


def test_another_norm_is_explained(results):
    results.attacks[0] = attack("NOISE L2", 2, 100.0, norm=2)
    assert "| NOISE L2 | 2 |" in results_markdown(results)
    assert "eps in grey levels, or in the norm of the name." in results_markdown(results)


def test_an_attack_without_a_bound_has_a_dash():
    assert "| FREE-U | - | 40.0 ±1.0 |" in results_markdown(run([attack("FREE-U", None, 50.0)]))


@pytest.mark.parametrize(
    ("metric", "row", "said"),
    [
        (EPE, "| FGSM-U | 8 | 121.6 ±1.0 | 152.0 ±1.0 |", "EPE in pixels"),
        (
            EPE.model_copy(update={"unit": ""}),
            "| FGSM-U | 8 | 121.600 ±1.000 | 152.0 ±1.0 |",
            "EPE",
        ),
    ],
)
def test_errors_are_in_their_unit_and_relative_in_percent(metric, row, said):
    text = results_markdown(run([attack("FGSM-U", 8, 152.0)], metric=metric))
    assert row in text
    assert re.search(rf"^{said}, also in", text, re.M)
    assert "relative: in percent of the clean EPE, above 100 is worse." in text


def test_every_joint_and_group_has_a_row(results):
    rows = printed(joint_table(results))
    names = [row[0] for row in rows if row and row[0] in (*MPII.groups, *MPII.joints)]
    assert names == [*MPII.groups, *MPII.joints]
    hip = next(row for row in rows if row and row[0] == "Hip")
    # clean, then relative of each attack; the targeted ones with their target PCKh
    assert hip[1:3] == ["80.0", "±1.0"]
    assert hip[3:5] == ["100.0", "±1.0"] and hip[-5:] == ["6.2", "±1.0", "→", "76.5", "±1.0"]


@pytest.mark.parametrize("kind", ["transfer", "defence"])
def test_observers_stand_beside_the_attacked_network(results, kind):
    results.observers = {"other": observer(kind), "third": observer("transfer", 70.0)}
    seen = attack("NOISE", 2, 55.0)
    for one in results.attacks[:2]:
        one.observed = {"other": seen}
    rows = printed(observer_table(results, kind))
    clean = ["80.0", "±1.0", "80.0", "±1.0"] + ["70.0", "±1.0"] * (kind == "transfer")
    assert ["clean", "PCKh", "-", *clean] in rows
    unseen = ["-"] * (kind == "transfer")
    assert ["NOISE", "2", "100.0", "±1.0", "55.0", "±1.0", *unseen] in rows
    assert not any(row[:1] == ["IGSM-U-10"] for row in rows), "nobody saw that"


def test_attacks_that_could_not_climb_are_named():
    gradients = GradientRecord(zero=3, not_finite=1)
    good = attack("FGSM-U", 8, 50.0, gradients=GradientRecord(zero=0, not_finite=0))
    text = results_markdown(run([attack("IGSM-U-10", 8, 15.0, gradients=gradients), good]))
    assert text.rstrip().endswith(
        "IGSM-U-10 at eps 8: gradients are zero for 3 people and not finite for 1, who may be "
        "unperturbed."
    )
