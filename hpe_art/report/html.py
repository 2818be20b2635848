"""The report: one HTML file with everything inside."""

import io
import json
import re
from collections.abc import Callable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined
from matplotlib import rc_context
from matplotlib.figure import Figure

from hpe_art.evaluation.results import Results
from hpe_art.report.leading import metric_of
from hpe_art.report.numbers import digits_of, eps_text, score_text
from hpe_art.report.styles import PLAIN_TEXT, Drawing, Styles
from hpe_art.report.summary import remarks, summary
from hpe_art.report.table import official_cells
from hpe_art.report.viewer import viewer_data

_NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))


def report_html(
    results: Results, folders: Mapping[str, Path], figures: Mapping[str, Drawing]
) -> str:
    """The page, of results and folders from `read_runs` and figures from `report_figures`."""
    networks, metric = list(results.runs), metric_of(results)
    styles, digits = Styles(networks), digits_of(metric)
    filters = {
        "score": lambda value: score_text(value, digits, none="–"),
        "percent": lambda value: score_text(value, none="–"),
        "eps": eps_text,
        # How dark a cell is: 1 for a network that the attack does not touch.
        "kept": lambda value: (
            (min(value, 100) if metric.higher_is_better else 1e4 / max(value, 100)) / 100
        ),
    }
    data = json.dumps(viewer_data(results, folders), separators=(",", ":"))
    return rendered(
        "report.html.j2",
        results,
        filters,
        Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True),
        networks=networks,
        colours={name: styles.colour(name) for name in networks},
        groups=list(results.runs[networks[0]].skeleton.groups),
        figures={name: (svg(one, f"{name}-"), text) for name, (one, text) in figures.items()},
        official={n: official_cells(r) for n, r in results.runs.items() if r.clean.official},
        viewer=data.replace("<", "\\u003c"),
    )


def rendered(
    name: str,
    results: Results,
    filters: Mapping[str, Callable[..., Any]],
    environment: Environment,
    **values: Any,
) -> str:
    """A template of this package, given the results, what to know first of them, and values."""
    environment.filters |= filters
    text = resources.files("hpe_art.report").joinpath("templates", name).read_text("utf-8")
    return environment.from_string(text).render(
        results=results,
        study=results.study,
        metric=metric_of(results),
        summary=summary(results),
        remarks=remarks(results),
        **values,
    )


def svg(figure: Figure, prefix: str = "") -> str:
    """A figure as SVG, its text as text; the prefix makes the names inside unique in a page."""
    file = io.StringIO()
    # The same names inside each time.
    with rc_context({"svg.hashsalt": "hpe_art", "svg.fonttype": "none", **PLAIN_TEXT}):
        figure.savefig(file, format="svg", metadata=_NO_METADATA)
    text = file.getvalue()
    return re.sub(r'(\sid="|url\(#|href="#)', rf"\1{prefix}", text[text.index("<svg") :])
