# Chained predictions (Gkioxari et al. 2016), narrow, on rendered people.
_base_ = [
    "_base_/default_runtime.py",
    "_base_/rendered_people_128.py",
    "_base_/models/chained_predictions.py",
]

model = dict(
    data_preprocessor=_base_.data_preprocessor,
    # Without the last stage: 8x8 features and 32x32 heatmaps, as at the paper's scale.
    backbone=dict(
        depth=18,
        num_stages=3,
        strides=(1, 2, 2),
        dilations=(1, 1, 1),
        out_indices=(2,),
        stem_channels=24,
        base_channels=24,
    ),
    head=dict(in_channels=96, hidden_channels=16, decoder=_base_.codec),
)
