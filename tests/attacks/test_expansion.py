import pytest

from hpe_art.attacks import default_specs, expand
from hpe_art.errors import UserError


def labels(*given):
    return [f"{spec.label} {spec.eps:g}" for spec in expand(*given)]


def test_the_default_is_the_papers_four():
    assert [s.label for s in default_specs()] == ["NOISE", "FGSM-U", "IGSM-U-10", "IGSM-T-20"]
    assert labels(None, dict(eps=[2.0, 4.0], targeted=None)) == [
        "NOISE 2",
        "NOISE 4",
        "FGSM-U 2",
        "FGSM-U 4",
        "IGSM-U-10 2",
        "IGSM-U-10 4",
        "IGSM-T-20 2",
        "IGSM-T-20 4",
    ]


def test_a_direction_that_is_asked_for_is_that_of_all():
    assert labels(None, dict(targeted=True)) == ["NOISE 8", "FGSM-T 8", "IGSM-T-20 8"]
    assert labels(["igsm"], dict(targeted=[False, True])) == ["IGSM-U-10 8", "IGSM-T-20 8"]


def test_lists_are_multiplied_out_with_eps_last():
    given = dict(eps=[1.0, 2.0], max_iter=[3, 5], targeted=[False, True])
    assert labels(["igsm"], given) == [
        f"IGSM-{d}-{n} {eps}" for d in "UT" for n in (3, 5) for eps in (1, 2)
    ]
    assert labels(["noise", "igsm"], dict(max_iter=[1])) == ["NOISE 8", "IGSM-U-1 8"]


def test_what_differs_in_a_default_only_runs_once():
    assert labels(["igsm", "igsm"], dict(max_iter=[10, 10, 3])) == ["IGSM-U-10 8", "IGSM-U-3 8"]
    assert labels(["igsm"], dict(eps_step=[None, 3.2])) == ["IGSM-U-10 8"]


@pytest.mark.parametrize(
    ("names", "options", "message"),
    [
        (["fgsm"], dict(max_iter=[3]), "Expected --max-iter with --attack .*igsm.* Got fgsm."),
        (
            ["noise"],
            dict(targeted=True),
            "--targeted with --attack .*igsm.* uap. Got noise",
        ),
        (["noise"], dict(eps_step=2.0), "Expected --eps-step with --attack igsm. Got noise."),
        (["igsm"], dict(recipe="DeepFool"), "Expected --recipe with --attack art. Got igsm."),
    ],
)
def test_options_that_nobody_takes_are_named(names, options, message):
    with pytest.raises(UserError, match=message):
        expand(names, options)


def test_an_unknown_attack_is_named():
    with pytest.raises(ValueError, match="registered attack, out of .* Got 'pgd'"):
        expand(["pgd"], {})
