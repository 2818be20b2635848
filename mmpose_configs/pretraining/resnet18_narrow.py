# The backbone of the small ResNets, trained on heatmaps and on hints of the hourglass.
_base_ = [
    "../_base_/default_runtime.py",
    "../_base_/rendered_people_128.py",
    "../_base_/models/heatmap.py",
    "../_base_/backbones/resnet18_narrow.py",
]

inner = "hourglasses.0.0.inner"  # at 16x16; within it, `.inner` at 8x8
model = dict(
    type="HintedPoseEstimator",
    teacher=dict(
        type="StackedHourglass",
        num_stacks=1,
        channels=64,
        init_cfg=dict(type="Pretrained", checkpoint="zoo://hourglass", prefix="backbone."),
    ),
    hints=[
        dict(student="layer2", teacher=inner, channels=(64, 64)),
        dict(student="layer3", teacher=f"{inner}.inner", channels=(128, 64)),
    ],
    data_preprocessor=_base_.data_preprocessor,
    backbone=_base_.backbone,
    head=dict(
        in_channels=128,
        deconv_out_channels=(64, 64),
        deconv_kernel_sizes=(4, 4),
        decoder=_base_.codec,
    ),
)

# Colours are part of what tells the front of a body from its back.
train_pipeline = _base_.train_pipeline
train_pipeline[-3].update(low=0.9, high=1.1)
train_dataloader = dict(batch_size=32, dataset=dict(num_people=16000, pipeline=train_pipeline))
train_cfg = dict(max_epochs=12, val_interval=2)
optim_wrapper = dict(optimizer=dict(lr=4e-3))
