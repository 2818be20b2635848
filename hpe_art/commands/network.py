"""The network that arguments name, over the people that they name."""

from __future__ import annotations

import argparse
from typing import Any

from hpe_art.commands.paths import check_data, check_paths, data_folder


def network_asked(args: argparse.Namespace) -> tuple[Any, str]:
    """The config of the network over its people, and where its weights are.

    Paths are checked before anything heavy is imported. Raises a UserError that says what is wrong.
    """
    others = getattr(args, "transfer_to", None) or ()
    check_paths([args.config, *others], args.work_dir, args.data_root)
    check_data(args)
    from hpe_art.data.mpii.folder import use_folder
    from hpe_art.evaluation.processes import check_launcher
    from hpe_art.evaluation.running import checkpoint_of, config_to_attack

    check_launcher(getattr(args, "launcher", "none"))
    cfg = config_to_attack(args.config, args.cfg_options)
    checkpoint = checkpoint_of(args.config, cfg, args.checkpoint)
    if dataset := data_folder(args):
        use_folder(cfg.test_dataloader, dataset)
    return cfg, checkpoint
