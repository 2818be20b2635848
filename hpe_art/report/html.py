"""The report: one HTML file with everything inside, made from result files alone."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
from jinja2 import Environment, StrictUndefined
from matplotlib import rc_context
from matplotlib.figure import Figure

from hpe_art.evaluation.results import SCHEMA_VERSION
from hpe_art.mpii import GROUPS, SKELETON
from hpe_art.report.study_figures import Styles, study_figures

U10 = "IGSM-U-10"
_NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))
VIEWER_BYTES = 9_000_000
_PICTURES = ("image", "perturbation")
CAPTIONS = {
    "eps": "What FGSM-U and IGSM-U-10 leave and what IGSM-T-20 reaches, over eps, with 95 % "
    "intervals. Dashed and thin: with the loss over all outputs. Grey: random noise.",
    "iterations": "From the usual number of steps to the longest run.",
    "curves": "What is left, or reached, after each number of steps.",
    "joints": "Each group of joints: what IGSM-U-10 leaves and what IGSM-T-20 reaches.",
    "defences": "What IGSM-U-10 leaves of each network without and with each defence.",
    "transfer": "What images made on one network leave of every other.",
    "universal": "Universal perturbations, from -eps to eps as 0 to 255, and what every network "
    "sees in them alone. Left limbs are dashed.",
}
"""What each figure shows, in words."""
BROKEN = 50.0
"""Relative PCKh in percent below which a network counts as broken."""


class ReportError(ValueError):
    """Result files that no report can be made of; the message names them and the mend."""


def read_runs(paths: Sequence[Path]) -> tuple[dict[str, Any], dict[str, Path]]:
    """Merges studies and single runs into one study document.

    Args:
        paths: result files, or folders with a `results.json`.

    Returns:
        The document, and for each network the folder that its pictures are in.

    Raises:
        ReportError: not a result file, several schema versions, or a network in two of them.
    """
    documents = [(path, _read(path)) for path in map(_file, paths)]
    versions = {document.get("schema_version") for _, document in documents}
    if versions != {SCHEMA_VERSION}:
        held = ", ".join(f"{d.get('schema_version')!r} in {path}" for path, d in documents)
        raise ReportError(
            f"Expected result files of schema version {SCHEMA_VERSION}. Got {held}: run those "
            "again with this version, or report them with the one that made them."
        )
    merged: dict[str, Any] = {"runs": {}, "findings": [], "universal": {}, "examples": {}}
    merged |= {"missing": [], "left_out": {}, "notes": []}
    grids = []
    folders: dict[str, Path] = {}
    for path, document in documents:
        study = document if "runs" in document else _as_study(document, path)
        for name, run in study["runs"].items():
            if name in folders:
                raise ReportError(
                    f"Expected each network in one result file. Got {name} in {path} and in "
                    f"{folders[name]}: leave one out."
                )
            folders[name] = path.parent
            merged["runs"][name] = run | {"attacks": [_norm_named(e) for e in run["attacks"]]}
        for part in ("universal", "examples", "left_out"):
            merged[part] |= study.get(part, {})
        for part in ("missing", "notes"):
            merged[part] += study.get(part, [])
        # Findings compare networks of one study; those of another do not change them.
        merged["findings"] = merged["findings"] or study.get("findings", [])
        grids.append((len(study["runs"]), str(path), study["grid"]))
    # The grid is that of the most networks: a study's rather than a single run's.
    *_, grid = max(grids, key=lambda one: one[:2])
    sizes = {eps for *_, other in grids for eps in other["universal_eps"]}
    merged["grid"] = grid | {"universal_eps": sorted(sizes)}
    return merged, folders


def _norm_named(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Attacks within another norm than inf are not compared with those in grey levels."""
    norm = "" if entry["norm"] == "inf" else f" L{entry['norm']:g}"
    return {**entry, "name": f"{entry['name']}{norm}"}


def report_html(document: Mapping[str, Any], folders: Mapping[str, Path]) -> str:
    """The page.

    Args:
        document: from `read_runs`.
        folders: where each network's pictures are.
    """
    networks = list(document["runs"])
    styles = Styles(networks)
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters["score"] = lambda value: "–" if value is None else f"{value:.1f}"
    template = environment.from_string(
        resources.files("hpe_art.report").joinpath("templates/report.html.j2").read_text("utf-8")
    )
    figures = {
        name: svg(figure, f"{name}-") for name, figure in study_figures(document, folders).items()
    }
    return template.render(
        document=document,
        networks=networks,
        colours={name: styles.colour(name) for name in networks},
        groups=list(GROUPS),
        summary=summary(document),
        figures=figures,
        captions=CAPTIONS,
        viewer=json.dumps(_viewer(document, folders), separators=(",", ":")).replace(
            "<", "\\u003c"
        ),
    )


def svg(figure: Figure, prefix: str = "") -> str:
    """A figure as SVG to be put into a page, its text as text.

    Args:
        figure: to be drawn.
        prefix: of all names inside, which have to be unique in a page.
    """
    file = io.StringIO()
    # The same names inside each time.
    with rc_context({"svg.hashsalt": "hpe_art", "svg.fonttype": "none"}):
        figure.savefig(file, format="svg", metadata=_NO_METADATA)
    text = file.getvalue()
    return re.sub(r'(\sid="|url\(#|href="#)', rf"\1{prefix}", text[text.index("<svg") :])


def summary(document: Mapping[str, Any]) -> dict[str, Any]:
    """What to know first: which network breaks at which eps, and the weakest joint.

    Returns:
        `rows`, one for each network, the least robust first (by the mean over the eps that all
        have): `network`, `clean`, `kept` (relative PCKh by eps under IGSM-U-10), `breaks_at` (the
        smallest eps that leaves less than a half, or None) and `joint` (the group that keeps
        least on average over eps); `eps`, all that there are; `joint`, the group that keeps
        least at the middle eps, on average over networks.
    """
    rows = []
    of_all = {
        name: sorted((e for e in run["attacks"] if e["name"] == U10), key=lambda e: e["eps"])
        for name, run in document["runs"].items()
    }
    held = [{entry["eps"] for entry in entries} for entries in of_all.values() if entries]
    common = set.intersection(*held) if held else set()
    for name, run in document["runs"].items():
        entries = of_all[name]
        kept = {e["eps"]: e["relative_PCKh"] for e in entries}
        compared = [v or 0.0 for eps, v in kept.items() if eps in common or not common]
        broken = [eps for eps, value in kept.items() if value is not None and value < BROKEN]
        rows.append(
            {
                "network": name,
                "clean": run["clean"]["PCKh"],
                "kept": kept,
                "breaks_at": broken[0] if broken else None,
                "mean": sum(compared) / len(compared) if compared else None,
                "joint": _weakest(entries),
            }
        )
    rows.sort(key=lambda row: (row["mean"] is None, row["mean"], row["network"]))
    middle = document["grid"]["curve_eps"]
    entries = [entry for found in of_all.values() for entry in found]
    joints = [e for e in entries if e["eps"] == middle] or entries
    return {
        "rows": rows,
        "eps": sorted({eps for row in rows for eps in row["kept"]}),
        "joint": _weakest(joints),
    }


def _weakest(entries: Sequence[Mapping[str, Any]]) -> str | None:
    """The group that keeps least of its PCKh, on average over the entries that have one."""
    found = {g: [e["relative_per_group"][g] for e in entries] for g in GROUPS}
    known = {g: [v for v in values if v is not None] for g, values in found.items()}
    return min((g for g in GROUPS if known[g]), key=lambda g: mean(known[g]), default=None)


def _viewer(document: Mapping[str, Any], folders: Mapping[str, Path]) -> dict[str, Any]:
    """Everything that the viewer shows: pictures inside, poses, the skeleton.

    Of as many people as fit into `VIEWER_BYTES`, and of one at least.
    """
    fit = _people_that_fit(document, folders)
    networks: dict[str, Any] = {}
    for network, shown in document["examples"].items():
        root = folders[network]
        attacks: dict[str, Any] = {}
        for one in shown:
            people = [
                {
                    "person": p["person"],
                    "pose": p["pose"],
                    "image": _data_url(root / p["image"]),
                    "delta": _data_url(root / p["perturbation"]) if "perturbation" in p else None,
                }
                for p in one["people"][:fit]
            ]
            attacks.setdefault(one["attack"], []).append({"eps": one["eps"], "people": people})
        for cells in attacks.values():
            cells.sort(key=lambda cell: cell["eps"])
        networks[network] = attacks
    return {"networks": networks, "skeleton": [list(bone) for bone in SKELETON]}


def _people_that_fit(document: Mapping[str, Any], folders: Mapping[str, Path]) -> int:
    """How many people of each attack can be shown; base64 makes 4 bytes of 3."""
    sizes: list[int] = []
    for network, shown in document["examples"].items():
        for one in shown:
            for i, person in enumerate(one["people"]):
                sizes += [0] * (i + 1 - len(sizes))
                paths = [folders[network] / person[k] for k in _PICTURES if k in person]
                sizes[i] += sum(path.stat().st_size for path in paths if path.is_file())
    totals = np.cumsum(sizes) * 4 / 3
    return max(1, int((totals <= VIEWER_BYTES).sum()))


def _data_url(path: Path) -> str | None:
    if not path.is_file():
        return None
    return "data:image/webp;base64," + base64.b64encode(path.read_bytes()).decode("ascii")


def _file(path: Path) -> Path:
    file = path / "results.json" if path.is_dir() else path
    if not file.is_file():
        raise ReportError(
            f"Expected a result file of tools/study.py or tools/attack.py. Got {file}, which does "
            "not exist."
        )
    return file


def _read(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise ReportError(f"Expected JSON in {path}. Got: {error}.") from error
    if not isinstance(document, dict) or not ({"runs", "attacks"} & set(document)):
        raise ReportError(
            f"Expected a result file of tools/study.py or tools/attack.py. Got {path}, which has "
            "neither runs nor attacks."
        )
    return document


def _as_study(document: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """One run of tools/attack.py as a study of one network."""
    name = Path(document["config"]).stem
    attacks = [
        entry | {"transfer_to": {Path(k).stem: v for k, v in entry["transfer_to"].items()}}
        if "transfer_to" in entry
        else entry
        for entry in document["attacks"]
    ]
    eps = [entry["eps"] for entry in document["attacks"]]
    universal = sorted({e["eps"] for e in document["attacks"] if e["attack"] == "uap"})
    grid = {"curve_eps": 8.0 if 8.0 in eps or not eps else max(eps), "universal_eps": universal}
    notes = [f"{name}: {note}" for note in document.get("notes", [])]
    return {"runs": {name: {**document, "attacks": attacks}}, "grid": grid, "notes": notes}
