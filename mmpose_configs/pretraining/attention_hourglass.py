# One stack of each kind of the small attention hourglass, trained also on hints of the hourglass.
_base_ = ["../attention_hourglass.py", "../_base_/teacher.py"]

ups = "stacks.0.hourglass.ups"
model = dict(
    type="HintedPoseEstimator",
    teacher=_base_.teacher,
    teacher_weights=_base_.teacher_weights,
    hints=[
        dict(student=f"{ups}.3.0", teacher=_base_.teacher_16x16, channels=(32, 64)),
        dict(student=f"{ups}.2.0", teacher=_base_.teacher_8x8, channels=(32, 64)),
    ],
    backbone=dict(num_stacks=2, init_cfg=None),
    head=dict(num_stages=2),
)

train_dataloader = dict(batch_size=32)
train_cfg = dict(max_epochs=12, val_interval=4)
optim_wrapper = dict(optimizer=dict(lr=3e-3))
# A mean over about the last 100 steps: over 1,000 of 3,000 it would lag behind.
custom_hooks = _base_.custom_hooks
custom_hooks[-1].momentum = 1e-2
load_from = None
