"""COCO: MMPose's own config, with its official weights."""

_base_ = ["mmpose::body_2d_keypoint/topdown_heatmap/coco/td-hm_res101_8xb64-210e_coco-256x192.py"]

load_from = (
    "https://download.openmmlab.com/mmpose/v1/body_2d_keypoint/topdown_heatmap/coco/"
    "td-hm_res101_8xb64-210e_coco-256x192-065d3625_20220926.pth"
)
