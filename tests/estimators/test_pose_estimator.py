"""The estimator against MMPose (values), finite differences (gradients) and ART (attacks)."""

import copy

import numpy as np
import pytest
import torch
from art.attacks.evasion import (
    BasicIterativeMethod,
    FastGradientMethod,
    ProjectedGradientDescent,
)
from art.defences.preprocessor import SpatialSmoothing
from toys import (
    LinearPose,
    data_samples,
    hourglass,
    people,
    regression,
    simple_baseline,
)

from hpe_art.attacks import RandomSignNoise
from hpe_art.estimators import PyTorchPoseEstimator
from hpe_art.estimators.defences import DEFENCES
from hpe_art.estimators.heads import head_adaptor

NETWORKS = {"hourglass": hourglass, "regression": regression, "baseline": simple_baseline}


def wrap(model, **options):
    return PyTorchPoseEstimator(model, device_type="cpu", **options)


@pytest.fixture(params=NETWORKS)
def model(request):
    return NETWORKS[request.param]()


# Values


def test_predict_is_what_mmpose_predicts(model):
    x, _ = people(3)
    inputs = model.data_preprocessor(
        dict(
            inputs=[torch.from_numpy(i).byte() for i in x],
            data_samples=data_samples(model, people(3)[1]),
        )
    )["inputs"]
    with torch.no_grad():
        output = model(inputs, None, mode="tensor")
    last = output[-1] if isinstance(output, list) else output
    if last.ndim == 3:
        last = last[:, None]  # the codec of coordinates wants instances
    poses = wrap(model).predict(x)
    assert poses.dtype == np.float32 and poses.shape == (3, 16, 3)
    for pose, one in zip(poses, last):
        points, scores = model.head.decoder.decode(one.numpy())
        np.testing.assert_allclose(pose[:, :2], points[0], rtol=1e-4, atol=1e-3)
        np.testing.assert_allclose(pose[:, 2], scores[0], rtol=1e-4, atol=1e-5)


def test_mean_loss_over_all_outputs_is_mmposes_training_loss(model):
    x, y = people(4)
    estimator = wrap(model, outputs="all")
    inputs = model.data_preprocessor.cast_data(torch.from_numpy(x))
    mean = model.data_preprocessor.mean
    inputs = (inputs.flip(1) - mean) / model.data_preprocessor.std
    expected = model.loss(inputs, data_samples(model, y))["loss_kpt"]
    loss = estimator.compute_loss(x, y)
    assert loss.shape == (4,)
    assert loss.mean() == pytest.approx(expected.item(), rel=1e-5)


def test_last_is_one_of_all_and_all_is_their_sum():
    model, (x, y) = hourglass(), people(2)
    last, both = (wrap(model, outputs=o).compute_loss(x, y) for o in ("last", "all"))
    adaptor = head_adaptor(model.head)
    target = adaptor.encode(torch.from_numpy(y))
    first = wrap(model, outputs="all", loss=lambda raw, y, head: adaptor.loss(0, raw[0], target))
    np.testing.assert_allclose(both, first.compute_loss(x, y) + last, rtol=1e-6)
    single = simple_baseline()
    values = [wrap(single, outputs=o).compute_loss(x, y) for o in ("last", "all")]
    np.testing.assert_array_equal(*values)
    assert wrap(model).count_outputs() == 2
    assert wrap(single).count_outputs() == 1


def test_unlabelled_joints_do_not_count(model):
    x, y = people(2)
    moved = y.copy()
    moved[y[..., 2] == 0, :2] += 5
    estimator = wrap(model)
    np.testing.assert_array_equal(estimator.compute_loss(x, y), estimator.compute_loss(x, moved))


# Gradients


@pytest.mark.parametrize("flip_test", [False, True])
@pytest.mark.parametrize("outputs", ["last", "all"])
def test_gradient_agrees_with_finite_differences_of_the_scored_path(model, outputs, flip_test):
    estimator = wrap(model.double(), outputs=outputs, flip_test=flip_test)
    x, y = (values.astype(np.float64) for values in people(2))
    gradient = estimator.loss_gradient(x, y)
    random = np.random.default_rng(1)
    for _ in range(4):
        direction = random.standard_normal(x.shape)
        step = 1e-4
        ahead, behind = (estimator.compute_loss(x + sign * step * direction, y) for sign in (1, -1))
        expected = (ahead - behind) / (2 * step)
        found = (gradient * direction).sum((1, 2, 3))
        np.testing.assert_allclose(found, expected, rtol=1e-4)


@pytest.mark.parametrize("flip_test", [False, True])
def test_the_scored_output_is_the_attacked_one(flip_test):
    """A loss that is the raw scored output itself decodes to what predict returns."""
    model = hourglass()
    seen = []
    estimator = wrap(
        model,
        flip_test=flip_test,
        loss=lambda o, y, head: seen.append(o[-1]) or o[-1].flatten(1).sum(1),
    )
    x, y = people(2)
    estimator.compute_loss(x, y)
    np.testing.assert_array_equal(estimator.head.decode(seen[0]).numpy(), estimator.predict(x))


@pytest.mark.parametrize("batch_size", [1, 3])
def test_gradient_does_not_depend_on_the_batch(model, batch_size):
    # Not bitwise: convolution kernels are chosen by batch size and sum in another order.
    x, y = people(7)
    whole = wrap(model).loss_gradient(x, y)
    parts = wrap(model).loss_gradient(x, y, batch_size=batch_size)
    np.testing.assert_allclose(parts, whole, rtol=1e-3, atol=1e-5 * np.abs(whole).max())


def test_numpy_defences_estimate_and_torch_defences_differentiate():
    model, (x, y) = simple_baseline(), people(2)
    plain = wrap(model)
    smooth = wrap(model, preprocessing_defences=SpatialSmoothing(3, channels_first=True))
    assert not np.allclose(plain.predict(x), smooth.predict(x))
    # ART's own estimate of this defence's gradient is the identity.
    seen = SpatialSmoothing(3, channels_first=True)(x)[0]
    np.testing.assert_allclose(smooth.loss_gradient(x, y), plain.loss_gradient(seen, y), rtol=1e-4)
    on_device = wrap(model, preprocessing=(0.0, 2.0))  # ART's standardisation in torch
    np.testing.assert_allclose(
        on_device.loss_gradient(x, y), plain.loss_gradient(x / 2, y) / 2, rtol=1e-4
    )
    tensor = smooth.loss_gradient(torch.from_numpy(x), torch.from_numpy(y))
    np.testing.assert_allclose(tensor.numpy(), smooth.loss_gradient(x, y))


@pytest.mark.parametrize("defence", ["total-variation", "smoothing"])
def test_whole_grey_levels_are_defended_as_floats_are(defence):
    x = people(2)[0]
    estimator = wrap(hourglass(), preprocessing_defences=[DEFENCES[defence](True)])
    poses = []
    for images in (x.astype(np.uint8), x):
        np.random.seed(0)  # total variation draws pixels
        poses.append(estimator.predict(images))
    np.testing.assert_array_equal(*poses)


def test_tensors_in_tensors_out(model):
    x, y = people(2)
    estimator = wrap(model)
    tensors = torch.from_numpy(x), torch.from_numpy(y)
    assert torch.equal(estimator.predict(tensors[0]), torch.from_numpy(estimator.predict(x)))
    for name in ("compute_loss", "loss_gradient"):
        from_tensor, from_numpy = getattr(estimator, name)(*tensors), getattr(estimator, name)(x, y)
        assert isinstance(from_tensor, torch.Tensor) and isinstance(from_numpy, np.ndarray)
        np.testing.assert_array_equal(from_tensor.numpy(), from_numpy)
    assert not tensors[0].requires_grad


# A guest


def state(model):
    return (
        copy.deepcopy({name: value.clone() for name, value in model.state_dict().items()}),
        {name: module.training for name, module in model.named_modules()},
        {
            name: (p.requires_grad, p.dtype, p.stride(), p.grad)
            for name, p in model.named_parameters()
        },
    )


@pytest.mark.parametrize(
    "attack", [RandomSignNoise, FastGradientMethod, BasicIterativeMethod, ProjectedGradientDescent]
)
def test_an_attack_leaves_the_model_as_it_was(model, attack):
    model.train()
    model.backbone.eval()
    next(model.parameters()).requires_grad_(False)
    model.to(memory_format=torch.channels_last)
    before = state(model)
    x, y = people(3)
    original = x.copy()
    steps = {} if attack in (RandomSignNoise, FastGradientMethod) else dict(max_iter=2)
    attack(wrap(model), eps=8.0, **steps).generate(x, y)
    after = state(model)
    assert before[1:] == after[1:]
    assert all(torch.equal(before[0][name], value) for name, value in after[0].items())
    np.testing.assert_array_equal(x, original)


# ART's attacks


def independent_igsm(estimator, x, y, eps, eps_step, max_iter, sign):
    """The paper's equation in NumPy and float32, written without ART."""
    x_adv = x.copy()
    for _ in range(max_iter):
        step = np.float32(sign * eps_step) * np.sign(estimator.loss_gradient(x_adv, y))
        x_adv = np.clip(x_adv + step, 0, 255).astype(np.float32)
        x_adv = x + np.clip(x_adv - x, np.float32(-eps), np.float32(eps))
    return x_adv


@pytest.mark.parametrize("outputs", ["last", "all"])
@pytest.mark.parametrize("targeted", [False, True])
@pytest.mark.parametrize("network", ["hourglass", "regression"])
def test_arts_pgd_is_the_papers_loop_bit_for_bit(network, targeted, outputs):
    estimator = wrap(NETWORKS[network](), outputs=outputs)
    x, y = people(3)
    options = dict(eps=8.0, eps_step=3.0, max_iter=4, targeted=targeted, verbose=False)
    ours = independent_igsm(estimator, x, y, 8.0, 3.0, 4, -1 if targeted else 1)
    for attack in (ProjectedGradientDescent, BasicIterativeMethod):
        theirs = attack(estimator, **options).generate(x, y)
        np.testing.assert_array_equal(theirs, ours)
    assert np.abs(ours - x).max() <= 8.0
    assert ours.min() >= 0 and ours.max() <= 255


@pytest.mark.parametrize("targeted", [False, True])
def test_arts_fgsm_is_one_signed_step(model, targeted):
    estimator = wrap(model)
    x, y = people(3)
    theirs = FastGradientMethod(estimator, eps=8.0, targeted=targeted).generate(x, y)
    sign = np.sign(estimator.loss_gradient(x, y)) * (-1 if targeted else 1)
    np.testing.assert_array_equal(theirs, np.clip(x + np.float32(8) * sign, 0, 255))


def test_attacks_take_predictions_as_labels(model):
    estimator = wrap(model)
    x, _ = people(3)
    attack = ProjectedGradientDescent(estimator, eps=8.0, eps_step=3.0, max_iter=2, verbose=False)
    np.testing.assert_array_equal(attack.generate(x), attack.generate(x, estimator.predict(x)))


def test_attacks_do_not_depend_on_the_batch():
    x, y = people(32)
    whole, *others = (
        ProjectedGradientDescent(
            wrap(hourglass()), eps=8.0, eps_step=3.0, max_iter=3, batch_size=size, verbose=False
        ).generate(x, y)
        for size in (32, 7, 1)
    )
    # Kernels sum in another order for another batch size; where a gradient is nearly zero its
    # sign may turn, and with it one pixel by one step.
    for other in others:
        assert (whole != other).mean() < 2e-3


def test_fgsm_reaches_the_optimum_of_a_linear_model():
    model = LinearPose()
    direction = torch.tensor([1.0, -2.0, 3.0, -4.0])
    estimator = wrap(model, loss=lambda outputs, y, head: outputs[-1].flatten(1) @ direction)
    x = np.random.default_rng(0).uniform(20, 235, (3, 3, 8, 8)).astype(np.float32)
    y = estimator.predict(x)
    slope = (direction @ model.linear.weight.detach()).numpy()
    gain = 8.0 * np.abs(slope).sum()
    for targeted in (False, True):
        x_adv = FastGradientMethod(estimator, eps=8.0, targeted=targeted).generate(x, y)
        change = estimator.compute_loss(x_adv, y) - estimator.compute_loss(x, y)
        np.testing.assert_allclose(change, -gain if targeted else gain, rtol=1e-3)


def test_targeted_pgd_reaches_a_reachable_pose_of_a_linear_model():
    estimator = wrap(LinearPose())
    random = np.random.default_rng(0)
    x = random.uniform(20, 235, (3, 3, 8, 8)).astype(np.float32)
    hidden = x + random.uniform(-2, 2, x.shape).astype(np.float32)
    target = estimator.predict(hidden)
    target[..., 2] = 1
    inside = ((target[..., :2] >= 0) & (target[..., :2] <= 7)).all(-1)
    x_adv = ProjectedGradientDescent(
        estimator, eps=8.0, eps_step=0.05, max_iter=60, targeted=True, verbose=False
    ).generate(x, target)
    before = np.abs(estimator.predict(x) - target)[inside].max()
    after = np.abs(estimator.predict(x_adv) - target)[inside].max()
    assert after < 0.1 * before


# The rest of ART's contract


def test_passes_are_counted_in_images():
    estimator = wrap(hourglass())
    x, y = people(3)
    estimator.predict(x)
    assert (estimator.forward_passes, estimator.backward_passes) == (3, 0)
    estimator.loss_gradient(x, y)
    assert (estimator.forward_passes, estimator.backward_passes) == (6, 3)
    flipped = wrap(hourglass(), flip_test=True)
    flipped.loss_gradient(x, y)
    assert (flipped.forward_passes, flipped.backward_passes) == (6, 6)


def test_fit_lowers_the_loss_and_restores_the_mode():
    np.random.seed(0)  # fit shuffles with NumPy's global generator
    model = hourglass()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    estimator = wrap(model, optimizer=optimizer)
    x, y = people(8)
    before = estimator.compute_loss(x, y).mean()
    estimator.fit(x, y, batch_size=4, nb_epochs=30)
    assert estimator.compute_loss(x, y).mean() < 0.9 * before
    assert not model.training
    with pytest.raises(ValueError, match="Expected an optimizer"):
        wrap(model).fit(x, y)


def test_fit_trains_without_the_mirror():
    x, y = people(4)
    trained = []
    for flip_test in (False, True):
        model = hourglass()
        optimizer = torch.optim.SGD(model.parameters(), lr=1e-2)
        estimator = wrap(model, optimizer=optimizer, flip_test=flip_test)
        np.random.seed(0)
        estimator.fit(x, y, batch_size=2, nb_epochs=1)
        assert estimator.forward_passes == 4
        trained.append(model.state_dict())
    assert all(torch.equal(value, trained[1][name]) for name, value in trained[0].items())


def test_gradients_are_those_of_weights_that_a_fused_optimizer_changed():
    model = hourglass()
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 0.0  # no buffer tells of the step
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, fused=True)
    estimator = wrap(model, optimizer=optimizer, precision="bfloat16")
    x, y = people(2)
    estimator.loss_gradient(x, y)
    estimator.fit(x, y, batch_size=2, nb_epochs=1)
    fresh = wrap(model, precision="bfloat16")
    np.testing.assert_array_equal(estimator.loss_gradient(x, y), fresh.loss_gradient(x, y))


def test_weights_are_seen_also_when_fit_is_interrupted():
    model = hourglass()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, fused=True)
    estimator = wrap(model, optimizer=optimizer, precision="bfloat16")
    x, y = people(2)
    estimator.loss_gradient(x, y)
    step, steps = optimizer.step, []

    def interrupted():
        steps.append(step())
        if len(steps) == 2:
            raise KeyboardInterrupt

    optimizer.step = interrupted
    with pytest.raises(KeyboardInterrupt):
        estimator.fit(x, y, batch_size=1, nb_epochs=3)
    fresh = wrap(model, precision="bfloat16")
    np.testing.assert_array_equal(estimator.loss_gradient(x, y), fresh.loss_gradient(x, y))


def test_levels_with_targets_of_their_own_are_not_guessed():
    model = hourglass()
    model.head.level_indices = [0, 1]  # as of MMPose's MSPNHead
    x, y = people(2)
    with pytest.raises(ValueError, match="Got all outputs: give the head attack_targets"):
        wrap(model, outputs="all")
    estimator = wrap(model, optimizer=torch.optim.SGD(model.parameters(), lr=1e-2))
    with pytest.raises(ValueError, match="Got all outputs"):
        estimator.fit(x, y)
    assert estimator.count_outputs() == 1
    assert np.abs(estimator.loss_gradient(x, y)).max() > 0


def test_a_batch_is_at_least_one():
    x, _ = people(2)
    with pytest.raises(ValueError, match="Expected batch_size >= 1. Got -1"):
        wrap(hourglass()).predict(x, batch_size=-1)


def test_activations_of_whole_grey_levels_are_those_of_floats():
    x = torch.from_numpy(people(2)[0]).round().to(torch.uint8)
    estimator = wrap(hourglass())
    kept, floats = (
        estimator.get_activations(images, "backbone.stem", framework=True)
        for images in (x, x.float())
    )
    assert torch.equal(kept, floats)


def test_activations_by_name_and_number():
    estimator = wrap(hourglass())
    x, _ = people(3)
    stem = estimator.get_activations(x, "backbone.stem", batch_size=2)
    assert stem.shape == (3, 8, 8, 8)
    number = estimator.layer_names.index("backbone.stem")
    tensor = estimator.get_activations(x, number, framework=True)
    np.testing.assert_allclose(tensor.numpy(), stem, atol=1e-5)
    with pytest.raises(ValueError, match="Expected a layer .* Got 'neck'"):
        estimator.get_activations(x, "neck")


def test_activations_of_a_layer_that_is_called_twice_are_its_last():
    estimator = wrap(regression())
    x, _ = people(3)
    found = estimator.get_activations(x, "backbone.layer1.0.relu", batch_size=2)
    block = estimator.get_activations(x, "backbone.layer1.0", batch_size=2)
    np.testing.assert_array_equal(found, block)


def test_activations_are_those_of_the_images_as_they_are():
    """Also with flip-test, and before a layer that works in place."""
    model = hourglass()
    x, _ = people(3)
    name = next(n for n, m in model.named_modules() if isinstance(m, torch.nn.BatchNorm2d))
    plain, flipped = (
        PyTorchPoseEstimator(model, flip_test=flip, device_type="cpu") for flip in (False, True)
    )
    found = plain.get_activations(x, name)
    assert found.min() < 0, "not yet rectified"
    np.testing.assert_array_equal(flipped.get_activations(x, name), found)
    images = torch.as_tensor(x).requires_grad_()
    plain.get_activations(images, name, framework=True).sum().backward()
    assert images.grad.abs().sum() > 0
    with pytest.raises(ValueError, match="images pass through. Got 'data_preprocessor'"):
        plain.get_activations(x, "data_preprocessor")


def test_parameters_are_arts():
    estimator = wrap(hourglass())
    assert estimator.input_shape == (3, 32, 32)
    assert tuple(estimator.clip_values) == (0.0, 255.0)
    assert estimator.model is estimator.get_params()["model"]
    estimator.set_params(outputs="all")
    assert estimator.outputs == "all"


def test_parameters_there_and_back_change_nothing():
    x, y = people(2)
    estimator = wrap(hourglass(), loss=lambda outputs, y, head: outputs[-1].flatten(1).sum(1))
    gradient, loss = estimator.loss_gradient(x, y), estimator.compute_loss(x, y)
    estimator.set_params(**estimator.get_params())
    np.testing.assert_array_equal(estimator.loss_gradient(x, y), gradient)
    np.testing.assert_array_equal(estimator.compute_loss(x, y), loss)
    estimator.set_params(loss="training")
    np.testing.assert_array_equal(
        estimator.compute_loss(x, y), wrap(hourglass()).compute_loss(x, y)
    )


@pytest.mark.parametrize(
    "wrong",
    [
        dict(outputs="first"),
        dict(precision="half"),
        dict(outputs="all", loss="mse"),
        dict(model=1),
        dict(device_type="gpu"),
        dict(channels_first=False),
        dict(clip_values=5),
        dict(preprocessing_defences=5),
    ],
)
def test_parameters_that_are_refused_leave_everything_as_it_was(wrong):
    estimator = wrap(hourglass(), preprocessing_defences=[DEFENCES["squeezing"](True)])
    before, x = estimator.get_params(), people(2)[0]
    poses = estimator.predict(x)
    with pytest.raises((ValueError, TypeError)):
        estimator.set_params(**wrong)
    after = estimator.get_params()
    assert all(after[name] is before[name] for name in ("model", "outputs", "precision", "loss"))
    assert tuple(estimator.clip_values) == (0.0, 255.0)
    np.testing.assert_array_equal(estimator.predict(x), poses)


def test_flip_test_of_none_is_the_models_own():
    model = hourglass()
    model.test_cfg["flip_test"] = True
    estimator = wrap(model, flip_test=False)
    estimator.set_params(flip_test=None)
    assert estimator.flip_test is True


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda e, x, y: e.predict(x[:, :, :16]),
            r"x of shape \(N, 3, 32, 32\). Got \(3, 3, 16, 32\)",
        ),
        (lambda e, x, y: e.predict(x[:0]), "at least one image. Got none"),
        (lambda e, x, y: e.loss_gradient(x[:0], y[:0]), "at least one image. Got none"),
        (lambda e, x, y: e.loss_gradient(x, y[:, 0]), r"y of shape \(N, K, 3\).* Got \(3, 3\)"),
        (lambda e, x, y: e.compute_loss(x, y[:2]), r"N = 3. Got \(2, 16, 3\)"),
        (lambda e, x, y: e.set_params(outputs="first"), "outputs 'last' or 'all'. Got 'first'"),
        (
            lambda e, x, y: wrap(hourglass(), loss="mse"),
            r"registered loss, out of \['distance', 'training'\]. Got 'mse'",
        ),
        (
            lambda e, x, y: wrap(hourglass(), loss=lambda o, y, head: o[-1].mean()).compute_loss(
                x, y
            ),
            r"loss of shape \(3,\). Got \(\)",
        ),
    ],
)
def test_wrong_use_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call(wrap(hourglass()), *people(3))


def test_arguments_that_would_be_ignored_raise():
    x, y = people(1)
    with pytest.raises(TypeError, match=r"Got \['training_mode'\]"):
        wrap(hourglass()).loss_gradient(x, y, training_mode=True)
    model = hourglass()
    del model.dataset_meta
    with pytest.raises(ValueError, match="flip_indices"):
        wrap(model, flip_test=True)


def test_frozen_weights_change_no_bit(monkeypatch):
    from contextlib import nullcontext

    x, y = people(3)
    for model in (hourglass(), regression()):
        estimator = PyTorchPoseEstimator(model, outputs="all", device_type="cpu")
        frozen = estimator.loss_gradient(x, y)
        with monkeypatch.context() as patch:
            patch.setattr("hpe_art.estimators.wrapped_model.frozen", lambda model: nullcontext())
            np.testing.assert_array_equal(estimator.loss_gradient(x, y), frozen)
