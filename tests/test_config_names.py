"""How a name becomes the path of a shipped config."""

from __future__ import annotations

from pathlib import Path

import pytest

from hpe_art import configs
from hpe_art.configs import find_config, shipped_configs
from hpe_art.errors import UserError

FOLDER = Path(__file__).parents[1] / "mmpose_configs"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """A working folder that has nothing to do with the project."""
    monkeypatch.chdir(tmp_path)


def test_every_config_has_a_name():
    assert [FOLDER / f"{name}.py" for name in shipped_configs()] == sorted(
        path for path in FOLDER.rglob("*.py") if "_base_" not in path.parts
    )
    assert find_config("hourglass") == FOLDER / "hourglass.py"
    assert find_config("mpii/hourglass") == FOLDER / "mpii" / "hourglass.py"


def test_a_path_is_left_as_it_is(tmp_path):
    (tmp_path / "hourglass").touch()
    assert find_config("hourglass") == Path("hourglass")
    assert find_config("nowhere.py") == Path("nowhere.py")
    assert find_config(tmp_path) == tmp_path


def test_an_unknown_name_is_refused_with_those_that_are_known():
    with pytest.raises(UserError, match=r"shipped one: .*dlcm, .*\. Got hourgals\."):
        find_config("hourgals")


def test_an_installed_package_has_its_own(tmp_path, monkeypatch):
    folder = tmp_path / "hpe_art" / ".mim" / "mmpose_configs"
    folder.mkdir(parents=True)
    (folder / "tiny.py").touch()
    monkeypatch.setattr(configs, "_HERE", tmp_path / "hpe_art")
    below = Path("hpe_art", ".mim", "mmpose_configs", "tiny.py")
    assert shipped_configs() == ["tiny"] and find_config("tiny") == below
    monkeypatch.chdir(tmp_path.parent)
    assert find_config("tiny") == Path(tmp_path.name) / below
