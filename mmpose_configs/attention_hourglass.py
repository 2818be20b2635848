# Attention hourglass (Chu et al. 2017), an eighth of the paper's width, on rendered people.
# Training starts from the two stacks that
# `python tools/train.py mmpose_configs/pretraining/attention_hourglass.py` leaves.
_base_ = [
    "_base_/default_runtime.py",
    "_base_/rendered_people_128.py",
    "_base_/models/attention_hourglass.py",
]

start = "work_dirs/pretraining/attention_hourglass/epoch_12.pth"
model = dict(
    data_preprocessor=_base_.data_preprocessor,
    backbone=dict(channels=32, init_cfg=dict(type="GrownInit", checkpoint=start)),
    head=dict(decoder=_base_.codec),
)

# Few epochs, since most is there at the start.
train_cfg = dict(max_epochs=6, val_interval=2)
optim_wrapper = dict(optimizer=dict(lr=1e-3))
