import pytest
import torch

from hpe_art.zoo.packing import pack, unpack

WEIGHTS = {
    "conv.weight": torch.randn(6, 4, 3, 3, generator=torch.Generator().manual_seed(0)),
    "dead.weight": torch.zeros(2, 5),
    "norm.running_var": torch.tensor([4.0, 0.25, 1 / 3]),
    "norm.num_batches_tracked": torch.tensor(70_000),
    "scale": torch.tensor(1.5),
}


@pytest.mark.parametrize("bits", [2, 5, 8])
def test_matrices_are_rounded_to_steps_of_their_channel(bits):
    weight, rounded = WEIGHTS["conv.weight"], unpack(pack(WEIGHTS, bits))["conv.weight"]
    largest = weight.abs().flatten(1).max(1).values
    step = largest / (2 ** (bits - 1) - 1)
    # Half a step, and what the scale loses in half precision.
    bound = 0.5 * step + largest * 2**-10
    assert ((rounded - weight).abs().flatten(1) <= bound[:, None]).all()
    for channel, size in zip(rounded.flatten(1), step):
        steps = channel / size
        torch.testing.assert_close(steps, steps.round(), atol=2**-9 * 2**bits, rtol=0)
        assert len(channel.unique()) <= 2**bits - 1


def test_everything_else_is_kept_in_half_precision():
    back = unpack(pack(WEIGHTS))
    assert list(back) == list(WEIGHTS)
    for name, value in WEIGHTS.items():
        assert back[name].dtype == value.dtype and back[name].shape == value.shape
        if value.ndim < 2:
            kept = value.half().float() if value.is_floating_point() else value
            assert torch.equal(back[name], kept)
    assert not back["dead.weight"].any()


def test_packing_again_changes_nothing():
    once = unpack(pack(WEIGHTS))
    again = unpack(pack(once))
    assert all(torch.equal(again[name], value) for name, value in once.items())


def test_a_byte_for_each_value():
    values = {f"layer{i}.weight": torch.randn(100, 10) for i in range(20)}
    assert len(pack(values)) < 20_000 + 5000
    assert len(pack(values, bits=6)) < 20_000 * 0.8 + 5000


@pytest.mark.parametrize("bits", [1, 9])
def test_bits_that_cannot_be_are_named(bits):
    with pytest.raises(ValueError, match=f"Expected 2 to 8 bits. Got {bits}"):
        pack(WEIGHTS, bits)


def test_what_half_precision_cannot_hold_is_named():
    with pytest.raises(ValueError, match="below 65504 in norm.running_var. Got larger ones"):
        pack({"norm.running_var": torch.tensor([1.0, 1e5])})
