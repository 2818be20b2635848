"""Configs of what people use: MMPose's own, with the weights that it names for them."""

import re

import pytest
import yaml

from hpe_art.configs import mmpose_folder, shipped_folder
from hpe_art.estimators.loading import load_config

ZOO = sorted((shipped_folder() / "zoo").rglob("*.py"))


@pytest.fixture(scope="module")
def official():
    """Weights by config, from MMPose's lists of its models."""
    found = {}
    for path in mmpose_folder().rglob("*.yml"):
        for model in yaml.safe_load(path.read_text(encoding="utf-8")).get("Models") or ():
            found.setdefault(model["Config"].removeprefix("configs/"), model.get("Weights"))
    return found


@pytest.mark.parametrize("path", ZOO, ids=lambda path: "/".join(path.parts[-2:]))
def test_it_is_mmpose_s_config_with_its_weights(path, official):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 12
    (name,) = re.findall(r'"mmpose::(.+)"', text)
    ours, theirs = load_config(path), load_config(mmpose_folder() / name)
    assert ours.load_from == official[name]
    ours.load_from = theirs.load_from
    assert plain(ours.to_dict()) == plain(theirs.to_dict())


def plain(value):
    """Without the scope that MMEngine notes of a base from another package."""
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items() if key != "_scope_"}
    return [plain(one) for one in value] if isinstance(value, (list, tuple)) else value


def test_there_are_those_of_coco_and_of_mpii():
    assert {path.parent.name for path in ZOO} == {"coco", "coco_wholebody", "mpii"}
    assert len(ZOO) >= 20
