"""Costs at scale are those of the plan, shared as processes share people."""

import pytest

from benchmarks.scale import PAGE, Cost, Network, ensemble, hours, page, study

NETWORK = Network("toy", gflop=50e3, outputs=2)  # a second for each pass


def test_passes_are_those_of_the_longest_runs():
    assert ensemble().gradients == 1000
    one, several = study(1, others=7), study(2, others=7)
    # 8 eps of IGSM-U-10 and -T-20, 100 steps of each direction, and one gradient of FGSM each.
    assert one.gradients == 7 * 10 + 7 * 20 + 2 * 100 + 2
    assert several.gradients == 2 * one.gradients
    assert (one.elsewhere, several.elsewhere) == (9 * 4, 9 * 6)
    assert several.fitted == 2 * one.fitted == 4 * 2 * 4096


@pytest.mark.parametrize("devices", [1, 2, 16, 64])
def test_hours_are_those_of_the_largest_share(devices):
    cost = Cost(forward=1, gradients=2, elsewhere=3)
    found = hours(cost, NETWORK, 2 * NETWORK.gflop, 2958, devices)
    assert found == pytest.approx((1 + 2 * 2 + 3 * 2) * -(-2958 // devices) / 3600)
    assert found <= 1.02 * hours(cost, NETWORK, 2 * NETWORK.gflop, 2958, 1) / devices


def test_fits_are_shared_too():
    cost = Cost(0, 0, fitted=3600)
    assert hours(cost, NETWORK, 0.0, 1, 4) == pytest.approx(0.5)


@pytest.mark.slow
def test_the_page_is_that_of_today():
    assert page() == PAGE.read_text()
