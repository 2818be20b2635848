# Chained predictions (Gkioxari et al. 2016), narrow, on rendered people.
_base_ = [
    "_base_/default_runtime.py",
    "_base_/rendered_people_128.py",
    "_base_/models/chained_predictions.py",
    "_base_/backbones/resnet18_narrow.py",
]

model = dict(
    data_preprocessor=_base_.data_preprocessor,
    # 8x8 features and 32x32 heatmaps, as at the paper's scale.
    backbone=_base_.backbone,
    head=dict(in_channels=128, hidden_channels=16, decoder=_base_.codec),
)
train_dataloader = dict(dataset=dict(num_people=16000))

# Few epochs, since the backbone is trained already.
train_cfg = dict(max_epochs=6, val_interval=2)
optim_wrapper = dict(optimizer=dict(lr=2e-3))
load_from = "zoo://chained_predictions"
