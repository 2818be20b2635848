"""tools/render_people.py: what it cannot write is said before it renders."""

import pytest


@pytest.mark.parametrize("sheet", ["nowhere/sheet.png", "sheet.xyz"])
def test_an_overview_that_cannot_be_written_is_refused_first(tmp_path, run_tool, sheet):
    run = run_tool("render_people.py", "--out", "people", "--contact-sheet", sheet, cwd=tmp_path)
    assert run.returncode == 2
    assert f"expected a picture file in a folder that is there. Got {sheet}" in run.stderr
    assert list(tmp_path.iterdir()) == []
