"""What attacks on the bundled networks end in is what it was before 0.2.0."""

from __future__ import annotations

import numpy as np
import pytest
from baseline.record import NETWORKS, attacks, held, processor, record

from hpe_art.attacks import build_spec

FAST = ("noise", "fgsm", "igsm", {"type": "igsm", "targeted": True})
POINTS = 3.0
"""How far a score may be off, in percent of joints, where convolutions round otherwise."""


@pytest.fixture(autouse=True)
def parts_as_recorded(monkeypatch):
    """Convolutions round by how many images pass at once."""
    monkeypatch.setattr("hpe_art.estimators.micro_batches.LARGEST_TENSOR", 16 * 2**20)


def check(network, specs):
    known = held()
    same_rounding = str(known["processor"]) == processor()
    found = record(network, specs)
    names = [name for name in found if not name.endswith(("/hits", "/passes"))]
    assert len(names) == 1 + len(specs)
    for name in names:
        if name != f"{network}/clean":
            np.testing.assert_array_equal(found[f"{name}/passes"], known[f"{name}/passes"])
        hits, expected = found[f"{name}/hits"], known[f"{name}/hits"]
        if same_rounding:
            np.testing.assert_array_equal(found[name], known[name], err_msg=name)
            np.testing.assert_array_equal(hits, expected, err_msg=name)
            continue
        np.testing.assert_array_equal(np.isnan(hits), np.isnan(expected))
        scores = [100 * np.nanmean(one.astype(np.float64)) for one in (hits, expected)]
        assert abs(scores[0] - scores[1]) <= POINTS, name
        near = np.abs(found[name][..., :2] - known[name][..., :2]).max(axis=-1) < 1
        assert near.mean() > 0.8, name
    return names


@pytest.mark.parametrize("network", ["hourglass", "deeppose"])
def test_leading_attacks_end_as_before(network):
    check(network, [build_spec(one) for one in FAST])


@pytest.mark.slow
@pytest.mark.parametrize("network", NETWORKS)
def test_all_attacks_end_as_before(network):
    names = check(network, attacks(network))
    recorded = [name for name in held() if name.startswith(f"{network}/")]
    assert {name for name in recorded if not name.endswith(("/hits", "/passes"))} == set(names)
