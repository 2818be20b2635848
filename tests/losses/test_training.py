import pytest
import torch

from hpe_art.losses import LOSSES, coordinate_mse, heatmap_mse, loss_function, loss_name


def test_heatmap_mse_of_a_map_worked_by_hand():
    output = torch.zeros(2, 2, 2, 2)
    target = torch.zeros(2, 2, 2, 2)
    output[0, 0, 0, 0] = 3.0  # counts
    output[0, 1] = 100.0  # weight 0
    output[1, 1, 1, 1] = 4.0  # counts half
    weights = torch.tensor([[1.0, 0.0], [1.0, 0.5]])
    assert heatmap_mse(output, target, weights).tolist() == [9 / 8, 8 / 8]


def test_coordinate_mse_of_points_worked_by_hand():
    output = torch.tensor([[[3.0, 4.0], [9.0, 9.0]]])
    assert coordinate_mse(output, torch.zeros_like(output), torch.tensor([[1.0, 0.0]])) == 25 / 4


@pytest.mark.parametrize(
    ("loss", "shape"), [(heatmap_mse, (3, 4, 5, 6)), (coordinate_mse, (3, 4, 2))]
)
def test_an_image_counts_for_itself_alone(loss, shape):
    torch.manual_seed(0)
    output, target, weights = torch.randn(shape), torch.randn(shape), torch.rand(3, 4)
    alone = [loss(output[i : i + 1], target[i : i + 1], weights[i : i + 1])[0] for i in range(3)]
    torch.testing.assert_close(loss(output, target, weights), torch.stack(alone))


def test_shapes_that_differ_are_named():
    with pytest.raises(ValueError, match=r"Got \(1, 2, 3, 3\), \(1, 2, 3, 4\) and \(1, 2\)"):
        heatmap_mse(torch.zeros(1, 2, 3, 3), torch.zeros(1, 2, 3, 4), torch.ones(1, 2))
    with pytest.raises(ValueError, match=r"weights of shape \(N, K\). Got .* and \(1, 3\)"):
        coordinate_mse(torch.zeros(1, 2, 2), torch.zeros(1, 2, 2), torch.ones(1, 3))


def test_losses_are_found_by_name():
    assert {"training", "distance", "margin", "cross_entropy", "cosine"} <= set(LOSSES.module_dict)
    for name, function in LOSSES.module_dict.items():
        assert loss_function(name) is function and loss_name(name) == name
    assert loss_function(heatmap_mse) is heatmap_mse and loss_name(heatmap_mse) == "heatmap_mse"
    for wrong in ("mse", None):
        with pytest.raises(ValueError, match=r"registered loss, out of \[.*'training'"):
            loss_function(wrong)
