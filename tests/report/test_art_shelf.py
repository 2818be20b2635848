from hpe_art.evaluation.results import MetricRecord
from hpe_art.report.art_shelf import shelf_markdown


def test_the_page_counts_and_shows_each_row():
    metric = MetricRecord(key="PCKh", label="PCKh@0.5")
    base = dict(through="view", note="", before=80.0, linf=8.0, seconds=1.0)
    rows = [
        dict(base, name="Strong", eps=8.0, after=10.0, moved=20.0),
        dict(base, name="Idle", eps=None, after=80.0, moved=0.1),
        dict(name="Broken", through="view", note="", eps=None, error="needs the package x"),
    ]
    page = shelf_markdown(rows, {"Audio": "attacks speech"}, "Seed 0.", metric)
    assert "Of 4 classes 3 apply to images, 2 ran, and 1 moved the joints" in page
    assert "| `Strong` | view | 80.0 → 10.0 | 20.0 | 8.0 | 8 | 1.0 |  |" in page
    assert "| `Idle` | view | 80.0 → 80.0 | 0.1 | 8.0 | - | 1.0 |  |" in page
    assert "| `Broken` | view | - | - | - | - | - | needs the package x |" in page
    assert "| `Audio` | attacks speech |" in page
    assert "PCKh@0.5 in percent before and after; changes" in page
    assert page.index("Broken") < page.index("Idle") < page.index("Strong")
