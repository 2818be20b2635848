"""Puts the configs into the package, below `.mim`, where MMPose has its own."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

CONFIGS = "mmpose_configs"


class BuildWithConfigs(build_py):
    """Builds the package with a copy of the configs; an editable install reads the clone's."""

    def run(self) -> None:
        """Copies them after everything else is built."""
        super().run()
        if not self.editable_mode:
            target = Path(self.build_lib, "hpe_art", ".mim", CONFIGS)
            shutil.rmtree(target, ignore_errors=True)  # those of an earlier build
            shutil.copytree(CONFIGS, target, ignore=shutil.ignore_patterns("__pycache__"))


setup(cmdclass={"build_py": BuildWithConfigs})
