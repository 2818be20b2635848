"""The page: what goes in, what is refused, and that it works in a browser."""

from __future__ import annotations

import itertools
import json
import re
import shutil
from collections import Counter

import cv2
import numpy as np
import pytest

from hpe_art.evaluation.results import attack_entry, clean_entry
from hpe_art.mpii import JOINTS
from hpe_art.report.html import ReportError, read_runs, report_html, summary
from hpe_art.report.study_figures import study_figures
from hpe_art.report.study_page import study_markdown

EPS = (2.0, 8.0, 16.0)
# What is left, in percent, of each network at each eps.
LEFT = {"sturdy": (80, 60, 40), "frail": (55, 30, 10)}


def hits(share):
    return (np.random.default_rng(3).uniform(0, 100, (12, len(JOINTS))) < share).astype(float)


def entry(attack, eps, share, targeted=False, max_iter=None):
    return attack_entry(
        attack=attack,
        eps=eps,
        eps_step=1.0,
        max_iter=max_iter,
        targeted=targeted,
        norm="inf",
        outputs="last",
        hits=share if isinstance(share, np.ndarray) else hits(share),
        target_hits=hits(30),
        clean_hits=hits(95),
        seed=0,
        linf_max=eps,
        forward_passes=1,
        backward_passes=1,
        seconds=1.0,
    )


def run(left):
    attacks = [entry("igsm", e, share, max_iter=10) for e, share in zip(EPS, left, strict=True)]
    attacks += [entry("fgsm", e, share + 10) for e, share in zip(EPS, left, strict=True)]
    attacks += [entry("igsm", 8.0, 30, targeted=True, max_iter=20)]
    attacks += [entry("uap", 16.0, 50)]
    return {
        "schema_version": 1,
        "config": "configs/net.py",
        "checkpoint": {"path": "net.pth", "sha256": None},
        "dataset": {"ann_file": "<people>.json", "num_samples": 12},
        "versions": {"python": "3.11"},
        "seed": 0,
        "device": "cpu",
        "precision": "float32",
        "clean": clean_entry(hits(95), hits(20)),
        "attacks": attacks,
    }


def _level(network, person, k):
    return 90 + 40 * k + person + 20 * (network == "frail")


@pytest.fixture
def study(tmp_path):
    """A folder with a study of two networks, its pictures of one colour for each eps."""
    folder = tmp_path / "study"
    folder.mkdir()
    pose = [[8.0 + 3 * k, 60.0 - 3 * k] for k in range(len(JOINTS))]

    def example(name, level):
        cv2.imwrite(str(folder / name), np.full((64, 64, 3), level, np.uint8))
        return name

    shown, alone = {}, {}
    for network in LEFT:
        clean = [
            {"person": i, "pose": pose, "image": example(f"{network}_{i}.webp", 90)} for i in (0, 7)
        ]
        shown[network] = [{"attack": "clean", "eps": 0.0, "people": clean}]
        for k, eps in enumerate(EPS):
            people = [
                {
                    **one,
                    "image": example(
                        f"{network}_{k}_{one['person']}.webp", _level(network, one["person"], k)
                    ),
                }
                | {"perturbation": example(f"{network}_{k}_delta.webp", 128)}
                for one in clean
            ]
            shown[network] += [
                {"attack": name, "eps": eps, "people": people} for name in ("IGSM-U-10", "FGSM-U")
            ]
        poses = {name: [[*point, 1.0] for point in pose] for name in LEFT}
        image = example(f"{network}_uap.webp", _level(network, 0, 1))
        alone[network] = [{"outputs": "last", "eps": 16.0, "image": image, "poses": poses}]
    comparison = {"what": "a minus b", "value": 3.2, "low": 1.0, "high": 5.0, "decides": True}
    finding = {"number": 1, "claim": "Claim <one>.", "paper": "10 %", "verdict": "holds"}
    document = {
        "schema_version": 1,
        "grid": {"curve_eps": 8.0, "universal_eps": [8.0, 16.0]},
        "runs": {name: run(left) for name, left in LEFT.items()},
        "findings": [{**finding, "why": "", "comparisons": [comparison]}],
        "universal": alone,
        "examples": shown,
    }
    (folder / "results.json").write_text(json.dumps(document))
    return folder


def page_of(*paths):
    return report_html(*read_runs(list(paths)))


def test_the_summary_names_the_least_robust(study):
    document, _ = read_runs([study])
    found = summary(document)
    assert [row["network"] for row in found["rows"]] == ["frail", "sturdy"]
    frail, sturdy = found["rows"]
    assert frail["breaks_at"] == 8.0 and sturdy["breaks_at"] == 16.0
    assert found["eps"] == list(EPS)


def test_the_weakest_joint_is_the_one_that_keeps_least(study):
    document, _ = read_runs([study])
    none_of_the_hips = hits(60)
    none_of_the_hips[:, 2:4] = 0
    for one in document["runs"].values():
        one["attacks"][1] = entry("igsm", 8.0, none_of_the_hips, max_iter=10)
    assert summary(document)["joint"] == "Hip"


def test_everything_is_inside_the_page(study):
    page = page_of(study)
    links = set(re.findall(r"https?://[^\"' ]+", page))
    assert all(link.startswith("http://www.w3.org/") for link in links)  # names, not addresses
    assert 'src="' not in page and page.count("<svg") >= 4
    assert "Claim &lt;one&gt;." in page and "&lt;people&gt;.json" in page
    assert page == page_of(study)


def test_one_run_is_a_report_too(tmp_path):
    document = run(LEFT["frail"])
    (tmp_path / "results.json").write_text(json.dumps(document))
    page = page_of(tmp_path / "results.json")
    assert '<strong id="least-robust">net</strong>' in page and 'id="findings"' not in page


def test_what_was_odd_about_a_run_is_said(tmp_path):
    odd = {**run(LEFT["frail"]), "notes": ["Scored and attacked behind jpeg."]}
    (tmp_path / "results.json").write_text(json.dumps(odd))
    assert "net: Scored and attacked behind jpeg." in page_of(tmp_path / "results.json")


def test_several_are_merged(study, tmp_path):
    (tmp_path / "one.json").write_text(json.dumps(run(LEFT["frail"])))
    document, folders = read_runs([study, tmp_path / "one.json"])
    assert list(document["runs"]) == ["sturdy", "frail", "net"]
    assert folders["net"] == tmp_path and len(document["findings"]) == 1
    page = report_html(document, folders)
    assert "seen by" in page and "net" in page
    # The same whichever is named first.
    again, _ = read_runs([tmp_path / "one.json", study])
    assert again["grid"] == document["grid"] and summary(again) == summary(document)


def test_networks_are_compared_at_the_eps_that_all_have(study, tmp_path):
    one = run(LEFT["sturdy"])
    # Looked at with small eps alone it would seem the most robust one.
    one["attacks"] = [entry("igsm", e, s, max_iter=10) for e, s in ((0.5, 95), (8.0, 20))]
    (tmp_path / "one.json").write_text(json.dumps(one))
    document, _ = read_runs([study, tmp_path / "one.json"])
    assert [row["network"] for row in summary(document)["rows"]] == ["net", "frail", "sturdy"]


def test_a_joint_that_nobody_labelled_is_not_the_weakest(study):
    document, _ = read_runs([study])
    unlabelled = hits(60)
    unlabelled[:, 2:4] = np.nan
    for one in document["runs"].values():
        one["attacks"] = [entry("igsm", 8.0, unlabelled, max_iter=10)]
        one["attacks"][0]["relative_per_group"]["Hip"] = None
    assert summary(document)["joint"] not in ("Hip", None)


def test_other_norms_are_not_compared_with_grey_levels(tmp_path):
    one = run(LEFT["frail"])
    one["attacks"] = [{**e, "norm": 2} for e in one["attacks"]]
    (tmp_path / "results.json").write_text(json.dumps(one))
    document, _ = read_runs([tmp_path])
    assert summary(document)["eps"] == []
    assert document["runs"]["net"]["attacks"][0]["name"] == "IGSM-U-10 L2"


def test_transfer_of_single_runs_is_known_by_their_configs(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    for name, other in (("a", "b"), ("b", "a")):
        one = {**run(LEFT["frail"]), "config": f"configs/{name}.py"}
        one["attacks"][1]["transfer_to"] = {f"configs/{other}.py": one["attacks"][0]}
        (tmp_path / name / "results.json").write_text(json.dumps(one))
    document, folders = read_runs([tmp_path / "a", tmp_path / "b"])
    assert list(document["runs"]["a"]["attacks"][1]["transfer_to"]) == ["b"]
    maps = study_figures(document, folders)["transfer"].axes
    assert len(maps[0].texts) == 4, "two networks, each shown both"


def test_a_picture_that_is_gone_leaves_a_gap(study):
    for path in study.glob("*_uap.webp"):
        path.unlink()
    assert "seen by" in page_of(study)


def test_the_viewer_keeps_within_its_size(study, monkeypatch):
    monkeypatch.setattr("hpe_art.report.html.VIEWER_BYTES", 1)
    small = json.loads(re.search(r'id="viewer-data">(.*?)</script>', page_of(study))[1])
    assert {
        len(cell["people"]) for cells in small["networks"]["frail"].values() for cell in cells
    } == {1}


def test_names_inside_figures_are_unique(study):
    names = re.findall(r'\sid="([^"]+)"', page_of(study))
    assert [name for name, times in Counter(names).items() if times > 1] == []


def test_what_cannot_be_reported_is_refused(study, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(study, other)
    with pytest.raises(ReportError, match="Got sturdy in .* and in .*: leave one out"):
        read_runs([study, other])
    document = json.loads((other / "results.json").read_text())
    (other / "results.json").write_text(json.dumps({**document, "schema_version": 2}))
    with pytest.raises(ReportError, match="schema version 1. Got 1 in .*, 2 in"):
        read_runs([study, other])
    with pytest.raises(ReportError, match="Got .*, which does not exist"):
        read_runs([tmp_path / "nowhere"])
    (tmp_path / "broken.json").write_text("{")
    with pytest.raises(ReportError, match="Expected JSON in"):
        read_runs([tmp_path / "broken.json"])
    (tmp_path / "list.json").write_text("[]")
    with pytest.raises(ReportError, match="neither runs nor attacks"):
        read_runs([tmp_path / "list.json"])


def test_the_page_of_tables_has_summary_findings_scores_and_figures(study):
    document, _ = read_runs([study])
    page = study_markdown(document, {"eps": "figures/eps.png"})
    assert "| `frail` | 8 |" in page and "1. Claim <one>. **Holds**." in page
    assert "   - a minus b: 3.2 (1.0 to 5.0)\n" in page
    assert "![eps](figures/eps.png)" in page and "![joints]" not in page
    rows = [line for line in page.splitlines() if line.startswith("| `frail` | IGSM-U-10 |")]
    values = [e for e in document["runs"]["frail"]["attacks"] if e["name"] == "IGSM-U-10"]
    cells = [float(cell.split(" ±")[0]) for cell in rows[0].split("|")[3:-1]]
    assert cells == [round(e["relative_PCKh"], 1) for e in values]
    # Tables are whole: every row has as many cells as the line above it.
    for above, line in itertools.pairwise(page.splitlines()):
        if above.startswith("|") and line.startswith("|"):
            assert above.count("|") == line.count("|")


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
