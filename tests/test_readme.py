"""What README shows is run."""

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_python_block_runs_and_the_attack_works():
    (block,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", block], cwd=ROOT, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    clean, attacked = map(float, run.stdout.split()[-2:])
    assert clean >= 83
    assert attacked <= 0.4 * clean


def test_the_numbers_of_the_first_screen_are_those_of_their_records():
    screen = (ROOT / "README.md").read_text().partition("\n## ")[0]
    card = json.loads((ROOT / "model_cards" / "hourglass.json").read_text())
    before, after = card["clean"], card["worst_inf"]["2"]["score"]
    assert f"**{before:.1f} → {after:.1f}**" in screen
    assert f"**{card['minimum_inf']['value']:.2f}** grey levels" in screen
    record = (ROOT / "docs" / "art_attacks.md").read_text()
    possible, ran = re.search(r"(\d+) apply to images, (\d+) ran", record).groups()
    assert f"**{ran} of {possible}**" in screen


def test_every_link_into_the_repository_leads_somewhere():
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/*.md")]:
        for link in re.findall(r"\]\((?!http|#)([^)#]+)", page.read_text()):
            assert (page.parent / link).exists(), f"{page.name}: {link}"
