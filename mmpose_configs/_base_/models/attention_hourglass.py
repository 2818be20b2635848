# Attention hourglass (Chu et al. 2017): the heads, loss and outputs of the 8-stack hourglass.
_base_ = ["hourglass.py"]
model = dict(
    backbone=dict(type="AttentionHourglass", num_stacks=8),
    head=dict(num_stages=8),
)
