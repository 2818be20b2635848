"""Which attack leads, which network breaks, and which joint is weakest."""

from __future__ import annotations

import pytest
from example_results import EPE, SKELETON, attack, run, score

from hpe_art.evaluation.results import Results, Study
from hpe_art.report.leading import (
    family,
    is_noise,
    leading_attack,
    leading_eps,
    over_steps,
    ranked_attacks,
)
from hpe_art.report.summary import summary


def results_of(*runs, **study):
    named = {f"net{i}": one for i, one in enumerate(runs)}
    return Results(runs=named, study=Study(protocol="own", **study) if study else None)


def test_the_summary_names_the_least_robust(frail, sturdy):
    found = summary(Results(runs={"sturdy": sturdy, "frail": frail}))
    assert found.attack == "IGSM-U-10"
    assert [row.network for row in found.rows] == ["frail", "sturdy"]
    assert [row.breaks_at for row in found.rows] == [8.0, 16.0]
    assert found.eps == [2.0, 8.0, 16.0]


def test_what_the_smallest_eps_breaks_might_break_sooner(frail, sturdy):
    # The smallest that this one was run at, others at smaller ones.
    late = run([attack("IGSM-U-10", 8.0, 30.0), attack("IGSM-U-10", 16.0, 10.0)])
    found = summary(results_of(frail, sturdy, late))
    assert {row.network: row.at_once for row in found.rows} == {
        "net0": False,
        "net1": False,
        "net2": True,
    }


def test_an_error_breaks_where_it_doubles_and_the_largest_share_is_worst():
    weak = {"relative": score(250.0, Hip=300.0)}
    left = run([attack("FGSM-U", 2, 150.0), attack("FGSM-U", 8, 250.0, **weak)], metric=EPE)
    right = run([attack("FGSM-U", 2, 110.0), attack("FGSM-U", 8, 140.0)], metric=EPE)
    found = summary(results_of(right, left))
    assert [(row.network, row.breaks_at) for row in found.rows] == [("net1", 8.0), ("net0", None)]
    assert found.rows[0].joint == "Hip" == found.joint


def test_the_weakest_joint_is_the_one_that_keeps_least(frail):
    frail.attacks[1] = attack("IGSM-U-10", 8.0, 30, relative=score(30.0, Hip=0.0))
    assert summary(results_of(frail)).joint == "Hip"


def test_joints_that_keep_as_little_are_all_named(frail):
    frail.attacks[1] = attack("IGSM-U-10", 8.0, 30, relative=score(30.0, Hip=0.0, Knee=0.0))
    assert summary(results_of(frail)).joint == "Hip, Knee"


def test_where_all_joints_keep_as_little_none_is_the_weakest(frail):
    found = summary(results_of(frail))
    assert found.joint is None and found.rows[0].joint is None


def test_a_joint_that_nobody_labelled_is_not_the_weakest(frail):
    scores = score(30.0, Hip=None, Knee=20.0)
    frail.attacks = [attack("IGSM-U-10", 8.0, 30, relative=scores)]
    assert summary(results_of(frail)).joint == "Knee"


def test_without_groups_it_is_a_joint():
    skeleton = SKELETON.model_copy(update={"groups": {}})
    one = attack("IGSM-U-10", 8.0, 30, relative=score(30.0, skeleton))
    one.relative.joints["left_wrist"] = 1.0
    assert summary(results_of(run([one], skeleton=skeleton))).joint == "left_wrist"


def test_networks_are_compared_at_the_eps_that_all_have(frail, sturdy):
    # Looked at with small eps alone it would seem the most robust one.
    other = run([attack("IGSM-U-10", 0.5, 95.0), attack("IGSM-U-10", 8.0, 20.0)])
    found = summary(Results(runs={"sturdy": sturdy, "frail": frail, "net": other}))
    assert [row.network for row in found.rows] == ["net", "frail", "sturdy"]


def test_other_norms_are_not_compared_with_grey_levels():
    found = summary(results_of(run([attack("IGSM-U-10 L2", 500.0, 30.0, norm=2)])))
    assert found.attack is None and found.eps == [] and found.joint is None


def test_most_eps_lead_and_then_what_leaves_least():
    one = run(
        [
            *(attack("OWN-U", eps, 40.0) for eps in (2, 8)),
            *(attack("FGSM-U", eps, 60.0) for eps in (2, 8)),
            attack("STRONG-U-100", 8, 1.0),
            attack("OWN-U-ALL", 8, 1.0),
            attack("OWN-U [other]", 8, 1.0, loss="other"),
            attack("UAP-U", 8, 1.0, universal={"epochs": 2}),
            *(attack("NOISE", eps, 0.5) for eps in (1, 2, 4, 8)),
            attack("OWN-T", 8, 50.0, 30.0),
            attack("FAR-T", 8, 50.0, 70.0),
        ]
    )
    results = results_of(one)
    assert ranked_attacks(results, targeted=False) == ["OWN-U", "FGSM-U", "STRONG-U-100"]
    assert ranked_attacks(results, targeted=True) == ["FAR-T", "OWN-T"]
    named = results_of(one, grid={"leading_attack": "FGSM-U", "leading_targeted_attack": "OWN-T"})
    assert leading_attack(named, targeted=False) == "FGSM-U"
    assert leading_attack(named, targeted=True) == "OWN-T"
    errors = results_of(one.model_copy(update={"metric": EPE}))
    assert leading_attack(errors, targeted=False) == "FGSM-U", "an error that is larger is worse"
    assert leading_attack(errors, targeted=True) == "OWN-T", "a target that is nearer is better"


def test_another_loss_leads_where_it_is_alone():
    one = run([attack("OWN-U [other]", 8, 1.0, loss="other")])
    assert leading_attack(results_of(one), targeted=False) == "OWN-U [other]"


@pytest.mark.parametrize(
    ("eps", "grid", "expected"),
    [((2, 8), {}, 8.0), ((2, 4), {}, 4.0), ((), {}, 8.0), ((2, 8), {"curve_eps": 2.0}, 2.0)],
)
def test_networks_are_compared_at_one_eps(eps, grid, expected):
    one = run([attack("FGSM-U", size, 50.0) for size in eps])
    assert leading_eps(results_of(one, grid=grid)) == expected


def test_noise_is_what_is_neither_stepped_nor_fitted_nor_derived():
    # Work that several entries share is counted on the first.
    shared = [attack("OWN-U", 2, 50.0), attack("OWN-U", 8, 50.0, backward_passes=0)]
    saved = attack("UAP-U", 8, 50.0, universal={"epochs": 2}, backward_passes=0)
    queries = attack("SEARCH-U-50", 8, 50.0, backward_passes=0)
    one = run([attack("NOISE", 8, 99.0), *shared, saved, queries])
    assert [is_noise(one, entry) for entry in one.attacks] == [True, *[False] * 4]


def test_numbers_of_steps_are_a_family():
    one = run([attack(name, 8, 5.0) for name in ("IGSM-U-100", "IGSM-U-10", "IGSM-U-10-ALL")])
    assert [family(entry) for entry in one.attacks] == ["IGSM-U", "IGSM-U", "IGSM-U-ALL"]
    assert list(over_steps(one, "IGSM-U", 8.0)) == [10, 100]
