# Regression head after the backbone of `resnet_heatmap.py`, trained alike, on rendered people.
_base_ = [
    "_base_/default_runtime.py",
    "_base_/rendered_people_128_coordinates.py",
    "_base_/models/regression.py",
    "_base_/backbones/resnet18_narrow.py",
]

model = dict(
    data_preprocessor=_base_.data_preprocessor,
    backbone=_base_.backbone,
    head=dict(in_channels=128, decoder=_base_.codec),
)

# A higher rate than the hourglasses', with which it learned faster.
optim_wrapper = dict(optimizer=dict(lr=4e-3))
