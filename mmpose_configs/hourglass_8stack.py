# 8-stack hourglass: `hourglass.py` with more stacks.
# Training starts from the 2-stack network: each further stack first repeats the last.
_base_ = ["hourglass.py"]

model = dict(
    backbone=dict(num_stacks=8, init_cfg=dict(type="GrownInit", checkpoint="zoo://hourglass")),
    head=dict(num_stages=8),
)
train_dataloader = dict(dataset=dict(num_people=16000))

# Few epochs and a low rate, since most is there at the start.
train_cfg = dict(max_epochs=4, val_interval=1)
optim_wrapper = dict(optimizer=dict(lr=6e-4))
load_from = "zoo://hourglass_8stack"
