import json
import re

import pytest

from hpe_art import zoo
from hpe_art.attacks import UniversalPosePerturbation
from hpe_art.data.people import load_people
from hpe_art.estimators import PyTorchPoseEstimator
from hpe_art.estimators.loading import load_config
from hpe_art.publishing import is_weak, publish, publish_perturbation


def fitted(config, path, source="zoo://tiny"):
    cfg = load_config(config)
    estimator = PyTorchPoseEstimator.from_config(cfg, device_type="cpu")
    people = load_people(cfg)
    attack = UniversalPosePerturbation(estimator, delta=8.0, epochs=1, verbose=False)
    return str(attack.fit(people.x, people.y, source).save(path))


def test_weights_come_with_their_score_and_origin(own_zoo):
    entry = zoo.index()["tiny"]
    assert entry["command"] == "train it" and entry["config"] == own_zoo
    assert entry["people"] == 6 and 0 < entry["clean_PCKh"] < 100
    assert entry["clean"]["PCK"] == pytest.approx(entry["clean_PCKh"], abs=0.01)
    assert zoo.checkpoint_path("zoo://tiny").stat().st_size < 60_000


def test_what_fails_half_way_leaves_the_bundle_whole(own_zoo, weights, monkeypatch):
    before = zoo.index()
    monkeypatch.setattr("hpe_art.publishing._scored", lambda *args: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        publish(own_zoo, str(weights), "tiny", "train it again", bits=4)
    assert zoo.index() == before and zoo.checkpoint_path("zoo://tiny").is_file()
    assert sorted(path.name for path in zoo.FOLDER.iterdir()) == ["index.json", "tiny.npz"]


def test_a_perturbation_goes_with_its_network_until_that_is_replaced(
    own_zoo, tmp_path, weights, monkeypatch
):
    monkeypatch.setattr("hpe_art.publishing.WEAK", -100.0)  # untrained, it is not moved
    entry = publish_perturbation(own_zoo, fitted(own_zoo, tmp_path / "uap"), "fit it")
    assert entry["fitted"]["people"] == 6 and entry["relative_PCKh"] >= 0
    path = zoo.perturbation_path("zoo://tiny", 8.0)
    assert path.name == "tiny_uap8.npz" and path.is_file()
    assert zoo.perturbation_path("zoo://tiny", 16.0) is None
    publish(own_zoo, str(weights), "tiny", "train it again")
    assert zoo.perturbation_path("zoo://tiny", 8.0) is None and not path.exists()


def test_a_perturbation_that_does_nothing_is_not_bundled(own_zoo, tmp_path, monkeypatch):
    monkeypatch.setattr("hpe_art.publishing.WEAK", 100.0)
    assert publish_perturbation(own_zoo, fitted(own_zoo, tmp_path / "uap"), "fit it") is None
    assert zoo.perturbation_path("zoo://tiny", 8.0) is None
    assert "perturbations" not in zoo.index()["tiny"]


def test_errors_grow_under_an_attack():
    assert is_weak(90.0, higher_is_better=True) and not is_weak(89.0, higher_is_better=True)
    assert is_weak(110.0, higher_is_better=False) and not is_weak(111.0, higher_is_better=False)


def test_another_configs_name_is_not_taken(own_zoo, tmp_path, write_config, weights):
    other = write_config(tmp_path / "other.py")
    with pytest.raises(ValueError, match=r"no other config has. Got tiny, which .*tiny.py has"):
        publish(str(other), str(weights), "tiny", "train it")
    assert zoo.index()["tiny"]["config"] == own_zoo


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("../../x", "Expected a name of letters, digits, '_', '-' and '.'. Got '../../x'"),
        ("a/b", "Got 'a/b'"),
        (".x", "Got '.x'"),
        ("tiny_uap8", "Got tiny_uap8, whose file is bundled already: choose another --name"),
    ],
)
def test_a_name_stays_in_the_bundle_and_takes_nobodys_file(own_zoo, weights, name, message):
    entries = zoo.index()
    entries["tiny"]["perturbations"] = {"8": {"file": "tiny_uap8.npz"}}
    (zoo.FOLDER / "index.json").write_text(json.dumps(entries))
    with pytest.raises(zoo.ZooError, match=re.escape(message)):
        publish(own_zoo, str(weights), name, "train it")
    assert zoo.free_path("tiny").name == "tiny.npz"
    assert zoo.free_path("tiny", "_uap8").name == "tiny_uap8.npz"


def test_a_perturbation_of_another_network_is_refused(own_zoo, tmp_path):
    path = fitted(own_zoo, tmp_path / "uap", source="work_dirs/other.pth")
    with pytest.raises(ValueError, match=r"'zoo://tiny'. Got one fitted on 'work_dirs/other.pth'"):
        publish_perturbation(own_zoo, path, "fit it")
