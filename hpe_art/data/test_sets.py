"""MMPose's test sets: built from their configs, and which of their images can be read."""

import copy
import io
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import hpe_art.compat  # noqa: F401  (before mmpose)

from mmpose.registry import DATASETS
from mmpose.utils import register_all_modules
from PIL import Image

from hpe_art.data.detections import Annotated
from hpe_art.errors import UserError

CONVERTER = "KeypointConverter"
"""MMPose's step that makes other joints of those of a data set."""


class DataError(UserError):
    """A test set cannot be used; the message names what and the mend."""


def choose_people(
    dataset: Any,
    num_samples: int | None = None,
    skip_unreadable: bool = False,
    default_samples: int | None = None,
) -> tuple[list[int], tuple[str, ...]]:
    """Places of the first people whose images can be read, and names of those that cannot.

    DataError if more are asked for than there are, or an image cannot be read (it is named).
    """
    total = len(dataset)
    if num_samples is not None and not 1 <= num_samples <= total:
        raise DataError(f"Expected 1 to {total} people (--num-samples). Got {num_samples}.")
    count = min(num_samples or default_samples or total, total)
    paths = [dataset.get_data_info(i)["img_path"] for i in range(count)]
    faults = {path: fault for path in dict.fromkeys(paths) if (fault := image_fault(path))}
    if faults and not skip_unreadable:
        path, fault = next(iter(faults.items()))
        raise DataError(
            f"Expected readable images. Got {len(faults)} that are not, first {path} ({fault}). "
            "Mend them, or leave them out with --skip-unreadable."
        )
    kept = [i for i, path in enumerate(paths) if path not in faults]
    if not kept:
        raise DataError("Expected at least one readable image. Got none.")
    return kept, tuple(Path(path).name for path in faults)


def image_fault(path: str | Path) -> str | None:
    """Why an image cannot be read to its end; None where it can."""
    try:
        with Image.open(path) as image:
            # OpenCV fills the missing end of a truncated file with grey and says nothing.
            image.load()
    except (OSError, SyntaxError, ValueError) as error:
        return str(error)
    return None


def build_test_set(settings: dict[str, Any], detections: bool = False) -> Any:
    """MMPose's dataset from its config, `cfg.test_dataloader.dataset`.

    The people and boxes are those of the annotations, or of detections: of the `bbox_file`, whose
    boxes have no poses. DataError where MMPose cannot load it, in its own words.
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
    try:
        with redirect_stdout(io.StringIO()):  # COCO's reader speaks
            dataset = DATASETS.build(settings)
            dataset.full_init()
    except (AssertionError, OSError, KeyError, ValueError, TypeError, IndexError) as error:
        raise DataError(
            f"Expected a test set that MMPose can load. Got {type(error).__name__}: {error}. "
            "Name yours with --data-root, --ann-file and --headbox-file."
        ) from error
    if not hasattr(dataset, "pipeline"):
        raise DataError(
            f"Expected a test set with a pipeline. Got {type(dataset).__name__}: combine several "
            "sets with MMPose's CombinedDataset."
        )
    if not len(dataset):
        raise DataError("Expected people in the test set. Got none.")
    return dataset


def parts_of(dataset: Any) -> list[Any]:
    """The data sets that one is made of; itself, unless it is MMPose's `CombinedDataset`."""
    return list(getattr(dataset, "datasets", [dataset]))


def annotated_people(settings: dict[str, Any]) -> Annotated:
    """The annotated people of a set, to find the poses of its detections in."""
    return Annotated(build_test_set(settings))
