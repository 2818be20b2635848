"""Rendering of whole sets in worker processes."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import cv2
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from hpe_art.data.coco import writer as coco
from hpe_art.data.mpii import writer as mpii
from hpe_art.rendered_people.body_model import load_model
from hpe_art.rendered_people.group import Group, group
from hpe_art.rendered_people.person import SPLITS, VERSION, Person, person


@dataclass(frozen=True)
class Format:
    """How pictures are drawn and labelled.

    Attributes:
        draw: seed, split and index to a picture with its `image` and `quality`.
        label: file name and picture to an entry.
        write: folder, split, entries and seed to the files of labels.
    """

    draw: Callable[[int, str, int], Any]
    label: Callable[[str, Any], Any]
    write: Callable[[Path, str, list, int], None]


def _mpii_entry(name: str, one: Person) -> dict:
    return mpii.annotation(name, one.joints, one.inside, one.occluded, one.head_box)


def _write_mpii(folder: Path, split: str, entries: list, seed: int) -> None:
    mpii.write_annotations(folder, split, entries)


def _coco_entry(name: str, picture: Group) -> tuple[str, list[dict]]:
    return name, [
        coco.annotation(one.keypoints, one.visibility, one.mask, one.crowd)
        for one in picture.members
    ]


def _write_coco(folder: Path, split: str, entries: list, seed: int) -> None:
    coco.write_annotations(folder, split, entries)
    coco.write_detections(folder, split, entries, seed)


FORMATS = {
    "mpii": Format(person, _mpii_entry, _write_mpii),
    "coco": Format(group, _coco_entry, _write_coco),
}


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
    (`person.VERSION`) give the same people, whatever the number of workers.

    Args:
        out: folder to create; it must not exist.
        split: "train" or "val"; the two share no person.
        count: number of pictures, which show one person each ("mpii") or several ("coco").
        seed: seed of the set.
        workers: number of processes; by default one per usable core.
        label_format: "mpii" or "coco"; the two share no person.

    Returns:
        The folder, with `images/NNNNN.jpg` and in `annotations` either `mpii_{split}.json` and
        `mpii_gt_{split}.mat`, or `person_keypoints_{split}.json` and
        `person_detections_{split}.json`.

    Raises:
        ImportError: Anny is not installed.
        FileExistsError: `out` exists.
        OSError: `out` cannot be made.
        ValueError: split, count or format cannot be meant.
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
        FORMATS[label_format].write(work, split, entries, seed)
        made = "people" if label_format == "mpii" else "pictures"
        (work / "VERSION").write_text(f"recipe {VERSION}, seed {seed}, {count} {made}\n")
        work.chmod(0o755)
        work.rename(out)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return out


def _check(out: Path, split: str, count: int, label_format: str) -> None:
    if split not in SPLITS:
        raise ValueError(f"Expected a split of {', '.join(SPLITS)}. Got {split!r}.")
    if label_format not in FORMATS:
        raise ValueError(f"Expected a format of {', '.join(FORMATS)}. Got {label_format!r}.")
    if count < 1:
        raise ValueError(f"Expected at least one person to render. Got {count}.")
    if out.exists():
        raise FileExistsError(f"Expected a folder that does not exist yet. Got {out}.")


def _usable_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _render_all(jobs: list[tuple[str, Path, str, int, int]], workers: int) -> list:
    entries = []
    columns = (TextColumn("rendering {task.description}"), BarColumn(), MofNCompleteColumn())
    # Threads and a forked PyTorch do not go together.
    context = multiprocessing.get_context("spawn")
    with Progress(*columns, TimeRemainingColumn()) as progress:
        task = progress.add_task("people", total=len(jobs))
        # One thread each: NumPy and PyTorch read the variable when a worker imports them.
        with (
            patch.dict(os.environ, OMP_NUM_THREADS="1"),
            context.Pool(min(workers, len(jobs)), cv2.setNumThreads, (1,)) as pool,
        ):
            for entry in pool.imap(_render_one, jobs, chunksize=4):
                entries.append(entry)
                progress.advance(task)
    return entries


def _render_one(job: tuple[str, Path, str, int, int]) -> Any:
    label_format, images, split, seed, index = job
    drawn = FORMATS[label_format].draw(seed, split, index)
    name = f"{index:05d}.jpg"
    quality = [cv2.IMWRITE_JPEG_QUALITY, drawn.quality]
    if not cv2.imwrite(str(images / name), drawn.image, quality):
        raise OSError(f"Expected to write {images / name}. The disk may be full.")
    return FORMATS[label_format].label(name, drawn)
