# 2-stack hourglass (Newell et al. 2016), a quarter of the paper's width, on rendered people.
_base_ = ["_base_/default_runtime.py", "_base_/rendered_people_128.py"]

model = dict(
    type="TopdownPoseEstimator",
    data_preprocessor={{_base_.data_preprocessor}},
    backbone=dict(type="StackedHourglass", num_stacks=2, channels=64),
    head=dict(
        type="CPMHead",
        in_channels=16,
        out_channels=16,
        num_stages=2,
        deconv_out_channels=None,
        final_layer=None,
        # The weight keeps gradients of a mean over 16 x 32 x 32 cells far above Adam's epsilon.
        loss=dict(type="KeypointMSELoss", use_target_weight=True, loss_weight=1000.0),
        decoder={{_base_.codec}},
    ),
    test_cfg=dict(flip_test=False, flip_mode="heatmap", shift_heatmap=False),
)
load_from = "zoo://hourglass"
