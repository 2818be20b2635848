# Simple baseline (Xiao et al. 2018): a backbone, three deconvolutions, a 1x1 convolution.
model = dict(
    type="TopdownPoseEstimator",
    head=dict(
        type="HeatmapHead",
        out_channels=16,
        deconv_out_channels=(256, 256, 256),
        deconv_kernel_sizes=(4, 4, 4),
        loss=dict(type="KeypointMSELoss", use_target_weight=True, loss_weight=1000.0),
    ),
    test_cfg=dict(flip_test=False, flip_mode="heatmap", shift_heatmap=False),
)
