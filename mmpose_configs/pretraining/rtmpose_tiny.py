# `rtmpose_tiny.py`, which starts from what this leaves, with hints of the network with heatmaps:
# from positions on two axes alone a small network learns slowly.
_base_ = ["../rtmpose_tiny.py"]

model = dict(
    type="HintedPoseEstimator",
    teacher=dict(_base_.backbone, init_cfg=None),
    teacher_weights="zoo://coco_resnet_heatmap",
    hints=[
        dict(student="stage2", teacher="layer2", channels=(96, 64)),
        dict(student="stage3", teacher="layer3", channels=(192, 128)),
    ],
)
custom_hooks = _base_.custom_hooks[:-1]  # the last weights, not their mean
train_cfg = dict(max_epochs=12, val_interval=4)
optim_wrapper = dict(optimizer=dict(lr=3e-3))
