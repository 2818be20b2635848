# 8-stack hourglass (Newell et al. 2016) on MPII: `hourglass.py` with more stacks.
_base_ = ["hourglass.py"]

model = dict(backbone=dict(num_stacks=8), head=dict(num_stages=8))
