"""Universal perturbations: from a file, fitted on training people, or from the bundle."""

from __future__ import annotations

import json

import pytest
from toys import hourglass
from toys import people as toy_people

from hpe_art import zoo
from hpe_art.attacks import Universal, UniversalPosePerturbation, build_spec
from hpe_art.attacks.universal_file import read_perturbation
from hpe_art.errors import UserError
from hpe_art.estimators import PyTorchPoseEstimator
from hpe_art.estimators.loading import load_config
from hpe_art.evaluation.perturbations import find_fit, ready_attacks
from hpe_art.evaluation.spec import FitSpec, run_spec
from hpe_art.files import sha256
from hpe_art.skeleton import MPII

UAP = Universal(eps=8.0)


@pytest.fixture(scope="module")
def estimator():
    return PyTorchPoseEstimator(hourglass(), device_type="cpu")


@pytest.fixture
def bundle(estimator, tmp_path, monkeypatch):
    """A zoo with a network and its perturbation of eps 8."""
    attack = UniversalPosePerturbation(estimator, epochs=1, verbose=False)
    path = attack.fit(*toy_people(2)).save(tmp_path / "toy_uap8")
    entry = {"file": path.name, "sha256": sha256(path)}
    index = {"toy": {"perturbations": {"8": entry}}}
    (tmp_path / "index.json").write_text(json.dumps(index))
    monkeypatch.setattr(zoo, "FOLDER", tmp_path)
    return path


def test_bundled_ones_are_found_by_network_and_eps(bundle, estimator):
    found = ready_attacks(run_spec(attacks=["noise", UAP]), "zoo://toy", estimator, None)
    assert found[0] == build_spec("noise") and found[1].perturbation == str(bundle)


@pytest.mark.parametrize(
    ("attack", "source"),
    [
        (Universal(eps=4.0), "zoo://toy"),
        (Universal(eps=8.0, targeted=True), "zoo://toy"),
        (Universal(eps=8.0, outputs="all"), "zoo://toy"),
        (Universal(eps=8.0, loss="distance"), "zoo://toy"),
        (UAP, "zoo://other"),
        (UAP, "work_dirs/toy.pth"),
    ],
)
def test_without_one_the_mend_is_named(bundle, estimator, attack, source):
    with pytest.raises(UserError, match=rf"neither for {source} at eps .* --fit-data-root"):
        ready_attacks(run_spec(attacks=[attack]), source, estimator, None)


def test_a_damaged_one_is_refused(bundle, estimator):
    bundle.write_bytes(b"")
    with pytest.raises(zoo.ZooError, match="Expected .*toy_uap8.npz with SHA-256"):
        ready_attacks(run_spec(attacks=[UAP]), "zoo://toy", estimator, None)


def test_files_of_another_aspect_are_refused_at_once(bundle, prepared_loop):
    spec = Universal.from_file(bundle)
    assert (spec.eps, spec.targeted, spec.outputs) == (8.0, False, "last")
    with pytest.raises(UserError, match="aspect of the perturbation"):  # 64 x 96 pixels
        prepared_loop(spec)


def test_rendered_people_are_fitted_on_only_if_they_are_rendered(tmp_path, monkeypatch):
    monkeypatch.setenv("HPE_ART_CACHE", str(tmp_path))
    cfg = load_config("mmpose_configs/hourglass.py")
    assert find_fit(run_spec(attacks=[UAP]), cfg, MPII) is None
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(UserError, match="Expected training people for --epochs .* Got none"):
        find_fit(run_spec(attacks=[UAP], fit=FitSpec(epochs=3)), cfg, MPII)


SMALL = FitSpec(samples=4, epochs=1)


def test_one_that_is_fitted_is_kept_and_scored(attacked, tmp_path, without_times, monkeypatch):
    loop = attacked(UAP, fit=SMALL)
    prepared, run = loop.finished
    (attack,), (spec,) = run.attacks, prepared.attacks.values()
    path = tmp_path / "run" / "perturbations" / "uap-u_eps8.npz"
    assert spec.perturbation == str(path) and attack.settings["perturbation"] == sha256(path)
    _, facts = read_perturbation(path)
    assert facts["people"] == 4 and facts["epochs"] == 1
    assert attack.backward_passes == 0 and 0 < attack.linf_max <= 8
    assert not list(path.parent.glob("*.part.npz"))
    whole = path.read_bytes()
    monkeypatch.setattr(UniversalPosePerturbation, "fit", lambda *args, **more: 1 / 0)
    _, again = attacked(UAP, fit=SMALL).finished
    assert without_times(again) == without_times(run) and path.read_bytes() == whole


def test_another_fit_is_another_perturbation(attacked, tmp_path):
    _, first = attacked(UAP, fit=SMALL).finished
    path = tmp_path / "run" / "perturbations" / "uap-u_eps8.npz"
    one = sha256(path)
    _, second = attacked(UAP, fit=FitSpec(samples=5, epochs=1)).finished
    assert sha256(path) != one
    assert second.attacks[0].folder != first.attacks[0].folder


def test_a_targeted_one_moves_everybody_alike(attacked, prepared_loop):
    aimed = Universal(eps=8.0, targeted=True)
    with pytest.raises(UserError, match="mirror or a JSON file for a targeted universal"):
        prepared_loop(aimed, fit=SMALL)
    _, run = attacked(aimed, fit=SMALL, target="mirror").finished
    assert run.attacks[0].name == "UAP-T" and run.attacks[0].target is not None


def test_more_people_to_fit_on_than_there_are_are_refused(prepared_loop):
    with pytest.raises(UserError, match=r"Expected 1 to 6 people \(--fit-samples\). Got 7."):
        prepared_loop(UAP, fit=FitSpec(samples=7))
