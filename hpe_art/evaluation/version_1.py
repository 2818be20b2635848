"""Results of version 1, of 0.1 and for PCKh on MPII's joints alone, as those of version 2.

A single run had everything at the top, a study its `runs` by network and beside them what was
pictured. Scores stood side by side under prefixed names, their intervals under `ci`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from hpe_art.skeleton import MPII

Document = Mapping[str, Any]

METRIC = {"key": "PCKh", "label": "PCKh@0.5", "unit": "%", "higher_is_better": True}
SKELETON = {"joints": MPII.joints, "groups": MPII.groups, "bones": MPII.bones}
FINER = "PCKh@0.1"
LEADS = {
    "leading_attack": {"targeted": False, "max_iter": 10, "outputs": "last", "norm": "inf"},
    "leading_targeted_attack": {"targeted": True, "max_iter": 20, "outputs": "last", "norm": "inf"},
}
"""Attacks that a study's figures and findings were about."""
_KINDS = {"transfer_to": "transfer", "defence": "defence"}
_OF_A_RUN = (
    *("config", "checkpoint", "versions", "seed", "device", "precision"),
    *("arguments", "started", "seconds", "phases", "targets", "notes"),
)
_OF_AN_ATTACK = (
    *("attack", "eps", "eps_step", "max_iter", "targeted", "norm", "outputs", "universal"),
    *("linf_max", "forward_passes", "backward_passes", "seconds"),
)


def converted(document: Document) -> dict[str, Any]:
    """A document of version 1 as one of version 2, for `Results.model_validate`.

    Args:
        document: a run's or a study's. A run is named by its config; the same goes for networks
            that were shown its images.

    Raises:
        KeyError: it lacks a part.
    """
    if "runs" in document:
        return _study(document)
    return {"schema_version": 2, "runs": {PurePath(document["config"]).stem: _run(document)}}


def _study(document: Document) -> dict[str, Any]:
    runs = {name: _run(run) for name, run in document["runs"].items()}
    for name, run in runs.items():
        run["examples"] = document.get("examples", {}).get(name, [])
        run["universal"] = document.get("universal", {}).get(name, [])
        run["arguments"] = run.get("arguments") or document.get("arguments", {})
    attacks = [attack for run in runs.values() for attack in run["attacks"]]
    leads = {
        key: next((one["name"] for one in attacks if asked.items() <= one.items()), None)
        for key, asked in LEADS.items()
    }
    known = {key: name for key, name in leads.items() if name}
    study = {
        "protocol": "Jain et al. 2019",
        "grid": {**document.get("grid", {}), **known},
        **_taken(document, "findings", "left_out", "missing", "notes"),
    }
    return {"schema_version": 2, "runs": runs, "study": study}


def _run(old: Document) -> dict[str, Any]:
    observers = {
        PurePath(name).stem: {"kind": kind, "clean": _clean(clean)}
        for key, kind in _KINDS.items()
        for name, clean in old.get(key, {}).items()
    }
    return {
        **_taken(old, *_OF_A_RUN),
        "dataset": {"type": "MpiiDataset", **old["dataset"]},
        "metric": METRIC,
        "skeleton": SKELETON,
        "clean": _clean(old["clean"]),
        "attacks": [_attack(entry) for entry in old["attacks"]],
        "observers": observers,
    }


def _attack(old: Document) -> dict[str, Any]:
    norm = "" if old["norm"] == "inf" else f" L{old['norm']:g}"
    seen = [pair for key in _KINDS for pair in old.get(key, {}).items()]
    return {
        **_taken(old, *_OF_AN_ATTACK),
        **_judged(old),
        "name": f"{old['name']}{norm}",
        "observed": {PurePath(name).stem: _judged(scores) for name, scores in seen},
    }


def _clean(old: Document) -> dict[str, Any]:
    return {"score": _score(old), "finer": {FINER: old.get(FINER)}}


def _judged(old: Document) -> dict[str, Any]:
    judged = {"score": _score(old), "relative": _score(old, "relative_")}
    if old["target_per_group"] is not None:
        judged["target"] = _score(old, "target_")
    return judged


def _score(old: Document, prefix: str = "") -> dict[str, Any]:
    ci = old["ci"]
    value, groups, joints = (f"{prefix}{key}" for key in ("PCKh", "per_group", "per_joint"))
    return {
        "value": old[value],
        "interval": ci.get(value),
        "groups": old[groups],
        "joints": old[joints],
        "group_intervals": ci.get(groups) or {},
        "joint_intervals": ci.get(joints) or {},
    }


def _taken(old: Document, *keys: str) -> dict[str, Any]:
    return {key: old[key] for key in keys if key in old}
