"""People of a tiny MPII folder."""

from __future__ import annotations

import hpe_art.compat  # noqa: F401  (before mmpose)

import pytest
from mmengine.config import Config

from hpe_art.data.people import load_people


@pytest.fixture(scope="module")
def cfg(config):
    return Config.fromfile(config)


@pytest.fixture(scope="module")
def some(cfg):
    return load_people(cfg)


@pytest.fixture(scope="module")
def pixels(some):
    return some.x[:]


@pytest.fixture
def own(tmp_path, write_people, write_config):
    """A folder that the test may change, and the config over it."""
    folder = write_people(tmp_path / "people")
    return folder, Config.fromfile(write_config(tmp_path / "tiny.py", folder))
