from __future__ import annotations

import numpy as np
import pytest
from example_results import EPE

from hpe_art.report import eps_curve


def test_one_line_per_attack_in_order_of_eps(results):
    axes = eps_curve(results).axes[0]
    lines = {line.get_label(): line for line in axes.lines}
    assert list(lines) == ["NOISE", "IGSM-U-10", "IGSM-T-100-ALL"]
    np.testing.assert_array_equal(lines["IGSM-U-10"].get_xydata(), [[2, 40], [8, 15]])
    np.testing.assert_array_equal(lines["IGSM-T-100-ALL"].get_ydata(), [np.nan, 6.25])


def test_noise_alone_is_grey_and_the_axis_is_binary(results):
    axes = eps_curve(results).axes[0]
    assert [line.get_color() == "0.4" for line in axes.lines] == [True, False, False]
    assert axes.get_xscale() == "log"
    assert axes.xaxis.get_transform().base == 2
    assert axes.get_title() == "128 people, clean PCKh 80.0 %"
    assert axes.get_ylabel() == "relative PCKh@0.5 (%)"


def test_other_metrics_are_in_their_unit(results):
    results.metric = EPE
    axes = eps_curve(results).axes[0]
    assert axes.get_title() == "128 people, clean EPE 80.0 px"
    assert axes.get_ylabel() == "relative EPE (%)"


def test_eps_zero_is_left_out(results):
    results.attacks[0].eps = 0
    line = eps_curve(results).axes[0].lines[0]
    np.testing.assert_array_equal(line.get_xdata(), [8])


def test_one_eps_is_no_curve(results):
    results.attacks = [attack for attack in results.attacks if attack.eps == 8]
    with pytest.raises(ValueError, match=r"at least two values of eps above 0. Got \[8.0\]"):
        eps_curve(results)
    results.attacks = []
    with pytest.raises(ValueError, match=r"Got \[\]"):
        eps_curve(results)
