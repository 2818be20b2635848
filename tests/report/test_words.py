"""What a stranger to the page is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from example_results import EPE, attack, observer, run

from hpe_art.attacks import ATTACKS, ArtRecipe
from hpe_art.estimators.defences import DEFENCES
from hpe_art.evaluation.results import Results
from hpe_art.evaluation.spec import FLIP
from hpe_art.report import words
from hpe_art.report.cards_html import cards_html
from hpe_art.report.comparison import Side, compare
from hpe_art.report.html import report_html
from hpe_art.report.reading import AFTER, BEFORE
from hpe_art.studies.robustness_card import read_cards

CARDS = Path(__file__).parents[2] / "model_cards"


def page_of(one):
    return report_html(Results(runs={"net": one}), {})


def test_joints_that_do_not_count_are_those_of_the_metric():
    assert words.left_out(run([])) == ["pelvis", "thorax"]
    assert words.left_out(run([], metric=EPE)) == []


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["Head PCK", "PCK@0.1"], ["PCK"]),
        (["coco/AP", "coco/AR .5", "coco/AR (M)"], ["AP", "AR", ".5, .75", "(M), (L)"]),
        (["AUC", "somebody's"], ["AUC"]),
    ],
    ids=["mpii", "coco", "others"],
)
def test_the_parts_of_official_names_are_explained(names, said):
    one = run([])
    one.clean.official = dict.fromkeys(names, 0.5)
    found = words.official_words(Results(runs={"net": one}))
    assert list(found) == [*said, "flip-test"]
    assert all(f"<dt>{name}</dt><dd>" in page_of(one) for name in said)


def test_whether_flip_test_is_on_is_said_beside_official_numbers():
    one = run([])
    one.clean.official = {"AP": 0.5}
    assert "off here, and on in most published numbers" in page_of(one)
    one.notes = ["Scored and attacked with flip-test."]  # as `Prepared` has it
    assert "on where All scores says so" in page_of(one)


@pytest.mark.parametrize(
    ("kind", "place"),
    [
        ("RenderedPeople", "hpe_art/rendered_people/people_val"),
        ("RenderedCocoPeople", "/site/hpe_art/rendered_people/coco"),
        ("MpiiDataset", "/site/hpe_art/datasets/people_val"),
    ],
)
def test_the_bundled_people_are_said_to_be_rendered(kind, place):
    one = run([attack("FGSM-U", 8, 50.0)])
    before = page_of(one)
    one.dataset.type = kind
    one.dataset.ann_file = f"{place}/annotations/mpii_val.json"
    page = page_of(one)
    assert "<p>128 rendered people, 1 network" in page and "<dt>rendered people</dt>" in page
    assert "<dt>rendered people</dt>" not in before


def test_people_are_said_to_be_those_of_their_folder():
    one = run([])
    one.dataset.ann_file = "/home/me/hpe_art/my_people/annotations/mpii_val.json"  # in a clone
    assert "<p>128 people of my_people (MpiiDataset), 1 network" in page_of(one)


def test_what_differs_in_how_it_was_made_is_beside_a_comparison():
    one, other = run([attack("FGSM-U", 8, 50.0)]), run([attack("FGSM-U", 8, 60.0)])
    other.notes = ["Scored and attacked behind smoothing."]
    runs = {f"net{BEFORE}": one, f"net{AFTER}": other}
    results, folders = Results(runs=runs), dict.fromkeys(runs, Path())
    sides = [Side(name, each, Path(), "net") for name, each in runs.items()]
    page = report_html(results, folders, [compare(*sides)])
    assert "<p>Before: nothing of that kind.</p>" in page
    assert "<p>After: Scored and attacked behind smoothing.</p>" in page
    other.notes = []
    assert "<p>Before: " not in report_html(results, folders, [compare(*sides)])


def test_each_attack_says_what_it_does():
    one = run([attack("FGSM-U", 8, 50.0), attack("MINE-U", 8, 50.0)])
    one.attacks[0].attack, one.attacks[1].attack = "fgsm", "somebody's"
    page = page_of(one)
    assert "<dt>FGSM</dt><dd>one step of eps along the sign" in page and "<dt>MINE" not in page
    assert "--attack auto</code> leaves less" in page
    assert all(
        spec.says for spec in ATTACKS.module_dict.values() if not issubclass(spec, ArtRecipe)
    )


def test_the_same_packages_are_named_once():
    one, other = run([]), run([])
    one.versions = other.versions = {"torch": "2.0.0"}
    page = report_html(Results(runs={"a": one, "b": other}), {})
    assert page.count("torch 2") == 1
    other.versions = {"torch": "2.0.1"}
    page = report_html(Results(runs={"a": one, "b": other}), {})
    assert page.count("torch 2") == 2


def test_each_defence_is_explained_where_it_is_shown():
    assert {*words.DEFENCES} == {*DEFENCES, FLIP}
    page = page_of(run([attack("FGSM-U", 8, 50.0)], observers={FLIP: observer("defence")}))
    assert "Flip-perturbation: no defence but a control" in page and "Jpeg:" not in page


def test_the_counts_and_the_order_of_cards_are_explained():
    page = cards_html(read_cards(CARDS))
    assert "most robust network comes first, by the mean over the eps in grey levels" in page
    assert "Gradients: how many the attack took of the network for each person" in page
    assert "Joints lost by any image: in percent, those that some image lost on the way" in page
