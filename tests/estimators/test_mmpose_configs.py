"""MMPose's own configs, as they are in its package, work unchanged."""

from pathlib import Path

import mmpose
import numpy as np
import pytest

from hpe_art.estimators import PyTorchPoseEstimator, loading

CONFIGS = Path(mmpose.__file__).parent / ".mim" / "configs" / "body_2d_keypoint"


@pytest.mark.parametrize(
    ("config", "outputs"),
    [
        ("topdown_heatmap/mpii/td-hm_res50_8xb64-210e_mpii-256x256.py", 1),
        ("topdown_heatmap/mpii/td-hm_shufflenetv2_8xb64-210e_mpii-256x256.py", 1),
        ("topdown_heatmap/coco/td-hm_hrnet-w32_udp-8xb64-210e_coco-256x192.py", 1),
        pytest.param(
            "topdown_heatmap/mpii/td-hm_cpm_8xb64-210e_mpii-368x368.py", 6, marks=pytest.mark.slow
        ),
        ("topdown_regression/mpii/td-reg_res50_8xb64-210e_mpii-256x256.py", 1),
    ],
)
def test_it_is_attackable_with_its_own_codec_loss_and_flip_test(config, outputs):
    cfg = loading.load_config(CONFIGS / config)
    cfg.load_from = None
    estimator = PyTorchPoseEstimator.from_config(cfg, device_type="cpu")
    width, height = cfg.codec.input_size
    assert estimator.input_shape == (3, height, width)
    assert estimator.flip_test is bool(cfg.model.test_cfg.flip_test)
    assert estimator.count_outputs() == outputs
    x = np.random.default_rng(0).integers(0, 256, (1, 3, height, width)).astype(np.float32)
    y = estimator.predict(x)
    y[..., :2] = np.random.default_rng(1).uniform(20, 150, y[..., :2].shape)
    y[..., 2] = 1
    gradient = estimator.loss_gradient(x, y)
    assert np.isfinite(gradient).all() and (gradient != 0).any()
