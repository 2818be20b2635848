# Rendered people in 128x128 crops, heatmaps of 32x32: small enough to train on two cores.
codec = dict(
    type="MSRAHeatmap",
    input_size=(128, 128),
    heatmap_size=(32, 32),
    sigma=1,
    unbiased=True,  # DARK (Zhang et al. 2020): 4 pixels per cell are coarse for a head of 13
)
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
        shift_factor=0.06,
        shift_prob=0.5,
        scale_factor=(0.85, 1.15),
        rotate_factor=15,
        rotate_prob=0.5,
    ),
    dict(type="TopdownAffine", input_size=codec["input_size"]),
    dict(type="RandomChannelGain", low=0.7, high=1.3),
    dict(type="GenerateTarget", encoder=codec),
    dict(type="PackPoseInputs"),
]
val_pipeline = [
    dict(type="LoadImage"),
    dict(type="GetBBoxCenterScale"),
    dict(type="TopdownAffine", input_size=codec["input_size"]),
    dict(type="PackPoseInputs", pack_transformed=True),
]

train_dataloader = dict(
    batch_size=16,
    num_workers=2,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type="DefaultSampler", shuffle=True),
    dataset=dict(type="RenderedPeople", split="train", pipeline=train_pipeline),
)
val_dataloader = dict(
    batch_size=32,
    num_workers=2,
    persistent_workers=True,
    drop_last=False,
    sampler=dict(type="DefaultSampler", shuffle=False, round_up=False),
    dataset=dict(type="RenderedPeople", split="val", test_mode=True, pipeline=val_pipeline),
)
test_dataloader = val_dataloader
val_evaluator = dict(type="MpiiPCKAccuracy")
test_evaluator = val_evaluator

train_cfg = dict(by_epoch=True, max_epochs=40, val_interval=4)
val_cfg = dict()
test_cfg = dict()
# fused: faster on a CPU. Before PyTorch 2.4: --cfg-options optim_wrapper.optimizer.fused=False
optim_wrapper = dict(optimizer=dict(type="AdamW", lr=1.5e-3, weight_decay=1e-4, fused=True))
param_scheduler = [
    dict(type="LinearLR", start_factor=0.05, by_epoch=False, begin=0, end=300),
    dict(
        type="CosineAnnealingLR",
        by_epoch=True,
        begin=0,
        eta_min=1e-5,
        convert_to_iter_based=True,
    ),
]
