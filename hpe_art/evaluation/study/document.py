"""results.json of a study: a result document for each network, gathered from its cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from hpe_art.attacks.table import ATTACKS
from hpe_art.evaluation.document import dataset_record
from hpe_art.evaluation.results import SCHEMA_VERSION, package_versions, plain
from hpe_art.evaluation.study.findings import findings
from hpe_art.evaluation.study.networks import Network
from hpe_art.evaluation.study.plan import Grid
from hpe_art.evaluation.study.run import Study
from hpe_art.evaluation.study.scores import StudyScores


def study_document(
    study: Study,
    grid: Grid,
    arguments: Mapping[str, Any],
    left_out: Mapping[str, str],
    notes: Sequence[str] = (),
) -> dict[str, Any]:
    """Everything that the cells of these networks hold, whoever ran them, planned or not.

    Args:
        study: its cells may be unfinished; what is missing is named.
        grid: what was asked for.
        arguments: of the tool.
        left_out: networks that were not studied, and why.
        notes: what is otherwise than asked for, and why.

    Returns:
        `runs` has, by network, what `tools/attack.py` writes for one; beside it are `findings`,
        `grid`, `passes`, and what the report shows.
    """
    missing = [f"{c.network}/{c.name}" for c in study.cells if study.lacking(c) is not None]
    held = {
        network.name: study.store.all(network.name, study.made_of_all(network))
        for network in study.networks
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
            "notes": list(notes),
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
    found_with = {how for cell in cells.values() for how in cell.get("found_with", ())}
    run: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "config": network.config,
        "checkpoint": network.record,
        "dataset": dataset_record(network.crops),
        "versions": package_versions(),
        "seed": seed,
        "device": str(network.estimator.device),
        "precision": "; ".join(sorted(found_with)) or "float32",
        "clean": clean["clean"],
        "attacks": [one["entry"] for one in _attacks(cells)],
        "targets": clean["targets"],
        "seconds": sum(cell["seconds"] for cell in cells.values()),
    }
    for onlooker in clean["onlookers"]:
        run.setdefault(onlooker["kind"], {})[onlooker["name"]] = onlooker["clean"]
    return run


def _attacks(cells: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Those of all cells, in one order whenever and in whatever order they were run."""
    found = [one for cell in cells.values() for one in cell.get("attacks", ())]
    return sorted(found, key=lambda one: _place(one["entry"]))


def _place(entry: Mapping[str, Any]) -> tuple[Any, ...]:
    names = ("outputs", "targeted", "eps", "max_iter")
    last, targeted, eps, steps = (entry[name] for name in names)
    return list(ATTACKS).index(entry["attack"]), last != "last", targeted, eps, steps or 0


def _universal(cells: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Of each universal perturbation: what every network sees in it alone."""
    return [
        {"outputs": one["entry"]["outputs"], "eps": one["entry"]["eps"], **one["alone"]}
        for one in _attacks(cells)
        if "alone" in one
    ]


def _examples(cells: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What the report's viewer shows; the clean images come first."""
    shown = [{"attack": "clean", "eps": 0.0, "people": cells["clean"]["examples"]}]
    shown += [
        {"attack": one["entry"]["name"], "eps": one["entry"]["eps"], "people": one["examples"]}
        for one in _attacks(cells)
        if one["examples"]
    ]
    return shown
