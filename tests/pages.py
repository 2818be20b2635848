"""Report pages for the tests, and what is seen of their charts."""

from __future__ import annotations

from hpe_art.report.comparison import comparisons
from hpe_art.report.html import report_html
from hpe_art.report.reading import read_runs


def page_of(*paths):
    results, folders = read_runs(list(paths))
    compared = comparisons(results, folders) if len(paths) == 2 else []
    return report_html(results, folders, compared)


def marks(page, part):
    """What can be seen of each mark in the charts of a part: its outline and colour."""
    return page.evaluate(
        """part => [...document.querySelectorAll(`#${part} .mark-symbol path`)]
        .filter(mark => mark.getAttribute('opacity') !== '0' && mark.style.opacity !== '0')
        .map(mark => [mark.getAttribute('d'), mark.getAttribute('fill')])""",
        part,
    )


def titles(page, part):
    return page.locator(f"#{part} figcaption").all_text_contents()


def heights(page, part):
    """Where the middle of each mark is that can be seen, from the top."""
    return page.evaluate(
        """part => [...document.querySelectorAll(`#${part} .mark-symbol path`)]
        .filter(mark => mark.getAttribute('opacity') !== '0')
        .map(mark => mark.getBoundingClientRect()).map(box => box.y + box.height / 2)""",
        part,
    )
