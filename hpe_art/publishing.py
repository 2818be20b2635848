"""Puts trained weights, and perturbations fitted on them, into the bundle, with index entries."""

import json
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from mmengine.config import Config

from hpe_art import zoo
from hpe_art.attacks import AttackSpec, Universal
from hpe_art.attacks.universal_file import read_perturbation
from hpe_art.errors import UserError, mendable
from hpe_art.estimators.loading import build_model
from hpe_art.evaluation.results import Run
from hpe_art.evaluation.running import attack_runner, config_to_attack, loop_of
from hpe_art.evaluation.spec import RunSpec
from hpe_art.files import package_versions, sha256, write_whole
from hpe_art.zoo import packing

WEAK = 10.0  # per cent of the clean score: what costs less is not worth its place


def publish(
    config: str, checkpoint: str, name: str, command: str, notes: str = "", bits: int = 8
) -> dict[str, Any]:
    """Bundles a checkpoint; the scores in its index entry are those of the bundled file itself.

    Args:
        config: the config that it was trained from, relative to the repository.
        checkpoint: what `tools/train.py` left in its work folder.
        name: of the entry and its file; a config refers to it as `zoo://NAME`.
        command: with which it was trained.
        notes: training time, machine and what else a reader wants to know.
        bits: of each weight on disk, see `zoo.packing.pack`.
    Raises:
        UserError: config or checkpoint cannot be used, or the name is another entry's, or none.
        UserError: `bits` is not 2 to 8.
    """
    known = zoo.index().get(name, {}).get("config", config)
    if Path(known).resolve() != Path(config).resolve():
        raise UserError(
            f"Expected a name that no other config has. Got {name}, which {known} has: choose "
            "another --name."
        )
    zoo.free_path(name)
    cfg = config_to_attack(config)
    model = build_model(cfg, checkpoint)
    packed = packing.pack(model.state_dict(), bits)
    with TemporaryDirectory() as folder:
        bundled = Path(folder) / f"{name}.pth"
        torch.save({"state_dict": packing.unpack(packed)}, bundled)
        run = _scored(cfg, str(bundled), folder)
    stale = zoo.files_of_perturbations(zoo.index().get(name, {}))  # of other weights
    path, score = zoo.save(name, packed), run.clean.score.value
    entry = {
        "file": path.name,
        "sha256": sha256(path),
        "config": config,
        "command": command,
        "seed": cfg.get("randomness", {}).get("seed"),
        "date": date.today().isoformat(),
        f"clean_{run.metric.key}": None if score is None else round(score, 2),
        "clean": {label: round(value, 4) for label, value in run.clean.official.items()},
        "people": run.dataset.num_samples,
        "bits": bits,
        "parameters": sum(p.numel() for p in model.parameters()),
        "versions": package_versions(),
        "notes": notes,
    }
    _write_index({**zoo.index(), name: entry})
    for file in stale:
        (zoo.FOLDER / file).unlink(missing_ok=True)
    return entry


def publish_perturbation(config: str, path: str, command: str) -> dict[str, Any] | None:
    """Bundles a universal perturbation with the bundled network that it was fitted on.

    Args:
        config: of the network, relative to the repository; its `load_from` names the bundle.
        path: what `UniversalPosePerturbation.save` wrote.
        command: with which it was fitted.
    Returns:
        The entry, which goes under `perturbations` of the network's; None, and nothing is
        bundled, where the perturbation changes the clean score by less than a tenth.
    Raises:
        UserError: no such file, one for another network, or the network is not bundled.
    """
    cfg = config_to_attack(config)
    source = cfg.get("load_from") or ""
    with mendable():
        attack, fitted = Universal.from_file(path), read_perturbation(path)[1]
    if not source.startswith(zoo.PREFIX) or fitted["source"] != source:
        raise UserError(
            f"Expected a perturbation fitted on the bundled weights of {config}, {source!r}. "
            f"Got one fitted on {fitted['source']!r}."
        )
    if attack.targeted or attack.outputs != "last":
        raise UserError(
            "Expected an untargeted perturbation for the last output. "
            f"Got targeted {attack.targeted}, outputs {attack.outputs!r}."
        )
    name = source.removeprefix(zoo.PREFIX)
    file = zoo.free_path(name, f"_uap{attack.eps:g}")
    with TemporaryDirectory() as folder:
        run = _scored(cfg, source, folder, attack)
    left = run.attacks[0].relative.value
    if left is None or is_weak(left, run.metric.higher_is_better):
        return None
    write_whole(file, Path(path).read_bytes())
    entry = {
        "file": file.name,
        "sha256": sha256(file),
        "command": command,
        "date": date.today().isoformat(),
        "fitted": fitted,
        f"relative_{run.metric.key}": round(left, 2),
        "people": run.dataset.num_samples,
    }
    entries = zoo.index()
    entries[name].setdefault("perturbations", {})[f"{attack.eps:g}"] = entry
    _write_index(entries)
    return entry


def is_weak(relative: float, higher_is_better: bool) -> bool:
    """Whether an attack leaves 90 % of the clean score or more; of errors, 110 % or less."""
    lost = 100 - relative if higher_is_better else relative - 100
    return lost <= WEAK


def _scored(cfg: Config, checkpoint: str, folder: str, *attacks: AttackSpec) -> Run:
    """The network on its whole test set, before and under these attacks."""
    runner = attack_runner(cfg, RunSpec(attacks=attacks), folder, checkpoint)
    runner.test()
    _, run = loop_of(runner).finished
    return run


def _write_index(entries: dict[str, Any]) -> None:
    text = json.dumps(dict(sorted(entries.items())), indent=2)
    write_whole(zoo.FOLDER / "index.json", text + "\n")
