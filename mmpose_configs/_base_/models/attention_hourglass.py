# Attention hourglass (Chu et al. 2017): head, loss and outputs of the stacked hourglass, 8 stacks.
_base_ = ["hourglass.py"]
model = dict(
    backbone=dict(type="AttentionHourglass", num_stacks=8),
    head=dict(num_stages=8),
)
