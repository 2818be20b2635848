"""Where what is made once on a machine is kept."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs


def cache_folder() -> Path:
    """The folder named by the environment variable HPE_ART_CACHE, or else the user's cache."""
    return Path(os.environ.get("HPE_ART_CACHE") or platformdirs.user_cache_dir("hpe_art"))
