"""The plan asks for everything once, and says what it costs."""

from collections import Counter

from hpe_art.evaluation.study.plan import DEFENCES, QUICK, Grid, Studied, cost, plan

TWO = [Studied("deep", 8), Studied("flat", 1)]


def test_every_setting_is_there_once():
    cells = plan(TWO, Grid())
    settings = [(cell.network, setting) for cell in cells for setting in cell.settings]
    assert len(settings) == len(set(settings))
    deep = [s for network, s in settings if network == "deep"]
    flat = [s for network, s in settings if network == "flat"]
    # 8 eps of noise, FGSM and IGSM each way, two curves that share a point with IGSM, 2 UAP.
    once = 2 * (8 + 8 + 12 - 1) + 2
    # 20 targeted steps are a point of the curve too, as 10 untargeted ones are.
    assert len(flat) == 8 + once
    assert len(deep) == 8 + 2 * once
    assert {s.outputs for s in flat} == {"last"}


def test_one_run_serves_all_eps_of_fgsm_and_all_steps_of_igsm():
    cells = {(c.network, c.name): c for c in plan(TWO, Grid())}
    assert len(cells["flat", "fgsm-u"].settings) == 8
    long = cells["flat", "igsm-u_eps8"]
    assert sorted(s.iterations for s in long.settings) == sorted(Grid().untargeted_curve)
    assert cost(long, 10).backward == 10 * 100
    assert cost(long, 10).forward == 10 * (100 + 12) + 10 * len(DEFENCES)
    assert cost(long, 10).elsewhere == {"deep": 10}
    fgsm = cost(cells["flat", "fgsm-u"], 10)
    assert (fgsm.forward, fgsm.backward, fgsm.elsewhere) == (10 * 9, 10, {})


def test_names_are_those_of_files():
    cells = Counter((c.network, c.name) for c in plan(TWO, Grid()))
    assert set(cells.values()) == {1}
    assert ("deep", "igsm-t-all_eps0.25") in cells and ("deep", "uap-u-all_eps16") in cells


def test_others_see_the_ten_untargeted_steps_and_the_universal_ones():
    shown = {
        (cell.name, setting.iterations)
        for cell in plan(TWO, Grid())
        for setting, names in zip(cell.settings, cell.shown, strict=False)
        if names
    }
    assert {name for name, _ in shown} == {
        "igsm-u_eps8",
        "uap-u_eps8",
        "uap-u_eps16",
        "uap-u-all_eps8",
        "uap-u-all_eps16",
    }
    assert ("igsm-u_eps8", 10) in shown and ("igsm-u_eps8", 100) not in shown


def test_a_clean_cell_is_shown_to_all():
    clean = plan(TWO, QUICK)[0]
    assert (clean.name, clean.settings) == ("clean", ())
    assert cost(clean, 10, train_people=5).forward == 10 + 10 * len(DEFENCES)
    assert cost(clean, 10).elsewhere == {"flat": 10}


def test_bundled_perturbations_are_not_fitted():
    cells = plan([Studied("deep", 8, bundled=(16.0,)), Studied("flat", 1, bundled=())], Grid())
    universal = [c for c in cells if c.settings and c.settings[0].attack == "uap"]
    assert [(c.network, c.name) for c in universal] == [("deep", "uap-u_eps16")]
    # Everybody sees the perturbation alone as well.
    assert cost(universal[0], 10).forward == 10 + 1 + 10 * len(DEFENCES)
    assert cost(universal[0], 10).elsewhere == {"flat": 11}
    assert cost(universal[0], 10, fit_passes=40).backward == 40
    # Training people are seen clean and perturbed.
    more = cost(universal[0], 10, train_people=5).forward - cost(universal[0], 10).forward
    assert more == 2 * 5


def test_a_part_alone():
    cells = plan(TWO, Grid(parts=("noise",), eps=(4.0,)))
    assert [(c.network, c.name) for c in cells] == [
        ("deep", "clean"),
        ("deep", "noise_eps4"),
        ("flat", "clean"),
        ("flat", "noise_eps4"),
    ]


def test_the_quick_grid_asks_less_of_targets_and_of_all_outputs():
    settings = [(c.network, s) for c in plan(TWO, QUICK) for s in c.settings]
    assert {s.eps for n, s in settings if s.targeted} == {8.0}
    assert {s.eps for n, s in settings if s.outputs == "all" and s.attack != "uap"} == {8.0}
    assert not any(s.targeted for n, s in settings if s.outputs == "all")
