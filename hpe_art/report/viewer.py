"""What the page's viewer shows: pictures inside, poses, the skeleton."""

import base64
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from hpe_art.evaluation.results import PicturedPerson, Results, Run
from hpe_art.report.leading import leading_attack
from hpe_art.report.skeleton_drawing import FILLS, OUTLINES

VIEWER_BYTES = 9_000_000


def viewer_data(results: Results, folders: Mapping[str, Path]) -> dict[str, Any]:
    """JSON for the page's script, of as many people as fit into `VIEWER_BYTES`, or of one."""
    fit = _people_that_fit(results, folders)
    networks: dict[str, Any] = {}
    for network, run in results.runs.items():
        attacks: dict[str, Any] = {}
        for one in run.examples:
            people = [_person(person, run, folders[network]) for person in one.people[:fit]]
            attacks.setdefault(one.attack, []).append({"eps": one.eps, "people": people})
        for cells in attacks.values():
            cells.sort(key=lambda cell: cell["eps"])
        if attacks.keys() - {"clean"}:
            networks[network] = attacks
    return {
        "networks": networks,
        "universal": _universal(results, folders),
        "lead": leading_attack(results, targeted=False),
        "sides": {side: [FILLS[side], OUTLINES[side]] for side in FILLS},
        "said": _said(results, fit),
    }


def _said(results: Results, fit: int) -> str:
    """How many people are pictured of how many, and how to picture more."""
    counts = {
        (max(len(one.people) for one in run.examples), run.dataset.num_samples)
        for run in results.runs.values()
        if run.examples
    }
    pictured, people = max(counts, default=(0, 0))
    if not 0 < pictured < people:
        return ""
    shown = f"{min(fit, pictured)} of {people} people are shown"
    if fit < pictured:
        return f"{shown}, as many as fit into the page; the pictures of {pictured} are beside it."
    return f"{shown}; attack them again with --pictures N for more."


def _universal(results: Results, folders: Mapping[str, Path]) -> list[dict[str, Any]]:
    """Each network's perturbations whose picture is there, and the poses seen in them alone."""
    found = []
    for network, run in results.runs.items():
        for one in run.universal:
            if image := _data_url(folders[network] / one.image):
                loss = "" if one.outputs == "last" else f", loss over {one.outputs} outputs"
                name = f"{network}, eps {one.eps:g}{loss}"
                found.append({"name": name, "image": image, "poses": one.poses})
    return found


def _person(person: PicturedPerson, run: Run, folder: Path) -> dict[str, Any]:
    return {
        "person": person.person,
        "called": run.dataset.called(person.person),
        "pose": person.pose,
        "target": person.target,
        "image": _data_url(folder / person.image),
        "delta": _data_url(folder / person.perturbation) if person.perturbation else None,
    }


def _people_that_fit(results: Results, folders: Mapping[str, Path]) -> int:
    """How many people of each attack can be shown; base64 makes 4 bytes of 3."""
    sizes: Counter[int] = Counter()
    for network, run in results.runs.items():
        for one in run.examples:
            for i, person in enumerate(one.people):
                paths = [folders[network] / n for n in (person.image, person.perturbation) if n]
                sizes[i] += sum(path.stat().st_size for path in paths if path.is_file())
    totals = np.cumsum([size for _, size in sorted(sizes.items())]) * 4 / 3
    return max(1, int((totals <= VIEWER_BYTES).sum()))


def _data_url(path: Path) -> str | None:
    if not path.is_file():
        return None
    return "data:image/webp;base64," + base64.b64encode(path.read_bytes()).decode("ascii")
