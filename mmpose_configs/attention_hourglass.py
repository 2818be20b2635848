# Attention hourglass (Chu et al. 2017), an eighth of the paper's width, on rendered people.
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
