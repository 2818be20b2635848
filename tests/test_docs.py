"""What docs/networks.md says of each network is what there is."""

import re
from pathlib import Path

import hpe_art.compat  # noqa: F401

import pytest
import torch
from mmpose.registry import MODELS

from hpe_art import zoo
from hpe_art.estimators.loader import load_config

REPOSITORY = Path(__file__).parents[1]
TEXT = (REPOSITORY / "docs" / "networks.md").read_text(encoding="utf-8")
ROWS = {
    row[0].strip("` "): [cell.strip() for cell in row[1:]]
    for row in (line.strip("|").split("|") for line in TEXT.splitlines() if line.startswith("| `"))
}


def millions(config: Path) -> str:
    model = load_config(config).model
    model.backbone.pop("init_cfg", None)
    with torch.device("meta"):
        network = MODELS.build(model)
    return f"{sum(p.numel() for p in network.parameters()) / 1e6:.2f} M"


@pytest.mark.parametrize("name", ROWS)
def test_parameters_and_scores(name):
    _, large, _, _, small, clean = ROWS[name]
    assert large == millions(REPOSITORY / "mmpose_configs" / "mpii" / f"{name}.py")
    assert small == millions(REPOSITORY / "mmpose_configs" / f"{name}.py")
    entry = zoo.index().get(name)
    assert clean == (f"{entry['clean_PCKh']:.1f}" if entry else "not trained yet")


def test_every_network_has_a_row_and_a_section():
    names = {p.stem for p in (REPOSITORY / "mmpose_configs" / "mpii").glob("*.py")}
    assert set(ROWS) == {name for name in names if not name.endswith("_pretrained")}
    for name in names:
        assert re.search(rf"^## .*\b{name}\b", TEXT, re.MULTILINE) or f"{name}.py" in TEXT, name
