"""What README shows is run."""

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


def test_every_link_into_the_repository_leads_somewhere():
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/*.md")]:
        for link in re.findall(r"\]\((?!http|#)([^)#]+)", page.read_text()):
            assert (page.parent / link).exists(), f"{page.name}: {link}"
