# A stack of each kind of the small attention hourglass, trained also on hints of the hourglass.
_base_ = ["../attention_hourglass.py"]

inner = "hourglasses.0.0.inner"  # at 16x16; within it, `.inner` at 8x8
ups = "stacks.0.hourglass.ups"
model = dict(
    type="HintedPoseEstimator",
    teacher=dict(
        type="StackedHourglass",
        num_stacks=1,
        channels=64,
        init_cfg=dict(type="Pretrained", checkpoint="zoo://hourglass", prefix="backbone."),
    ),
    hints=[
        dict(student=f"{ups}.3.0", teacher=inner, channels=(32, 64)),
        dict(student=f"{ups}.2.0", teacher=f"{inner}.inner", channels=(32, 64)),
    ],
    backbone=dict(num_stacks=2, init_cfg=None),
    head=dict(num_stages=2),
)

# As for `resnet18_narrow.py`.
train_pipeline = _base_.train_pipeline
train_pipeline[-3].update(low=0.9, high=1.1)
train_dataloader = dict(batch_size=32, dataset=dict(num_people=16000, pipeline=train_pipeline))
train_cfg = dict(max_epochs=8, val_interval=2)
optim_wrapper = dict(optimizer=dict(lr=3e-3))
load_from = None
