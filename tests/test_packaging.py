"""requirements.txt is the closure of pyproject.toml, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

tomllib = pytest.importorskip("tomllib", reason="tomllib is in Python's library from 3.11 on")

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
REQUIREMENTS = (ROOT / "requirements.txt").read_text()
LINES = [
    line.partition("#")[0].strip()
    for line in REQUIREMENTS.splitlines()
    if line.partition("#")[0].strip()
]
PYTHONS = ("3.11.0", "3.12.0", "3.13.0")


def environment(python: str) -> dict[str, str]:
    """The marker values of Linux on x86-64 under `python`; extras do not apply."""
    return {
        "python_version": python.rpartition(".")[0],
        "python_full_version": python,
        "platform_python_implementation": "CPython",
        "platform_machine": "x86_64",
        "platform_system": "Linux",
        "sys_platform": "linux",
        "extra": "",
    }


def applies(requirement: Requirement, python: str) -> bool:
    return requirement.marker is None or requirement.marker.evaluate(environment(python))


def pins(python: str) -> dict[str, str]:
    """Package name -> the one version that requirements.txt installs under `python`."""
    found: dict[str, str] = {}
    for requirement in map(Requirement, LINES):
        if applies(requirement, python):
            name = canonicalize_name(requirement.name)
            assert name not in found, f"{name} is pinned twice for Python {python}"
            (specifier,) = requirement.specifier
            found[name] = specifier.version
    return found


def declared(python: str) -> list[Requirement]:
    """What pyproject.toml asks for: dependencies, all extras, and the versions that we choose."""
    project = PYPROJECT["project"]
    texts = [
        *project["dependencies"],
        *(text for extra in project["optional-dependencies"].values() for text in extra),
        *PYPROJECT["dependency-groups"]["pinned"],
    ]
    return [r for r in map(Requirement, texts) if applies(r, python)]


def test_every_line_is_one_exact_pin() -> None:
    bad = [line for line in LINES if not re.fullmatch(r"[a-z0-9-]+==[0-9][\w.]*( ; .+)?", line)]
    assert bad == []


def test_no_index_host_or_path_is_named() -> None:
    assert re.findall(r"https?:|file:|--(?:extra-)?index|--find-links|@|/", REQUIREMENTS) == []


@pytest.mark.parametrize("python", PYTHONS)
def test_every_declared_dependency_is_pinned_within_its_range(python: str) -> None:
    pinned = pins(python)
    wrong = [
        f"{requirement}: {pinned.get(canonicalize_name(requirement.name))}"
        for requirement in declared(python)
        if canonicalize_name(requirement.name) not in pinned
        or not requirement.specifier.contains(pinned[canonicalize_name(requirement.name)])
    ]
    assert wrong == [], "Run `make requirements`"


@pytest.mark.parametrize("python", PYTHONS)
def test_overrides_are_honoured(python: str) -> None:
    pinned = pins(python)
    for override in map(Requirement, PYPROJECT["tool"]["uv"]["override-dependencies"]):
        version = pinned.get(canonicalize_name(override.name))
        if applies(override, python):
            assert version is not None and override.specifier.contains(version), str(override)
        else:
            assert version is None, f"{override.name} is installed under Python {python}"


def test_every_pin_is_asked_for() -> None:
    """The resolver names who asked for each pin: nothing is added by hand, nothing left over."""
    pinned = [line for line in REQUIREMENTS.splitlines() if not line.startswith("#")]
    assert [line for line in pinned if "# via" not in line] == []
    asked = {line.partition("==")[0] for line in pinned if "hpe-art (pyproject.toml" in line}
    assert asked == {canonicalize_name(r.name) for python in PYTHONS for r in declared(python)}


def test_the_header_gives_the_command_of_make_requirements() -> None:
    header = REQUIREMENTS.splitlines()[1].lstrip("# ")
    makefile = re.sub(r"\\\n\s*", "", (ROOT / "Makefile").read_text())
    assert header in makefile


def test_a_user_of_full_mmcv_is_not_given_mmcv_lite() -> None:
    names = {canonicalize_name(Requirement(d).name) for d in PYPROJECT["project"]["dependencies"]}
    assert names.isdisjoint({"mmcv", "mmcv-lite", "chumpy", "xtcocotools"})


@pytest.mark.parametrize("python, numpy", [("3.11.0", "1.26"), ("3.12.0", "2"), ("3.13.0", "2")])
def test_numpy_follows_the_python_version(python: str, numpy: str) -> None:
    assert pins(python)["numpy"].startswith(f"{numpy}.")


def test_pycocotools_serves_where_xtcocotools_has_no_wheels() -> None:
    assert ["xtcocotools" in pins(python) for python in PYTHONS] == [True, False, False]
    assert all("pycocotools" in pins(python) for python in PYTHONS)
