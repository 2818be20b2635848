# Chained predictions (Gkioxari et al. 2016) after a ResNet-34.
model = dict(
    type="TopdownPoseEstimator",
    backbone=dict(type="ResNet", depth=34),
    head=dict(
        type="ChainedPredictionsHead",
        in_channels=512,
        out_channels=16,
        hidden_channels=64,
        loss=dict(type="KeypointMSELoss", use_target_weight=True, loss_weight=1000.0),
    ),
    test_cfg=dict(flip_test=False, flip_mode="heatmap", shift_heatmap=False),
)
