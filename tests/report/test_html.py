"""The page: what is in it, and that it works in a browser."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter

import pytest
from example_results import EPE, attack, run

from hpe_art.evaluation.result_files import write_results
from hpe_art.evaluation.results import Results
from hpe_art.report.figures import report_figures
from hpe_art.report.html import report_html
from hpe_art.report.reading import read_runs


def page_of(*paths):
    results, folders = read_runs(list(paths))
    return report_html(results, folders, report_figures(results, folders))


@pytest.fixture
def page_of_run(tmp_path):
    """The page of one network."""

    def page(one):
        write_results(tmp_path / "one.json", Results(runs={"net": one}))
        return page_of(tmp_path / "one.json")

    return page


def test_everything_is_inside_the_page(study):
    page = page_of(study)
    links = set(re.findall(r"https?://[^\"' ]+", page))
    assert all(link.startswith("http://www.w3.org/") for link in links)  # names, not addresses
    assert 'src="' not in page and page.count("<svg") >= 4
    assert "Claim &lt;one&gt;." in page and "&lt;people&gt;.json" in page
    assert "The claims of the paper," in page
    assert page == page_of(study)


def test_claims_under_the_strongest_attack_have_a_section(study):
    page = page_of(study)
    section = page[page.index('<section id="strongest">') :].partition("</section>")[0]
    assert "An &lt;order&gt;." in section and "<td>–</td>" in section and "<td>1</td>" in section
    assert 'href="#strongest"' in page


def test_one_run_is_a_report_too(page_of_run, frail):
    page = page_of_run(frail)
    assert '<strong id="least-robust">net</strong>' in page and 'id="findings"' not in page
    assert "which loses more than half of its PCKh at eps 8 (IGSM-U-10)" in page


def test_what_was_odd_about_a_run_is_said(page_of_run, frail):
    frail.notes = ["Scored and attacked behind jpeg."]
    assert "net: Scored and attacked behind jpeg." in page_of_run(frail)


@pytest.mark.parametrize(
    ("attacks", "people"),
    [
        ([attack("IGSM-U-10", 8, 15.0)], 128),
        ([attack("IGSM-U-10", 8, 15.0), attack("FGSM-U", 2, 70.0)], 1),
        ([attack("NOISE", 8, 99.0)], 1),
        ([attack("FREE-U", None, 15.0)], 128),
        ([attack("IGSM-T-20", 8, 15.0, 80.0)], 128),
        ([attack("IGSM-U-10", 8, None)], 1),
        ([], 128),
    ],
    ids=["one attack", "one person", "noise", "no bound", "targeted", "no labels", "no attack"],
)
def test_little_gives_a_page(page_of_run, attacks, people):
    one = run(attacks)
    one.dataset.num_samples = people
    page = page_of_run(one)
    assert page.count('<tr data-network="net">') == 1 + len(attacks)
    assert f"<td>{people}</td>" in page and "Infinity" not in page and "None" not in page


def test_an_error_is_worse_where_it_is_higher(page_of_run):
    entries = [attack("FGSM-U", eps, left) for eps, left in ((2, 152.0), (8, 304.0))]
    page = page_of_run(run(entries, metric=EPE))
    assert "whose EPE more than doubles at eps 8 (FGSM-U)" in page
    assert "<td>243.2</td><td>304.0</td>" in page.replace(' title="242.2 to 244.2"', "")


def test_official_numbers_have_a_table_of_their_own(page_of_run, frail):
    assert 'id="official"' not in page_of_run(frail)
    frail.clean.official = {"AP": 0.8}
    for one in frail.attacks:
        one.official, one.relative_official = {"AP": 0.2}, {"AP": 25.0}
    page = page_of_run(frail)
    assert 'id="official"' in page and "<td>0.200 (25.0 %)</td>" in page


def test_a_picture_that_is_gone_leaves_a_gap(study):
    for path in study.glob("*_uap.webp"):
        path.unlink()
    assert "seen by" in page_of(study)


def test_the_viewer_keeps_within_its_size(study, monkeypatch):
    monkeypatch.setattr("hpe_art.report.viewer.VIEWER_BYTES", 1)
    small = json.loads(re.search(r'id="viewer-data">(.*?)</script>', page_of(study))[1])
    attacks = small["networks"]["frail"]["attacks"]
    assert {len(cell["people"]) for cells in attacks.values() for cell in cells} == {1}


def test_names_inside_figures_are_unique(study):
    names = re.findall(r'\sid="([^"]+)"', page_of(study))
    assert [name for name, times in Counter(names).items() if times > 1] == []


@pytest.fixture
def browser():
    """Chromium, where the machine has one."""
    executable = shutil.which("chromium") or shutil.which("google-chrome")
    if executable is None:
        pytest.skip("no Chromium here")
    sync_api = pytest.importorskip("playwright.sync_api")
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_api.sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=executable, args=flags)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser, study, tmp_path):
    """The report in the browser; what it says on the console, and what it asks for, is an error."""
    path = tmp_path / "report.html"
    path.write_text(page_of(study), encoding="utf-8")
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    said, asked = [], []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path.as_uri())
    yield page
    assert said == []
    assert [url for url in asked if not url.startswith(("data:", path.as_uri()))] == []


def test_the_slider_changes_the_picture(page):
    image, say = page.locator("#stage-perturbed img"), page.locator("#say-perturbed")
    assert page.locator("#pick-attack").input_value() == "IGSM-U-10"
    before = image.get_attribute("src")
    page.locator("#pick-eps").focus()
    page.keyboard.press("End")
    assert image.get_attribute("src") != before
    assert say.text_content() == "IGSM-U-10, eps 16"
    page.keyboard.press("ArrowLeft")
    assert say.text_content() == "IGSM-U-10, eps 8"
    assert page.locator("#stage-perturbed svg line:not(.edge)").count() == 2 * 15
    page.locator("#pick-network").select_option("frail")
    page.locator("#pick-person").select_option("7")
    assert image.get_attribute("src") != before


def test_sorting_sorts(page):
    table = page.locator("#all-scores")
    page.locator("#all-scores th", has_text="relative").locator("button").click()

    def column():
        cells = table.locator("tbody tr td:nth-child(5)").all_text_contents()
        return [float(cell) for cell in cells if cell != "–"]

    assert column() == sorted(column()) and len(column()) == 16
    page.locator("#all-scores th", has_text="relative").locator("button").press("Enter")
    assert column() == sorted(column(), reverse=True)
    assert page.locator("#all-scores th[aria-sort=descending]").count() == 1
    page.locator("#filter").select_option("frail")
    assert table.locator("tbody tr:visible").count() == 9


def test_a_narrow_dark_screen(page):
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": 380, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 380
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == "rgb(23, 23, 27)"
