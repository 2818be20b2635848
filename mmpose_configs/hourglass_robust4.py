# `hourglass_robust8.py` made milder, by
# `python tools/train.py mmpose_configs/hourglass_robust4.py --load-from zoo://hourglass_robust8`.
_base_ = ["hourglass_robust8.py"]

default_hooks = dict(
    adversarial=dict(eps=4),
    checkpoint=dict(save_best="IGSM-U-10_eps4/PCKh"),
)
val_cfg = dict(attacks=[dict(type="igsm", eps=4)])

train_cfg = dict(max_epochs=3, val_interval=3)
load_from = "zoo://hourglass_robust4"
