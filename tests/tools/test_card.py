"""The robustness card as a command, on a tiny network."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from hpe_art.errors import UserError
from hpe_art.report.cards import ranking_page
from hpe_art.studies import robustness_card
from hpe_art.studies.robustness_card import Card, read_cards

MOST_FIELDS = 40
BUNDLED = Path(__file__).parents[2] / "model_cards"


@pytest.fixture(scope="module")
def made(tmp_path_factory, config, weights, load_tool):
    """`made(*flags)`: the exit code and the folder of cards."""
    folder = tmp_path_factory.mktemp("card")

    def make(*flags, name="cards"):
        cards = folder / name
        command = ["card.py", config, weights, "--cards", cards, "--out", folder / "run"]
        command += ["--device", "cpu", "--precision", "float32", *flags]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(robustness_card, "EPS", {"inf": (1.0, 8.0), 2: (20.0,)})
            patch.setattr(sys, "argv", list(map(str, command)))
            try:
                return load_tool("card.py").main(), cards
            except SystemExit as stop:
                return stop.code, cards

    return make


@pytest.fixture(scope="module")
def card(made):
    code, cards = made()
    assert code == 0
    return json.loads((cards / "tiny.json").read_text())


@pytest.mark.slow
def test_a_card_is_small_and_whole(card):
    assert len(card) <= MOST_FIELDS
    assert card["protocol"] == 1 and card["by_protocol"] is True
    assert list(card["worst_inf"]) == ["1", "8"] and list(card["worst_2"]) == ["20"]
    assert card["people"] == card["minimum_people"] == 6
    assert card["sha256"] and card["seed"] == 0
    for eps, worst in card["worst_inf"].items():
        assert worst["score"] <= card["clean"] + 1e-9
        assert eps in card["paper_inf"]
        assert 0 < worst["gradients"] <= 100
        assert 100 - worst["joints_reached"] <= worst["score"] + 1e-9
    assert len(card["checks"]) == 6 and len(card["weakest"]) == 3
    assert card["passed"] == all(check["passed"] for check in card["checks"])


@pytest.mark.slow
def test_the_page_and_the_table_say_what_the_card_says(card, made):
    _, cards = made()
    page, table = (cards / "tiny.md").read_text(), (cards / "README.md").read_text()
    assert f"| inf, eps 8 | {card['worst_inf']['8']['score']:.1f} |" in page
    assert all(check["name"] in page for check in card["checks"])
    assert f"| [tiny](tiny.md) | {card['clean']:.1f} | {card['worst_inf']['1']['score']:.1f} |" in (
        table
    )


@pytest.mark.slow
def test_the_table_has_the_most_robust_first(card, made):
    (first,) = read_cards(made()[1])
    stronger = first.model_copy(deep=True, update={"network": "stronger"})
    for worst in stronger.worst_inf.values():
        worst.score = 99.0
    others = first.model_copy(update={"network": "others", "annotations": "coco.json"})
    text = ranking_page([first, others, stronger])
    assert text.index("[stronger]") < text.index("[tiny]") < text.index("[others]")
    assert text.count("\n## ") == 2


@pytest.mark.slow
def test_fewer_people_are_said_not_to_compare(made):
    code, cards = made("--num-samples", 2, "--overwrite", name="few")
    assert code == 0
    assert read_cards(cards)[0].by_protocol is False
    assert "not to be compared" in (cards / "tiny.md").read_text()


@pytest.mark.slow
def test_a_card_is_not_replaced_by_one_that_says_less(card, made, weights, tmp_path, capsys):
    kept = json.dumps(card)
    for flags, words in ([["--num-samples", 2], "of all people"], [[], "of other weights"]):
        if not flags:  # the card of another network of the same name
            kept = json.dumps({**card, "sha256": "0" * 64})
        (tmp_path / "tiny.json").write_text(kept)
        assert made(*flags, name=tmp_path)[0] == 2
        assert words in capsys.readouterr().err
        assert (tmp_path / "tiny.json").read_text() == kept


@pytest.mark.slow
def test_the_card_is_given_as_json_or_not_at_all(card, made, capsys):
    assert made("--json")[0] == 0
    said = capsys.readouterr()
    found = json.loads(said.out)
    assert found["worst_inf"] == card["worst_inf"] and "worst: " in said.err
    assert made("--quiet")[0] == 0 and capsys.readouterr() == ("", "")


def test_what_is_no_card_is_said_before_the_work(made, tmp_path, capsys):
    (tmp_path / "old.json").write_text("{}")
    code, _ = made(name=tmp_path)
    assert code != 0
    said = capsys.readouterr().err
    assert "Expected a robustness card" in said and "old.json" in said


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (dict(worst_inf={}), "a.json without worst_inf"),
        (dict(worst_inf="half"), "a.json with eps 'half'"),
        (dict(worst_inf="3"), "protocol 1 with eps 3, .*. Got .*b.json with 0.5, 1, 2"),
        (dict(network="../../x"), "a.json of a network called '../../x'"),
        (dict(network="a\nb"), "a.json of a network called"),
        (dict(seconds="long"), "a.json: seconds: Input should be a valid number"),
    ],
)
def test_cards_that_a_page_cannot_hold_are_named(tmp_path, change, words):
    card = json.loads((BUNDLED / "deeppose.json").read_text())
    if change.get("worst_inf"):
        change = dict(worst_inf={change["worst_inf"]: card["worst_inf"]["1"]})
    (tmp_path / "a.json").write_text(json.dumps({**card, **change}))
    (tmp_path / "b.json").write_text(json.dumps(card))
    with pytest.raises(UserError, match=words):
        read_cards(tmp_path)


def test_the_bundled_table_is_made_of_the_bundled_cards():
    cards = read_cards(BUNDLED)
    assert cards and all(isinstance(card, Card) and card.by_protocol for card in cards)
    assert (BUNDLED / "README.md").read_text() == ranking_page(cards)
