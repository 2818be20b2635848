from __future__ import annotations

from rich.console import Console

from hpe_art.evaluation.results import write_results
from hpe_art.mpii import GROUPS, JOINTS
from hpe_art.report import results_markdown, results_table
from hpe_art.report.table import joint_table, onlooker_table


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_the_example_is_a_valid_result(results, tmp_path):
    write_results(tmp_path / "results.json", results)


def test_markdown_shows_every_number(results):
    lines = results_markdown(results).splitlines()
    assert cells(lines[0]) == ["attack", "eps", "PCKh", "relative", "target", *GROUPS]
    assert cells(lines[2]) == [
        "clean", "-", "80.0 ±1.0", "-", "-", *["100.0 ±1.0"] * 7, "-",
    ]  # fmt: skip
    row = ["IGSM-U-10", "8", "12.0 ±1.0", "15.0 ±1.0", "-", *["12.0 ±1.0"] * 8]
    assert cells(lines[5]) == row
    assert cells(lines[7]) == ["IGSM-T-100-ALL", "2", "-", "-", "50.0 ±1.0", *["-"] * 8]
    assert cells(lines[8])[:5] == ["IGSM-T-100-ALL", "8", "5.0 ±1.0", "6.2 ±1.0", "76.5 ±1.0"]
    assert "plain, not relative" in lines[-1] and "95 % bootstrap interval" in lines[-1]


def test_the_screen_table_fits_into_100_columns(results):
    console = Console(width=100, record=True, file=None, quiet=False)
    with console.capture() as capture:
        console.print(results_table(results))
    text = capture.get()
    assert "…" not in text
    assert "mmpose_configs/hourglass.py, 128 people" in text
    rows = [line.split() for line in text.splitlines()]
    assert ["clean", "-", "80.0", "-", "-", *["100.0"] * 7, "-"] in rows
    assert ["NOISE", "8", "79.6", "99.5", "-", *["79.6"] * 8] in rows
    assert ["±1.0"] * 10 in rows


def test_another_norm_is_named(results):
    results["attacks"][0]["norm"] = 2
    assert "| NOISE L2 | 2 |" in results_markdown(results)


def printed(table):
    console = Console(width=200, record=True, file=None, quiet=False)
    with console.capture() as capture:
        console.print(table)
    return [line.split() for line in capture.get().splitlines()]


def test_every_joint_and_group_has_a_row(results):
    rows = printed(joint_table(results))
    names = [row[0] for row in rows if row and row[0] in (*GROUPS, *JOINTS)]
    assert names == [*GROUPS, *JOINTS]
    hip = next(row for row in rows if row and row[0] == "Hip")
    # clean, then relative of each attack; the targeted ones with their target PCKh
    assert hip[1:3] == ["100.0", "±1.0"]
    assert hip[3:5] == ["100.0", "±1.0"] and hip[-5:] == ["6.2", "±1.0", "→", "76.5", "±1.0"]


def test_those_that_look_on_stand_beside_the_attacked_network(results):
    for kind in ("transfer_to", "defence"):
        results[kind] = {"configs/other.py": results["clean"]}
        for entry in results["attacks"]:
            entry[kind] = {"configs/other.py": {**entry, "relative_PCKh": 55.0}}
        rows = printed(onlooker_table(results, kind))
        assert ["clean", "PCKh", "-", "80.0", "±1.0", "80.0", "±1.0"] in rows
        assert any(row[:3] == ["NOISE", "2", "100.0"] and "55.0" in row for row in rows)
