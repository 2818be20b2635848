# The backbone of the small ResNets, trained on heatmaps and on hints of the hourglass.
_base_ = [
    "../_base_/default_runtime.py",
    "../_base_/rendered_people_128.py",
    "../_base_/models/heatmap.py",
    "../_base_/backbones/resnet18_narrow.py",
    "../_base_/teacher.py",
]

model = dict(
    type="HintedPoseEstimator",
    teacher=_base_.teacher,
    teacher_weights=_base_.teacher_weights,
    hints=[
        dict(student="layer2", teacher=_base_.teacher_16x16, channels=(64, 64)),
        dict(student="layer3", teacher=_base_.teacher_8x8, channels=(128, 64)),
    ],
    data_preprocessor=_base_.data_preprocessor,
    backbone=dict(_base_.backbone, init_cfg=None),
    # Heatmaps of 32x32 cells; this head is left behind.
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
