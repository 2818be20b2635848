"""How a name becomes the path of a shipped config."""

from __future__ import annotations

from pathlib import Path

import pytest

from hpe_art import configs
from hpe_art.commands import attack, card, study, train
from hpe_art.configs import find_config, mmpose_folder, shipped_configs
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


RTMPOSE = "body_2d_keypoint/rtmpose/coco/rtmpose-s_8xb256-420e_coco-256x192"


@pytest.mark.parametrize("name", [RTMPOSE, RTMPOSE.partition("/")[2], RTMPOSE.rpartition("/")[2]])
@pytest.mark.parametrize("end", ["", ".py"])
def test_a_config_of_mmpose_is_found_with_its_folders_or_without(name, end):
    assert find_config(f"mmpose::{name}{end}") == mmpose_folder() / f"{RTMPOSE}.py"
    assert mmpose_folder().is_absolute()


def test_every_command_takes_a_config_of_mmpose():
    name, path = f"mmpose::{RTMPOSE}", str(mmpose_folder() / f"{RTMPOSE}.py")
    for command in (attack, card, train):
        assert command.parse([name]).config == path
    assert attack.parse([name]).work_dir == Path("results", Path(RTMPOSE).name)
    assert attack.parse(["hourglass", "--transfer-to", name]).transfer_to == [path]
    assert study.parse(["--configs", name, "hourglass"]).configs[0] == path


@pytest.mark.parametrize("name", [RTMPOSE[:-1], "rtmpose-s_8xb256-420e_coco-256x129"])
def test_an_unknown_config_of_mmpose_is_refused_with_the_nearest(name):
    with pytest.raises(UserError, match=rf"Got mmpose::{name}; the nearest are .+,.+,") as caught:
        find_config(f"mmpose::{name}.py")
    assert f" {RTMPOSE}," in str(caught.value)


def test_several_configs_of_mmpose_may_end_alike(tmp_path, monkeypatch):
    monkeypatch.setattr(configs, "mmpose_folder", lambda: tmp_path)
    with pytest.raises(UserError, match=r"nearest are none: install MMPose with pip or mim\."):
        find_config("mmpose::a")
    for folder in ("coco", "mpii", "mpii/coco"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.py").touch()
    assert find_config("mmpose::coco/a") == tmp_path / "coco" / "a.py"
    message = r"Got mmpose::a, which 3 have: coco/a, mpii/a, mpii/coco/a: name one with its folder"
    with pytest.raises(UserError, match=message):
        find_config("mmpose::a")
