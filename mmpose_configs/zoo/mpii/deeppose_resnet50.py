"""MPII: MMPose's own config, with its official weights."""

_base_ = [
    "mmpose::body_2d_keypoint/topdown_regression/mpii/td-reg_res50_8xb64-210e_mpii-256x256.py"
]

load_from = (
    "https://download.openmmlab.com/mmpose/top_down/deeppose/"
    "deeppose_res50_mpii_256x256-c63cd0b6_20210203.pth"
)
