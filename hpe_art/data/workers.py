"""Worker processes of a dataloader are waited for, but not for ever."""

from collections.abc import Mapping
from typing import Any

LONGEST_READ = 300
"""Seconds for a batch: a worker drops what does not fit into shared memory, and goes on."""


def bounded(loader: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a dataloader, with what its number of workers asks for.

    A `timeout` of the config's own stays. Without workers PyTorch knows neither a timeout nor
    workers that persist.
    """
    if loader.get("num_workers"):
        return {"timeout": LONGEST_READ, **loader}
    return {**loader, "timeout": 0, "persistent_workers": False}
