# Shared by `resnet_regression.py` and `resnet_heatmap.py`: the first three stages of a narrow
# ResNet-34, whose 8x8 cells on 128 pixels are those of four stages on 256.
backbone = dict(
    type="ResNet",
    depth=34,
    num_stages=3,
    strides=(1, 2, 2),
    dilations=(1, 1, 1),
    out_indices=(2,),
    stem_channels=20,
    base_channels=20,
)
