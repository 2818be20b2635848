"""People in the format of COCO's keypoints."""
