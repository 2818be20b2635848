from __future__ import annotations

from example_results import attack, run, score
from rich.console import Console

from hpe_art.evaluation.results_new import Clean
from hpe_art.report.official import official_cells, official_markdown, official_table


def scored():
    return run(
        [
            attack(
                "FGSM-U",
                8,
                50.0,
                official={"AP": 0.2, "EPE": 9.0, "AR": 0.1},
                relative_official={"AP": 25.0, "EPE": 1000.0, "AR": None},
            )
        ],
        clean=Clean(score=score(80.0), official={"AP": 0.8, "EPE": 0.9, "AR": 0.0}),
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


def test_there_is_no_table_without_official_numbers():
    one = run([attack("FGSM-U", 8, 50.0)])
    assert official_table(one) is None and official_markdown(one) == ""
