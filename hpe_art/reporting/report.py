"""The report: one HTML file with everything inside, made from result files alone."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined
from matplotlib import rc_context
from matplotlib.figure import Figure

from hpe_art.evaluation.results import SCHEMA_VERSION
from hpe_art.mpii import GROUPS, SKELETON
from hpe_art.reporting.study_figures import Styles, study_figures

U10 = "IGSM-U-10"
_NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))
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
            merged["runs"][name] = run
        for part in ("universal", "examples"):
            merged[part] |= study.get(part, {})
        # Findings compare networks of one study; those of another do not change them.
        merged["findings"] = merged["findings"] or study.get("findings", [])
        merged.setdefault("grid", study["grid"])
    return merged, folders


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
        resources.files("hpe_art.reporting").joinpath("templates/report.html.j2").read_text("utf-8")
    )
    figures = {name: svg(figure) for name, figure in study_figures(document, folders).items()}
    return template.render(
        document=document,
        networks=networks,
        colours={name: styles.colour(name) for name in networks},
        groups=list(GROUPS),
        summary=summary(document),
        figures=figures,
        viewer=json.dumps(_viewer(document, folders), separators=(",", ":")).replace(
            "<", "\\u003c"
        ),
    )


def svg(figure: Figure) -> str:
    """A figure as SVG to be put into a page."""
    file = io.StringIO()
    with rc_context({"svg.hashsalt": "hpe_art"}):  # the same names inside each time
        figure.savefig(file, format="svg", metadata=_NO_METADATA)
    text = file.getvalue()
    return text[text.index("<svg") :]


def summary(document: Mapping[str, Any]) -> dict[str, Any]:
    """What to know first: which network breaks at which eps, and the weakest joint.

    Returns:
        `rows`, one for each network, the least robust first: `network`, `clean`, `kept` (relative
        PCKh by eps under IGSM-U-10), `breaks_at` (the smallest eps that leaves less than a half,
        or None) and `joint` (the group that keeps least at the middle eps); `eps`, all that
        there are; `joint`, the group that keeps least on average over networks.
    """
    rows = []
    for name, run in document["runs"].items():
        entries = sorted((e for e in run["attacks"] if e["name"] == U10), key=lambda e: e["eps"])
        kept = {e["eps"]: e["relative_PCKh"] for e in entries}
        broken = [eps for eps, value in kept.items() if value is not None and value < BROKEN]
        rows.append(
            {
                "network": name,
                "clean": run["clean"]["PCKh"],
                "kept": kept,
                "breaks_at": broken[0] if broken else None,
                "mean": sum(v or 0.0 for v in kept.values()) / len(kept) if kept else None,
                "joint": _weakest(entries),
            }
        )
    rows.sort(key=lambda row: (row["mean"] is None, row["mean"]))
    middle = document["grid"]["curve_eps"]
    entries = [e for run in document["runs"].values() for e in run["attacks"] if e["name"] == U10]
    joints = [e for e in entries if e["eps"] == middle] or entries
    return {
        "rows": rows,
        "eps": sorted({eps for row in rows for eps in row["kept"]}),
        "joint": _weakest(joints),
    }


def _weakest(entries: Sequence[Mapping[str, Any]]) -> str | None:
    """The group that keeps least of its PCKh, on average over entries."""
    sums = {group: [e["relative_per_group"][group] or 0.0 for e in entries] for group in GROUPS}
    return min(GROUPS, key=lambda group: sum(sums[group])) if entries else None


def _viewer(document: Mapping[str, Any], folders: Mapping[str, Path]) -> dict[str, Any]:
    """Everything that the viewer shows: pictures inside, poses, the skeleton."""
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
                for p in one["people"]
            ]
            attacks.setdefault(one["attack"], []).append({"eps": one["eps"], "people": people})
        for cells in attacks.values():
            cells.sort(key=lambda cell: cell["eps"])
        networks[network] = attacks
    return {"networks": networks, "skeleton": [list(bone) for bone in SKELETON]}


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
    eps = [entry["eps"] for entry in document["attacks"]]
    universal = sorted({e["eps"] for e in document["attacks"] if e["attack"] == "uap"})
    grid = {"curve_eps": 8.0 if 8.0 in eps or not eps else max(eps), "universal_eps": universal}
    return {"runs": {name: document}, "grid": grid}
