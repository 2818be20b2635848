# Shared by `resnet_regression.py` and `resnet_heatmap.py`: a ResNet-34 of a quarter of the width.
backbone = dict(type="ResNet", depth=34, stem_channels=16, base_channels=16)
