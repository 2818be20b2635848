# DLCM (Tang et al. 2018) of the paper's width: five hourglasses over joints, bones and limbs.
model = dict(
    type="TopdownPoseEstimator",
    backbone=dict(type="DLCM", num_levels=3, channels=256),
    head=dict(
        type="DLCMHead",
        num_levels=3,
        loss=dict(type="KeypointMSELoss", use_target_weight=True, loss_weight=1000.0),
    ),
    test_cfg=dict(flip_test=False, flip_mode="heatmap", shift_heatmap=False),
)
