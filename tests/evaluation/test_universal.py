import argparse
import json
import shutil

import numpy as np
import pytest
from toys import hourglass, people

from hpe_art import zoo
from hpe_art.attacks import AttackSetting, UniversalPosePerturbation
from hpe_art.estimators import PyTorchPoseEstimator
from hpe_art.evaluation.arguments import ArgumentsError
from hpe_art.evaluation.universal import bundled_settings, people_to_fit_on, saved_settings

UAP = AttackSetting("uap", eps=8.0)
NO_FIT = argparse.Namespace(epochs=None, fit_samples=None)


@pytest.fixture
def bundle(tmp_path, monkeypatch):
    """A zoo with a network and its perturbation of eps 8."""
    estimator = PyTorchPoseEstimator(hourglass(), device_type="cpu")
    attack = UniversalPosePerturbation(estimator, epochs=1, verbose=False)
    path = attack.fit(*people(2)).save(tmp_path / "toy_uap8")
    entry = {"file": path.name, "sha256": zoo.sha256(path)}
    index = {"toy": {"perturbations": {"8": entry}}}
    (tmp_path / "index.json").write_text(json.dumps(index))
    monkeypatch.setattr(zoo, "FOLDER", tmp_path)
    return path


def test_bundled_ones_are_found_by_network_and_eps(bundle):
    noise = AttackSetting("noise")
    found = bundled_settings([noise, UAP], "zoo://toy", NO_FIT)
    assert found[0] == noise and found[1].perturbation == str(bundle)


@pytest.mark.parametrize(
    ("setting", "checkpoint"),
    [
        (AttackSetting("uap", eps=4.0), "zoo://toy"),
        (AttackSetting("uap", targeted=True), "zoo://toy"),
        (AttackSetting("uap", outputs="all"), "zoo://toy"),
        (UAP, "zoo://other"),
        (UAP, "work_dirs/toy.pth"),
    ],
)
def test_without_one_the_mend_is_named(bundle, setting, checkpoint):
    with pytest.raises(
        ArgumentsError, match=rf"neither for {checkpoint} at eps .* --fit-data-root"
    ):
        bundled_settings([setting], checkpoint, NO_FIT)


def test_a_damaged_one_is_refused(bundle):
    bundle.write_bytes(b"")
    with pytest.raises(zoo.ZooError, match="Expected .*toy_uap8.npz with SHA-256"):
        bundled_settings([UAP], "zoo://toy", NO_FIT)


def test_files_of_another_aspect_are_refused_at_once(bundle):
    estimator = argparse.Namespace(input_shape=(3, 64, 48), packs_bgr=True)
    args = arguments([bundle, bundle])
    real = PyTorchPoseEstimator(hourglass(), device_type="cpu")
    (setting,) = saved_settings(args, real)
    assert (setting.eps, setting.targeted, setting.outputs) == (8.0, False, "last")
    with pytest.raises(ValueError, match="aspect of the perturbation"):
        UniversalPosePerturbation.load(bundle, real).resized(*estimator.input_shape[1:])


def arguments(files, **others):
    settled = dict(seed=0, batch_size=2, target="far", target_joints=None, attack=None)
    settled |= dict(targeted=False, both=False)
    return argparse.Namespace(perturbation=files, **{**settled, **others})


def test_files_of_one_name_are_told_apart_by_their_folders(bundle, tmp_path):
    real = PyTorchPoseEstimator(hourglass(), device_type="cpu")
    files = [tmp_path / name / "perturbations" / "uap-u_eps8.npz" for name in ("deep", "flat")]
    for file in files:
        file.parent.mkdir(parents=True)
        shutil.copy(bundle, file)
    found = saved_settings(arguments(files), real)
    expected = ["deep-perturbations-uap-u_eps8", "flat-perturbations-uap-u_eps8"]
    assert [setting.label for setting in found] == expected
    found = saved_settings(arguments([files[0], bundle]), real)
    assert [setting.label for setting in found] == ["uap-u_eps8", "toy_uap8"]


@pytest.mark.parametrize("others", [{"target": "mirror"}, {"target_joints": ["Wrist"]}])
def test_a_target_for_untargeted_files_is_not_ignored(bundle, others):
    real = PyTorchPoseEstimator(hourglass(), device_type="cpu")
    with pytest.raises(ArgumentsError, match="--target-joints with a targeted perturbation"):
        saved_settings(arguments([bundle], **others), real)


def test_rendered_people_are_fitted_on_only_if_they_are_rendered(tmp_path, monkeypatch):
    from hpe_art.estimators.loading import load_config

    monkeypatch.setenv("HPE_ART_CACHE", str(tmp_path))
    cfg = load_config("mmpose_configs/hourglass.py")
    args = argparse.Namespace(
        fit_data_root=None, fit_ann_file=None, fit_samples=None, skip_unreadable=False
    )
    assert people_to_fit_on(args, cfg) is None
    assert np.array_equal(list(tmp_path.iterdir()), [])
