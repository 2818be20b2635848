"""Hooks of MkDocs: pages from outside docs/, and a reference of every public name.

The reference follows `hpe_art.__all__`, so that it cannot lag behind.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

import hpe_art

ROOT = Path(__file__).parents[1]
OUTSIDE = {"README.md": "overview.md", "CONTRIBUTING.md": "CONTRIBUTING.md"}
"""Page of the repository -> page of the site."""


def on_config(config: Any) -> Any:
    """Adds the cards and the reference to the navigation."""
    cards = ["model_cards/README.md", *sorted(set(_cards()) - {"model_cards/README.md"})]
    measured = next(part["What was measured"] for part in config.nav if "What was measured" in part)
    measured.append({"Robustness cards": cards})
    config.nav.append({"Reference": [{home: f"reference/{home}.md"} for home in _reference()]})
    return config


def on_files(files: Files, config: Any) -> Files:
    """Adds pages that are not in docs/."""
    for source, page in OUTSIDE.items():
        files.append(File.generated(config, page, abs_src_path=str(ROOT / source)))
    for page in _cards():
        files.append(File.generated(config, page, abs_src_path=str(ROOT / page)))
    for home, names in _reference().items():
        blocks = "\n".join(f"::: hpe_art.{home}.{name}" for name in names)
        text = f"# {home}\n\n{blocks}\n"
        files.append(File.generated(config, f"reference/{home}.md", content=text))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Links lead to where their pages are on the site."""
    for source, target in OUTSIDE.items():
        markdown = markdown.replace(f"](../{source}", f"]({target}")
    markdown = markdown.replace("](../model_cards/", "](model_cards/")
    if page.file.src_uri in OUTSIDE.values():
        markdown = markdown.replace("](docs/", "](")
    return markdown.replace("](../docs/", "](../")  # in cards


def _cards() -> list[str]:
    return sorted(f"model_cards/{path.name}" for path in (ROOT / "model_cards").glob("*.md"))


def _reference() -> dict[str, list[str]]:
    """Public names by the module that has them."""
    found = defaultdict(list)
    for name in hpe_art.__all__:
        found[hpe_art._HOMES[name].removeprefix("hpe_art.")].append(name)
    return dict(sorted(found.items()))
