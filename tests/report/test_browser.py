"""The page in a browser: what it shows, what can be chosen, and whom it serves."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from example_results import attack, observer
from pages import marks, page_of, titles

from hpe_art.evaluation.results import Results
from hpe_art.report.cards_html import cards_html
from hpe_art.report.html import report_html
from hpe_art.studies.robustness_card import read_cards

CARDS = Path(__file__).parents[2] / "model_cards"


HOSTILE = "<img src=x onerror=document.title='run'>{{1+1}}'\\"


def column(table, place):
    return table.locator(f"tbody tr td:nth-child({place})").all_text_contents()


def test_a_body_shows_what_is_left_of_each_joint(page):
    first = page.locator("#bodies .body").first
    assert page.locator("#joint-eps-now").text_content() == "eps 8"  # half is lost, nearly
    assert "pelvis 60" in first.locator("svg").first.get_attribute("aria-label")
    assert first.locator("text").all_text_contents() == ["60"] * 16
    said = "all joints that count (not pelvis and thorax): 60.0 (59.0 to 61.0) %"
    assert first.locator("figcaption .small").text_content() == said
    before = first.locator("circle").first.get_attribute("fill")
    page.locator("#joint-eps").press("End")
    assert page.locator("#joint-eps-now").text_content() == "eps 16"
    assert first.locator("text").first.text_content() == "40"
    assert first.locator("circle").first.get_attribute("fill") != before
    assert page.locator("#joint-chart .mark-symbol path").count() == 2 * 16


def test_joints_begin_with_what_most_networks_have_and_say_what_is_lacking(opened, study):
    path = study / "results.json"
    document = json.loads(path.read_text())
    document["study"]["grid"]["leading_attack"] = "IGSM-U-10"
    kept = [one for one in document["runs"]["frail"]["attacks"] if one["name"] != "IGSM-U-10"]
    document["runs"]["frail"]["attacks"] = kept
    path.write_text(json.dumps(document))
    page = opened(page_of(study))
    assert page.locator("#joint-attack").input_value() == "FGSM-U"
    assert page.locator("#bodies svg[role=img]").count() == 2
    page.locator("#joint-attack").select_option("IGSM-U-10")
    assert page.locator("#bodies svg[role=img]").count() == 1
    assert titles(page, "bodies")[1] == "frail was not attacked by IGSM-U-10 at eps 8."


def test_the_slider_changes_the_picture(page):
    image, say = page.locator("#stage-perturbed img"), page.locator("#say-perturbed")
    assert page.locator("#pick-attack").input_value() == "IGSM-U-10"
    before = image.get_attribute("src")
    page.locator("#pick-eps").focus()
    page.keyboard.press("End")
    assert image.get_attribute("src") != before
    assert say.text_content() == "sturdy, IGSM-U-10, eps 16"
    page.keyboard.press("ArrowLeft")
    assert say.text_content() == "sturdy, IGSM-U-10, eps 8"
    assert page.locator("#stage-perturbed svg line:not(.edge)").count() == 2 * 15
    page.locator("#pick-network").select_option("frail")
    page.locator("#pick-person").select_option("IMG_2007.jpg, person 7")
    said = page.locator("#say-clean").text_content()
    assert said == "clean as frail sees it: IMG_2007.jpg, person 7"
    assert image.get_attribute("src") != before
    assert page.locator("#view-other").is_hidden()
    others = page.locator("#pick-other option")
    assert others.all_text_contents() == ["nothing", "sturdy"]
    page.locator("#pick-other").select_option("sturdy")
    assert page.locator("#say-other").text_content() == "sturdy, IGSM-U-10, eps 8"
    assert page.locator("#stage-other img").get_attribute("src") != image.get_attribute("src")
    page.locator("#pick-network").select_option("sturdy")
    assert others.all_text_contents() == ["nothing", "frail"]
    assert page.locator("#say-other").text_content() == "frail, IGSM-U-10, eps 8"  # they trade


def test_the_target_pose_is_drawn_on_the_picture(page):
    dotted = page.locator("#stage-perturbed svg .target")
    assert dotted.count() == 0
    page.locator("#pick-attack").select_option("IGSM-T-20")
    assert dotted.count() == 14  # right_ankle may go anywhere
    assert page.locator("#stage-clean svg .target").count() == 0
    clean, target = page.locator("#stage-perturbed svg .clean").last, dotted.last
    assert float(target.get_attribute("x1")) == float(clean.get_attribute("x1")) + 20
    assert "dotted: the target pose" in page.locator("#viewer").text_content()


def test_sorting_sorts(page):
    table = page.locator("#all-scores")
    page.locator("#all-scores th", has_text="relative").locator("button").click()

    def relative():
        return [float(cell.partition(" ±")[0]) for cell in column(table, 5) if cell != "–"]

    assert relative() == sorted(relative()) and len(relative()) == 16
    page.locator("#all-scores th", has_text="relative").locator("button").press("Enter")
    assert relative() == sorted(relative(), reverse=True)
    assert page.locator("#all-scores th[aria-sort=descending]").count() == 1
    page.locator("#filter").select_option("frail")
    assert table.locator("tbody tr:visible").count() == 9


def test_a_transfer_matrix_is_sorted_by_row_and_by_column(opened, sturdy, frail):
    sturdy.observers = {"frail": observer(), "third": observer(), "jpeg": observer("defence")}
    seen = {"frail": attack("X", 8, 75.0), "third": attack("X", 8, 5.0)}
    sturdy.attacks[1].observed = seen
    results = Results(runs={"sturdy": sturdy, "frail": frail})
    table = opened(report_html(results, {})).locator("#transfer-table")
    assert table.locator("thead th").all_text_contents()[1:] == ["sturdy", "frail"]
    assert column(table, 2) == ["60.0", "75.0", "5.0"] and column(table, 3) == ["–", "30.0", "–"]
    table.locator("thead").get_by_role("button", name="sturdy").click()
    assert column(table, 2) == ["5.0", "60.0", "75.0"]
    table.locator("tbody").get_by_role("button", name="frail").click()
    assert table.locator("thead th").all_text_contents()[1:] == ["frail", "sturdy"]


SCREENS = [(1200, "light", (255, 255, 255)), (380, "dark", (23, 23, 27))]


def shown_on(page, width, scheme):
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme=scheme)


def test_a_page_fits_narrow_and_dark_screens_and_does_not_move(opened, study):
    page = opened(page_of(study), reduced_motion="reduce")
    assert page.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == "auto"
    for width, scheme, paper in SCREENS:
        shown_on(page, width, scheme)
        background = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert background == f"rgb{paper}"
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["study", "compared", "cards"])
def test_everybody_can_use_a_page(opened, study, tmp_path, kind):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    make = {
        "study": lambda: page_of(study),
        "compared": lambda: page_of(study, shutil.copytree(study, tmp_path / "other")),
        "cards": lambda: cards_html(read_cards(CARDS)),
    }
    page = opened(make[kind]())
    for width, scheme, _ in SCREENS:
        shown_on(page, width, scheme)
        found = axe.run(page)
        assert found.violations_count == 0, found.generate_report()


def test_every_choice_is_reached_by_keyboard(page):
    page.locator("#pick-score").focus()
    for _ in range(4):  # the scale, the panels, a network for each
        page.keyboard.press("Tab")
    page.keyboard.press("Space")
    assert page.evaluate("document.activeElement.value") == "frail"
    assert not page.locator("#toggle-networks").get_by_label("frail").is_checked()
    assert len(marks(page, "over-eps")) == 2 * 3
    page.locator("#over-eps .chart").first.focus()
    for _ in range(2):
        page.keyboard.press("ArrowRight")
    said = "60.0 (59.0 to 61.0) relative PCKh@0.5 (%)sturdy, IGSM-U-10, eps 8"
    assert page.locator("#tip").text_content() == said


def test_names_of_strangers_stay_text_in_charts_and_pictures(opened, study):
    path = study / "results.json"
    for name in ("frail", "IGSM-U-10", "head_top", "Wrist", "IMG_2000.jpg"):
        path.write_text(path.read_text().replace(json.dumps(name), json.dumps(HOSTILE + name[0])))
    path.write_text(
        path.read_text().replace(json.dumps("PCKh@0.5"), json.dumps("</script>" + HOSTILE))
    )
    page = opened(page_of(study))
    assert page.title() == "How robust are these pose models?"
    assert page.locator("img[src=x]").count() == 0
    assert titles(page, "over-eps")[0] == HOSTILE + "I"
    assert HOSTILE + "f" in page.locator("#toggle-networks").text_content()
    assert HOSTILE + "f" in page.locator("#pick-network").text_content()
    assert HOSTILE + "I, person 0" in page.locator("#pick-person").text_content()
    assert page.locator("#say-clean").text_content().endswith(f": {HOSTILE}I, person 0")


def test_two_are_compared_side_by_side(opened, study, tmp_path):
    page = opened(page_of(study, shutil.copytree(study, tmp_path / "other")))
    assert titles(page, "compare") == [
        f"Change of PCKh@0.5 by joint under IGSM-U-10, eps 8: {name} (after) minus {name} (before)"
        for name in ("sturdy", "frail")
    ]
    page.locator("#compare .pick-change").first.select_option("FGSM-U, eps 16")
    assert "by joint under FGSM-U, eps 16: sturdy (after) minus" in titles(page, "compare")[0]
    page.locator("#compare .pick-change").last.select_option("clean")
    assert "by joint on clean images: frail (after) minus" in titles(page, "compare")[1]
    page.locator("#compare .chart").first.press("ArrowLeft")
    said = page.locator("#tip").text_content()
    assert said == "0.0 change of PCKh@0.5left_wrist, FGSM-U, eps 16"
    assert page.locator("#pick-network").input_value() == "sturdy (before)"
    assert page.locator("#say-other").text_content() == "sturdy (after), IGSM-U-10, eps 8"


def test_what_another_attack_did_is_beside_it(opened, study, tmp_path):
    other = shutil.copytree(study, tmp_path / "other")
    for folder, lacking in ((study, "IGSM-U-10"), (other, "FGSM-U")):
        path = folder / "results.json"
        document = json.loads(path.read_text())
        for kind, name in (("attacks", "name"), ("examples", "attack")):
            for one in document["runs"].values():
                one[kind] = [entry for entry in one[kind] if entry[name] != lacking]
        path.write_text(json.dumps(document))
    page = opened(page_of(study, other))
    said, beside = page.locator("#say-perturbed"), page.locator("#say-other")
    assert said.text_content() == "sturdy (before), FGSM-U, eps 8"
    assert beside.text_content() == "sturdy (after), IGSM-U-10, eps 8"
    assert page.locator("#stage-other img").is_visible()
    page.locator("#pick-other-attack").select_option("IGSM-T-20")
    page.locator("#pick-eps").press("Home")
    assert said.text_content() == "sturdy (before), FGSM-U, eps 2"
    assert beside.text_content() == "sturdy (after), IGSM-T-20, eps 8"  # of no other eps
    page.locator("#pick-attack").select_option("IGSM-T-20")
    page.locator("#pick-network").select_option("sturdy (after)")
    page.locator("#pick-other").select_option("")
    assert page.locator("#pick-other-attack").is_hidden()


def test_no_page_opens_with_a_picture_that_is_not_there(opened, study, tmp_path):
    other = shutil.copytree(study, tmp_path / "other")
    path = other / "results.json"
    path.write_text(path.read_text().replace('"person": 0', '"person": 1'))
    page = opened(page_of(study, other))
    assert page.locator("#pick-network").input_value() == "sturdy (before)"
    assert page.locator("#view-other").is_hidden()
    page.locator("#pick-other").select_option("sturdy (after)")
    assert page.locator("#say-other").text_content() == "no such picture of sturdy (after)"


def test_the_table_of_cards_is_sorted(opened):
    page = opened(cards_html(read_cards(CARDS)))
    table = page.locator("table.sortable").first
    assert page.locator(".panels .chart").count() == 1
    table.locator("th", has_text="clean").locator("button").click()
    clean = [float(cell) for cell in column(table, 2)]
    assert clean == sorted(clean) and len(clean) > 1


def test_swatches_and_curves_are_lighter_on_a_dark_page(opened, study):
    page = opened(page_of(study))
    swatch = page.locator("#toggle-attacks .swatch").nth(1)
    colour = "swatch => getComputedStyle(swatch).color"
    light = swatch.evaluate(colour)
    page.emulate_media(color_scheme="dark")
    assert (light, swatch.evaluate(colour)) == ("rgb(150, 15, 0)", "rgb(173, 68, 56)")


def test_a_long_table_scrolls_under_its_heading(opened, study):
    page = opened(page_of(study), viewport={"width": 1200, "height": 300})
    box = page.locator(".long")
    heading = page.locator("#all-scores th").first
    assert box.evaluate("box => box.scrollHeight > box.clientHeight")
    box.evaluate("box => box.scrollTo(0, 100)")
    assert heading.bounding_box()["y"] == pytest.approx(box.bounding_box()["y"], abs=1)


def test_a_table_that_is_too_wide_says_that_it_goes_on(opened, study):
    page = opened(page_of(study), viewport={"width": 390, "height": 800})
    says = "part => getComputedStyle(document.querySelector(`#${part} .wide`), '::before').content"
    assert "scroll sideways" in page.evaluate(says, "scores")
    assert page.evaluate(says, "made") == "none"  # its rows are blocks
    page.set_viewport_size({"width": 1200, "height": 800})
    page.locator("#scores .goes-on").wait_for(state="detached")
    assert page.evaluate(says, "scores") == "none"


def test_words_in_columns_need_no_scrolling_on_a_narrow_screen(opened, study):
    page = opened(page_of(study), viewport={"width": 390, "height": 800})
    for part, words in (("findings", "the paper: 10 %"), ("made", "people: 128")):
        table = page.locator(f"#{part} .wide")
        assert table.evaluate("box => box.scrollWidth <= box.clientWidth")
        heads = "cell => getComputedStyle(cell, '::before').content.slice(1, -1)"
        cells = table.locator("td").all()
        assert words in [cell.evaluate(heads) + cell.inner_text() for cell in cells]
