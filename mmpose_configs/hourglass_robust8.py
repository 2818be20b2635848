# `hourglass.py` trained on images that an attacker has moved by up to 8 grey levels, by
# `python tools/train.py mmpose_configs/hourglass_robust8.py --load-from zoo://hourglass`.
_base_ = ["hourglass.py"]

default_hooks = dict(
    # One step from a random start (Wong et al. 2020): of what was tried, the most for its passes.
    adversarial=dict(type="PGDTrainingHook", eps=8, max_iter=1, warmup=500),
    checkpoint=dict(save_best="IGSM-U-10_eps8/PCKh", rule="greater"),
)
custom_hooks = [*_base_.custom_hooks, dict(type="SingleStepGuardHook")]
val_cfg = dict(type="AttackLoop", attacks=[dict(type="igsm", eps=8)], num_samples=64)

train_cfg = dict(max_epochs=12, val_interval=2)
optim_wrapper = dict(optimizer=dict(lr=1e-3))
load_from = "zoo://hourglass_robust8"
