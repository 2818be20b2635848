# 2-stack hourglass (Newell et al. 2016), a quarter of the paper's width, on rendered people.
_base_ = [
    "_base_/default_runtime.py",
    "_base_/rendered_people_128.py",
    "_base_/models/hourglass.py",
]

model = dict(
    data_preprocessor=_base_.data_preprocessor,
    backbone=dict(channels=64),
    head=dict(decoder=_base_.codec),
)
load_from = "zoo://hourglass"
