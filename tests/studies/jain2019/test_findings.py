"""A verdict follows from the interval, whichever way the numbers point."""

from dataclasses import replace

import example_studies
import numpy as np
import pytest
from example_results import EPE
from example_studies import PEOPLE, attack, hits, network

from hpe_art.metrics import EPE as EpeMetric
from hpe_art.metrics import pckh, relative
from hpe_art.metrics.bootstrap import FEWEST, interval
from hpe_art.skeleton import MPII
from hpe_art.studies.jain2019.findings import FAILS, HOLDS, UNSURE, UNTESTED, findings
from hpe_art.studies.jain2019.grid import Grid
from hpe_art.studies.jain2019.scores import StudyScores

GRID = Grid(eps=(8.0,), untargeted_curve=(1, 10, 100), targeted_curve=(1, 20, 100))


def found(runs, number, grid=GRID):
    return findings(StudyScores(runs), grid)[number - 1]


def test_scores_are_those_of_the_metric():
    scores = StudyScores({"net": network(attack("FGSM-U", 40.0))})
    value, low, high = interval(scores.kept("net", "FGSM-U", 8.0))
    plain = [pckh(hits(share)).PCKh for share in (40.0, 95)]
    assert value == pytest.approx(relative(*plain))
    assert low < value < high


@pytest.mark.parametrize(("deep", "verdict"), [(60, HOLDS), (40, FAILS), (20, FAILS)])
def test_deeper_is_more_robust(deep, verdict):
    runs = {
        "hourglass": network(attack("IGSM-U-10", 40), attack("FGSM-U", 60)),
        "hourglass_8stack": network(attack("IGSM-U-10", deep), attack("FGSM-U", 60)),
    }
    finding = found(runs, 5)
    assert finding.verdict == verdict
    first = finding.comparisons[0]
    assert first.decides and first.low <= first.value <= first.high
    assert (first.low > 0) == (verdict == HOLDS)
    # Equal networks are equal in every draw.
    assert deep != 40 or (first.low, first.high) == (0, 0)


def test_what_was_not_studied_is_not_tested():
    finding = found({"hourglass": network(attack("IGSM-U-10", 40))}, 5)
    assert finding.verdict == UNTESTED and "hourglass_8stack" in finding.why
    short = Grid(eps=(8.0,), untargeted_curve=(1, 10), targeted_curve=(1, 20))
    scores = StudyScores({"hourglass": network(attack("IGSM-U-10", 40))})
    assert "more than 10" in findings(scores, short)[3].why


def test_an_interval_over_zero_is_said_to_be_one():
    noisy = attack("IGSM-U-10", hits(40)[::-1])  # the same score, of other people
    runs = {
        "hourglass": network(attack("IGSM-U-10", 40), attack("FGSM-U", 60)),
        "hourglass_8stack": network(noisy, attack("FGSM-U", 60)),
    }
    finding = found(runs, 5)
    assert finding.verdict == UNSURE and "includes 0" in finding.why


def test_dlcm_is_measured_against_the_best_other():
    runs = {
        "dlcm": network(attack("IGSM-U-10", 50)),
        "weak": network(attack("IGSM-U-10", 20)),
        "strong": network(attack("IGSM-U-10", 70)),
    }
    finding = found(runs, 3)
    assert finding.verdict == FAILS and "strong" in finding.comparisons[0].what
    del runs["strong"]
    assert found(runs, 3).verdict == HOLDS


@pytest.mark.parametrize(("left", "verdict"), [(5, HOLDS), (30, FAILS)])
def test_iterations_must_take_more_than_half_of_what_is_left(left, verdict):
    runs = {"net": network(attack("IGSM-U-10", 40), attack("IGSM-U-100", left))}
    assert found(runs, 4).verdict == verdict


def test_all_outputs_against_the_last():
    runs = {"net": network(attack("IGSM-U-10", 40), attack("IGSM-U-10-ALL", 20))}
    assert found(runs, 6).verdict == HOLDS
    runs = {"net": network(attack("IGSM-U-10", 20), attack("IGSM-U-10-ALL", 40))}
    assert found(runs, 6).verdict == FAILS


@pytest.mark.parametrize(("untargeted", "targeted", "verdict"), [(10, 2, HOLDS), (90, 80, FAILS)])
def test_steps_to_half_of_the_effect(untargeted, targeted, verdict):
    runs = {
        "net": network(
            attack("IGSM-U-1", 95),
            attack("IGSM-U-10", untargeted),
            attack("IGSM-U-100", 0),
            attack("IGSM-T-1", 95, target=0),
            attack("IGSM-T-20", 95, target=targeted),
            attack("IGSM-T-100", 95, target=95),
        )
    }
    finding = found(runs, 7)
    assert finding.verdict == verdict
    if verdict == HOLDS:
        # Half of 100 lies at about 1 + 9 * 50 / 90 steps; half of 95 far beyond the 20th.
        assert finding.comparisons[0].value == pytest.approx(20 + 80 * 45.5 / 93 - 5.7, abs=4)


@pytest.mark.parametrize(("universal", "verdict"), [(8, HOLDS), (40, FAILS)])
def test_universal_against_image_specific(universal, verdict):
    runs = {"net": network(attack("UAP-U", universal, 16.0), attack("IGSM-U-10", 5, 16.0))}
    assert found(runs, 8).verdict == verdict


def test_transfer_counts_pairs_and_likeness():
    def net(name, alike):
        others = [n for n in ("hourglass", "dlcm", "deeppose") if n != name]
        shown = [(n, 40 if {n, name} == {"hourglass", "dlcm"} else alike) for n in others]
        return network(attack("IGSM-U-10", 10, shown=shown), observers=others)

    names = ("hourglass", "dlcm", "deeppose")
    assert found({name: net(name, 70) for name in names}, 9).verdict == HOLDS
    reverse = found({name: net(name, 30) for name in names}, 9)
    assert reverse.verdict == FAILS
    assert [c.low > 0 for c in reverse.comparisons if c.decides] == [True, True, False]


def test_joints_are_compared_by_group():
    one = hits(50)
    one[:, 8:10] = (np.arange(PEOPLE) % 4 > 0)[:, None]  # neck and head: three quarters
    one[:, 2:4] = (np.arange(PEOPLE) % 10 == 0)[:, None]  # hips: a tenth
    finding = found({"net": network(attack("IGSM-U-10", one))}, 10)
    assert finding.verdict == HOLDS
    assert len([c for c in finding.comparisons if not c.decides]) == 8


def test_there_are_ten_and_the_papers_words_are_with_them():
    all_ten = findings(StudyScores({"net": network(attack("IGSM-U-10", 40))}), GRID)
    assert [finding.number for finding in all_ten] == list(range(1, 11))
    assert all(finding.paper and finding.claim for finding in all_ten)


def test_without_any_clean_hit_nothing_can_be_said():
    finding = found({"net": network(attack("IGSM-U-10", 40), clean=0)}, 10)
    assert finding.verdict == UNTESTED and "a clean score above 0" in finding.why


@pytest.mark.parametrize("mark", ["", "_pretrained"])
@pytest.mark.parametrize(("regression", "verdict"), [(20, HOLDS), (60, FAILS)])
def test_any_backbone_with_both_heads_tells_about_output_types(mark, regression, verdict):
    runs = {
        f"net_heatmap{mark}": network(attack("IGSM-U-10", 40), attack("FGSM-U", 60)),
        f"net_regression{mark}": network(attack("IGSM-U-10", regression), attack("FGSM-U", 60)),
        "other": network(attack("IGSM-U-10", 40), attack("FGSM-U", 60)),
    }
    assert found(runs, 1).verdict == verdict
    del runs[f"net_regression{mark}"]
    assert found(runs, 1).verdict == UNTESTED


@pytest.mark.parametrize(("kept", "verdict"), [(70, UNTESTED), (5, FAILS)])
def test_half_of_a_claim_that_could_be_tested(kept, verdict):
    """Among hourglasses alone nobody is unlike: transfer can still be seen not to be weaker."""

    def net(name, other):
        return network(attack("IGSM-U-10", 10, shown=[(other, kept)]), observers=[other])

    runs = {"hourglass": net("hourglass", "dlcm"), "dlcm": net("dlcm", "hourglass")}
    finding = found(runs, 9)
    assert finding.verdict == verdict and finding.comparisons
    if verdict == UNTESTED:
        assert finding.why == "needs pairs of unlike networks; what was tested of it holds"


def test_a_pair_that_refutes_counts_although_another_was_not_studied():
    runs = {
        "one_heatmap": network(attack("IGSM-U-10", 20), attack("FGSM-U", 60)),
        "one_regression": network(attack("IGSM-U-10", 40), attack("FGSM-U", 60)),
        "two_heatmap": network(attack("FGSM-U", 60)),
        "two_regression": network(attack("FGSM-U", 60)),
    }
    assert found(runs, 1).verdict == FAILS
    runs["one_heatmap"] = network(attack("IGSM-U-10", 60), attack("FGSM-U", 60))
    assert found(runs, 1).verdict == UNTESTED


def test_steps_are_those_that_were_run_whatever_is_asked_for_now():
    """A quick look into the folder of a long study does not hide its long runs."""
    runs = {"net": network(attack("IGSM-U-10", 40), attack("IGSM-U-100", 5))}
    quick = Grid(eps=(8.0,), untargeted_curve=(1, 10), targeted_curve=(1, 20))
    assert findings(StudyScores(runs), quick)[3].verdict == HOLDS


def test_where_ten_steps_leave_nothing_more_cannot_take_more():
    runs = {"net": network(attack("IGSM-U-10", 0), attack("IGSM-U-100", 0))}
    finding = found(runs, 4)
    assert finding.verdict == UNTESTED and "leaves something" in finding.why


def test_heads_of_one_backbone_are_alike():
    def net(name):
        others = [n for n in names if n != name]
        shown = [(n, 40 if name[:3] == n[:3] else 70) for n in others]
        return network(attack("IGSM-U-10", 10, shown=shown), observers=others)

    names = ("one_heatmap", "one_regression_pretrained", "two_heatmap")
    assert found({name: net(name) for name in names}, 9).verdict == HOLDS


def test_both_curves_are_judged_to_the_same_length():
    short = Grid(eps=(8.0,), untargeted_curve=(1, 5, 10), targeted_curve=(1, 5, 10, 20))
    steps = {1: 20, 5: 60, 10: 70, 20: 100}
    runs = [attack(f"IGSM-U-{n}", 95 - steps[n]) for n in (1, 5, 10)]
    runs += [attack(f"IGSM-T-{n}", 95, target=steps[n]) for n in (1, 5, 10, 20)]
    finding = findings(StudyScores({"net": network(*runs)}), short)[6]
    # Half of the effect of ten steps, which is the same for both, not half of that of twenty.
    assert "of 10 steps" in finding.comparisons[0].what
    assert abs(finding.comparisons[0].value) < 1


@pytest.mark.parametrize(("deep", "verdict"), [(5.0, HOLDS), (20.0, FAILS)])
def test_less_of_an_error_is_more_robust(deep, verdict):
    """From a clean error of 2 pixels to 10, or more, or less."""

    def net(error):
        errors = [np.full((PEOPLE, 16), one) for one in (error, error, 2.0)]
        attacks = [attack(name, one) for name, one in zip(("IGSM-U-10", "FGSM-U"), errors)]
        return network(*attacks, clean=errors[-1], metric=EpeMetric(MPII), named=EPE)

    runs = {"hourglass": net(10.0), "hourglass_8stack": net(deep)}
    finding = found(runs, 5)
    assert finding.verdict == verdict
    assert finding.comparisons[0].value == pytest.approx(100 * (2 / deep - 2 / 10))
    assert "clean in percent of perturbed EPE" in finding.comparisons[0].what
    assert "of which more is better, which EPE is not" in found(runs, 7).why


def test_a_claim_about_joints_needs_their_groups():
    one = network(attack("IGSM-U-10", 40))
    groups = {"Eye": [8, 9], "Hip": [2, 3]}
    one.run.skeleton = one.run.skeleton.model_copy(update={"groups": groups})
    finding = found({"net": one}, 10)
    assert finding.verdict == UNTESTED and finding.why == "needs the joints Head and Neck"


def test_training_people_are_told_of():
    one = network(attack("UAP-U", 40, 16.0), attack("IGSM-U-10", 5, 16.0))
    training = network(attack("UAP-U", 20, 16.0))
    finding = found({"net": replace(one, training=training)}, 8)
    said = [c for c in finding.comparisons if "on training people" in c.what]
    assert [c.value for c in said] == [
        pytest.approx(relative(pckh(hits(20)).PCKh, pckh(hits(95)).PCKh))
    ]


def test_of_few_people_nothing_is_said(monkeypatch):
    monkeypatch.setattr(example_studies, "PEOPLE", FEWEST - 1)
    runs = {
        "hourglass": network(attack("IGSM-U-10", 1), attack("FGSM-U", 60)),
        "hourglass_8stack": network(attack("IGSM-U-10", 99), attack("FGSM-U", 99)),
    }
    said = findings(StudyScores(runs), GRID)
    assert {one.verdict for one in said} == {UNTESTED}
    assert said[4].why == f"needs {FEWEST} people"
