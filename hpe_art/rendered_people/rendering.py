"""Rendering of whole sets in worker processes."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import cv2
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from hpe_art.data.coco import writer as coco
from hpe_art.data.mpii import writer as mpii
from hpe_art.errors import UserError
from hpe_art.rendered_people.body_model import load_model
from hpe_art.rendered_people.pictures import SPLITS, VERSION, Group, Person, group, person

FORMATS: dict[str, Callable[[int, str, int], Person | Group]] = {"mpii": person, "coco": group}
"""By format of the labels: what renders a picture from a seed, a split and an index."""


def render_people(
    out: Path,
    split: str,
    count: int,
    seed: int = 0,
    workers: int | None = None,
    label_format: str = "mpii",
) -> Path:
    """Render a set of people in the format of MPII or of COCO.

    The set appears under its name only when it is complete. The same split, seed and recipe
    (`pictures.VERSION`) give the same people, whatever the number of workers. Splits and formats
    share no person.

    Args:
        out: folder to create; it must not exist.
        split: "train" or "val".
        count: number of pictures, which show one person each ("mpii") or several ("coco").
        seed: of the set.
        workers: number of processes; by default one per usable core.
        label_format: "mpii" or "coco".
    Returns:
        The folder, with `images/NNNNN.jpg` and in `annotations` either `mpii_{split}.json` and
        `mpii_gt_{split}.mat`, or `person_keypoints_{split}.json` and
        `person_detections_{split}.json`.
    Raises:
        ImportError: Anny is not installed.
        FileExistsError: `out` exists.
        OSError: `out` cannot be made.
        UserError: split, count or format cannot be meant.
    """
    out = Path(out)
    _check(out, split, count, label_format)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    except OSError as error:
        raise OSError(f"Expected a place where {out} can be made. Got: {error}.") from error
    try:
        load_model()  # fails early without Anny, and parses its data for the workers
        (work / "images").mkdir()
        jobs = [(label_format, work / "images", split, seed, index) for index in range(count)]
        entries = _render_all(jobs, workers or _usable_cores())
        if label_format == "mpii":
            mpii.write_annotations(work, split, entries)
        else:
            coco.write_annotations(work, split, entries)
            coco.write_detections(work, split, entries, seed)
        made = "people" if label_format == "mpii" else "pictures"
        (work / "VERSION").write_text(f"recipe {VERSION}, seed {seed}, {count} {made}\n")
        work.chmod(0o755)
        work.rename(out)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return out


def _check(out: Path, split: str, count: int, label_format: str) -> None:
    if split not in SPLITS:
        raise UserError(f"Expected a split of {', '.join(SPLITS)}. Got {split!r}.")
    if label_format not in FORMATS:
        raise UserError(f"Expected a format of {', '.join(FORMATS)}. Got {label_format!r}.")
    if count < 1:
        raise UserError(f"Expected at least one person to render. Got {count}.")
    if out.exists() or out.is_symlink():
        raise FileExistsError(f"Expected a folder that does not exist yet. Got {out}.")


def _usable_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _render_all(jobs: list[tuple[str, Path, str, int, int]], workers: int) -> list:
    columns = ("rendering people", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    # Threads and a forked PyTorch do not go together.
    context = multiprocessing.get_context("spawn")
    with (
        Progress(*columns) as progress,
        # One thread each: NumPy and PyTorch read the variable when a worker imports them.
        patch.dict(os.environ, OMP_NUM_THREADS="1"),
        context.Pool(min(workers, len(jobs)), _start_worker) as pool,
    ):
        drawn = pool.imap(_render_one, jobs, chunksize=4)
        return list(progress.track(drawn, total=len(jobs)))


def _start_worker() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the main process to tell of
    cv2.setNumThreads(1)


def _render_one(job: tuple[str, Path, str, int, int]) -> Any:
    """Writes a picture; gives its entry of the labels."""
    label_format, images, split, seed, index = job
    drawn = FORMATS[label_format](seed, split, index)
    name = f"{index:05d}.jpg"
    quality = [cv2.IMWRITE_JPEG_QUALITY, drawn.quality]
    if not cv2.imwrite(str(images / name), drawn.image, quality):
        raise OSError(f"Expected to write {images / name}. The disk may be full.")
    return _entry(name, drawn)


def _entry(name: str, drawn: Person | Group) -> Any:
    if isinstance(drawn, Person):
        return mpii.annotation(name, drawn.joints, drawn.inside, drawn.occluded, drawn.head_box)
    return name, [
        coco.annotation(one.keypoints, one.visibility, one.mask, one.crowd) for one in drawn.members
    ]
