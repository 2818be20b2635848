"""The only reader and writer of results.json."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from hpe_art.errors import UserError, first_fault
from hpe_art.evaluation.results import VERSION, Results, Run
from hpe_art.files import LONGEST_NAME, write_whole
from hpe_art.skeleton import skeleton_fault

LARGEST, MOST_VALUES = 64_000_000, 400_000_000
"""Bytes of a JSON file, and of what its values take in memory at most, so that reading it stays
within a GiB. The largest studies have a quarter of them."""
DIGITS, MAGNITUDE = 40, 1e15
"""Of a number; sums and squares of those below stay numbers."""
PICTURES = (".webp", ".png", ".jpg", ".jpeg")
MAKES = "tools/attack.py and tools/study.py leave one in their --work-dir"


class ResultsError(UserError):
    """A result file cannot be used; the message names it and the mend."""


def write_results(path: str | Path, results: Results) -> None:
    """Writes results; the file is either complete or as it was before."""
    write_whole(path, results.model_dump_json(indent=1) + "\n")


def check_kind(path: Path, study: bool) -> None:
    """Sees that results which will be replaced are of the same kind: a study's, or a run's.

    Raises:
        ResultsError: they are of the other, or of none.
    """
    if path.is_file() and (read_results(path).study is not None) != study:
        kind = "a run" if study else "a study"
        raise ResultsError(
            f"Expected a folder without the results of {kind}. Got {path}: choose another "
            "--work-dir."
        )


def mark_missing(path: Path, names: Sequence[str]) -> None:
    """Says in results that are there already what they will lack until they are replaced."""
    if not path.is_file():
        return
    results = read_results(path)
    if results.study is not None:
        results.study.missing = list(names)
    else:
        for run in results.runs.values():
            run.missing = list(names)
    write_results(path, results)


def read_results(path: str | Path) -> Results:
    """Reads results of this version, and of version 1, which are converted.

    Args:
        path: a results.json, or a folder that has one.

    Raises:
        ResultsError: no such file, not JSON, another version, too large, or parts that do not fit
            the schema or each other.
    """
    path = Path(path)
    path = path / "results.json" if path.is_dir() else path
    if not path.is_file():
        stores = ("store", "*/store") if path.name == "results.json" else ()
        stopped = any(next(path.parent.glob(store), None) for store in stores)
        why = "a run was stopped there, and the same command goes on" if stopped else MAKES
        raise ResultsError(f"Expected a result file. Got {path}, which does not exist: {why}.")
    document = read_document(path)
    version = document.get("schema_version") if isinstance(document, dict) else None
    if version not in (1, VERSION):
        raise ResultsError(
            f"Expected schema_version 1 or {VERSION} in {path}. Got {version!r}: run it again with "
            "this version, or report it with the one that made it."
        )
    try:
        if version == 1:
            from hpe_art.evaluation.version_1 import converted

            document = converted(document)
        results = Results.model_validate(document)
    except KeyError as missing:
        raise ResultsError(
            f"Expected results of version 1 in {path}. Got some without {missing}."
        ) from None
    except ValidationError as error:
        raise ResultsError(
            f"Expected results that fit the schema in {path}. Got at {first_fault(error)}."
        ) from None
    except (AttributeError, IndexError, TypeError, ValueError) as error:  # of version 1
        raise ResultsError(f"Expected results of version 1 in {path}. Got: {error}.") from None
    check_results(results, path)
    return results


def read_document(path: Path) -> Any:
    """The JSON of a file, of which nothing is known.

    Raises:
        ResultsError: it is not there, too large, or not JSON.
    """
    try:
        size = path.stat().st_size
        if size > LARGEST:
            raise ResultsError(
                f"Expected a result file of at most {LARGEST / 1e6:g} MB. Got {path} of "
                f"{size / 1e6:.0f} MB: name what `attack` or `study` wrote."
            )
        return parsed(path.read_bytes())
    except (OSError, ValueError) as error:
        if isinstance(error, ResultsError):
            raise
        raise ResultsError(f"Expected JSON in {path}. Got: {error}.") from None


def parsed(content: bytes) -> Any:
    """JSON without numbers that are none; a ValueError says what else it is."""
    # An object of one value takes up to 232 bytes, a number 32 and its place.
    values = 240 * (content.count(b"{") + content.count(b"[")) + 64 * content.count(b",")
    if len(content) > LARGEST or values > MOST_VALUES:
        raise ValueError("more values than any results have")
    try:
        return json.loads(
            content.decode("utf-8"),
            parse_constant=_refuse,
            parse_int=_whole_number,
            parse_float=_number,
        )
    except RecursionError:
        raise ValueError("lists in lists without end") from None


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not a number")


def _whole_number(text: str) -> int:
    if len(text) > DIGITS:
        raise ValueError(f"a number of {len(text)} digits")
    return int(text)


def _number(text: str) -> float:
    if not abs(number := float(text)) < MAGNITUDE:
        raise ValueError(f"{text} is too large a number")
    return number


def check_results(results: Results, path: Path) -> None:
    """Sees that the parts of results fit each other, and that names can be shown.

    Raises:
        ResultsError: the first that does not.
    """
    runs = results.runs.items()
    found = [fault for name, run in runs for fault in _faults(name, run, path.parent)]
    eps = results.study.grid.get("curve_eps", 1.0) if results.study else 1.0
    if not isinstance(eps, (int, float)) or eps <= 0:
        found.append(f"{eps!r} for the study's curve_eps")
    if found:
        raise ResultsError(f"Expected results that fit together in {path}. Got {found[0]}.")


def _faults(name: str, run: Run, folder: Path) -> Iterator[str]:
    skeleton = run.skeleton
    attacks = [attack.name for attack in run.attacks]
    metric = (run.metric.key, run.metric.label, run.metric.unit or "-")
    images = run.dataset.images.values()
    shown = [*attacks, *metric, *run.observers, *skeleton.joints, *skeleton.groups, *images]
    for one in (name, *shown):
        if not one.isprintable() or not 0 < len(one) <= LONGEST_NAME:
            yield f"a name that cannot be shown in {name[:LONGEST_NAME]!r}: {one[:80]!r}"
    plain = [name, *(attack.folder for attack in run.attacks if attack.folder)]
    for one in plain:
        if Path(one).name != one or one == "..":
            yield f"the name {one!r}, which leads out of its folder"
    if fault := skeleton_fault(name, skeleton.joints, skeleton.groups, skeleton.bones):
        yield fault
    if run.dataset.num_samples < 1:
        yield f"{run.dataset.num_samples} people of {name}"
    if any(attack.eps is not None and attack.eps <= 0 for attack in run.attacks):
        yield f"an attack of {name} with eps that is not above 0"
    yield from _picture_faults(name, run, folder)


def _picture_faults(name: str, run: Run, folder: Path) -> Iterator[str]:
    pictured = [person for example in run.examples for person in example.people]
    named = [one for person in pictured for one in (person.image, person.perturbation) if one]
    for one in (*named, *(alone.image for alone in run.universal)):
        if not _is_picture_inside(folder, one):
            yield f"the picture {one[:LONGEST_NAME]!r} of {name}, which is none inside {folder}"
    count = len(run.skeleton.joints)
    poses = [one for person in pictured for one in (person.pose, person.target) if one is not None]
    if any(len(pose) != count for pose in poses):
        yield f"a picture of {name} with a pose of other than {count} joints"
    for alone in run.universal:
        if any(len(point) < 2 for pose in alone.poses.values() for point in pose):
            yield f"a pose of {name} without x and y"


def _is_picture_inside(folder: Path, name: str) -> bool:
    """Whether a page may hold a file: whoever made the results may not be who makes the page."""
    path = Path(name)
    if not name.isprintable() or path.suffix.lower() not in PICTURES:
        return False
    return (folder / path).resolve().is_relative_to(folder.resolve())
