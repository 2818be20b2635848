"""The figures: which there are, and what is drawn in them."""

from __future__ import annotations

import numpy as np
import pytest
from example_results import EPE, attack, observer, run

from hpe_art.evaluation.result_files import ResultsError
from hpe_art.evaluation.results import Results, Study
from hpe_art.report.figures import report_figures, save_figures
from hpe_art.report.reading import read_runs


def figures_of(folders=None, **runs):
    results = Results(runs=runs)
    return report_figures(results, folders or {})


def titles(drawing):
    return [axes.get_title() for axes in drawing.figure.axes]


def test_what_there_are_numbers_for_is_drawn(study, tmp_path):
    drawn = report_figures(*read_runs([study]))
    assert list(drawn) == ["eps", "joints", "transfer", "universal"]
    names = {path.name for path in save_figures(drawn, tmp_path / "figures")}
    assert names == {f"{name}.{kind}" for name in drawn for kind in ("pdf", "png")}
    assert report_figures(Results(runs={"net": run([])}), {}) == {}


def test_the_strongest_attacks_have_a_panel_over_eps(sturdy):
    noise = [attack("NOISE", eps, 99.0) for eps in (2, 8)]
    every = [attack("FGSM-U-ALL", eps, 50.0) for eps in (2, 8)]
    reached = [attack("OWN-T-5", eps, 50.0, 10.0 * eps) for eps in (2, 8)]
    weak = [attack("WEAK-U", eps, 98.0) for eps in (2, 8, 16)]
    sturdy.attacks += [*noise, *every, *reached, *weak]
    drawing = figures_of(net=sturdy)["eps"]
    assert titles(drawing) == ["FGSM-U", "IGSM-U-10", "OWN-T-5"]
    fgsm, _, own = (axes.get_lines() for axes in drawing.figure.axes)
    np.testing.assert_array_equal(fgsm[0].get_xydata(), [[2, 90], [8, 70], [16, 50]])
    np.testing.assert_array_equal(fgsm[1].get_ydata(), [50, 50])
    assert fgsm[2].get_label() == "random noise" and len(own) == 1
    np.testing.assert_array_equal(own[0].get_xydata(), [[2, 20], [8, 80]])
    assert "relative PCKh under FGSM-U and IGSM-U-10, and target PCKh under OWN-T-5" in (
        drawing.caption
    )


def test_steps_are_drawn_from_the_usual_number_on(sturdy):
    sturdy.attacks += [attack(f"IGSM-U-{n}", 8, 100 / n) for n in (1, 100)]
    drawn = figures_of(net=sturdy)
    assert titles(drawn["curves"]) == ["IGSM-U"]
    np.testing.assert_array_equal(
        drawn["curves"].figure.axes[0].get_lines()[0].get_xydata(), [[1, 100], [10, 60], [100, 1]]
    )
    assert titles(drawn["iterations"]) == ["IGSM-U: 10 steps, then (pale) the longest run"]
    heights = [patch.get_height() for patch in drawn["iterations"].figure.axes[0].patches]
    assert heights == [60, 1]


def test_defences_stand_beside_no_defence(sturdy, frail):
    sturdy.observers = {"jpeg": observer("defence"), "frail": observer("transfer")}
    sturdy.attacks[1].observed = {"jpeg": attack("X", 8, 75.0), "frail": attack("X", 8, 35.0)}
    drawn = figures_of(sturdy=sturdy, frail=frail)
    axes = drawn["defences"].figure.axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["no defence", "jpeg"]
    assert [patch.get_height() for patch in axes.patches] == [60, 75]
    # A column is the network that the images were made on.
    shown = [
        (text.get_position(), text.get_text()) for text in drawn["transfer"].figure.axes[0].texts
    ]
    assert shown == [((0, 0), "60"), ((0, 1), "35"), ((1, 1), "30")]


def test_each_attack_that_a_study_shows_to_others_has_a_map(sturdy, frail):
    sturdy.observers = {"frail": observer("transfer")}
    sturdy.attacks[1].observed = {"frail": attack("X", 8, 35.0)}
    carried = attack("CARRIED-U", 8, 90.0, observed={"frail": attack("X", 8, 15.0)})
    sturdy.attacks += [carried, attack("ALONE-U", 8, 30.0)]
    about = Study(protocol="the paper", grid={"leading_attack": sturdy.attacks[1].name})
    results = Results(runs={"sturdy": sturdy, "frail": frail}, study=about)
    maps = report_figures(results, {})["transfer"]
    names = [title.partition(",")[0] for title in titles(maps)[:2]]
    assert names == [sturdy.attacks[1].name, "CARRIED-U"]
    assert [text.get_text() for text in maps.figure.axes[1].texts] == ["90", "15"]


@pytest.mark.parametrize("metric", [None, EPE])
def test_scores_that_cannot_be_above_100_end_there(metric):
    one = run([attack("FGSM-U", eps, 20.0 * eps) for eps in (2, 8)])
    one.metric = metric or one.metric
    top = figures_of(net=one)["eps"].figure.axes[0].get_ylim()[1]
    assert (top == 105) if metric is None else (top > 160)


def test_skeletons_are_seen_in_universal_perturbations_alone(study):
    drawing = report_figures(*read_runs([study]))["universal"]
    lines = [len(axes.get_lines()) for axes in drawing.figure.axes]
    assert lines == [0, 15, 15, 0, 15, 15]


def test_a_picture_that_cannot_be_read_is_named(study):
    results, folders = read_runs([study])
    picture = study / results.runs["frail"].universal[0].image
    picture.write_bytes(picture.read_bytes()[:30])
    with pytest.raises(ResultsError, match=f"Expected a picture. Got .*{picture.name}: "):
        report_figures(results, folders)
