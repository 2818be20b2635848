"""Several result files as one, to be reported together."""

from collections.abc import Sequence
from pathlib import Path

from hpe_art.evaluation.result_files import ResultsError, read_results
from hpe_art.evaluation.results import Results, Run, Study

BEFORE, AFTER = " (before)", " (after)"
"""What a network's name ends in where it is in both of two results."""
PAGES_OF_THEIR_OWN = ("corruptions.json", "certificates.json")
"""Files that corruptions and certify write, each beside its page."""


def name_in_file(name: str) -> str:
    """A network's name in its own results, by that of `read_runs`."""
    return name.removesuffix(BEFORE).removesuffix(AFTER)


def read_runs(paths: Sequence[Path]) -> tuple[Results, dict[str, Path]]:
    """Merges studies and single runs; gives also the folder of each network's pictures.

    Paths are result files, records of studies, or folders with a `results.json` or `record.npz`.
    Of two, a network in both is there twice, before and after.
    ResultsError if one is not, or for a network in two of three, none at all, or several metrics
    or skeletons.
    """
    runs: dict[str, Run] = {}
    files: dict[str, Path] = {}
    studies: list[tuple[int, str, Study]] = []
    read = [_read(path) for path in paths]
    pictured: dict[str, Path] = {}
    twice = set(read[0].runs).intersection(read[1].runs) if len(read) == 2 else set()
    ends = (BEFORE, AFTER) if twice else ("",) * len(read)
    for path, results, when in zip(paths, read, ends, strict=True):
        for one, run in results.runs.items():
            name = f"{one}{when}" if one in twice else one
            if name in files:
                raise ResultsError(
                    f"Expected each network in one result file. Got {name} in {path} and in "
                    f"{files[name]}: leave one out."
                )
            files[name], runs[name] = path, run
            folder = path if path.is_dir() else path.parent
            stopped = path.is_dir() and _is_stopped(path)
            pictured[name] = folder / one if stopped else folder
        if results.study:
            studies.append((len(results.runs), str(path), results.study))
    if not runs:
        raise ResultsError(
            f"Expected results of a network at least. Got none in {', '.join(map(str, paths))}."
        )
    _check_alike(runs)
    return Results(runs=runs, study=_merged(studies)), pictured


def _read(path: Path) -> Results:
    for data in PAGES_OF_THEIR_OWN:
        if path.name == data or (path / data).is_file():
            page = (path if path.is_dir() else path.parent) / data.replace(".json", ".md")
            raise ResultsError(f"Expected results of attacks. Got {path}: its page is {page}.")
    only_record = (path / "record.npz").is_file() and not (path / "results.json").is_file()
    if path.suffix == ".npz" or only_record:
        from hpe_art.studies.record import read_record  # heavy

        return read_record(path).results
    return (_of_stopped(path) if _is_stopped(path) else None) or read_results(path)


def _is_stopped(folder: Path) -> bool:
    """Whether a study, or a run, was stopped there."""
    stores = ("store", "*/store", "*/results.json")
    return not (folder / "results.json").is_file() and any(map(any, map(folder.glob, stores)))


def _of_stopped(folder: Path) -> Results | None:
    """What is there of a run, or of each network of a study; None if nothing is."""
    from hpe_art.evaluation.unfinished import read_unfinished  # heavy

    if (folder / "store").is_dir():
        one = read_unfinished(folder)
        return None if one is None else Results(runs={Path(one.config).stem: one})
    runs: dict[str, Run] = {}
    begun = {path.parent for name in ("store", "results.json") for path in folder.glob(f"*/{name}")}
    for own in sorted(begun):
        if (own / "results.json").is_file():
            (runs[own.name],) = read_results(own).runs.values()
        elif found := read_unfinished(own):
            runs[own.name] = found
    if not runs:
        return None
    missing = sorted(own.name for own in begun if own.name not in runs)
    note = "Results of single networks: a study that was stopped goes on by the same command."
    return Results(runs=runs, study=Study(protocol=folder.name, missing=missing, notes=[note]))


def _merged(studies: Sequence[tuple[int, str, Study]]) -> Study | None:
    """The study of the most networks, with what is missing and left out of all."""
    if not studies:
        return None
    *_, largest = max(studies, key=lambda one: one[:2])
    known = [study for *_, study in studies]
    # Findings compare networks of one study; those of another do not change them.
    findings = next((study.findings for study in known if study.findings), [])
    strongest = next((study.strongest for study in known if study.strongest), [])
    return largest.model_copy(
        update={
            "findings": findings,
            "strongest": strongest,
            "left_out": {name: why for one in known for name, why in one.left_out.items()},
            "missing": [name for one in known for name in one.missing],
            "notes": [note for one in known for note in one.notes],
        }
    )


def _check_alike(runs: dict[str, Run]) -> None:
    """Networks are compared by one metric, on one skeleton."""
    known, first = next(iter(runs.items()))
    for name, run in runs.items():
        if run.metric != first.metric or run.skeleton != first.skeleton:
            metrics = " and ".join(
                f"{one.metric.label} on {len(one.skeleton.joints)} joints" for one in (first, run)
            )
            raise ResultsError(
                f"Expected networks of one metric and one skeleton. Got {metrics} "
                f"({known} and {name}): report them apart."
            )
