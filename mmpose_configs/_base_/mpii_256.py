# MPII (Andriluka et al. 2014) in 256x256 crops, heatmaps of 64x64, augmented and trained as in
# Jain et al. 2019: docs/networks.md says how to get the data into data/mpii.
codec = dict(type="MSRAHeatmap", input_size=(256, 256), heatmap_size=(64, 64), sigma=1)
data_preprocessor = dict(
    type="PoseDataPreprocessor",
    mean=[123.675, 116.28, 103.53],
    std=[58.395, 57.12, 57.375],
    bgr_to_rgb=True,
)

train_pipeline = [
    dict(type="LoadImage"),
    dict(type="GetBBoxCenterScale"),
    dict(type="RandomFlip", direction="horizontal"),
    dict(
        type="RandomBBoxTransform",
        shift_prob=0.0,
        scale_factor=(2**-0.25, 2**0.25),
        rotate_factor=30,
        rotate_prob=0.4,
    ),
    dict(type="TopdownAffine", input_size=codec["input_size"]),
    dict(type="RandomChannelGain", low=0.6, high=1.4),
    dict(type="GenerateTarget", encoder=codec),
    dict(type="PackPoseInputs"),
]
val_pipeline = [
    dict(type="LoadImage"),
    dict(type="GetBBoxCenterScale"),
    dict(type="TopdownAffine", input_size=codec["input_size"]),
    dict(type="PackPoseInputs", pack_transformed=True),
]

mpii = dict(
    type="MpiiDataset",
    data_mode="topdown",
    data_root="data/mpii",
    data_prefix=dict(img="images/"),
)
train_dataloader = dict(
    batch_size=16,
    num_workers=4,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type="DefaultSampler", shuffle=True),
    dataset=dict(**mpii, ann_file="annotations/mpii_train.json", pipeline=train_pipeline),
)
val_dataloader = dict(
    batch_size=32,
    num_workers=4,
    persistent_workers=True,
    drop_last=False,
    sampler=dict(type="DefaultSampler", shuffle=False, round_up=False),
    dataset=dict(
        **mpii,
        test_mode=True,
        ann_file="annotations/mpii_val.json",
        headbox_file="data/mpii/annotations/mpii_gt_val.mat",
        pipeline=val_pipeline,
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(type="MpiiPCKAccuracy")
test_evaluator = val_evaluator

train_cfg = dict(by_epoch=True, max_epochs=200, val_interval=10)
val_cfg = dict()
test_cfg = dict()
optim_wrapper = dict(optimizer=dict(type="RMSprop", lr=2.5e-4))
# The paper does not say how the rate falls.
param_scheduler = [dict(type="MultiStepLR", milestones=[150, 175], gamma=0.1)]
