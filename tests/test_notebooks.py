"""The notebooks run, and what they say under the committed outputs still holds."""

from __future__ import annotations

from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat")

NOTEBOOKS = Path(__file__).parents[1] / "docs" / "notebooks"
# What the text says, of the variables that a notebook leaves.
HOLDS = {
    "attack": "attacked < 0.2 * score(estimator, x) and abs(x_auto - x).max() <= 2 and "
    "min(noise) > fgsm[-1]",
    "compare": "all(0 < left[key][0] < 100 for key in left)",
    "defend": "rows['smoothing, the attacker knows'][1] < "
    "rows['smoothing, the attacker does not know'][1] and after > before",
}


def read(name):
    return nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)


def test_all_are_known():
    assert {path.stem for path in NOTEBOOKS.iterdir()} == set(HOLDS)


@pytest.mark.parametrize("name", HOLDS)
def test_outputs_are_committed_small_and_without_faults(name):
    cells = [cell for cell in read(name).cells if cell.cell_type == "code"]
    outputs = [output for cell in cells for output in cell.outputs]
    assert outputs and all(cell.execution_count for cell in cells)
    kinds = {output.get("name", output.output_type) for output in outputs}
    assert kinds <= {"stdout", "display_data", "execute_result"}
    assert (NOTEBOOKS / f"{name}.ipynb").stat().st_size < 100_000


@pytest.mark.slow
@pytest.mark.parametrize("name", HOLDS)
def test_it_runs(name):
    client = pytest.importorskip("nbclient")
    notebook = read(name)
    notebook.cells.append(nbformat.v4.new_code_cell(f"assert {HOLDS[name]}"))
    folder = {"metadata": {"path": str(NOTEBOOKS)}}
    client.NotebookClient(notebook, timeout=600, resources=folder).execute()
