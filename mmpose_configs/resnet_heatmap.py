# Heatmap head after the backbone of `resnet_regression.py`, trained alike, on rendered people.
_base_ = [
    "_base_/default_runtime.py",
    "_base_/rendered_people_128.py",
    "_base_/models/heatmap.py",
    "_base_/backbones/resnet34_narrow.py",
]

model = dict(
    data_preprocessor=_base_.data_preprocessor,
    backbone=_base_.backbone,
    head=dict(in_channels=128, deconv_out_channels=(32, 32, 32), decoder=_base_.codec),
)
