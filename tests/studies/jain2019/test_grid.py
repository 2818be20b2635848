"""The grid asks for everything once."""

from collections import Counter

import pytest

from hpe_art.attacks import Universal, shareable
from hpe_art.attacks.noise import Noise
from hpe_art.attacks.pgd import Igsm
from hpe_art.evaluation.store import key_of
from hpe_art.studies.jain2019.grid import QUICK, Grid, attacks_of, shown, universal_to_fit


def asked(grid, outputs):
    return attacks_of(grid, 0, outputs, universal_to_fit(grid, 0, outputs))


def test_every_attack_is_there_once():
    deep, flat = asked(Grid(), 8), asked(Grid(), 1)
    # 8 eps of noise, FGSM and IGSM each way, two curves that share a point with IGSM, 2 UAP.
    once = 2 * (8 + 8 + 12 - 1) + 2
    assert len(flat) == 8 + once and len(deep) == 8 + 2 * once
    for attacks in (deep, flat):
        assert set(Counter(key_of("", one.settings()) for one in attacks).values()) == {1}
    assert {getattr(one, "outputs", "last") for one in flat} == {"last"}


def test_one_run_serves_all_eps_of_fgsm_and_all_steps_of_igsm():
    groups = {(group[0].label, group[0].eps): group for group in shareable(asked(Grid(), 1))}
    assert len(groups["FGSM-U", 0.25]) == 8
    long = groups["IGSM-U-10", 8.0]
    assert sorted(one.iterations for one in long) == sorted(Grid().untargeted_curve)
    assert Igsm.passes(long) == (100, 100)


def test_others_see_the_ten_untargeted_steps_and_the_universal_ones():
    attacks = asked(Grid(), 8)
    seen = [(attacks[i].label, attacks[i].eps) for i in shown(Grid(), attacks)]
    assert seen == [
        ("IGSM-U-10", 8.0),
        ("UAP-U", 8.0),
        ("UAP-U", 16.0),
        ("UAP-U-ALL", 8.0),
        ("UAP-U-ALL", 16.0),
    ]


def test_a_part_alone():
    grid = Grid(parts=("noise",), eps=(4.0,))
    assert asked(grid, 8) == [Noise(eps=4.0)]
    with pytest.raises(ValueError, match="Expected parts out of noise, fgsm, .*Got magic"):
        Grid(parts=("magic",))


def test_the_seed_is_that_of_all():
    attacks = attacks_of(QUICK, 7, 2, [Universal(seed=7)])
    assert {one.seed for one in attacks} == {7}


def test_the_quick_grid_asks_less_of_targets_and_of_all_outputs():
    attacks = attacks_of(QUICK, 0, 8, [])
    every = [one for one in attacks if getattr(one, "outputs", "last") == "all"]
    assert {one.eps for one in attacks if one.targeted} == {8.0} == {one.eps for one in every}
    assert not any(one.targeted for one in every) and not QUICK.fits
