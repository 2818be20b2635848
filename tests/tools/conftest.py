from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def run_tool() -> Callable[..., subprocess.CompletedProcess[str]]:
    """`run_tool("attack.py", *arguments, cwd=)` runs a tool as the user does."""

    def run(
        tool: str, *arguments: object, cwd: Path, **process: Any
    ) -> subprocess.CompletedProcess[str]:
        paths = [str(REPOSITORY), os.environ.get("PYTHONPATH", "")]
        return subprocess.run(
            [sys.executable, str(REPOSITORY / "tools" / tool), *map(str, arguments)],
            cwd=cwd,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
            capture_output=True,
            text=True,
            **process,
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


@pytest.fixture
def call(
    load_tool: Callable[[str], ModuleType],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Callable[..., tuple[Any, str, str]]:
    """`call("card.py", ...)`: exit code, output and errors of a tool's `main`, in `tmp_path`."""
    monkeypatch.chdir(tmp_path)

    def run(tool: str, *arguments: object) -> tuple[Any, str, str]:
        monkeypatch.setattr("sys.argv", [tool, *map(str, arguments)])
        try:
            code: Any = load_tool(tool).main()
        except SystemExit as stop:
            code = stop.code
        return code, *capsys.readouterr()

    return run


class Outcome:
    """What a run left: exit code, what it printed, and its results."""

    def __init__(self, code: int, out: str, err: str, folder: Path) -> None:
        self.code, self.out, self.err, self.folder = code, out, err, folder

    @property
    def results(self) -> Any:
        from hpe_art.evaluation.result_files import read_results

        (run,) = read_results(self.folder / "results.json").runs.values()
        return run

    @property
    def names(self) -> list[str]:
        return [attack.name for attack in self.results.attacks]


@pytest.fixture
def attack(
    load_tool: Callable[[str], ModuleType],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Callable[..., Outcome]:
    """`attack(config, ...)` runs the tool's `main` in an empty working directory.

    Pictures take most of the time: they are drawn where `pictures=True` asks for them.
    """
    main = load_tool("attack.py").main
    cwd = tmp_path / "cwd"
    cwd.mkdir()
    monkeypatch.chdir(cwd)

    def run(*arguments: object, pictures: bool = False) -> Outcome:
        words = [str(argument) for argument in arguments]
        monkeypatch.setattr("sys.argv", ["attack.py", *words])
        with monkeypatch.context() as patch:
            if not pictures:
                patch.setattr("hpe_art.report.pictures.draw_pictures", lambda *_: 0)
            try:
                code = main()
            except SystemExit as stop:
                code = stop.code
        printed = capsys.readouterr()
        named = [words[i + 1] for i, word in enumerate(words) if word in ("--out", "--work-dir")]
        folder = cwd / (named[0] if named else "results/tiny")
        return Outcome(code, printed.out, printed.err, folder)

    run.cwd = cwd
    return run
