# Direct regression (DeepPose, Toshev & Szegedy 2014): a backbone, an average, a linear layer.
model = dict(
    type="TopdownPoseEstimator",
    neck=dict(type="GlobalAveragePooling"),
    head=dict(
        type="RegressionHead",
        num_joints=16,
        # The paper counts from the centre of the crop, MMPose from its corner: training starts
        # with all joints in the centre here too.
        init_cfg=[dict(type="Normal", layer=["Linear"], std=0.01, bias=0.5)],
        # The paper's loss; MMPose's default is SmoothL1.
        loss=dict(type="MSELoss", use_target_weight=True, loss_weight=1000.0),
    ),
    test_cfg=dict(flip_test=False, shift_coords=False),
)
