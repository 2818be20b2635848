"""COCO: MMPose's own config, with its official weights."""

_base_ = [
    "mmpose::body_2d_keypoint/topdown_heatmap/coco/td-hm_litehrnet-18_8xb64-210e_coco-256x192.py"
]

load_from = (
    "https://download.openmmlab.com/mmpose/top_down/litehrnet/"
    "litehrnet18_coco_256x192-6bace359_20211230.pth"
)
