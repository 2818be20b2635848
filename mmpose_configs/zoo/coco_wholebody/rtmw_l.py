"""COCO-WholeBody: MMPose's own config, with its official weights."""

_base_ = [
    "mmpose::wholebody_2d_keypoint/rtmpose/cocktail14/rtmw-l_8xb1024-270e_cocktail14-256x192.py"
]

load_from = (
    "https://download.openmmlab.com/mmpose/v1/projects/rtmw/"
    "rtmw-dw-x-l_simcc-cocktail14_270e-256x192-20231122.pth"
)
