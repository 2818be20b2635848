"""The paths that arguments name, checked before anything heavy is imported."""

import argparse
import errno
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hpe_art.commands.arguments import misplaced
from hpe_art.data.mpii.folder import mpii_dataset
from hpe_art.errors import UserError

CONFIG_SUFFIXES = (".py", ".json", ".yaml", ".yml")
"""Those that MMEngine reads."""


def check_paths(
    configs: Sequence[str | Path], out: Path, data_root: str | None = None, flag: str = "--work-dir"
) -> None:
    """Sees that what is read exists and that results can be written; UserError names the path."""
    for config in configs:
        if not Path(config).is_file():
            fault = "is a folder" if Path(config).is_dir() else "does not exist"
            raise UserError(f"Expected a config file. Got {config}, which {fault}.")
        if Path(config).suffix not in CONFIG_SUFFIXES:
            known = ", ".join(CONFIG_SUFFIXES)
            raise UserError(
                f"Expected a config file. Got {config}, which does not end in one of {known}"
                f"{misplaced(str(config))}."
            )
    if data_root is not None and not Path(data_root).expanduser().is_dir():
        raise UserError(f"Expected a folder for --data-root. Got {data_root}: not there.")
    check_folder(out, flag)
    for config in configs:
        # MMEngine leaves a copy of the config, by its name, in the folder of a run.
        copy = out / Path(config).name
        if copy.exists() and copy.samefile(config):
            raise UserError(
                f"Expected a folder for {flag} other than that of {config}, which would be "
                f"replaced. Got {out}: name another."
            )


def check_folder(out: Path, flag: str) -> None:
    """UserError unless a folder, which need not be there yet, can be written to."""
    existing = out.absolute()
    try:
        while not existing.exists():
            if existing.is_symlink():
                raise FileNotFoundError(errno.ENOENT, "a link to what is not there")
            existing = existing.parent
        # Tried, because permission bits do not tell of read-only, virtual and full file systems.
        with tempfile.TemporaryFile(dir=existing, buffering=0) as file:
            file.write(b"written")
    except OSError as error:
        raise UserError(
            f"Expected a writable folder for {flag}. Got {out} ({error.strerror}): name another."
        ) from None


def check_page(path: Path, flag: str, suffixes: Sequence[str]) -> None:
    """UserError unless a page can be written to a file whose name says that it is one.

    So nothing else is replaced, such as the results that it is made of.
    """
    if path.suffix.lower() not in suffixes or path.is_dir():
        raise UserError(
            f"Expected a file that ends in {' or '.join(suffixes)} for {flag}. Got {path}."
        )
    check_folder(path.parent, flag)


def config_files(paths: Sequence[str]) -> list[Path]:
    """The configs named, and those in folders; UserError if none is there, or two have one name."""
    files: list[Path] = []
    for path in map(Path, paths):
        if not path.exists():
            raise UserError(f"Expected configs or folders of them. Got {path}: not there.")
        found = sorted(path.glob("[!_]*.py")) if path.is_dir() else [path]
        if not found:
            raise UserError(f"Expected configs (*.py) in {path}. Got none.")
        files += found
    names = [file.stem for file in files]
    for name in names:
        if names.count(name) > 1:
            raise UserError(f"Expected each network once. Got {name} {names.count(name)} times.")
    return files


def check_data(args: argparse.Namespace) -> None:
    """UserError or FolderError where the checkpoint is missing, or something in a folder."""
    check_checkpoint(args.checkpoint)
    data_folder(args)
    fit_folder(args)


def check_checkpoint(source: str | None) -> None:
    """UserError where a checkpoint is a path, and is not there."""
    if source and "://" not in source and not Path(source).is_file():
        fault = "is a folder: name a file in it" if Path(source).is_dir() else "does not exist"
        raise UserError(
            f"Expected a checkpoint. Got {source}, which {fault}. Name another, or train "
            "the network with tools/train.py."
        )


def data_folder(args: argparse.Namespace) -> dict[str, Any] | None:
    """The dataset of `--data-root`, as `mpii_dataset` gives it; None without."""
    if not args.data_root:
        return None
    return mpii_dataset(args.data_root, "val", args.ann_file, args.headbox_file, args.image_prefix)


def fit_folder(args: argparse.Namespace) -> dict[str, Any] | None:
    """That of `--fit-data-root`; images are found as in `--data-root` where it is the same."""
    if not getattr(args, "fit_data_root", None):
        return None
    prefix = args.image_prefix if args.fit_data_root == args.data_root else None
    root, file, flag = args.fit_data_root, args.fit_ann_file, "--fit-ann-file"
    dataset = mpii_dataset(root, "train", file, image_prefix=prefix, ann_flag=flag)
    boxes = Path(dataset["ann_file"]).with_name("mpii_gt_train.mat")
    if boxes.is_file() and not args.fit_ann_file:  # then they can be scored too
        dataset.update(headbox_file=str(boxes), test_mode=True)
    return dataset
