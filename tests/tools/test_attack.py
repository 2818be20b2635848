"""The command, end to end on six people with a tiny untrained hourglass."""

from __future__ import annotations

import json
import math

import cv2
import numpy as np
import pytest
import torch

from hpe_art.estimators.gradient_copy import has_fast_bfloat16
from hpe_art.estimators.loading import load_config
from hpe_art.evaluation.result_files import read_results
from hpe_art.files import sha256

FAST = ["--cfg-options", "train_cfg.max_epochs=1", "--device", "cpu"]


def without_clock(run) -> dict:
    found = run.model_dump(exclude={"started", "seconds", "phases", "arguments"})
    for attack in found["attacks"]:
        attack.pop("seconds")
    return found


def test_the_command_without_flags(run_tool, tmp_path, config, weights, people):
    done = run_tool("attack.py", config, weights, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "results" / "tiny"
    (run,) = read_results(folder / "results.json").runs.values()
    names = [attack.name for attack in run.attacks]
    assert names == ["NOISE", "FGSM-U", "IGSM-U-10", "IGSM-T-20"]
    assert run.config == str(config)
    assert run.checkpoint.model_dump() == {"path": str(weights), "sha256": sha256(weights)}
    assert (run.dataset.type, run.dataset.num_samples) == ("MpiiDataset", 6)
    assert run.dataset.ann_file == str(people / "annotations" / "mpii_val.json")
    fast = "bfloat16" if has_fast_bfloat16(torch.device("cpu")) else "float32"
    assert run.seed == 0 and run.precision == f"{fast}, folded"
    phases = {"load", "read", "clean", "attack", "score", "store", "scores", "pictures"}
    assert set(run.phases) == phases
    assert sum(part.share for part in run.phases.values()) == pytest.approx(1)
    assert run.targets.seed == 0 and len(run.targets.donors) == 6
    assert all(0 < attack.linf_max <= 8 for attack in run.attacks)
    steps = [(attack.eps_step, attack.max_iter) for attack in run.attacks]
    assert steps[2:] == [(pytest.approx(3.2), 10), (1, 20)]
    pictures = list((folder / "pictures").glob("*.png"))
    assert pictures and all(cv2.imread(str(path)) is not None for path in pictures)
    assert [one.attack for one in run.examples] == ["clean", *names[1:]]
    shown = [one for example in run.examples for one in example.people]
    aimed = {one.attack for one in run.examples if any(who.target for who in one.people)}
    assert aimed == {"IGSM-T-20"}
    files = {name for one in shown for name in (one.image, one.perturbation) if name}
    assert len(files) == 4 + 3 * 2 * 4 and all((folder / name).is_file() for name in files)
    for word in (*names, "PCKh", "Ankle", "results.json"):
        assert word in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_precision_is_that_of_the_search_alone(attack, config, precision):
    run = attack(config, *FAST, "--attack", "fgsm", "--precision", precision)
    assert run.code == 0, run.err
    expected = {"float32": "float32", "bfloat16": "bfloat16, folded"}[precision]
    assert run.results.precision == expected
    other = attack(config, *FAST, "--attack", "fgsm", "--out", "auto")
    assert run.results.clean == other.results.clean


def test_the_same_seed_gives_the_same_numbers_and_another_does_not(attack, config, weights):
    flags = ["--attack", "noise", "igsm", "--targeted", "--max-iter", 2, "--num-samples", 5]
    first = attack(config, weights, *flags, "--seed", 1)
    assert first.code == 0, first.err
    numbers = without_clock(first.results)
    again = attack(config, weights, *flags, "--seed", 1, "--out", "again")
    assert without_clock(again.results) == numbers
    assert numbers["dataset"]["num_samples"] == 5
    other = attack(config, weights, *flags, "--seed", 2, "--out", "other")
    assert other.results.targets.donors != numbers["targets"]["donors"]


def test_the_same_command_goes_on_and_another_is_refused(attack, config, weights):
    flags = ["--attack", "noise", "--out", "run"]
    first = attack(config, weights, *flags)
    more = attack(config, weights, "--attack", "noise", "fgsm", "--work-dir", "run")
    assert more.names == ["NOISE", "FGSM-U"]
    assert more.results.attacks[0] == first.results.attacks[0]
    other = attack(config, weights, *flags, "--seed", 3)
    assert other.code == 2
    assert "run/store with seed 0 instead of 3" in other.err and "--overwrite" in other.err
    anew = attack(config, weights, *flags, "--seed", 3, "--overwrite")
    assert anew.code == 0 and anew.results.seed == 3


def test_annotations_that_changed_between_two_runs_are_named(attack, config, weights, write_people):
    path = write_people(attack.cwd / "mine") / "annotations" / "mpii_val.json"
    flags = [config, weights, "--attack", "noise", "--data-root", "mine", "--out", "run"]
    assert attack(*flags).code == 0
    people = json.loads(path.read_text())
    people[0]["joints"][0][0] += 1
    path.write_text(json.dumps(people))
    refused = attack(*flags)
    assert refused.code == 2 and len(refused.err.splitlines()) == 1
    assert "people of a file that changed since then, mpii_val.json: choose" in refused.err
    assert attack(*flags, "--overwrite").code == 0


def test_flags_are_obeyed_and_recorded(attack, config, weights):
    done = attack(
        config, weights, "--attack", "fgsm", "--both", "--eps", 2, 8, "--outputs", "all",
        "--batch-size", 4, "--out", "elsewhere", *FAST, pictures=True,
    )  # fmt: skip
    assert done.code == 0, done.err
    assert not (attack.cwd / "results").exists()
    assert done.names == ["FGSM-U-ALL"] * 2 + ["FGSM-T-ALL"] * 2
    assert [entry.eps for entry in done.results.attacks] == [2, 8, 2, 8]
    arguments = done.results.arguments
    assert arguments["eps"] == [2, 8] and arguments["both"] and arguments["outputs"] == "all"
    assert arguments["batch_size"] == 4 and arguments["work_dir"] == "elsewhere"
    assert arguments["cfg_options"] == {"train_cfg.max_epochs": 1}
    assert done.results.device == "cpu"
    assert (done.folder / "pictures" / "eps_curve.png").is_file()


def test_what_is_printed_and_where(attack, config):
    flags = [config, *FAST, "--attack", "fgsm", "--num-samples", 5, "--batch-size", 4]
    plain = attack(*flags)
    assert plain.out.startswith("Attacks 5 people with FGSM-U at eps 8: at most 1 gradient for")
    assert "The first 4 people took" in plain.out and "for the other 1." in plain.out
    *_, report, stronger = plain.out.splitlines()
    assert report == "  python tools/report.py results/tiny -o results/tiny/report.html"
    assert stronger.startswith("  python tools/attack.py ") and stronger.endswith(" --attack auto")
    as_json = attack(*flags, "--json")
    assert json.loads(as_json.out) == json.loads((as_json.folder / "results.json").read_text())
    assert "FGSM-U" in as_json.err
    quiet = attack(*flags, "--quiet")
    assert (quiet.code, quiet.out, quiet.err) == (0, "", "")
    refused = attack(*flags, "--quiet", "--seed", 1)
    assert (refused.code, refused.out) == (2, "") and "--overwrite" in refused.err


def test_who_is_pictured_is_chosen_and_named(attack, config):
    flags = [config, *FAST, "--attack", "fgsm", "noise"]
    done = attack(*flags, "--pictures", 5, pictures=True)
    assert done.code == 0, done.err
    assert "Pictured: 5 of 6 people; --pictures N for others. 00000.jpg, person 0; 00" in done.out
    assert done.results.dataset.images == {i: f"{min(i, 4):05d}.jpg" for i in range(6)}
    assert len(list((done.folder / "pictures").glob("fgsm-u_eps8_*.png"))) == 5
    assert [len(one.people) for one in done.results.examples] == [5, 5]
    none = attack(*flags, "--pictures", 0, pictures=True)
    assert none.code == 0 and "Pictured" not in none.out, none.err
    assert not list((none.folder / "pictures").glob("*.png"))


def test_target_poses_of_ones_own(attack, config, weights, tmp_path):
    pose = tmp_path / "pose.json"
    pose.write_text(json.dumps([[k / 16, 0.25] for k in range(16)]))
    flags = ["--attack", "igsm", "--targeted", "--max-iter", 2, "--target"]
    done = attack(config, weights, *flags, pose, "--target-joints", "Wrist", "head_top")
    assert done.code == 0, done.err
    targets = done.results.targets
    assert str(pose) in targets.rule
    assert targets.joints == ["head_top", "right_wrist", "left_wrist"]
    width = load_config(config).codec.input_size[0]
    assert targets.poses[0][10][0] == pytest.approx(10 / 16 * width)
    done = attack(config, weights, *flags, "mirror", "--out", "mirrored")
    assert "mirrored" in done.results.targets.rule


def test_perturbed_images_are_kept_where_asked(attack, config, weights):
    done = attack(config, weights, "--attack", "noise", "igsm", "--max-iter", 2, "--save-images")
    assert done.code == 0, done.err
    folders = sorted(path.name for path in (done.folder / "perturbed").iterdir())
    assert folders == ["annotations", "igsm-u-2_eps8", "noise_eps8"]
    from hpe_art.data.people import load_people

    people = load_people(load_config(config))
    for name in folders[1:]:
        for i in range(6):
            # OpenCV reads and writes blue first, as the crops are packed.
            image = cv2.imread(str(done.folder / "perturbed" / name / f"{i:05d}.png"))
            change = image.transpose(2, 0, 1).astype(int) - people.x[i]
            assert 6 <= np.abs(change).max() <= 8


def test_flip_test_is_scored_attacked_and_noted(attack, config, weights):
    (plain,) = attack(config, weights, "--attack", "fgsm").results.attacks
    done = attack(config, weights, "--attack", "fgsm", "--flip-test", "--out", "flipped")
    assert done.code == 0, done.err
    assert "Scored and attacked with flip-test." in done.results.notes
    assert "flip-test" in done.out
    (flipped,) = done.results.attacks
    assert flipped.forward_passes == 2 * plain.forward_passes
    assert flipped.backward_passes == 2 * plain.backward_passes


def test_a_folder_of_ones_own(attack, config, weights, write_people):
    folder = write_people(attack.cwd / "mine", 3)
    annotations = folder / "annotations"
    (annotations / "mpii_val.json").rename(annotations / "upright_val.json")
    (folder / "images").rename(folder / "photos")
    done = attack(
        config, weights, "--data-root", folder, "--image-prefix", "photos", "--attack", "noise"
    )
    assert done.code == 0, done.err
    dataset = done.results.dataset
    assert (dataset.ann_file, dataset.num_samples) == ("mine/annotations/upright_val.json", 3)


def test_other_norms(attack, config, weights):
    flags = ["--attack", "fgsm", "--eps", 100, 300, "--save-images"]
    done = attack(config, weights, *flags, "--norm", "2", pictures=True)
    assert done.code == 0, done.err
    assert done.results.attacks[0].norm == 2
    assert "FGSM-U L2" in done.out and "in the norm of the name" in " ".join(done.out.split())
    saved = {path.name for path in (done.folder / "perturbed").iterdir()}
    assert saved == {"annotations", "fgsm-u-l2_eps100", "fgsm-u-l2_eps300"}
    pictures = {path.name.rsplit("_", 1)[0] for path in (done.folder / "pictures").iterdir()}
    assert pictures == {"fgsm-u-l2_eps300", "eps"}


def test_one_output_equals_all_of_them_and_that_is_noted(
    attack, tmp_path, write_config, write_weights
):
    config = write_config(tmp_path / "tiny.py", stacks=1)
    weights = write_weights(tmp_path / "tiny.pth", config)
    done = attack(config, weights, "--attack", "fgsm", "--outputs", "all")
    assert done.results.notes == ["The network has one output: all outputs equal the last."]


def test_unreadable_images_are_left_out_where_asked(
    attack, weights, tmp_path, write_people, write_config
):
    folder = write_people(tmp_path / "people")
    config = write_config(tmp_path / "tiny.py", folder)
    (folder / "images" / "00001.jpg").write_bytes(b"no")
    done = attack(config, weights, "--attack", "noise", "--skip-unreadable")
    assert done.code == 0, done.err
    assert done.results.notes == ["1 unreadable images were left out: 00001.jpg."]
    assert "1 unreadable images" in done.out
    assert done.results.dataset.num_samples == 5


def test_people_who_cannot_be_used_are_left_out_where_asked(
    attack, config, weights, tmp_path, write_people
):
    folder = write_people(tmp_path / "people")
    path = folder / "annotations" / "mpii_val.json"
    people = json.loads(path.read_text())
    people[0].update(scale=-1, center=[-1, -1])
    people[4]["joints"][2][0] = math.nan
    path.write_text(json.dumps(people))
    given = [config, weights, "--attack", "noise", "--data-root", folder]
    refused = attack(*given)
    assert refused.code == 2 and len(refused.err.splitlines()) == 1
    fact = "person 0 (00000.jpg): centre and scale are not known (-1)"
    assert f"{path}. Got 2 who cannot, first {fact}. Mend" in refused.err
    done = attack(*given, "--skip-bad")
    assert done.code == 0, done.err
    assert done.results.dataset.num_samples == 4
    assert done.results.dataset.left_out[0] == fact
    assert done.results.dataset.left_out[1].startswith("person 4 (00004.jpg): joint 2 is at [nan")
    assert f"2 people were left out, who cannot be used: {fact};" in done.results.notes[0]


def test_losses_and_metrics_by_name(attack, config, weights):
    flags = ["--attack", "fgsm", "--loss", "distance", "--metric", "EPE", "--per-joint"]
    done = attack(config, weights, *flags)
    assert done.code == 0, done.err
    assert done.names == ["FGSM-U [distance]"] and done.results.metric.key == "EPE"
    assert "EPE" in done.out and "right_wrist" in done.out
    # The config's evaluator is MPII's: its total is no longer the number of the table.
    assert "PCK" in done.out
