"""Two tiny networks over one folder, and studies of them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hpe_art.data.mpii.folder import mpii_dataset
from hpe_art.evaluation.spec import FitSpec, run_spec
from hpe_art.studies.jain2019.grid import Grid
from hpe_art.studies.jain2019.networks import study_networks, with_weights
from hpe_art.studies.jain2019.study import run_study, write_study

GRID = Grid(
    eps=(4.0, 8.0),
    targeted_eps=(8.0,),
    all_eps=(8.0,),
    untargeted_curve=(1, 3, 12),
    targeted_curve=(2, 4),
    universal_eps=(8.0,),
)


@pytest.fixture(scope="session")
def networks(tmp_path_factory, write_config, write_weights, write_people) -> Path:
    """A folder of configs: "deep" with two outputs, "flat" with one, and one without weights."""
    folder = tmp_path_factory.mktemp("networks")
    people = write_people(folder / "people")
    configs = folder / "configs"
    configs.mkdir()
    for name, stacks in (("deep", 2), ("flat", 1)):
        config = write_config(configs / f"{name}.py", people, stacks)
        weights = write_weights(folder / f"{name}.pth", config)
        write_config(config, people, stacks, load_from=str(weights))
    write_config(configs / "untrained.py", people)
    return configs


@pytest.fixture(scope="session")
def planned_networks(networks) -> Callable[..., Any]:
    """`planned_networks(folder, *names, grid={}, **settings)`: what is to be run on each."""

    def plan(folder: Path, *names: str, grid: dict[str, Any] | None = None, **settings: Any) -> Any:
        files = [networks / f"{name}.py" for name in names or ("deep", "flat")]
        configs, _ = with_weights(files)
        people = networks.parent / "people"
        boxes = {"headbox_file": str(people / "annotations/mpii_gt_val.mat"), "test_mode": True}
        fit = FitSpec(dataset={**mpii_dataset(people, "train"), **boxes}, epochs=1)
        usual = {"kept": 3, "device": "cpu", "precision": "float32", "batch_size": 6, "fit": fit}
        common = run_spec(**{**usual, **settings})
        return study_networks(configs, replace(GRID, **(grid or {})), common, folder)

    return plan


@pytest.fixture(scope="session")
def study(planned_networks) -> Callable[..., Any]:
    """`study(folder, *names, grid={}, **settings)`: its results, after running what is missing."""

    def run(folder: Path, *names: str, grid: dict[str, Any] | None = None, **settings: Any) -> Any:
        ready = planned_networks(folder, *names, grid=grid, **settings)
        runs = run_study(ready, folder)
        return write_study(folder, runs, replace(GRID, **(grid or {})), {})

    return run


@pytest.fixture(scope="session")
def whole(study, tmp_path_factory) -> Path:
    """The folder of an uninterrupted study; not to be changed."""
    folder = tmp_path_factory.mktemp("whole") / "study"
    study(folder)
    return folder


@pytest.fixture
def copied(whole, tmp_path) -> Path:
    """The same, to be changed."""
    return shutil.copytree(whole, tmp_path / "study")
