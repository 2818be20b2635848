"""A study's folder keeps to the universal perturbations that it began with."""

import json

import pytest

from hpe_art import zoo
from hpe_art.attacks import UniversalPosePerturbation
from hpe_art.commands.study import parse
from hpe_art.data.crops import load_crops
from hpe_art.estimators import PyTorchPoseEstimator
from hpe_art.estimators.loading import load_config
from hpe_art.evaluation.study import networks
from hpe_art.evaluation.study.prepared import prepare_study


@pytest.fixture
def bundled(own_zoo):
    """The config of a bundled network with a bundled perturbation."""
    cfg = load_config(own_zoo)
    attack = UniversalPosePerturbation(
        PyTorchPoseEstimator.from_config(cfg, device_type="cpu"), epochs=1, verbose=False
    )
    crops = load_crops(cfg)
    path = attack.fit(crops.x, crops.y, "zoo://tiny").save(zoo.FOLDER / "tiny_uap8")
    entries = zoo.index()
    entries["tiny"]["perturbations"] = {"8": {"file": path.name, "sha256": zoo.sha256(path)}}
    (zoo.FOLDER / "index.json").write_text(json.dumps(entries))
    return own_zoo


def test_training_people_that_come_later_do_not_change_a_study(bundled, tmp_path, monkeypatch):
    def prepared(*flags):
        command = ["study.py", "--configs", bundled, "--out", tmp_path / "study", "--device", "cpu"]
        monkeypatch.setattr("sys.argv", list(map(str, [*command, *flags])))
        return prepare_study(parse())

    with monkeypatch.context() as patch:
        patch.setattr(networks, "people_to_fit_on", lambda args, cfg: None)  # not rendered
        (note,) = prepared().notes
    assert "No training people to fit universal perturbations on" in note
    later = prepared()
    assert later.study.networks[0].fit_on is None
    assert "the bundled ones of tiny, as before in" in later.notes[0]
    # Elsewhere, or where it is asked for, they are fitted on.
    assert prepared("--out", tmp_path / "other").study.networks[0].fit_on is not None
    with pytest.raises(ValueError, match="Expected the training people or perturbation that"):
        prepared("--epochs", 3)
