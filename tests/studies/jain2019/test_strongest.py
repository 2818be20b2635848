"""What the strongest attack leaves decides, whatever the paper's leaves."""

import pytest
from example_studies import attack, hits, network

from hpe_art.attacks.auto import MEMBERS
from hpe_art.studies.jain2019.findings import FAILS, HOLDS, UNTESTED, findings
from hpe_art.studies.jain2019.grid import LAST_ONLY, STRONGEST, Grid, attacks_of, shown
from hpe_art.studies.jain2019.scores import StudyScores
from hpe_art.studies.jain2019.strongest import strongest_findings

GRID = Grid(parts=(STRONGEST,), strongest_eps=(1.0, 2.0))
BOTH = ("IGSM-U-10", "AUTO-U")


def left(paper, strongest, *others):
    """A network of which the two attacks leave so much at both eps."""
    shares = zip(BOTH, (paper, strongest), strict=True)
    found = [attack(name, share, eps) for name, share in shares for eps in GRID.strongest_eps]
    return network(*found, *others)


def found(runs, number):
    known = {one.number: one for one in strongest_findings(StudyScores(runs), GRID)}
    return known[number]


@pytest.mark.parametrize(
    ("number", "strong", "weak"),
    [
        (1, "resnet_heatmap", "resnet_regression"),
        (2, "hourglass_pretrained", "hourglass"),
        (3, "dlcm", "hourglass"),
        (5, "hourglass_8stack", "hourglass"),
        (None, "a", "b"),
    ],
)
def test_the_strongest_attack_decides(number, strong, weak):
    for kept, verdict in ((60, HOLDS), (20, FAILS)):
        finding = found({strong: left(70, kept), weak: left(50, 40)}, number)
        assert finding.verdict == verdict
        assert all("AUTO-U" in one.what for one in finding.comparisons if one.decides)


def test_the_paper_s_attack_is_shown_beside_it_at_the_same_eps():
    runs = {
        "hourglass_8stack": left(70, 20, attack("IGSM-U-10", 0.0, eps=8.0)),
        "hourglass": left(50, 40, attack("IGSM-U-10", 80.0, eps=8.0)),
    }
    strongest, paper = found(runs, 5).comparisons
    assert strongest.decides and strongest.high < 0
    assert not paper.decides and paper.low > 0 and "mean over 2 eps" in paper.what


def test_an_order_is_of_the_pairs_that_the_paper_s_attack_tells_apart():
    close = left(hits(50)[::-1], 90)
    runs = {"a": left(80, 70), "b": left(50, 30), "close": close}
    # b and close are not told apart by IGSM; a stays above b, but not above close.
    finding = found(runs, None)
    assert finding.verdict == FAILS and "2 pairs" in finding.comparisons[0].what
    assert found({"b": left(50, 30), "close": close}, None).verdict == UNTESTED


def test_all_outputs_against_the_last_alone():
    for last, verdict in ((60, HOLDS), (10, FAILS)):
        runs = {
            "deep": left(50, 40, attack(LAST_ONLY.label, last, eps=1.0)),
            "flat": left(50, 10),
        }
        finding = found(runs, 6)
        assert finding.verdict == verdict and "mean of 1 networks" in finding.comparisons[0].what
    assert found({"flat": left(50, 10)}, 6).verdict == UNTESTED


def test_the_last_alone_is_the_ensemble_but_for_its_outputs():
    (member,) = MEMBERS["fast"]
    settings = LAST_ONLY.settings()
    assert member == dict(outputs="all", max_iter=settings["max_iter"])
    assert (settings["outputs"], settings["schedule"]) == ("last", "linear")


def test_nothing_is_said_of_what_was_not_asked_for():
    scores = StudyScores({"a": left(70, 60), "b": left(50, 40)})
    assert strongest_findings(scores, Grid()) == [] == findings(scores, GRID)


def test_the_part_asks_for_the_strongest_and_shows_what_carries_over():
    deep, flat = (attacks_of(GRID, 0, outputs, []) for outputs in (2, 1))
    asked = [(one.label, one.eps) for one in deep]
    assert asked == [
        ("AUTO-U", 1.0),
        ("IGSM-U-10", 1.0),
        ("AUTO-U", 2.0),
        ("IGSM-U-10", 2.0),
        (LAST_ONLY.label, 1.0),
        ("IGSM-U-10", 8.0),
        ("TRANSFERABLE-U-10", 8.0),
    ]
    assert [one for one in asked if one[0] != LAST_ONLY.label] == [(o.label, o.eps) for o in flat]
    assert [asked[i] for i in shown(GRID, deep)] == [("IGSM-U-10", 8.0), ("TRANSFERABLE-U-10", 8.0)]
