"""What docs/networks.md says of each network is what there is."""

import re
import subprocess
import sys
from pathlib import Path

import hpe_art.compat  # noqa: F401

import pytest
import torch
from mmpose.registry import MODELS

from hpe_art import zoo
from hpe_art.attacks import ATTACKS, shareable
from hpe_art.attacks.art.recipes import NOT_FOR_POSES, RECIPES
from hpe_art.commands import attack
from hpe_art.commands.attacks_asked import attacks_asked
from hpe_art.estimators.loading import load_config

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


def test_lines_of_prose_are_short():
    # Those that a tool writes are as it writes them.
    written = ("performance", "art_attacks", "mmpose_models")
    long = []
    for page in [REPOSITORY / "README.md", *REPOSITORY.glob("docs/*.md")]:
        text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
        prose = [line for line in text.splitlines() if not line.startswith(("|", "    "))]
        if not page.name.startswith(written):
            long += [f"{page.name}: {line[:40]}" for line in prose if len(line) > 120]
    assert long == []


def test_every_attack_of_art_has_been_tried():
    page = (REPOSITORY / "docs" / "art_attacks.md").read_text(encoding="utf-8")
    tried, other = page.split("## Not for poses")
    rows = [line for line in tried.splitlines() if line.startswith("| `")]
    assert {row.split("`")[1] for row in rows} == set(RECIPES)
    assert set(re.findall(r"^[|] `(\w+)`", other, re.MULTILINE)) == set(NOT_FOR_POSES)
    # Whatever the seconds, each ran.
    assert all("→" in row for row in rows)


def test_costs_of_attacks_are_what_their_specs_say():
    page = (REPOSITORY / "docs" / "choose.md").read_text(encoding="utf-8")
    rows = re.findall(r"`(--attack .*?)` \| (.*?) \| (.*?) \|", page)
    asked = set()
    for flags, forward, gradients in rows:
        args = attack.parse(["hourglass", *flags.replace("CONFIG", "deeppose").split()])
        (group,) = shareable(attacks_asked(args))
        # A gradient has a pass forward, which is not counted twice.
        passes = type(group[0]).passes(group)
        told = None if passes is None else (str(passes[0] - passes[1]), str(passes[1]))
        assert (forward, gradients) == (told or ("-", "not known before")), flags
        asked |= set(args.attack)
    assert asked == set(ATTACKS.module_dict) - {"art"}


@pytest.mark.slow
def test_the_pipeline_runs_and_its_page_shows_it(tmp_path):
    script = REPOSITORY / "docs" / "art_pipeline.py"
    code = script.read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", (script.parent / "art.md").read_text(), re.DOTALL)
    assert len(blocks) == 7
    assert all(block in code for block in blocks)
    run = subprocess.run(
        [sys.executable, "-W", "ignore", str(script), str(tmp_path)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    lines = [line for line in run.stdout.splitlines() if "FGSM" in line or "attacked" in line]
    (clean, attacked), _, (before, after) = (
        map(float, re.findall(r"[0-9]+[.][0-9]", line)) for line in lines
    )
    assert attacked < 0.4 * clean
    assert after > before + 5
    assert any((tmp_path / "runs").iterdir()) and (tmp_path / "universal.npz").stat().st_size < 60e3
