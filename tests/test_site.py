"""The docs as a site: every page and every public name, links checked, nothing from elsewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import hpe_art

ROOT = Path(__file__).parents[1]


def test_the_navigation_names_every_page():
    pages = {path.relative_to(ROOT / "docs").as_posix() for path in ROOT.glob("docs/**/*.md")}
    pages |= {f"notebooks/{path.name}" for path in ROOT.glob("docs/notebooks/*.ipynb")}
    named = re.findall(
        r"^ +- (?:.*: )?(\S+\.(?:md|ipynb))$", (ROOT / "mkdocs.yml").read_text(), re.M
    )
    assert set(named) - {"overview.md", "CONTRIBUTING.md"} == pages
    assert len(named) == len(set(named))


@pytest.mark.slow
def test_the_site(tmp_path):
    pytest.importorskip("mkdocs")
    build = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--site-dir", str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
    )
    assert build.returncode == 0 and "WARNING" not in build.stderr, build.stderr
    pages = {path.relative_to(tmp_path): path.read_text() for path in tmp_path.rglob("*.html")}
    loaded = r"<(?:script|link|img|iframe)[^>]+(?:src|href)=\"?https?://[^\"> ]+"
    assert [found for text in pages.values() for found in re.findall(loaded, text)] == []
    reference = "".join(text for path, text in pages.items() if path.parts[0] == "reference")
    for name in hpe_art.__all__:
        assert re.search(rf'id="hpe_art\.[\w.]+\.{name}"', reference), name
    assert Path("model_cards/hourglass.html") in pages and Path("overview.html") in pages
