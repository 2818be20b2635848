"""The parts of a benchmark, written to disk row by row as they are measured."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal

import torch

from benchmarks import quick, runs
from benchmarks.cases import SIZES, build_case
from benchmarks.contenders import BESIDE, CONTENDERS, missing_peers
from benchmarks.goals import goal_cases, judged
from benchmarks.profile import profile
from benchmarks.rival_strength import rival_strengths
from benchmarks.speed import device_name, timed_case
from benchmarks.strength import networks_with_weights, strengths
from hpe_art.commands.door import command_line
from hpe_art.commands.paths import check_paths
from hpe_art.errors import UserError
from hpe_art.evaluation.prepared import check_device
from hpe_art.files import package_versions, write_whole

Measured = Iterator[dict[str, Any]]
"""What a part has measured so far, more each time."""
Device = Literal["cpu", "cuda"]
FORMAT = 6


@dataclass(frozen=True)
class BenchmarkSpec:
    """What a benchmark measures, and where it writes.

    Attributes:
        parts: of "goals", "quick", "sizes", "runs", "growth", "strength", "rivals".
        configs: folder of the configs.
        repeats: rounds of each timing.
        steps: of an attack that is timed.
        networks: of sizes, strength and rivals, by file name of the config; None: all.
        batch_sizes: of sizes.
        people: that strengths are compared on.
        device: "auto", "cpu" or "cuda".
        out: folder of `benchmark.json`.
    """

    parts: Sequence[str]
    configs: Path
    repeats: int
    steps: int
    networks: Sequence[str] | None
    batch_sizes: Sequence[int]
    people: int
    device: str
    out: Path


def check_benchmark(spec: BenchmarkSpec) -> None:
    """Sees that the device and every config are there.

    Args:
        spec: what to measure.

    Raises:
        UserError: names what is missing.
    """
    check_device(spec.device)
    check_paths([str(spec.configs / file) for file in SIZES.values()], spec.out)
    if spec.networks:
        _check_networks(spec)


def _check_networks(spec: BenchmarkSpec) -> None:
    networks, chosen = spec.networks or (), {}
    if "sizes" in spec.parts:
        chosen["sizes"] = list(SIZES.values())
    for part in ("strength", "rivals"):
        if part in spec.parts:
            chosen[part] = [file.name for file in networks_with_weights([spec.configs])]
    if not chosen:
        raise UserError(
            "Expected --parts sizes, strength or rivals with --networks. "
            f"Got {', '.join(spec.parts)}."
        )
    for part, names in chosen.items():
        if not set(networks) & set(names):
            raise UserError(
                f"Expected --networks out of {', '.join(names)} for --parts {part}. "
                f"Got {', '.join(networks)}."
            )
    known = {name for names in chosen.values() for name in names}
    if unknown := [name for name in networks if name not in known]:
        raise UserError(
            f"Expected --networks out of {', '.join(sorted(known))}. Got {', '.join(unknown)}."
        )


def run_benchmark(
    spec: BenchmarkSpec, attack_tool: Path, say: Callable[[str], Any]
) -> dict[str, Any]:
    """Measures the parts that are asked for; earlier ones in the folder are kept.

    Args:
        spec: what to measure.
        attack_tool: path of `tools/attack.py`.
        say: told what is measured next.

    Returns:
        The parts by name, as in `benchmark.json` of the folder.
    """
    device: Device = "cuda" if spec.device != "cpu" and torch.cuda.is_available() else "cpu"
    path = spec.out / "benchmark.json"
    document = read_kept(spec.out)
    for name in missing_peers():
        say(f"{name} is not installed and takes no part.")
    measured: dict[str, Callable[[], Measured]] = {
        "goals": lambda: _goals(spec, device, say),
        "quick": lambda: _quick(spec, device, say),
        "sizes": lambda: _sizes(spec, device, say),
        "runs": lambda: _runs(spec, device, attack_tool, say),
        "growth": lambda: _growth(spec, device, attack_tool, say),
        "strength": lambda: _strength(spec, device, say),
        "rivals": lambda: _rivals(spec, device, say),
    }
    for part in spec.parts:
        about = _about(spec, device)
        for so_far in measured[part]():
            document[part] = {**so_far, **about}
            write_whole(path, json.dumps(document, indent=2) + "\n")
    return document


def read_kept(folder: Path) -> dict[str, Any]:
    """What was measured into a folder before."""
    path = folder / "benchmark.json"
    kept = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return kept if kept.get("format") == FORMAT else {"format": FORMAT}


def _earlier(spec: BenchmarkSpec, part: str, device: str) -> list[dict[str, Any]]:
    """Rows of a part that this kind of machine has measured before."""
    rows = read_kept(spec.out).get(part, {}).get("rows", [])
    machine = device_name(torch.device(device))
    return [row for row in rows if row["device"] == machine]


def _about(spec: BenchmarkSpec, device: str) -> dict[str, Any]:
    arguments = {key: str(value) for key, value in asdict(spec).items()}
    return {
        "arguments": arguments,
        "command": command_line(),
        "date": date.today().isoformat(),
        "machine": device_name(torch.device(device)),
        "versions": package_versions(),
    }


def _goals(spec: BenchmarkSpec, device: Device, say: Callable[[str], Any]) -> Measured:
    rows: list[dict[str, Any]] = []
    for row in _timed(spec, device, goal_cases(device), list(CONTENDERS), say):
        rows.append(row)
        yield {"rows": rows, "judged": judged(rows, device), "profiles": {}}
    verdicts = judged(rows, device)
    missed = {goal["case"]: goal["batch_size"] for goal in verdicts if goal["reached"] is False}
    profiles = {}
    for name, batch_size in missed.items():
        say(f"Profile of {name}")
        profiles[name] = profile(build_case(name, batch_size, spec.configs, _device_type(device)))
    yield {"rows": rows, "judged": verdicts, "profiles": profiles}


def _quick(spec: BenchmarkSpec, device: Device, say: Callable[[str], Any]) -> Measured:
    """What became slower since this kind of machine left a record; the first leaves it."""
    rows = list(_timed(spec, device, quick.CASES, quick.NAMES, say))
    path = quick.record_path(device_name(torch.device(device)))
    new, before = quick.record(rows), quick.read_record(path)
    if before is None:
        about = {key: _about(spec, device)[key] for key in ("machine", "date", "versions")}
        write_whole(path, json.dumps({**about, "ratios": new}, indent=1) + "\n")
        say(f"No record of this kind of machine yet: {path.name} is the first.")
    slower = quick.slower(new, before or new)
    for line in slower:
        say(line)
    yield {"rows": rows, "ratios": new, "slower": slower}


def _sizes(spec: BenchmarkSpec, device: Device, say: Callable[[str], Any]) -> Measured:
    """Rows of other networks and batch sizes are kept from earlier."""
    chosen = [name for name in SIZES if SIZES[name] in (spec.networks or SIZES.values())]
    cases = [(name, batch_size) for name in chosen for batch_size in spec.batch_sizes]
    # bfloat16 is what is fast, or slower.
    names = [name for name in CONTENDERS if name not in ("ours, bfloat16", BESIDE)]
    rows = {(row["case"], row["batch_size"]): row for row in _earlier(spec, "sizes", device)}
    order = list(SIZES)
    for row in _timed(spec, device, cases, names, say):
        rows[row["case"], row["batch_size"]] = row
        places = sorted(rows, key=lambda key: (order.index(key[0]), key[1]))
        yield {"rows": [rows[place] for place in places]}


def _timed(
    spec: BenchmarkSpec,
    device: str,
    cases: Iterable[tuple[str, int]],
    names: list[str],
    say: Callable[[str], Any],
) -> Iterable[dict[str, Any]]:
    for name, batch_size in cases:
        say(f"{name}, batch of {batch_size}")
        case = build_case(name, batch_size, spec.configs, _device_type(device))
        yield {**timed_case(case, spec.steps, spec.repeats, names), "command": command_line()}


def _tool(spec: BenchmarkSpec, device: Device, script: Path) -> runs.Tool:
    folder = spec.out / "runs"
    folder.mkdir(parents=True, exist_ok=True)
    return runs.Tool(script, spec.configs / "hourglass.py", folder, device)


def _runs(spec: BenchmarkSpec, device: Device, script: Path, say: Callable[[str], Any]) -> Measured:
    say("tools/attack.py against its floor")
    case = build_case("bundled hourglass", 32, spec.configs, _device_type(device))
    yield runs.against_floor(_tool(spec, device, script), case, spec.repeats)


def _growth(
    spec: BenchmarkSpec, device: Device, script: Path, say: Callable[[str], Any]
) -> Measured:
    tool = _tool(spec, device, script)
    say("tools/attack.py on more and more images")
    images = runs.growth_with_images(tool)
    say("tools/attack.py with more and more steps")
    yield {"images": images, "iterations": runs.growth_with_iterations(tool)}


def _strength(spec: BenchmarkSpec, device: Device, say: Callable[[str], Any]) -> Measured:
    found = strengths([spec.configs], spec.people, device=device, networks=spec.networks)
    yield from _by_network(spec, "strength", device, found, say)


def _rivals(spec: BenchmarkSpec, device: Device, say: Callable[[str], Any]) -> Measured:
    found = rival_strengths([spec.configs], spec.people, device, spec.networks)
    yield from _by_network(spec, "rivals", device, found, say)


def _by_network(
    spec: BenchmarkSpec,
    part: str,
    device: Device,
    found: Iterable[dict[str, Any]],
    say: Callable[[str], Any],
) -> Measured:
    """Rows of other networks are kept from earlier."""
    about = {"device": device_name(torch.device(device)), "command": command_line()}
    rows = {(row["network"], row["attack"]): row for row in _earlier(spec, part, device)}
    for row in found:
        say(f"{row['network']}, {row['attack']}")
        rows[row["network"], row["attack"]] = {**row, **about}
        yield {"rows": list(rows.values())}


def _device_type(device: str) -> str:
    return "gpu" if device == "cuda" else "cpu"
