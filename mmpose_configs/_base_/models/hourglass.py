# Stacked hourglass (Newell et al. 2016) of the paper's width; the leaf adds codec and data.
model = dict(
    type="TopdownPoseEstimator",
    backbone=dict(type="StackedHourglass", num_stacks=2, channels=256),
    head=dict(
        type="CPMHead",
        in_channels=16,
        out_channels=16,
        num_stages=2,
        deconv_out_channels=None,
        final_layer=None,
        # The weight keeps gradients of a mean over all cells far above the optimizers' epsilon.
        loss=dict(type="KeypointMSELoss", use_target_weight=True, loss_weight=1000.0),
    ),
    test_cfg=dict(flip_test=False, flip_mode="heatmap", shift_heatmap=False),
)
