# DeepPose (Toshev & Szegedy 2014): direct regression after a narrow ResNet-18, on rendered people.
_base_ = [
    "_base_/default_runtime.py",
    "_base_/rendered_people_128_coordinates.py",
    "_base_/models/regression.py",
]

model = dict(
    data_preprocessor=_base_.data_preprocessor,
    backbone=dict(type="ResNet", depth=18, stem_channels=16, base_channels=16),
    head=dict(in_channels=128, decoder=_base_.codec),
)
