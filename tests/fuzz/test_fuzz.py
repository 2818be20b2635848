"""Some of the cases of `tests/fuzz/run.py`, the same ones every time."""

from pathlib import Path

import pytest
from fuzz import properties
from fuzz.holding import replayed
from fuzz.mutations import ODD_VALUES, broken_document, values
from fuzz.run import PART, SLOW, checked, described, planned


@pytest.mark.parametrize("name", properties.PROPERTIES)
def test_what_is_broken_is_refused_or_does_no_harm(name):
    checked(name, number=0, cases=10, shrink=False)()  # raises at a fault


CORPUS = sorted(Path(__file__).with_name("corpus").glob("*.py"))


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_what_once_ended_badly_does_not_again(path, tmp_path):
    replayed(path, tmp_path)


def test_faults_are_found_and_told(monkeypatch):
    def stumbles(folder, draw):
        with properties.refused():
            _ = draw(values()).no_such_attribute

    monkeypatch.setitem(properties.PROPERTIES, "stumbles", stumbles)
    with pytest.raises(Exception) as caught:
        checked("stumbles", number=0, cases=10)()
    lines = described(caught.value)
    assert lines and all("no_such_attribute" in line for line in lines)


def test_what_is_slow_is_drawn_less_often():
    slow, number = next(iter(SLOW.items()))
    parts = list(planned([slow, "specs"], PART * (number + 2)))
    assert parts[:3] == [(slow, 0), ("specs", 0), ("specs", 1)] and parts[-1] == (slow, number)
    assert set(SLOW) <= set(properties.PROPERTIES)


def test_mutations_change_a_copy(monkeypatch):
    whole = {"a": [1, {"b": 2}], "c": "d"}
    before, odd = repr(whole), repr(ODD_VALUES)
    seen = set()

    def breaks(folder, draw):
        seen.add(repr(draw(broken_document(whole))))

    monkeypatch.setitem(properties.PROPERTIES, "breaks", breaks)
    checked("breaks", number=0, cases=30)()
    assert len(seen) > 10 and before not in seen
    assert repr(whole) == before and repr(ODD_VALUES) == odd
