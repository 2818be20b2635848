"""The data of a training run: what is wrong with it, and who is left out of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mmengine.config import Config

from hpe_art.data.checks import (
    can_wait,
    look_at,
    people_faults,
    stop,
    unloaded,
    usable_content,
    usable_file,
)
from hpe_art.data.test_sets import choose_people
from hpe_art.files import write_whole

FOLDER = "left_out"
SKIP = ", or leave them out with --skip-bad"


def datasets_of(settings: Any) -> Iterator[dict[str, Any]]:
    """The configs of datasets in that of one, which may wrap or join others."""
    if not isinstance(settings, dict):
        return
    inner = [settings.get("dataset"), *(settings.get("datasets") or ())]
    if any(inner):
        for one in inner:
            yield from datasets_of(one)
    else:
        yield settings


def check_annotations(settings: dict[str, Any]) -> None:
    """DataError where somebody in a dataset, by its config, cannot be used."""
    if not can_wait(settings):
        return
    dataset = unloaded({key: value for key, value in settings.items() if key != "pipeline"})
    faults = people_faults(dataset)
    stop(faults, dataset, SKIP)
    with usable_file(dataset, faults):  # at least one has a labelled joint
        pass


def check_images(loader: Any) -> None:
    """DataError where an image of a dataloader's people cannot be read, or does not show them."""
    dataset: Any = getattr(loader, "dataset", None)
    if hasattr(dataset, "get_data_info"):
        look_at(dataset, range(len(dataset))).check(dataset, SKIP)


def leave_out(cfg: Config) -> list[str]:
    """Changes a config's data sets of training and validation; tells who is left out of each.

    All of them are listed in files below `left_out` in the work folder, beside the annotations of
    the others. Data sets of other formats than MPII's and COCO's stay as they are.

    Raises:
        DataError: nobody of a data set can be used.
    """
    lines: list[str] = []
    for name in ("train", "val"):
        loader = cfg.get(f"{name}_dataloader") or {}
        for number, settings in enumerate(datasets_of(loader.get("dataset"))):
            if can_wait(settings):
                suffix = f"_{number}" if number else ""
                lines += _leave_out(settings, Path(cfg.work_dir, FOLDER, f"{name}{suffix}.json"))
    return lines


def _leave_out(settings: dict[str, Any], file: Path) -> Iterator[str]:
    chosen = choose_people(settings, skip_bad=True)
    lines = [*chosen.left_out, *(f"{image}: it cannot be read" for image in chosen.skipped)]
    if not lines:
        return
    dataset = unloaded(settings)
    content = usable_content(dataset, people_faults(dataset))
    write_whole(file, json.dumps(content))
    settings.update(ann_file=str(file.resolve()), indices=chosen.places)
    names = file.with_suffix(".txt")
    write_whole(names, "\n".join([*lines, ""]))
    yield (
        f"Left out of {dataset.ann_file}: {len(lines)} people or images, first {lines[0]} "
        f"(all of them are in {names})."
    )
