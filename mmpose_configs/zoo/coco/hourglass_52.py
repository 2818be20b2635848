"""COCO: MMPose's own config, with its official weights."""

_base_ = [
    "mmpose::body_2d_keypoint/topdown_heatmap/coco/td-hm_hourglass52_8xb32-210e_coco-256x256.py"
]

load_from = (
    "https://download.openmmlab.com/mmpose/top_down/hourglass/"
    "hourglass52_coco_256x256-4ec713ba_20200709.pth"
)
