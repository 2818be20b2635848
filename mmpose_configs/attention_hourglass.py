# Attention hourglass (Chu et al. 2017), an eighth of the paper's width, on rendered people.
# Training starts from two stacks of `pretraining/attention_hourglass.py`, see the Makefile.
_base_ = [
    "_base_/default_runtime.py",
    "_base_/rendered_people_128.py",
    "_base_/models/attention_hourglass.py",
]

model = dict(
    data_preprocessor=_base_.data_preprocessor,
    backbone=dict(channels=32),
    head=dict(decoder=_base_.codec),
)
train_dataloader = dict(dataset=dict(num_people=16000))

# Few epochs, since most is there at the start.
train_cfg = dict(max_epochs=4, val_interval=2)
optim_wrapper = dict(optimizer=dict(lr=1e-3))
