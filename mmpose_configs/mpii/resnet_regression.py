# Regression head after the backbone of `resnet_heatmap.py`, trained alike, on MPII.
_base_ = [
    "../_base_/default_runtime.py",
    "../_base_/mpii_256_coordinates.py",
    "../_base_/models/regression.py",
]

model = dict(
    data_preprocessor=_base_.data_preprocessor,
    backbone=dict(type="ResNet", depth=50),
    head=dict(in_channels=2048, decoder=_base_.codec),
)
