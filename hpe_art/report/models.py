"""The page of all models of MMPose that were checked."""

from collections import Counter
from collections.abc import Sequence
from textwrap import fill

from hpe_art.evaluation.model_check import GRADIENTS_APART, POSES_APART
from hpe_art.evaluation.model_sweep import FAILS, NEEDS, REFUSED, WORKS, Checked
from hpe_art.files import package_versions
from hpe_art.report.table import markdown_lines

INTRODUCTION = f"""\
# Models of MMPose

Every config of the installed MMPose, with random weights and images, on the CPU. A model *works* if
its poses are MMPose's own to {POSES_APART:g} pixels of the crop, flip-test off and on; its input
gradients, through the scored path in float64, are central differences to
{100 * GRADIENTS_APART:g} %, flip-test off and on and over all outputs; and a step of PGD stays in
its ball. Configs of the same model are checked once (*like*). Made by

    python tools/check_models.py --markdown docs/mmpose_models.md
"""
WIDTH = 118
LEGEND = (
    "Parameters in millions, distance of poses in crop pixels and of gradients as a share, "
    "seconds, MiB of the process."
)
COLUMNS = (
    "input",
    "joints",
    "outputs",
    "parameters",
    "poses apart",
    "gradients apart",
    "time",
    "memory",
)


def models_page(found: Sequence[Checked]) -> str:
    """What was found, as Markdown: counts for each head, then every config."""
    checked = [one for one in found if one.status in (WORKS, FAILS, NEEDS)]
    counts = Counter((one.head, one.status) for one in checked)
    heads = sorted({one.head for one in checked})
    totals = Counter(one.status for one in found)
    states = (WORKS, FAILS, NEEDS)
    rows = [[f"`{head}`", *(str(counts[head, state]) for state in states)] for head in heads]
    versions = ", ".join(f"{name} {version}" for name, version in package_versions().items())
    lines = [
        INTRODUCTION,
        f"{len(found)} configs: " + ", ".join(f"{totals[s]} {s}" for s in (*states, REFUSED)) + ".",
        fill(f"{versions}.", WIDTH),
        "",
        *markdown_lines(["head", *states], rows),
        "",
        "## Each model",
        "",
        LEGEND,
        "",
        *markdown_lines(["config", "head", "", *COLUMNS], [_row(one) for one in checked]),
        "",
        "## Refused",
        "",
        *(_refused(one) for one in found if one.status == REFUSED),
    ]
    return "\n".join(lines) + "\n"


def _refused(one: Checked) -> str:
    text = f"- `{one.config}`: {one.why}"
    return fill(text, WIDTH, subsequent_indent="  ", break_on_hyphens=False, break_long_words=False)


def _row(one: Checked) -> list[str]:
    told = one.status if one.status == WORKS else f"{one.status}: {one.why}"
    size = "x".join(map(str, one.input_size)) if one.input_size else ""
    numbers = (one.parameters, one.poses_apart, one.gradients_apart, one.seconds, one.peak_mib)
    shown = [f"{number:g}" if number is not None else "" for number in numbers]
    if one.like:
        told, shown[-2:] = f"{told}, like `{one.like.rpartition('/')[2]}`", ["", ""]
    counts = ["" if number is None else str(number) for number in (one.joints, one.outputs)]
    return [f"`{one.config}`", f"{one.head}, {one.codec}", told, size, *counts, *shown]
