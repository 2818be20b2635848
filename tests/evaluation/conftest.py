"""A run of the loop over the tiny config, in this process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def prepared_loop(config: Path, weights: Path, tmp_path: Path) -> Callable[..., Any]:
    """`prepared_loop(*attacks, folder="run", options=None, **settings)`: found good, not run."""
    from hpe_art.estimators.loading import load_config
    from hpe_art.evaluation.running import attack_runner, loop_of
    from hpe_art.evaluation.spec import run_spec

    def prepare(*attacks: Any, folder: str = "run", options: Any = None, **settings: Any) -> Any:
        cfg = load_config(config, options)
        spec = run_spec(attacks=attacks, device="cpu", **settings)
        loop = loop_of(attack_runner(cfg, spec, tmp_path / folder, str(weights)))
        loop.progress = False
        return loop

    return prepare


@pytest.fixture
def attacked(prepared_loop: Callable[..., Any]) -> Callable[..., Any]:
    """`attacked(...)`: a loop of `prepared_loop` that has run."""

    def run(*attacks: Any, **settings: Any) -> Any:
        loop = prepared_loop(*attacks, **settings)
        loop.runner.test()
        return loop

    return run


@pytest.fixture(scope="session")
def without_times() -> Callable[[Any], dict[str, Any]]:
    """`without_times(run)`: its record as JSON, but for when and how long."""

    def strip(run: Any) -> dict[str, Any]:
        found = run.model_dump(exclude={"started", "seconds", "phases", "arguments"})
        for attack in found["attacks"]:
            attack.pop("seconds")
        return found

    return strip
