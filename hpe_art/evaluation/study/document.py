"""results.json of a study: a result document for each network, gathered from its cells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from hpe_art.evaluation.results import SCHEMA_VERSION, package_versions, plain
from hpe_art.evaluation.study.findings import findings
from hpe_art.evaluation.study.networks import Network
from hpe_art.evaluation.study.plan import Grid
from hpe_art.evaluation.study.run import Study
from hpe_art.evaluation.study.scores import StudyScores


def study_document(
    study: Study, grid: Grid, arguments: Mapping[str, Any], left_out: Mapping[str, str]
) -> dict[str, Any]:
    """Everything that the finished cells hold, whoever ran them.

    Args:
        study: its cells may be unfinished; what is missing is named.
        grid: what was asked for.
        arguments: of the tool.
        left_out: networks that were not studied, and why.

    Returns:
        `runs` has, by network, what `tools/attack.py` writes for one; beside it are `findings`,
        `grid`, `passes`, and what the report shows.
    """
    contents = {
        network.name: {
            cell.name: study.finished(cell) for cell in study.cells if cell.network == network.name
        }
        for network in study.networks
    }
    missing = [f"{n}/{c}" for n, cells in contents.items() for c, held in cells.items() if not held]
    held: dict[str, dict[str, Any]] = {
        name: {cell: content for cell, content in cells.items() if content}
        for name, cells in contents.items()
    }
    runs = {
        network.name: _run(network, held[network.name], study.seed)
        for network in study.networks
        if "clean" in held[network.name]
    }
    scores = StudyScores({name: held[name] for name in runs}, study.seed)
    document: dict[str, Any] = plain(
        {
            "schema_version": SCHEMA_VERSION,
            "kind": "study",
            "seed": study.seed,
            "grid": asdict(grid),
            "arguments": dict(arguments),
            "versions": package_versions(),
            "left_out": dict(left_out),
            "missing": missing,
            "runs": runs,
            "findings": [asdict(finding) for finding in findings(scores, grid)],
            "universal": {name: _universal(held[name]) for name in runs},
            "examples": {name: _examples(held[name]) for name in runs},
            "passes": {
                name: {cell: content["passes"] for cell, content in held[name].items()}
                for name in runs
            },
            "seconds": sum(
                content["seconds"] for cells in held.values() for content in cells.values()
            ),
        }
    )
    return document


def _run(network: Network, cells: Mapping[str, Any], seed: int) -> dict[str, Any]:
    clean = cells["clean"]
    run: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "config": network.config,
        "checkpoint": network.record,
        "dataset": {"ann_file": network.crops.ann_file, "num_samples": len(network.crops)},
        "versions": package_versions(),
        "seed": seed,
        "device": str(network.estimator.device),
        "precision": network.estimator.found_with,
        "clean": clean["clean"],
        "attacks": [one["entry"] for cell in cells.values() for one in cell.get("attacks", ())],
        "targets": clean["targets"],
        "seconds": sum(cell["seconds"] for cell in cells.values()),
    }
    for onlooker in clean["onlookers"]:
        run.setdefault(onlooker["kind"], {})[onlooker["name"]] = onlooker["clean"]
    return run


def _universal(cells: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Of each universal perturbation: what every network sees in it alone."""
    return [
        {"outputs": one["entry"]["outputs"], "eps": one["entry"]["eps"], **one["alone"]}
        for cell in cells.values()
        for one in cell.get("attacks", ())
        if "alone" in one
    ]


def _examples(cells: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What the report's viewer shows; the clean images come first."""
    shown = [{"attack": "clean", "eps": 0.0, "people": cells["clean"]["examples"]}]
    shown += [
        {"attack": one["entry"]["name"], "eps": one["entry"]["eps"], "people": one["examples"]}
        for cell in cells.values()
        for one in cell.get("attacks", ())
        if one["examples"]
    ]
    return shown
