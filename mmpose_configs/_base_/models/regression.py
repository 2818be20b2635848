# Direct regression (DeepPose, Toshev & Szegedy 2014): a backbone, an average, a linear layer.
model = dict(
    type="TopdownPoseEstimator",
    neck=dict(type="GlobalAveragePooling"),
    head=dict(
        type="RegressionHead",
        num_joints=16,
        # The paper's loss; MMPose's default is SmoothL1. Its [-0.5, 0.5] and MMPose's [0, 1]
        # differ by a shift, which an MSE does not see.
        loss=dict(type="MSELoss", use_target_weight=True, loss_weight=1000.0),
    ),
    test_cfg=dict(flip_test=False, shift_coords=False),
)
