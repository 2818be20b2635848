# `resnet_heatmap.py` with the seventeen joints of COCO, on people rendered in groups, which
# `python tools/train.py mmpose_configs/coco_resnet_heatmap.py --load-from zoo://resnet_heatmap`
# trains.
_base_ = ["resnet_heatmap.py"]  # first, or MMEngine takes the import for a lazy config's

from importlib.util import find_spec  # noqa: E402

# Boxes are the true ones; with `bbox_file=f"{labels}/person_detections_val.json"` in the dataset
# of `test_dataloader` they are detected ones.
labels = (
    f"{find_spec('hpe_art').submodule_search_locations[0]}/rendered_people/coco_val/annotations"
)

# Upright and close: the face, of which COCO asks the most, is larger than in a square.
codec = dict(_base_.codec, input_size=(112, 144), heatmap_size=(56, 72))
train_pipeline, val_pipeline = _base_.train_pipeline, _base_.val_pipeline
train_pipeline[1].padding = val_pipeline[1].padding = 1.1
train_pipeline[4].input_size = val_pipeline[2].input_size = codec["input_size"]
train_pipeline[6].encoder = codec

model = dict(
    backbone=dict(init_cfg=None),
    head=dict(out_channels=17, decoder=codec),
    test_cfg=dict(flip_test=True),  # as MMPose's own configs for COCO
)
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type="RenderedCocoPeople",
        split="train",
        num_pictures=3000,
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type="RenderedCocoPeople",
        split="val",
        test_mode=True,
        pipeline=val_pipeline,
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(
    _delete_=True, type="CocoMetric", ann_file=f"{labels}/person_keypoints_val.json"
)
test_evaluator = val_evaluator

train_cfg = dict(max_epochs=24)
load_from = "zoo://coco_resnet_heatmap"
