"""Rendering of whole sets in worker processes."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import tempfile
from pathlib import Path
from unittest.mock import patch

import cv2
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from hpe_art.data.mpii.writer import annotation, write_annotations
from hpe_art.rendered_people.body_model import load_model
from hpe_art.rendered_people.person import SPLITS, VERSION, person


def render_people(
    out: Path, split: str, count: int, seed: int = 0, workers: int | None = None
) -> Path:
    """Render a set of people in the layout of MPII.

    The set appears under its name only when it is complete. The same split, seed and recipe
    (`people.VERSION`) give the same people, whatever the number of workers.

    Args:
        out: folder to create; it must not exist.
        split: "train" or "val"; the two share no person.
        count: number of people.
        seed: seed of the set.
        workers: number of processes; by default one per usable core.

    Returns:
        The folder, with `images/NNNNN.jpg`, `annotations/mpii_{split}.json` and
        `annotations/mpii_gt_{split}.mat`.

    Raises:
        ImportError: Anny is not installed.
        FileExistsError: `out` exists.
        OSError: `out` cannot be made.
        ValueError: split or count cannot be meant.
    """
    out = Path(out)
    if split not in SPLITS:
        raise ValueError(f"Expected a split of {', '.join(SPLITS)}. Got {split!r}.")
    if count < 1:
        raise ValueError(f"Expected at least one person to render. Got {count}.")
    if out.exists():
        raise FileExistsError(f"Expected a folder that does not exist yet. Got {out}.")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    except OSError as error:
        raise OSError(f"Expected a place where {out} can be made. Got: {error}.") from error
    try:
        load_model()  # fails early without Anny, and parses its data for the workers
        (work / "images").mkdir()
        entries = _render_all(work / "images", split, count, seed, workers or _usable_cores())
        write_annotations(work, split, entries)
        (work / "VERSION").write_text(f"recipe {VERSION}, seed {seed}, {count} people\n")
        work.chmod(0o755)
        work.rename(out)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return out


def _usable_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _render_all(images: Path, split: str, count: int, seed: int, workers: int) -> list[dict]:
    jobs = [(images, split, seed, index) for index in range(count)]
    entries = []
    columns = (TextColumn("rendering {task.description}"), BarColumn(), MofNCompleteColumn())
    # Threads and a forked PyTorch do not go together.
    context = multiprocessing.get_context("spawn")
    with Progress(*columns, TimeRemainingColumn()) as progress:
        task = progress.add_task(f"{split} people", total=count)
        # One thread each: NumPy and PyTorch read the variable when a worker imports them.
        with (
            patch.dict(os.environ, OMP_NUM_THREADS="1"),
            context.Pool(min(workers, count), cv2.setNumThreads, (1,)) as pool,
        ):
            for entry in pool.imap(_render_one, jobs, chunksize=4):
                entries.append(entry)
                progress.advance(task)
    return entries


def _render_one(job: tuple[Path, str, int, int]) -> dict:
    images, split, seed, index = job
    drawn = person(seed, split, index)
    name = f"{index:05d}.jpg"
    quality = [cv2.IMWRITE_JPEG_QUALITY, drawn.quality]
    if not cv2.imwrite(str(images / name), drawn.image, quality):
        raise OSError(f"Expected to write {images / name}. The disk may be full.")
    return annotation(name, drawn.joints, drawn.inside, drawn.occluded, drawn.head_box)
