# Three deconvolutions after an EfficientNet-Lite0 from scratch, on rendered people.
_base_ = [
    "_base_/default_runtime.py",
    "_base_/rendered_people_128.py",
    "_base_/models/heatmap.py",
    "_base_/backbones/efficientnet_lite0.py",
]

model = dict(
    data_preprocessor=_base_.normalisation,
    backbone=_base_.backbone,
    head=dict(in_channels=320, deconv_out_channels=(64, 64, 64), decoder=_base_.codec),
)

# Short, since depthwise convolutions are slow on two cores.
train_cfg = dict(max_epochs=3, val_interval=1)
# A mean over about the last 100 steps: over 1,000 of 1,500 it would lag behind.
custom_hooks = _base_.custom_hooks
custom_hooks[-1].momentum = 1e-2
load_from = "work_dirs/efficientnet_heatmap/epoch_3.pth"  # too large to be bundled
