# `deeppose.py` trained on images that an attacker has moved by up to 4 grey levels, by
# `python tools/train.py mmpose_configs/deeppose_robust4.py --load-from zoo://deeppose`.
_base_ = ["deeppose.py"]

default_hooks = dict(
    adversarial=dict(type="PGDTrainingHook", eps=4, max_iter=1, clean_share=0.5, warmup=300),
    checkpoint=dict(save_best="IGSM-U-10_eps4/PCKh", rule="greater"),
)
custom_hooks = [*_base_.custom_hooks, dict(type="SingleStepGuardHook")]
val_cfg = dict(type="AttackLoop", attacks=[dict(type="igsm", eps=4)], num_samples=64)

model = dict(backbone=dict(init_cfg=None))
train_dataloader = dict(dataset=dict(num_people=8000))
train_cfg = dict(max_epochs=3, val_interval=3)
optim_wrapper = dict(optimizer=dict(lr=1e-3))
load_from = "zoo://deeppose_robust4"
