_base_ = ["../../../mmpose_configs/hourglass.py"]
test_dataloader = dict(timeout=30)
