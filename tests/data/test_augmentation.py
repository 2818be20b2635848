import numpy as np
import pytest

from hpe_art.data.augmentation import RandomChannelGain


def test_each_channel_has_one_gain_within_the_range():
    image = np.full((5, 7, 3), 100, np.uint8)
    seen = []
    np.random.seed(0)
    for _ in range(200):
        result = RandomChannelGain(0.6, 1.4).transform(dict(img=image.copy()))["img"]
        assert result.dtype == np.uint8 and result.shape == image.shape
        assert (result == result[:1, :1]).all()
        seen.append(result[0, 0])
    seen = np.array(seen)
    assert seen.min() >= 60 and seen.max() <= 140
    assert seen.min() < 64 and seen.max() > 136
    assert abs(np.corrcoef(seen.T)[0, 1]) < 0.2


def test_what_is_too_bright_is_clipped():
    image = np.full((2, 2, 3), 250, np.uint8)
    assert (RandomChannelGain(1.2, 1.2).transform(dict(img=image))["img"] == 255).all()


@pytest.mark.parametrize("gains", [(-0.1, 1.0), (1.4, 0.6)])
def test_gains_that_cannot_be_are_named(gains):
    with pytest.raises(ValueError, match=f"Got {gains[0]} and {gains[1]}"):
        RandomChannelGain(*gains)
