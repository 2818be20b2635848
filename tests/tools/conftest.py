from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def run_tool() -> Callable[..., subprocess.CompletedProcess[str]]:
    """`run_tool("attack.py", *arguments, cwd=)` runs a tool as the user does."""

    def run(tool: str, *arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
        paths = [str(REPOSITORY), os.environ.get("PYTHONPATH", "")]
        return subprocess.run(
            [sys.executable, str(REPOSITORY / "tools" / tool), *map(str, arguments)],
            cwd=cwd,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
            capture_output=True,
            text=True,
        )

    return run


@pytest.fixture(scope="session")
def load_tool() -> Callable[[str], ModuleType]:
    """`load_tool("attack.py")` gives a tool as a module, to call its `main` without a process."""

    def load(tool: str) -> ModuleType:
        spec = importlib.util.spec_from_file_location(
            f"tool_{Path(tool).stem}", REPOSITORY / "tools" / tool
        )
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load
