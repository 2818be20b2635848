"""MPII: MMPose's own config, with its official weights."""

_base_ = [
    "mmpose::body_2d_keypoint/topdown_heatmap/mpii/td-hm_litehrnet-18_8xb64-210e_mpii-256x256.py"
]

load_from = (
    "https://download.openmmlab.com/mmpose/top_down/litehrnet/"
    "litehrnet18_mpii_256x256-cabd7984_20210623.pth"
)
