# Heatmap head after the backbone of `resnet_regression.py`, trained alike, on rendered people.
_base_ = [
    "_base_/default_runtime.py",
    "_base_/rendered_people_128.py",
    "_base_/models/heatmap.py",
    "_base_/backbones/resnet18_narrow.py",
]

codec = dict(_base_.codec, heatmap_size=(64, 64), sigma=2)
model = dict(
    data_preprocessor=_base_.data_preprocessor,
    backbone=_base_.backbone,
    head=dict(in_channels=128, deconv_out_channels=(32, 32, 32), decoder=codec),
)
train_pipeline = _base_.train_pipeline
train_pipeline[-2].encoder = codec
train_dataloader = dict(dataset=dict(num_people=16000, pipeline=train_pipeline))

# Few epochs, since the backbone is trained already.
train_cfg = dict(max_epochs=10, val_interval=2)
optim_wrapper = dict(optimizer=dict(lr=2e-3))
load_from = "zoo://resnet_heatmap"
