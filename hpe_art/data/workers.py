"""The settings of a dataloader are checked; its worker processes are not waited for for ever."""

import warnings
from collections.abc import Mapping
from typing import Any

from torch.utils.data import DataLoader, TensorDataset

from hpe_art.errors import usable

LONGEST_READ = 300
"""Seconds for a batch: a worker drops what does not fit into shared memory, and goes on."""
MMENGINES = {"dataset", "sampler", "batch_sampler", "collate_fn", "worker_init_fn"}
MMENGINES |= {"num_batch_per_epoch", "disable_subprocess_warning"}
"""What MMEngine makes something of, or takes for itself; the rest goes to PyTorch as it is."""


def bounded(name: str, loader: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a dataloader, with what its number of workers asks for.

    A `timeout` of the config's own stays. Without workers PyTorch knows neither a timeout nor
    workers that persist.

    Args:
        name: of the dataloader in the config.
        loader: its settings.
    Raises:
        UserError: PyTorch's DataLoader refuses one of them.
    """
    if loader.get("num_workers"):
        settings = {"timeout": LONGEST_READ, **loader}
    else:
        settings = {**loader, "timeout": 0, "persistent_workers": False}
    expected = f"{name} with settings that PyTorch's DataLoader takes"
    with usable(expected), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they come again when it is made to be read
        DataLoader(TensorDataset(), **{k: v for k, v in settings.items() if k not in MMENGINES})
    return settings
