import numpy as np
import pytest
from toys import hourglass, people

from hpe_art.attacks import AttackSetting
from hpe_art.data.crops import load_crops
from hpe_art.estimators import PyTorchPoseEstimator
from hpe_art.estimators.loading import load_config
from hpe_art.evaluation.run import evaluate
from hpe_art.evaluation.transfer import MirroredPerturbation, Onlooker


@pytest.fixture(scope="module")
def estimator():
    return PyTorchPoseEstimator(hourglass(), device_type="cpu")


def test_images_of_its_own_kind_are_shown_as_they_are(estimator):
    x, _ = people(3)
    seen = Onlooker("toy", estimator).poses(x, bgr=True, batch_size=2)
    np.testing.assert_allclose(seen, estimator.predict(x, batch_size=2), atol=1e-4)


def test_channels_are_turned_round(estimator):
    x, _ = people(3)
    seen = Onlooker("toy", estimator).poses(x, bgr=False)
    np.testing.assert_array_equal(seen, estimator.predict(x[:, ::-1].copy()))


def test_poses_come_back_in_pixels_of_the_images_given(estimator):
    """A bright spot on black, seen by a network that finds the brightest cell."""

    class Brightest:
        input_shape = (3, 32, 32)
        packs_bgr = True

        def predict(self, x, batch_size):
            flat = x.sum(1).reshape(len(x), -1).argmax(1)
            return np.stack([flat % 32, flat // 32, flat * 0 + 1], -1)[:, None].astype(np.float32)

    x = np.zeros((1, 3, 64, 64), np.float32)
    x[0, :, 20:22, 40:42] = 255
    seen = Onlooker("toy", Brightest()).poses(x, bgr=True)
    np.testing.assert_allclose(seen[0, 0], [40.5, 20.5, 1])


def test_another_aspect_is_refused(estimator):
    x = np.zeros((1, 3, 64, 48), np.float32)
    with pytest.raises(ValueError, match="crops of the aspect 48 x 64. Got toy with 32 x 32"):
        Onlooker("toy", estimator).poses(x, bgr=True)


@pytest.fixture(scope="module")
def setting(config, weights):
    cfg = load_config(config)
    return PyTorchPoseEstimator.from_config(cfg, weights, device_type="cpu"), load_crops(cfg)


def test_a_network_that_looks_at_itself_scores_the_same(setting):
    estimator, crops = setting
    attack = AttackSetting("igsm", targeted=True, max_iter=2, batch_size=4)
    *_, done = evaluate(estimator, crops, [attack], onlookers=[Onlooker("same", estimator)])
    entry = done.attacked[0].entry
    for key in ("PCKh", "relative_PCKh", "target_PCKh", "relative_per_joint", "ci"):
        assert entry["transfer_to"]["same"][key] == entry[key]
    assert done.onlookers["transfer_to", "same"][0] == done.clean


def test_a_stranger_is_scored_against_its_own_clean_predictions(setting):
    estimator, crops = setting

    class Constant:
        """Always sees the middle of the crop."""

        input_shape = estimator.input_shape
        packs_bgr = True

        def predict(self, x, batch_size):
            height, width = x.shape[2:]
            return np.tile(np.float32([width / 2, height / 2, 1]), (len(x), 16, 1))

    *_, done = evaluate(
        estimator, crops, [AttackSetting("fgsm")], onlookers=[Onlooker("blind", Constant())]
    )
    scores = done.attacked[0].entry["transfer_to"]["blind"]
    clean = done.onlookers["transfer_to", "blind"][0]
    assert scores["PCKh"] == clean["PCKh"] > 0
    assert scores["relative_PCKh"] == 100 and scores["target_PCKh"] is None


def test_a_mirrored_perturbation_is_added_to_the_clean_image(setting):
    estimator, crops = setting
    x = crops.x[:].astype(np.float32)
    change = np.zeros_like(x)
    change[..., :5] = 40
    defended = MirroredPerturbation(estimator=estimator)
    seen = defended.poses(np.clip(x + change, 0, 255), estimator.packs_bgr, 4, clean=x)
    moved = np.clip(x + change, 0, 255) - x
    expected = estimator.predict(np.clip(x + moved[..., ::-1], 0, 255).copy(), batch_size=4)
    np.testing.assert_allclose(seen, expected, atol=1e-4)
    clean = defended.poses(x, estimator.packs_bgr)
    np.testing.assert_allclose(clean, estimator.predict(x, batch_size=32), atol=1e-4)
    *_, done = evaluate(estimator, crops, [AttackSetting("noise")], onlookers=[defended])
    assert "PCKh" in done.attacked[0].entry["defence"]["flip-perturbation"]
