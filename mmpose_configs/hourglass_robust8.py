# `hourglass.py` trained on images half of which an attacker has moved by up to 8 grey levels.
# docs/robust_training.md has the two commands, of which the first moved all.
_base_ = ["hourglass.py"]

default_hooks = dict(
    # One step from a random start (Wong et al. 2020) costs two passes for each train step.
    adversarial=dict(type="PGDTrainingHook", eps=8, max_iter=1, clean_share=0.5),
    checkpoint=dict(save_best="IGSM-U-10_eps8/PCKh", rule="greater"),
)
custom_hooks = [*_base_.custom_hooks, dict(type="SingleStepGuardHook")]
val_cfg = dict(type="AttackLoop", attacks=[dict(type="igsm", eps=8)], num_samples=64)

train_cfg = dict(max_epochs=6, val_interval=2)
optim_wrapper = dict(optimizer=dict(lr=5e-4))
load_from = "zoo://hourglass_robust8"
