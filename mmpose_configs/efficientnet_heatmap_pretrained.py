# `efficientnet_heatmap.py` with a backbone pre-trained on ImageNet (extra "pretrained").
_base_ = ["efficientnet_heatmap.py"]

model = dict(
    backbone=dict(init_cfg=dict(type="Pretrained", checkpoint="efficientnet-lite0://imagenet"))
)
load_from = "work_dirs/efficientnet_heatmap_pretrained/epoch_3.pth"
