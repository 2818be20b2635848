# DeepPose (Toshev & Szegedy 2014): direct regression after a narrow ResNet-18, on rendered people.
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
train_dataloader = dict(dataset=dict(num_people=16000))

# Few epochs, since the backbone is trained already.
train_cfg = dict(max_epochs=10, val_interval=2)
optim_wrapper = dict(optimizer=dict(lr=2e-3))
load_from = "zoo://deeppose"
