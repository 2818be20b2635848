# DeepPose (Toshev & Szegedy 2014) on MPII: direct regression after a ResNet-34.
_base_ = [
    "../_base_/default_runtime.py",
    "../_base_/mpii_256_coordinates.py",
    "../_base_/models/regression.py",
]

model = dict(
    data_preprocessor=_base_.data_preprocessor,
    backbone=dict(type="ResNet", depth=34),
    head=dict(in_channels=512, decoder=_base_.codec),
)
