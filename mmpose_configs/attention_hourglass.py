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

# A mild augmentation, for what two cores can learn. Colours are part of what tells the front of a
# body from its back.
train_pipeline = _base_.train_pipeline
train_pipeline[3].update(scale_factor=(0.9, 1.1), rotate_prob=0.0, shift_prob=0.0)
train_pipeline[-3].update(low=0.9, high=1.1)
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))

# Few epochs, since most is there at the start.
train_cfg = dict(max_epochs=10, val_interval=2)
load_from = "zoo://attention_hourglass"
