# `efficientnet_regression.py` with a backbone pre-trained on ImageNet (extra "pretrained").
_base_ = ["efficientnet_regression.py"]

model = dict(
    backbone=dict(init_cfg=dict(type="Pretrained", checkpoint="efficientnet-lite0://imagenet"))
)
load_from = "work_dirs/efficientnet_regression_pretrained/epoch_3.pth"
