# `resnet_regression.py` with a backbone pre-trained on ImageNet.
_base_ = ["resnet_regression.py"]

model = dict(backbone=dict(init_cfg=dict(type="Pretrained", checkpoint="torchvision://resnet50")))
