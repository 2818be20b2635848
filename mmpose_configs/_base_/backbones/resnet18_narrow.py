# Shared by the small ResNets: the first three stages of a narrow ResNet-18, whose 8x8 cells on 128
# pixels are those of four stages on 256. Training starts from what
# `python tools/train.py mmpose_configs/pretraining/resnet18_narrow.py` leaves.
start = "work_dirs/pretraining/resnet18_narrow/epoch_12.pth"
backbone = dict(
    type="ResNet",
    depth=18,
    num_stages=3,
    strides=(1, 2, 2),
    dilations=(1, 1, 1),
    out_indices=(2,),
    stem_channels=32,
    base_channels=32,
    zero_init_residual=False,
    init_cfg=dict(type="Pretrained", prefix="backbone.", checkpoint=start),
)
