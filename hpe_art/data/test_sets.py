"""MMPose's test sets: built from their configs, and who of their people can be used."""

import copy
from pathlib import Path
from typing import Any, NamedTuple

import hpe_art.compat  # noqa: F401  (before mmpose)

from mmpose.utils import register_all_modules

from hpe_art.data.annotations import DataError, Fault
from hpe_art.data.checks import format_of, load, look_at, people_faults, stop, unloaded
from hpe_art.data.detections import Annotated
from hpe_art.errors import usable

SKIP = ", or leave them out with --skip-bad (also called --skip-unreadable)"
LOADABLE = "a test set that MMPose can load"
YOURS = " Name yours with --data-root, --ann-file and --headbox-file."
CROPPING = "a test pipeline that crops a person (TopdownAffine) and packs the pose (PackPoseInputs)"
CONVERTER = "KeypointConverter"
"""MMPose's step that makes other joints of those of a data set."""


class Chosen(NamedTuple):
    """The people of a test set who can be used."""

    dataset: Any  # MMPose's, loaded
    places: list[int]  # of the people in it
    skipped: tuple[str, ...]  # names of the images left out because they cannot be read
    left_out: tuple[str, ...]  # the other people who are left out, and why


def choose_people(
    settings: dict[str, Any],
    num_samples: int | None = None,
    skip_bad: bool = False,
    default_samples: int | None = None,
    detections: bool = False,
) -> Chosen:
    """The first people of a test set who can be used, by its config.

    DataError if more are asked for than there are, or if somebody cannot be used; the message names
    the first, unless `skip_bad` leaves them out.
    """
    dataset, faults = load_test_set(settings, detections, skip_bad)
    total = len(dataset)
    if num_samples is not None and not 1 <= num_samples <= total:
        raise DataError(f"Expected 1 to {total} people (--num-samples). Got {num_samples}.")
    count = min(num_samples or default_samples or total, total)
    # MPII's hold their places; those of COCO are not in the set any more.
    held = set(faults) if format_of(dataset) == "mpii" else set()
    places = [i for i in range(count) if i not in held]
    seen = look_at(dataset, places)
    if not skip_bad:
        seen.check(dataset, SKIP)
    paths = {i: str(dataset.get_data_info(i)["img_path"]) for i in places}
    kept = [i for i in places if paths[i] not in seen.unread and i not in seen.away]
    if not kept:
        what = "readable image" if seen.unread else "person who can be used"
        raise DataError(f"Expected at least one {what}. Got none.")
    left_out = tuple(map(str, [*faults.values(), *seen.away.values()]))
    return Chosen(dataset, kept, tuple(Path(path).name for path in seen.unread), left_out)


def load_test_set(
    settings: dict[str, Any], detections: bool = False, skip_bad: bool = False
) -> tuple[Any, dict[int, Fault]]:
    """MMPose's dataset from its config, `cfg.test_dataloader.dataset`, and who is left out of it.

    The people and boxes are those of the annotations, or of detections: of the `bbox_file`, whose
    boxes have no poses. DataError where MMPose cannot load it, in its own words, or where somebody
    cannot be used, unless `skip_bad`.
    """
    register_all_modules()
    settings = copy.deepcopy(dict(settings))
    if detections and not settings.get("bbox_file"):
        raise DataError("Expected a config with a bbox_file for --detections. Got none.")
    for part in () if detections else (settings, *settings.get("datasets", ())):
        part.pop("bbox_file", None)
    if settings.get("sample_ratio_factor"):
        raise DataError(
            "Expected a test set whose people stay the same. Got a sample_ratio_factor, which "
            "draws them anew each time: leave it out."
        )
    with usable(LOADABLE, DataError, mend=YOURS):
        dataset = unloaded(settings)
        faults = people_faults(dataset)
        if not skip_bad:
            stop(faults, dataset, SKIP)
        load(dataset, faults)
    if not hasattr(dataset, "pipeline"):
        raise DataError(
            f"Expected a test set with a pipeline. Got {type(dataset).__name__}: combine several "
            "sets with MMPose's CombinedDataset."
        )
    if not len(dataset):
        raise DataError("Expected people in the test set. Got none.")
    return dataset, faults


def build_test_set(settings: dict[str, Any], detections: bool = False) -> Any:
    """The dataset alone of `load_test_set`."""
    return load_test_set(settings, detections)[0]


def parts_of(dataset: Any) -> list[Any]:
    """The data sets that one is made of; itself, unless it is MMPose's `CombinedDataset`."""
    return list(getattr(dataset, "datasets", [dataset]))


def annotated_people(settings: dict[str, Any], skip_bad: bool = False) -> Annotated:
    """The annotated people of a set, to find the poses of its detections in."""
    return Annotated(load_test_set(settings, skip_bad=skip_bad)[0])
