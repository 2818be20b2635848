# 2-stack hourglass (Newell et al. 2016) on MPII.
_base_ = ["../_base_/default_runtime.py", "../_base_/mpii_256.py", "../_base_/models/hourglass.py"]

model = dict(
    data_preprocessor=_base_.data_preprocessor,
    head=dict(decoder=_base_.codec),
)
