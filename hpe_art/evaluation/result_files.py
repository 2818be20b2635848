"""The only reader and writer of results.json."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import ValidationError

from hpe_art.errors import UserError
from hpe_art.evaluation.results import VERSION, Results
from hpe_art.files import write_whole


class ResultsError(UserError):
    """A result file cannot be used; the message names it and the mend."""


def write_results(path: str | Path, results: Results) -> None:
    """Writes results; the file is either complete or as it was before."""
    write_whole(path, results.model_dump_json(indent=1) + "\n")


def read_results(path: str | Path) -> Results:
    """Reads results of this version, and of version 1, which are converted.

    Args:
        path: a results.json, or a folder that has one.

    Raises:
        ResultsError: no such file, not JSON, another version, or a key that does not fit.
    """
    path = Path(path)
    path = path / "results.json" if path.is_dir() else path
    try:
        document = json.loads(path.read_text("utf-8"), parse_constant=_refuse)
    except FileNotFoundError:
        raise ResultsError(f"Expected a result file. Got {path}, which does not exist.") from None
    except (OSError, ValueError) as error:
        raise ResultsError(f"Expected JSON in {path}. Got: {error}.") from None
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
        return Results.model_validate(document)
    except KeyError as missing:
        raise ResultsError(
            f"Expected results of version 1 in {path}. Got some without {missing}."
        ) from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ResultsError(
            f"Expected results that fit the schema in {path}. Got at {where}: {first['msg']}."
        ) from None


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not a number")
