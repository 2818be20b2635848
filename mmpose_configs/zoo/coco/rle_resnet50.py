"""COCO: MMPose's own config, with its official weights."""

_base_ = [
    "mmpose::body_2d_keypoint/topdown_regression/coco/td-reg_res50_rle-8xb64-210e_coco-256x192.py"
]

load_from = (
    "https://download.openmmlab.com/mmpose/v1/body_2d_keypoint/topdown_regression/coco/"
    "td-reg_res50_rle-8xb64-210e_coco-256x192-d37efd64_20220913.pth"
)
