"""The page: what is in it."""

from __future__ import annotations

import json
import re
import shutil

import pytest
from example_results import EPE, attack, run

from hpe_art.evaluation.result_files import write_results
from hpe_art.evaluation.results import Results, Targets
from hpe_art.report.comparison import comparisons
from hpe_art.report.html import LIBRARIES, TEMPLATES, report_html
from hpe_art.report.reading import read_runs


def whole_page_of(*paths):
    results, folders = read_runs(list(paths))
    compared = comparisons(results, folders) if len(paths) == 2 else []
    return report_html(results, folders, compared)


def page_of(*paths):
    """Without its scripts, but for the data."""
    return re.sub("<script>.*?</script>", "", whole_page_of(*paths), flags=re.DOTALL)


def pictures_of(*paths):
    return json.loads(re.search(r'id="viewer-data">(.*?)</script>', page_of(*paths))[1])


@pytest.fixture
def page_of_run(tmp_path):
    """The page of one network."""

    def page(one):
        write_results(tmp_path / "one.json", Results(runs={"net": one}))
        return page_of(tmp_path / "one.json")

    return page


def test_everything_is_inside_the_page(study):
    page = whole_page_of(study)
    for library in LIBRARIES:  # they hold addresses of messages, and ask for none of them
        text = TEMPLATES.joinpath(library).read_text("utf-8")
        assert text in page
        page = page.replace(text, "")
    links = set(re.findall(r"https?://[^\"' ]+", page))
    assert all(link.startswith("http://www.w3.org/") for link in links)  # names, not addresses
    assert 'src="' not in page
    assert "Claim &lt;one&gt;." in page and "&lt;people&gt;.json" in page
    assert "The claims of the paper," in page
    assert whole_page_of(study) == whole_page_of(study)


def test_claims_under_the_strongest_attack_have_a_section(study):
    page = page_of(study)
    section = page[page.index('<section id="strongest">') :].partition("</section>")[0]
    assert "An &lt;order&gt;." in section and "<td>–</td>" in section and "<td>1</td>" in section
    assert 'href="#strongest"' in page


def test_one_run_is_a_report_too(page_of_run, frail):
    page = page_of_run(frail)
    assert "Least robust" not in page and 'id="findings"' not in page
    said = "<strong>net</strong> loses more than half of its PCKh at eps 8 (IGSM-U-10)."
    assert said in page and "least robust" not in page
    assert "IGSM-U-10: an attack of 10 steps that moves joints away from the true pose." in page
    assert "PCKh@0.5: percentage of joints that are closer to the truth than half of" in page
    assert "<dt>ALL</dt>" not in page and "<dt>target</dt>" in page


@pytest.mark.parametrize(
    ("left", "said"),
    [
        ((60.0, 55.0), "keeps more than half of its PCKh at every eps that was tried (FGSM-U)."),
        ((40.0, 10.0), "loses more than half of its PCKh at eps 2, the smallest that was tried ("),
    ],
    ids=["kept", "lost at once"],
)
def test_where_a_network_breaks_is_said_as_it_was_tried(page_of_run, left, said):
    one = run([attack("FGSM-U", eps, kept) for eps, kept in zip((2, 8), left, strict=True)])
    one.precision = "bfloat16, folded"
    page = page_of_run(one)
    assert f"<strong>net</strong> {said}" in page
    assert ("<td>≤ 2</td>" in page) == (left[0] < 50)
    assert "<dt>folded</dt><dd>of gradients: taken through a copy" in page


def test_tables_have_intervals_and_the_page_begins_with_the_people(page_of_run, frail):
    frail.attacks[0].score.group_intervals["Head"] = (1.0, 8.0)
    frail.attacks[0].relative.interval = None
    page = page_of_run(frail)
    people = "128 people of &lt;people&gt;.json (MpiiDataset)"
    assert f"<p>{people}, 1 network, scored by PCKh@0.5.</p>" in page.partition("</header>")[0]
    summary, scores = (page.partition(f'<section id="{one}">')[2] for one in ("summary", "scores"))
    assert "80.0 <small>±1.0</small>" in summary.partition("</section>")[0]
    assert "<td>44.0 <small>±1.0</small></td><td>55.0</td><td>–</td><td>44.0 <small>±3.5<" in scores
    assert "±: half of a 95 % interval" in scores


def test_of_several_networks_the_least_robust_is_named(study):
    said = "Least robust, by the mean over eps: <strong>frail</strong>, which loses more than half"
    page = page_of(study)
    assert f"{said} of its PCKh at eps 8 (IGSM-U-10)." in page
    order = "For other people the order may be another: <code>tools/report.py A B</code> gives"
    assert order in page and "<td>8</td>" in page


def test_one_network_before_and_after_is_one_network(tmp_path):
    for name, left in (("FGSM-U", 60.0), ("IGSM-U-10", 20.0)):
        one = run([attack(name, 8, left)])
        write_results(tmp_path / f"{name}.json", Results(runs={"net": one}))
    page = page_of(tmp_path / "FGSM-U.json", tmp_path / "IGSM-U-10.json")
    assert "(MpiiDataset), 1 network, before and after, scored by PCKh@0.5.</p>" in page
    assert "Least robust" not in page and "least robust" not in page
    assert "the order may be another" not in page
    said = "<strong>net (after)</strong> loses more than half of its PCKh at eps 8, the smallest"
    assert said in page and "A row of dashes: IGSM-U-10 was not run there." in page
    assert "What suffers most" not in page  # all groups do


def test_how_target_poses_were_picked_is_said(page_of_run, frail):
    assert "target poses" not in page_of_run(frail)
    frail.targets = Targets(rule="someone's pose", fallbacks=3, joints=["left_wrist"])
    said = (
        "someone&#39;s pose; only left_wrist moved, the others held; for 3 people no pose was far"
    )
    assert f'data-head="target poses">{said}' in page_of_run(frail)


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
    assert f'<td data-head="people">{people}</td>' in page
    assert "Infinity" not in page and "None" not in page


def test_an_error_is_worse_where_it_is_higher(page_of_run):
    entries = [attack("FGSM-U", eps, left) for eps, left in ((2, 152.0), (8, 304.0))]
    page = page_of_run(run(entries, metric=EPE))
    assert "<strong>net</strong> more than doubles its EPE at eps 8 (FGSM-U)" in page
    assert "<td>243.2 <small>±1.0</small></td><td>304.0 <small>±1.0</small></td>" in page


def test_official_numbers_have_a_table_of_their_own(page_of_run, frail):
    assert 'id="official"' not in page_of_run(frail)
    frail.clean.official = {"AP": 0.8}
    for one in frail.attacks:
        one.official, one.relative_official = {"AP": 0.2}, {"AP": 25.0}
    page = page_of_run(frail)
    assert 'id="official"' in page and "<td>0.200 (25.0 %)</td>" in page


def test_a_picture_that_is_gone_is_left_out(study):
    assert [one["name"] for one in pictures_of(study)["universal"]] == [
        "sturdy, eps 16",
        "frail, eps 16",
    ]
    for path in study.glob("frail_uap.webp"):
        path.unlink()
    assert [one["name"] for one in pictures_of(study)["universal"]] == ["sturdy, eps 16"]


def test_only_pictures_that_are_there_are_put_side_by_side(study, tmp_path):
    other = shutil.copytree(study, tmp_path / "other")
    beside = [["sturdy (before)", "sturdy (after)"]]
    assert pictures_of(study, other)["beside"] == beside
    document = json.loads((other / "results.json").read_text())
    document["runs"]["sturdy"]["examples"] = []
    (other / "results.json").write_text(json.dumps(document))
    assert pictures_of(study, other)["beside"] == [["frail (before)", "frail (after)"]]


def test_the_viewer_keeps_within_its_size(study, monkeypatch):
    monkeypatch.setattr("hpe_art.report.viewer.VIEWER_BYTES", 1)
    attacks = pictures_of(study)["networks"]["frail"]
    assert {len(cell["people"]) for cells in attacks.values() for cell in cells} == {1}
    assert pictures_of(study)["said"].startswith("1 of 128 people are shown, as many as fit into")


def test_how_to_picture_more_is_said(study):
    assert "2 of 128 people are shown; attack them again with --pictures N" in page_of(study)
