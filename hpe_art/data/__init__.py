"""People to attack: any MMPose test set, and folders in the formats of MPII and COCO."""
