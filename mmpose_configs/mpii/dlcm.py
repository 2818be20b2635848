# DLCM (Tang et al. 2018) on MPII.
_base_ = [
    "../_base_/default_runtime.py",
    "../_base_/mpii_256.py",
    "../_base_/models/dlcm.py",
]

codec = dict(_base_.codec, type="PartHeatmap")
model = dict(data_preprocessor=_base_.data_preprocessor, head=dict(decoder=codec))
train_pipeline = _base_.train_pipeline
train_pipeline[-2].encoder = codec
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
