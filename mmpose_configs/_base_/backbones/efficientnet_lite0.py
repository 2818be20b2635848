# EfficientNet-Lite0, and the normalisation that its ImageNet weights expect.
backbone = dict(type="EfficientNetLite0")
normalisation = dict(type="PoseDataPreprocessor", mean=[127] * 3, std=[128] * 3, bgr_to_rgb=True)
