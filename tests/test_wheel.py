"""The wheel, installed outside a clone, has all that the first command needs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.slow


def run(*command: str | Path, cwd: Path) -> str:
    """What a process prints that knows nothing of the clone."""
    hidden = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
    environment = {key: value for key, value in os.environ.items() if key not in hidden}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """Built from the source distribution, which is built from a copy of the clone."""
    folder = tmp_path_factory.mktemp("built")
    source = folder / "source"
    for name in ("hpe_art", "mmpose_configs"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    build = "from setuptools.build_meta import build_sdist as b; b('..')"
    run(sys.executable, "-c", build, cwd=source)
    (archive,) = folder.glob("*.tar.gz")
    offline = ("--no-deps", "--no-build-isolation", "--no-index")
    run(sys.executable, "-m", "pip", "wheel", *offline, "-w", ".", archive.name, cwd=folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def environment(wheel, tmp_path_factory) -> Path:
    """The programs of a fresh environment that has the wheel, and our own's dependencies."""
    folder = tmp_path_factory.mktemp("installed")
    run(sys.executable, "-m", "venv", "env", cwd=folder)
    programs = folder / "env" / "bin"
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    packages = Path(run(programs / "python", "-c", where, cwd=folder).strip())
    # Not by the environment's .pth files, one of which would bring the clone.
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    run(programs / "pip", "install", "--no-deps", "--no-index", wheel, cwd=folder)
    return programs


def test_what_the_wheel_holds(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.partition("/")[0] for name in names}
    assert tops == {"hpe_art", wheel.name.removesuffix("-py3-none-any.whl") + ".dist-info"}
    package = {path for path in (ROOT / "hpe_art").rglob("*") if "__pycache__" not in path.parts}
    configs = (ROOT / "mmpose_configs").rglob("*.py")
    expected = {path.relative_to(ROOT).as_posix() for path in package if path.is_file()}
    expected |= {f"hpe_art/.mim/{path.relative_to(ROOT).as_posix()}" for path in configs}
    assert {name for name in names if name.startswith("hpe_art/")} == expected


def test_the_first_command_outside_the_clone(environment, tmp_path):
    where = "import hpe_art; print(hpe_art.__file__)"
    package = Path(run(environment / "python", "-c", where, cwd=tmp_path).strip()).parent
    assert package.is_relative_to(environment.parent)
    assert "usage: hpe-art" in run(environment / "hpe-art", "--help", cwd=tmp_path)

    flags = ("--num-samples", "4", "--attack", "fgsm", "--device", "cpu")
    printed = run(environment / "hpe-art", "attack", "hourglass", *flags, cwd=tmp_path)
    assert "FGSM-U" in printed
    results = json.loads((tmp_path / "results" / "hourglass" / "results.json").read_text())
    assert results["runs"]["hourglass"]["config"] == str(
        package / ".mim" / "mmpose_configs" / "hourglass.py"
    )
    assert [entry["name"] for entry in results["runs"]["hourglass"]["attacks"]] == ["FGSM-U"]
