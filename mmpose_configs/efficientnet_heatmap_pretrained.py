# `efficientnet_heatmap.py` with a backbone pre-trained on ImageNet (extra "pretrained").
_base_ = ["efficientnet_heatmap.py"]

model = dict(
    backbone=dict(init_cfg=dict(type="Pretrained", checkpoint="efficientnet-lite0://imagenet"))
)
