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

# Colours are part of what tells the front of a body from its back.
train_pipeline = _base_.train_pipeline
train_pipeline[-3].update(low=0.9, high=1.1)
train_dataloader = dict(batch_size=32, dataset=dict(pipeline=train_pipeline))
train_cfg = dict(max_epochs=12, val_interval=4)
optim_wrapper = dict(optimizer=dict(lr=3e-3))
load_from = None
