# DLCM (Tang et al. 2018), a quarter of the paper's width, on rendered people.
# Training starts from the 2-stack hourglass, whose stacks are the first levels.
_base_ = [
    "_base_/default_runtime.py",
    "_base_/rendered_people_128.py",
    "_base_/models/dlcm.py",
]

codec = dict(_base_.codec, type="PartHeatmap")
model = dict(
    data_preprocessor=_base_.data_preprocessor,
    backbone=dict(channels=64, init_cfg=dict(type="GrownInit", checkpoint="zoo://hourglass")),
    head=dict(decoder=codec),
)
train_pipeline = _base_.train_pipeline
train_pipeline[-2].encoder = codec
train_dataloader = dict(dataset=dict(num_people=16000, pipeline=train_pipeline))

# Few epochs and a low rate, since most is there at the start.
train_cfg = dict(max_epochs=4, val_interval=1)
optim_wrapper = dict(optimizer=dict(lr=6e-4))
load_from = "zoo://dlcm"
