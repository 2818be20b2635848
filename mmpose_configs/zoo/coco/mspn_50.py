"""COCO: MMPose's own config, with its official weights."""

_base_ = ["mmpose::body_2d_keypoint/topdown_heatmap/coco/td-hm_mspn50_8xb32-210e_coco-256x192.py"]

load_from = (
    "https://download.openmmlab.com/mmpose/top_down/mspn/mspn50_coco_256x192-8fbfb5d0_20201123.pth"
)
