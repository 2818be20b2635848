default_scope = "mmpose"
custom_imports = dict(
    imports=[
        "hpe_art.training.adversarial",
        "hpe_art.models",
        "hpe_art.data.augmentation",
        "hpe_art.rendered_people.dataset",
        "hpe_art.training",
        "hpe_art.zoo",
    ],
    allow_failed_imports=False,
)

default_hooks = dict(
    timer=dict(type="IterTimerHook"),
    logger=dict(type="LoggerHook", interval=50),
    param_scheduler=dict(type="ParamSchedulerHook"),
    checkpoint=dict(type="CheckpointHook", interval=1, max_keep_ckpts=2),
    sampler_seed=dict(type="DistSamplerSeedHook"),
)
custom_hooks = [
    dict(type="SyncBuffersHook"),
    dict(type="ChannelsLastHook"),
    # Scored and saved is a mean over about the last 1,000 steps.
    dict(type="EMAHook", momentum=1e-3, update_buffers=True),
]
env_cfg = dict(
    cudnn_benchmark=False,
    mp_cfg=dict(mp_start_method="fork", opencv_num_threads=0),
    # Seconds: the first process may render people, which the others wait for.
    dist_cfg=dict(backend="nccl", timeout=4 * 3600),
)
vis_backends = [dict(type="LocalVisBackend")]
visualizer = dict(type="PoseLocalVisualizer", vis_backends=vis_backends, name="visualizer")
log_processor = dict(type="LogProcessor", window_size=50, by_epoch=True, num_digits=6)
log_level = "INFO"
randomness = dict(seed=0)
load_from = None
resume = False
