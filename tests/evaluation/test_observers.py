"""What others see in images that were made for a network."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from toys import hourglass, people

from hpe_art.errors import UserError
from hpe_art.estimators import PyTorchPoseEstimator
from hpe_art.estimators.defences import DEFENCES
from hpe_art.evaluation.observers import (
    MirroredPerturbation,
    Observer,
    defended,
    other_network,
)

ATTACK = dict(type="igsm", targeted=True, max_iter=2)


@pytest.fixture(scope="module")
def estimator():
    return PyTorchPoseEstimator(hourglass(), device_type="cpu")


def test_images_of_its_own_kind_are_shown_as_they_are(estimator):
    x, _ = people(3)
    seen = Observer("toy", estimator).poses(x, bgr=True, batch_size=2)
    np.testing.assert_allclose(seen, estimator.predict(x, batch_size=2), atol=1e-4)


def test_channels_are_turned_round(estimator):
    x, _ = people(3)
    seen = Observer("toy", estimator).poses(x, bgr=False)
    np.testing.assert_array_equal(seen, estimator.predict(x[:, ::-1].copy()))


def test_poses_come_back_in_pixels_of_the_images_given():
    """A bright spot on black, seen by a network that finds the brightest cell."""

    class Brightest:
        input_shape = (3, 32, 32)
        packs_bgr = True

        def predict(self, x, batch_size):
            flat = x.sum(1).reshape(len(x), -1).argmax(1)
            return np.stack([flat % 32, flat // 32, flat * 0 + 1], -1)[:, None].astype(np.float32)

    x = np.zeros((1, 3, 64, 64), np.float32)
    x[0, :, 20:22, 40:42] = 255
    seen = Observer("toy", Brightest()).poses(x, bgr=True)
    np.testing.assert_allclose(seen[0, 0], [40.5, 20.5, 1])


def test_another_aspect_is_refused(estimator):
    x = np.zeros((1, 3, 64, 48), np.float32)
    with pytest.raises(UserError, match="crops of the aspect 48 x 64. Got toy with 32 x 32"):
        Observer("toy", estimator).poses(x, bgr=True)


def test_a_network_that_looks_at_itself_scores_the_same(attacked, config):
    prepared, run = attacked(ATTACK, transfer_to=[str(config)]).finished
    (attack,) = run.attacks
    name = config.stem
    assert run.observers[name].kind == "transfer" and run.observers[name].clean == run.clean
    own = attack.model_dump(include=set(type(attack.observed[name]).model_fields))
    assert attack.observed[name].model_dump() == own
    seen, poses = (
        prepared.store.gathered(attack.folder, prepared.people.index, one) for one in (name, "own")
    )
    np.testing.assert_array_equal(seen, poses)


def test_a_stranger_is_scored_against_its_own_clean_predictions(prepared_loop, config):
    loop = prepared_loop("fgsm", transfer_to=[str(config)])
    (observer,) = loop.prepared.observers

    class Constant:
        """Always sees the middle of the crop."""

        input_shape = loop.prepared.estimator.input_shape
        packs_bgr = True

        def predict(self, x, batch_size):
            height, width = x.shape[2:]
            return np.tile(np.float32([width / 2, height / 2, 1]), (len(x), 16, 1))

    loop.prepared.observers[:] = [Observer(observer.name, Constant())]
    loop.runner.test()
    _, run = loop.finished
    scores, clean = run.attacks[0].observed[observer.name], run.observers[observer.name].clean
    assert scores.score.value == clean.score.value > 0
    assert scores.score.value != run.attacks[0].score.value
    assert scores.relative.value == 100 and scores.target is None


def test_a_mirrored_perturbation_is_added_to_the_clean_image(estimator):
    x, _ = people(3)
    change = np.zeros_like(x)
    change[..., :5] = 40
    observer = MirroredPerturbation(estimator=estimator)
    seen = observer.poses(np.clip(x + change, 0, 255), estimator.packs_bgr, 4, clean=x)
    moved = np.clip(x + change, 0, 255) - x
    expected = estimator.predict(np.clip(x + moved[..., ::-1], 0, 255).copy(), batch_size=4)
    np.testing.assert_allclose(seen, expected, atol=1e-4)
    clean = observer.poses(x, estimator.packs_bgr)
    np.testing.assert_allclose(clean, estimator.predict(x, batch_size=32), atol=1e-4)
    # Who knows of it mirrors first: then it is no defence.
    x = x.clip(40, 215)
    known = observer.poses(x + change[..., ::-1], estimator.packs_bgr, 4, clean=x)
    np.testing.assert_allclose(known, estimator.predict(x + change, batch_size=4), atol=1e-4)


@pytest.mark.parametrize("name", DEFENCES)
def test_the_network_behind_a_defence_is_another_estimator_of_the_same_model(estimator, name):
    observer = defended(name, estimator)
    assert (observer.name, observer.kind) == (name, "defence")
    assert observer.estimator.model is estimator.model
    assert not estimator.preprocessing_defences


def test_attack_and_score_behind_a_defence(attacked, prepared_loop):
    _, run = attacked("fgsm", behind="jpeg").finished
    _, plain = attacked("fgsm", folder="plain", defences=["jpeg"]).finished
    assert run.clean.score == plain.observers["jpeg"].clean.score
    assert "Scored and attacked behind jpeg." in run.notes
    with pytest.raises(UserError, match="Expected a defence out of .*flip-perturbation. Got bars"):
        prepared_loop("fgsm", behind="bars")


def test_observers_without_weights_or_of_other_joints_are_refused(
    estimator, write_config, config, weights, tmp_path
):
    untrained = write_config(tmp_path / "untrained.py")
    with pytest.raises(UserError, match="Expected trained weights of an observer. Got .*untrained"):
        other_network(untrained, estimator, 16)
    own = PyTorchPoseEstimator.from_config(config, str(weights), device_type="cpu")
    with pytest.raises(UserError, match=r"Expected networks of 17 joints.* Got .*tiny.py with 16"):
        other_network(config, own, 17)
    assert other_network(config, own, 16).kind == "transfer"
    kept = torch.load(weights, weights_only=True)["state_dict"]
    (name, *_) = (name for name in kept if name.endswith("running_var"))
    torch.save({**kept, name: -torch.ones_like(kept[name])}, tmp_path / "broken.pth")
    broken = write_config(tmp_path / "numberless.py", load_from=str(tmp_path / "broken.pth"))
    with pytest.raises(UserError, match=r"numberless.py: Expected a network that predicts finite"):
        other_network(broken, own, 16)
