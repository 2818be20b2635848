"""What `attack` says before and after a run, and to whom."""

import argparse
import shlex
from pathlib import Path
from typing import Any

from hpe_art.commands.door import program

OF_ATTACKS = (
    *("attack", "both", "max_iter", "eps_step", "outputs", "loss", "schedule", "methods"),
    *("sources", "feedback", "size", "perturbation", "fit_data_root", "fit_ann_file"),
    *("fit_samples", "epochs"),
)
OF_THE_CALL = ("launcher", "local_rank", "overwrite", "quiet", "json")
"""Arguments that a command with another attack does without."""
NAMED = 8
"""People in a line, at most."""


def plan(run: Any, folder: Path) -> str:
    """What a prepared run will do, in a sentence or two."""
    from hpe_art.attacks import shareable

    groups = shareable(run.attacks.values())
    costs = [type(group[0]).passes(group) for group in groups]
    gradients = sum(cost[1] for cost in costs if cost)
    unknown = [group[0].label for group, cost in zip(groups, costs, strict=True) if cost is None]
    noun = "gradient" if gradients == 1 else "gradients"
    count = f"at most {gradients:,} {noun} for each" if gradients else "no gradients"
    if unknown:
        count += f", and those of {', '.join(unknown)}, which are not known before"
    specs = run.attacks.values()
    names = ", ".join(dict.fromkeys(spec.label for spec in specs))
    bounds = sorted({spec.eps for spec in specs if "eps" in spec.takes()})
    eps = f" at eps {', '.join(f'{one:g}' for one in bounds)}" if bounds else ""
    return (
        f"Attacks {len(run.people)} people with {names}{eps}: {count}. Results go to {folder}; "
        "what is there already is not made again."
    )


def pictured(run: Any) -> str:
    """Who is in the pictures of a run, by the names of their images."""
    people = [one.person for one in run.examples[0].people]
    names = "; ".join(run.dataset.called(person) for person in people[:NAMED])
    more = f"; and {len(people) - NAMED} more" if len(people) > NAMED else ""
    count = run.dataset.num_samples
    how = "; --pictures N for others" if len(people) < count else ""
    return f"Pictured: {len(people)} of {count} people{how}. {names}{more}."


def next_commands(parser: argparse.ArgumentParser, args: argparse.Namespace) -> list[str]:
    """The report, and the same run with the strongest attack where there is a stronger one."""
    folder = args.work_dir
    report = [program("report"), shlex.join([str(folder), "-o", str(folder / "report.html")])]
    commands = [" ".join(report)]
    strongest = {None: ["auto"], "fast": ["auto", "--size", "standard"]}
    done = args.size or "fast" if "auto" in (args.attack or ()) else None
    if done in strongest and args.norm != 1:  # it climbs in norms inf and 2
        left_out = {*OF_ATTACKS, *OF_THE_CALL}
        if not args.targeted:
            left_out |= {"target", "target_joints"}
        # In a folder of its own: its target poses may be others.
        beside = str(folder).removesuffix("_strongest") + ("_standard" if done else "_strongest")
        own = argparse.Namespace(**{**vars(args), "work_dir": Path(beside)})
        again = shlex.join([*_words(parser, own, left_out), "--attack", *strongest[done]])
        commands.append(f"{program('attack')} {again}")
    return commands


def _words(
    parser: argparse.ArgumentParser, args: argparse.Namespace, without: set[str]
) -> list[str]:
    """The arguments that are not the usual ones, as they would be typed."""
    words: list[str] = []
    for action in parser._actions:
        value = getattr(args, action.dest, action.default)
        if action.dest in without or value == action.default:
            continue
        words += action.option_strings[:1]
        if isinstance(value, dict):
            words += [f"{key}={one}" for key, one in value.items()]
        elif value is not True:
            values = value if isinstance(value, (list, tuple)) else [value]
            words += [f"{one:g}" if isinstance(one, float) else str(one) for one in values]
    return words
