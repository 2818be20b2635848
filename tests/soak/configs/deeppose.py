_base_ = ["../../../mmpose_configs/deeppose.py"]
test_dataloader = dict(timeout=30)
