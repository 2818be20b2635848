from __future__ import annotations

from example_results import attack, run, score
from rich.console import Console

from hpe_art.evaluation.results import Clean
from hpe_art.report.table import official_cells, official_markdown, official_table


def scored():
    return run(
        [
            attack(
                "FGSM-U",
                8,
                50.0,
                official={"coco/AP": 0.2, "EPE": 9.0, "AR": 0.1},
                relative_official={"coco/AP": 25.0, "EPE": 1000.0, "AR": None},
            )
        ],
        clean=Clean(score=score(80.0), official={"coco/AP": 0.8, "EPE": 0.9, "AR": 0.0}),
    )


def test_numbers_are_as_the_evaluator_gives_them_with_their_share_of_the_clean_ones():
    columns, rows = official_cells(scored())
    assert columns == ["attack", "eps", "AP", "EPE", "AR"]
    assert rows == [
        ["clean", "-", "0.800", "0.9", "0.000"],
        ["FGSM-U", "8", "0.200 (25.0 %)", "9.0 (1000.0 %)", "0.100"],
    ]


def test_both_tables_hold_them():
    assert "| FGSM-U | 8 | 0.200 (25.0 %) |" in official_markdown(scored())
    console = Console(width=100, record=True, file=None)
    with console.capture() as capture:
        console.print(official_table(scored()))
    assert ["FGSM-U", "8", "0.200", "9.0", "0.100"] in [
        line.split() for line in capture.get().splitlines()
    ]


def test_ten_numbers_fit_into_100_columns():
    names = [
        f"coco/{one}{at}" for one in ("AP", "AR") for at in ("", " .5", " .75", " (M)", " (L)")
    ]
    one = scored()
    one.clean.official = dict.fromkeys(names, 1.0)
    one.attacks[0].name = "IGSM-T-20"
    one.attacks[0].official = dict.fromkeys(names, 0.999)
    one.attacks[0].relative_official = dict.fromkeys(names, 99.9)
    console = Console(width=100, record=True, file=None)
    with console.capture() as capture:
        console.print(official_table(one))
    rows = [line.split() for line in capture.get().splitlines()]
    assert ["IGSM-T-20", "8", *["0.999"] * 10] in rows and ["99.9"] * 10 in rows
    assert "…" not in capture.get() and "AP (M)" in capture.get()


def test_names_of_two_evaluators_stay_apart():
    one = scored()
    one.clean.official = {"coco/AP": 0.8, "crowd/AP": 0.7}
    assert official_cells(one)[0] == ["attack", "eps", "coco/AP", "crowd/AP"]


def test_there_is_no_table_without_official_numbers():
    one = run([attack("FGSM-U", 8, 50.0)])
    assert official_table(one) is None and official_markdown(one) == ""
