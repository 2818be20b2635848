# Shared by the small ResNets: the first three stages of a narrow ResNet-18, whose 8x8 cells on 128
# pixels are those of four stages on 256. Training starts from what
# `pretraining/resnet18_narrow.py` leaves: `tools/train.py --load-from`, as in the Makefile.
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
)
