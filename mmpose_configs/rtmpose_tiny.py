# RTMPose (Jiang et al. 2023, arXiv:2303.07399) narrowed for two cores: CSPNeXt without its last
# stage, which leaves 7x9 cells of 112x144 (all stages leave 6x8 of 192x256), and the RTMCC head
# with SimCC's two axes. Seventeen joints of COCO on rendered people. Training starts from what
# `python tools/train.py mmpose_configs/pretraining/rtmpose_tiny.py` leaves:
# --load-from work_dirs/pretraining/rtmpose_tiny/epoch_12.pth
_base_ = ["coco_resnet_heatmap.py"]

codec = dict(
    type="SimCCLabel",
    input_size=_base_.codec.input_size,
    sigma=(3.7, 4.2),  # RTMPose's, by the root of the size
    simcc_split_ratio=2.0,
    normalize=False,
    use_dark=False,
)
train_pipeline = _base_.train_pipeline
train_pipeline[6].encoder = codec

model = dict(
    backbone=dict(
        _delete_=True,
        type="CSPNeXt",
        # Channels in and out, blocks, whether they add their input, spatial pyramid pooling.
        arch_ovewrite=[
            [24, 48, 1, True, False],
            [48, 96, 2, True, False],
            [96, 192, 2, False, True],
        ],
        out_indices=(3,),
        act_cfg=dict(type="SiLU"),
    ),
    head=dict(
        _delete_=True,
        type="RTMCCHead",
        in_channels=192,
        out_channels=17,
        input_size=codec["input_size"],
        in_featuremap_size=(7, 9),
        simcc_split_ratio=codec["simcc_split_ratio"],
        final_layer_kernel_size=7,
        gau_cfg=dict(
            hidden_dims=192,
            s=96,
            expansion_factor=2,
            dropout_rate=0.0,
            drop_path=0.0,
            act_fn="SiLU",
            use_rel_bias=False,
            pos_enc=False,
        ),
        loss=dict(type="KLDiscretLoss", use_target_weight=True, beta=10.0, label_softmax=True),
        decoder=codec,
    ),
)
codec = dict(codec, _delete_=True)  # instead of the heatmaps' codec
train_dataloader = dict(batch_size=32, dataset=dict(num_pictures=4000, pipeline=train_pipeline))

custom_hooks = _base_.custom_hooks
custom_hooks[-1].momentum = 5e-3  # a mean over the last 200 steps of 4,400
train_cfg = dict(max_epochs=24, val_interval=4)
load_from = "zoo://rtmpose_tiny"
