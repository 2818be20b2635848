"""Runs into a folder that has something already, and runs that are stopped half way."""

from __future__ import annotations

import errno

import cv2
import numpy as np
import pytest

from hpe_art.evaluation.result_files import ResultsError, check_kind, read_results, write_results
from hpe_art.evaluation.results import Study
from hpe_art.metrics.bootstrap import FEWEST

FAST = ["--device", "cpu", "--precision", "float32", "--out", "run"]


def images(folder):
    return {path.name: cv2.imread(str(path)) for path in sorted(folder.glob("*.png"))}


def test_the_table_names_weights_and_people_and_few_have_no_interval(
    attack, config, weights, people
):
    few = attack(config, *FAST, "--attack", "noise", "--num-samples", FEWEST - 1)
    assert few.code == 0, few.err
    words = "".join(few.out.split())  # long paths are broken into lines
    assert f"weights{weights}" in words and str(people / "annotations/mpii_val.json") in words
    assert "±0" not in few.out and few.results.clean.score.interval is None
    assert f"Note: No intervals: {FEWEST - 1} people, where {FEWEST} are needed." in few.out


def test_images_are_those_of_the_attack_that_was_asked_for(attack, config):
    """Attacks of one name and eps, told apart by their steps, share a folder."""
    flags = [*FAST, "--attack", "igsm", "--max-iter", 1, "--num-samples", 4, "--save-images"]
    folder = attack.cwd / "run" / "perturbed" / "igsm-u-1_eps8"
    assert attack(config, *flags).code == 0
    first = images(folder)
    assert attack(config, *flags, "--eps-step", 1).code == 0
    other = images(folder)
    assert any((first[name] != other[name]).any() for name in first)
    assert attack(config, *flags).code == 0
    again = images(folder)
    assert again.keys() == first.keys()
    for name in first:
        np.testing.assert_array_equal(again[name], first[name])
    # Other settings begin anew, and leave nothing of before.
    noise = [*FAST, "--attack", "noise", "--num-samples", 4, "--save-images"]
    assert attack(config, *noise, "--seed", 1, "--overwrite").code == 0
    assert images(folder) == {} and len(images(folder.with_name("noise_eps8"))) == 4


def test_a_full_disk_is_said_and_the_same_command_goes_on(attack, config, monkeypatch):
    from hpe_art.evaluation import saved_crops

    whole, written = saved_crops.write_whole, []

    def full(path, content):
        if path.suffix == ".png":
            written.append(path)
            if len(written) == 3:
                raise OSError(errno.ENOSPC, "No space left on device", str(path))
        whole(path, content)

    flags = [*FAST, "--attack", "fgsm", "--num-samples", 4, "--save-images"]
    with monkeypatch.context() as patch:
        patch.setattr(saved_crops, "write_whole", full)
        stopped = attack(config, *flags)
    assert stopped.code == 1
    assert stopped.err == (
        f"attack.py: error: Expected to read or write {written[-1]}. Got: No space left on device: "
        "free some space; what was done is kept, and the same command goes on from there.\n"
    )
    assert not (attack.cwd / "run" / "results.json").exists()
    assert attack(config, *flags).code == 0
    assert len(images(written[-1].parent)) == 4


def test_results_of_before_say_what_a_stopped_run_lacks(attack, config, monkeypatch):
    flags = [*FAST, "--num-samples", 4, "--attack", "noise"]
    assert attack(config, *flags).code == 0

    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("hpe_art.evaluation.attacking.BatchAttacker.attack", stop)
        stopped = attack(config, *flags, "fgsm", "--eps", "4", "8")
    assert stopped.code == 130
    assert stopped.results.missing == ["NOISE eps 4", "FGSM-U eps 4", "FGSM-U eps 8"]
    assert [one.eps for one in stopped.results.attacks] == [8.0]
    done = attack(config, *flags, "fgsm", "--eps", "4", "8")
    assert done.results.missing == [] and len(done.results.attacks) == 4


def test_results_of_a_study_are_not_replaced(attack, config):
    assert attack(config, *FAST, "--attack", "noise", "--num-samples", 4).code == 0
    path = attack.cwd / "run" / "results.json"
    with pytest.raises(ResultsError, match=r"without the results of a run. Got .*results.json"):
        check_kind(path, study=True)
    results = read_results(path)
    write_results(path, results.model_copy(update={"study": Study(protocol="a paper")}))
    before = path.read_bytes()
    refused = attack(config, *FAST, "--attack", "noise", "--num-samples", 4)
    assert refused.code == 2 and "without the results of a study" in refused.err
    assert path.read_bytes() == before


def test_a_config_is_not_replaced_by_the_copy_of_it(attack, write_config, weights):
    config = write_config(attack.cwd / "tiny.py", load_from=str(weights))
    before = config.read_text()
    refused = attack(config, "--attack", "noise", "--out", ".")
    assert refused.code == 2 and "other than that of" in refused.err
    assert config.read_text() == before and list(attack.cwd.iterdir()) == [config]
