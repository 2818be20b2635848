"""The config of a training run: MMPose's meaning of each argument, and what is checked in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mmengine.config import Config

from hpe_art.configs import find_config, merge_options, read_config
from hpe_art.data.mpii.folder import mpii_dataset, use_folder
from hpe_art.data.workers import bounded
from hpe_art.errors import usable
from hpe_art.training.resuming import saved_checkpoints
from hpe_art.training.seeding import seeded_by_epoch

CONFIGS = "mmpose_configs"
NOT_FOUND = (FileNotFoundError,)  # said already


def training_config(
    config: str | Path,
    work_dir: str | None = None,
    resume: str | None = None,
    load_from: str | None = None,
    amp: bool = False,
    options: dict[str, Any] | None = None,
    launcher: str = "none",
    data_root: str | None = None,
    train_ann_file: str | None = None,
    **validation: Any,
) -> Config:
    """The config of a training run, with MMPose's meaning of each argument.

    Args:
        config: path or name of the config (`find_config`).
        work_dir: folder of logs and checkpoints; default `work_dirs/NAME`, below the name of the
            folder that the config is in, unless that is `mmpose_configs` or elsewhere.
        resume: "auto" (the newest checkpoint of the work folder, if there is one), or a checkpoint.
        load_from: "config" (the config's own `load_from`), or a checkpoint with the first
            weights. By default training starts from scratch whatever the config's `load_from`
            says, since that names the *finished* weights.
        amp: train the backbone in bfloat16.
        options: `key=value` overrides, dotted keys.
        launcher: none, pytorch, slurm or mpi.
        data_root: folder in MPII format to train and validate on instead of the config's data.
        train_ann_file: its training annotations, as in `mpii_dataset`.
        **validation: `ann_file`, `headbox_file`, `image_prefix` of its validation set, likewise.
    Raises:
        FileNotFoundError: no such config, or the weights that training starts from are missing.
        ValueError: the folder lacks something, or a checkpoint to resume and other first weights.
    """
    config = find_config(config)
    cfg = _read(config)
    cfg.load_from = cfg.get("load_from") if load_from == "config" else load_from
    cfg.resume = cfg.get("resume", False)
    if resume and resume != "auto":
        _check_resume(resume, load_from)
        cfg.load_from, cfg.resume = resume, True
    cfg.launcher = launcher
    with usable("the config of a network with its training", passing=NOT_FOUND):
        if data_root:
            _use_own_people(cfg, data_root, train_ann_file, **validation)
    with usable("--cfg-options that fit the config", passing=NOT_FOUND):
        merge_options(cfg, options or {})
        _check_hooks_and_workers(cfg)
    if amp:  # after the options, which may name other hooks
        cfg.custom_hooks = [*cfg.get("custom_hooks", []), dict(type="BFloat16BackboneHook")]
    cfg.work_dir = work_dir or cfg.get("work_dir") or _work_dir(config)
    last = Path(cfg.work_dir) / "last_checkpoint"
    if resume == "auto" and (last.is_file() or saved_checkpoints(cfg.work_dir)):
        cfg.load_from, cfg.resume = None, True
    with usable("the config of a network with its training", passing=NOT_FOUND):
        _check_start(cfg)
    return cfg


def _read(config: Path) -> Config:
    """The config of a file; raises a FileNotFoundError if it is not there."""
    if not config.is_file():
        raise FileNotFoundError(f"Expected a config file. Got {config}, which does not exist.")
    with usable("a config file", passing=NOT_FOUND):
        return read_config(config)


def _check_hooks_and_workers(cfg: Config) -> None:
    """Sets what is wanted of every training run, whatever its config says."""
    hooks = dict(cfg.get("default_hooks") or {})
    saves = hooks.get("checkpoint", dict(type="CheckpointHook", interval=1))
    if isinstance(saves, dict) and saves.get("type") == "CheckpointHook":
        hooks["checkpoint"] = {**saves, "type": "WholeCheckpointHook"}
    cfg.default_hooks = hooks
    for name in ("train_dataloader", "val_dataloader", "test_dataloader"):
        if loader := cfg.get(name):
            cfg[name] = bounded(name, loader)
    if cfg.get("train_dataloader"):
        cfg.train_dataloader = seeded_by_epoch(cfg.train_dataloader)


def _use_own_people(
    cfg: Config, root: str, train_ann_file: str | None, image_prefix: str | None = None, **more: Any
) -> None:
    flag = "--train-ann-file"
    train = mpii_dataset(root, "train", train_ann_file, None, image_prefix, flag)
    use_folder(cfg.train_dataloader, train)
    others = [one for name in ("val", "test") if (one := cfg.get(f"{name}_dataloader"))]
    for loader in others:
        use_folder(loader, mpii_dataset(root, "val", image_prefix=image_prefix, **more))


def _check_resume(checkpoint: str, load_from: str | None) -> None:
    if load_from:
        raise ValueError(
            f"Expected --resume {checkpoint} or --load-from. Got both: what is resumed has its "
            "weights."
        )
    if not Path(checkpoint).is_file():
        raise FileNotFoundError(f"Expected a checkpoint to resume. Got {checkpoint}: not there.")


def first_weights(cfg: Config) -> str | None:
    """The checkpoint that a backbone starts from, if any: as a whole, or by its `init_cfg`."""
    if cfg.resume:
        return None
    start = cfg.model.get("backbone", {}).get("init_cfg") or {}
    whole = isinstance(start, dict) and start.get("prefix", "").startswith("backbone")
    named: str | None = start.get("checkpoint") if whole else None
    return cfg.load_from or named


def _work_dir(config: Path) -> str:
    """One for each config of the repository, where different ones have the same name."""
    *folders, name = config.resolve().with_suffix("").parts
    if CONFIGS in folders:
        below = folders[len(folders) - folders[::-1].index(CONFIGS) :]
        return "/".join(["work_dirs", *below, name])
    return f"work_dirs/{name}"


def _check_start(cfg: Config) -> None:
    """Sees that the weights are there that the backbone's `init_cfg` names."""
    backbone = cfg.model.get("backbone", {})
    if cfg.load_from or cfg.resume:
        backbone.init_cfg = None  # all of it is loaded
    steps = backbone.get("init_cfg") or []
    for step in [steps] if isinstance(steps, dict) else steps:
        start = Path(step.get("checkpoint", "."))
        if "://" in str(step.get("checkpoint")) or start.exists():
            continue
        mend = f"Run `python tools/train.py mmpose_configs/pretraining/{start.parent.name}.py`"
        raise FileNotFoundError(
            f"Expected the weights that training starts from in {start}. Got no such file. "
            f"{mend if start.parent.parent.name == 'pretraining' else 'Make it'}, or name others "
            "with --cfg-options model.backbone.init_cfg.checkpoint=FILE or --load-from FILE."
        )
