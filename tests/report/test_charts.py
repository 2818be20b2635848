"""The page's charts in a browser."""

from __future__ import annotations

from itertools import pairwise

import pytest
from example_results import attack, observer, run
from pages import heights, marks, titles

from hpe_art.evaluation.results import Results
from hpe_art.report.html import report_html


def test_what_the_charts_show_is_chosen(page):
    assert titles(page, "over-eps") == ["IGSM-U-10", "FGSM-U"]
    assert len(marks(page, "over-eps")) == 2 * 2 * 3
    assert len({tuple(one) for one in marks(page, "over-eps")}) == 2  # one of each network
    page.locator("#toggle-networks").get_by_label("frail").uncheck()
    assert len(marks(page, "over-eps")) == 2 * 3
    page.locator("#toggle-attacks").get_by_label("FGSM-U").uncheck()
    assert titles(page, "over-eps") == ["IGSM-U-10"]
    axis = page.locator("#over-eps .chart .role-axis-title")
    assert "relative PCKh@0.5 (%)" in axis.all_text_contents()
    page.locator("#pick-score").select_option("PCKh@0.5 (%)")
    assert "PCKh@0.5 (%)" in axis.all_text_contents()
    assert titles(page, "over-eps") == ["IGSM-U-10"]
    ticks = page.locator("#over-eps .role-axis-label text")
    assert {"2", "8", "16"} <= set(ticks.all_text_contents())
    page.get_by_role("radio", name="linear").check()
    assert "10" in ticks.all_text_contents()
    page.get_by_role("radio", name="network").check()
    assert titles(page, "over-eps") == ["sturdy"]


def test_charts_fill_their_panels_from_the_start(page):
    within = "all => all.map(svg => [svg.viewBox.baseVal.width, svg.parentNode.clientWidth])"
    for drawn, room in page.locator("#over-eps .chart svg").evaluate_all(within):
        assert room - 20 < drawn <= room


def test_a_score_brings_the_attacks_that_have_it(page):
    ticked = page.locator("#toggle-attacks input:checked")
    before = ticked.evaluate_all("all => all.map(box => box.value)")
    assert "IGSM-T-20" not in before
    page.locator("#pick-score").select_option("target PCKh@0.5 (%)")
    assert titles(page, "over-eps") == ["IGSM-T-20"]
    assert page.locator("#toggle-attacks").get_by_label("IGSM-T-20").is_visible()
    page.locator("#toggle-attacks").get_by_label("IGSM-T-20").uncheck()
    assert page.locator("#no-curve").is_visible()
    page.locator("#pick-score").select_option("PCKh@0.5 (%)")
    assert ticked.evaluate_all("all => all.map(box => box.value)") == before


def test_a_point_says_its_number_and_interval(page):
    chart = page.locator("#over-eps .chart").first
    chart.scroll_into_view_if_needed()
    chart.locator(".mark-symbol path").last.hover(force=True)
    assert page.locator("#tip").text_content() == (
        "10.0 (9.0 to 11.0) relative PCKh@0.5 (%)frail, IGSM-U-10, eps 16"
    )
    page.mouse.move(0, 0)
    assert page.locator("#tip").is_hidden()


@pytest.mark.parametrize(
    ("attacks", "drawn"),
    [
        ([attack("FGSM-U", 8, 50.0)], 1),
        ([attack("FREE-U", None, 15.0)], 0),
        ([attack("IGSM-U-10", 8, None)], 0),
        ([], 0),
    ],
    ids=["one eps", "no bound", "no labels", "no attack"],
)
def test_little_is_shown_and_what_is_missing_is_said(opened, attacks, drawn):
    page = opened(report_html(Results(runs={"net": run(attacks)}), {}))
    assert page.locator("#over-eps .chart").count() == drawn
    assert "No pictures are with these results." in page.locator("#viewer").text_content()
    assert page.locator("#viewer img").count() == 0
    if attacks:
        assert page.locator("#no-curve").is_visible() == (drawn == 0)
        assert page.locator("#one-eps").is_visible() == (drawn == 1)
        assert len(marks(page, "over-eps")) == drawn
        assert page.locator("#over-eps .mark-line path").count() == 0
        assert page.locator("#no-joints").is_visible() == (attacks[0].relative.value is None)


def test_bars_stay_where_an_interval_is_longer_than_the_axis(opened):
    """Of a few people, some joints keep five times as much as before."""
    one = attack("FGSM-U", 8, 50.0)
    one.relative.joint_intervals["right_hip"] = (0.0, 500.0)
    page = opened(report_html(Results(runs={"net": run([one])}), {}))
    bars = page.locator("#joint-chart .mark-rect path")
    assert max(bar.bounding_box()["width"] for bar in bars.all()) > 100


def test_a_joint_of_which_nothing_is_left_has_a_mark(opened):
    page = opened(report_html(Results(runs={"net": run([attack("FGSM-U", 8, 0.0)])}), {}))
    bars = page.locator("#joint-chart .mark-rect path").all()
    assert sum(bar.bounding_box()["width"] >= 2 for bar in bars) == 16


def test_marks_of_one_joint_lie_apart(opened):
    lost = {name: run([attack("FGSM-U", 8, 0.0)]) for name in ("net", "other")}
    page = opened(report_html(Results(runs=lost), {}))
    found = sorted(heights(page, "joint-chart"))
    assert len(found) == 2 * 16
    assert min(after - before for before, after in pairwise(found)) > 5
    page.set_viewport_size({"width": 1200, "height": 3000})  # where tips have room
    page.locator("#joint-chart .chart").press("ArrowRight")
    tip = page.locator("#tip")
    first = tip.bounding_box()["y"]
    for _ in range(16):
        page.locator("#joint-chart .chart").press("ArrowRight")
    assert "other, right_ankle" in tip.text_content()
    assert tip.bounding_box()["y"] - first == pytest.approx(found[1] - found[0], abs=1)


def test_defences_are_in_no_order_and_all_are_named(opened):
    seen = {name: attack("X", 8, 75.0) for name in ("jpeg", "smoothing", "flip-perturbation")}
    behind = {name: observer("defence") for name in seen}
    one = run([attack("FGSM-U", 8, 20.0, observed=seen)], observers=behind)
    html = report_html(Results(runs={"net": one, "other": one}), {})
    page = opened(html, viewport={"width": 390, "height": 800})
    assert len(marks(page, "behind-defences")) == 2 * 4
    assert page.locator("#behind-defences .mark-line path").count() == 0
    assert page.locator("#behind-defences .mark-rule.role-mark line").count() == 2 * 4  # intervals
    labels = page.locator("#behind-defences .role-axis-label text").all_text_contents()
    assert {"no defence", *seen} <= {*labels}


def test_an_attack_is_not_taken_for_a_network(page):
    swatches = page.locator("#toggle-attacks .swatch")
    assert not swatches.first.is_visible()  # each is a panel
    page.get_by_role("radio", name="network").check()
    assert swatches.first.is_visible()
    colour = "all => all.map(swatch => getComputedStyle(swatch).color)"
    of_networks = page.locator("#toggle-networks .swatch").evaluate_all(colour)
    assert len({*of_networks, *swatches.evaluate_all(colour)}) == 2 + 4
