"""The plan counts what will be counted, and says what is done already."""

import shutil

import pytest

from hpe_art.evaluation.result_files import read_results
from hpe_art.evaluation.running import prepared_run
from hpe_art.evaluation.store import StoreError
from hpe_art.studies.plan import planned_runs


@pytest.fixture
def plan(planned_networks):
    def plan(folder, **settings):
        (network,) = planned_networks(folder, "deep", **settings)
        return planned_runs("deep", prepared_run(network.cfg, network.spec, network.folder), 4)

    return plan


@pytest.fixture
def counts(whole):
    """Forward and backward passes by the attack's name and eps."""
    attacks = read_results(whole).runs["deep"].attacks
    return {(a.name, a.eps): (a.forward_passes, a.backward_passes) for a in attacks}


def test_it_is_right(plan, counts, tmp_path):
    found = {(one.attacks, one.eps): one for one in plan(tmp_path / "study")}
    assert not (tmp_path / "study").exists() and not any(one.finished for one in found.values())
    assert all(one.seconds > 0 for one in found.values())
    first = found.pop(("clean", ""))
    assert (first.forward, first.backward, first.elsewhere) == (6, 0, 3 * 6 - 6)
    served = {
        ("FGSM-U", "4 to 8"): [("FGSM-U", 4.0), ("FGSM-U", 8.0)],
        ("IGSM-U-1 to IGSM-U-12", "8"): [(f"IGSM-U-{n}", 8.0) for n in (1, 3, 10, 12)],
        ("IGSM-T-2-ALL to IGSM-T-20-ALL", "8"): [(f"IGSM-T-{n}-ALL", 8.0) for n in (2, 4, 20)],
    }
    for which, attacks in served.items():
        done = [counts[attack] for attack in attacks]
        assert found[which].forward == sum(forward for forward, _ in done)
        assert found[which].backward == sum(backward for _, backward in done)
    # Six people are fitted on once.
    universal = found["UAP-U", "8"]
    assert (universal.forward, universal.backward) == (counts["UAP-U", 8.0][0] + 6, 6)
    assert sum(one.forward for one in found.values()) == sum(f for f, _ in counts.values()) + 12


def test_what_is_done_is_said(plan, copied):
    assert all(one.finished and not one.seconds for one in plan(copied))
    (folder,) = (copied / "deep/store").glob("noise_eps4-*")
    shutil.rmtree(folder)
    left = [one for one in plan(copied) if not one.finished]
    assert [(one.attacks, one.eps, one.forward) for one in left] == [("NOISE", "4", 6)]


def test_other_settings_are_refused(plan, whole):
    with pytest.raises(StoreError, match="seed 0 instead of 3"):
        plan(whole, seed=3)
