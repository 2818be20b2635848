# `rendered_people_128.py` with coordinates for targets, for networks that regress them.
_base_ = ["rendered_people_128.py"]

codec = dict(type="RegressionLabel", input_size=_base_.codec.input_size)
train_pipeline = _base_.train_pipeline
train_pipeline[-2].encoder = codec
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
codec = dict(codec, _delete_=True)  # instead of the heatmaps' codec
