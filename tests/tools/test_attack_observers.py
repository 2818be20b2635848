"""The command with others who see its images: networks, defences, and universal perturbations."""

from __future__ import annotations

import shutil


def test_transfer_to_other_networks(attack, config, weights, tmp_path, write_config, write_weights):
    other = write_config(tmp_path / "other.py", stacks=1)
    write_config(other, stacks=1, load_from=str(write_weights(tmp_path / "other.pth", other)))
    done = attack(config, weights, "--attack", "fgsm", "noise", "--transfer-to", other)
    assert done.code == 0, done.err
    assert {name: one.kind for name, one in done.results.observers.items()} == {"other": "transfer"}
    assert all(0 <= a.observed["other"].score.value <= 100 for a in done.results.attacks)
    assert "other networks: relative PCKh" in done.out and "clean PCKh" in done.out


def test_defences_that_the_attacker_does_not_know_of(attack, config, weights):
    plain = attack(config, weights, "--attack", "fgsm").results
    names = ["smoothing", "jpeg", "squeezing", "gaussian", "flip-perturbation"]
    done = attack(config, weights, "--attack", "fgsm", "--defence", *names)
    assert done.code == 0, done.err
    defended = done.results
    assert list(defended.observers) == list(defended.attacks[0].observed) == names
    assert {one.kind for one in defended.observers.values()} == {"defence"}
    assert "behind a defence" in done.out
    mirrored = defended.observers["flip-perturbation"].clean
    assert mirrored.score == defended.clean.score
    assert defended.attacks[0].score == plain.attacks[0].score


def test_attacks_behind_a_defence(attack, config, weights):
    done = attack(config, weights, "--attack", "fgsm", "--behind", "smoothing")
    assert done.code == 0, done.err
    behind = done.results
    assert behind.notes == ["Scored and attacked behind smoothing."]
    plain = attack(config, weights, "--attack", "fgsm", "--out", "plain").results
    assert behind.clean.score.joints != plain.clean.score.joints


def test_universal_perturbations_are_fitted_saved_and_scored_again(attack, config, weights):
    flags = ["--num-samples", 4, "--seed", 3]
    fit = ["--attack", "uap", "fgsm", "--eps", 4, 8, "--epochs", 2, "--fit-samples", 5]
    done = attack(config, weights, *fit, *flags)
    assert done.code == 0, done.err
    assert done.names == ["UAP-U", "UAP-U", "FGSM-U", "FGSM-U"]
    entry = done.results.attacks[1]
    assert (entry.eps, entry.eps_step, entry.max_iter) == (8, None, None)
    assert entry.universal["people"] == 5 and entry.universal["epochs"] == 2
    assert entry.universal["source"] == str(weights)
    assert entry.forward_passes == 4 and entry.backward_passes == 0
    files = sorted((done.folder / "perturbations").glob("*.npz"))
    assert [file.name for file in files] == ["uap-u_eps4.npz", "uap-u_eps8.npz"]
    fitted = done.results.attacks[:2]
    again = attack(config, weights, "--perturbation", *files, *flags, "--out", "again")
    assert again.names == ["UAP-U uap-u_eps4", "UAP-U uap-u_eps8"]
    for one, other in zip(again.results.attacks, fitted):
        assert (one.score, one.relative, one.official) == (
            *(other.score, other.relative, other.official),
        )
    kept = [file.read_bytes() for file in files]
    assert attack(config, weights, *fit, *flags).results.attacks[:2] == fitted
    assert [file.read_bytes() for file in files] == kept


def test_a_targeted_perturbation_moves_everybody_alike(attack, config, weights):
    flags = ["--attack", "uap", "--targeted", "--target", "mirror", "--epochs", 1]
    done = attack(config, weights, *flags)
    assert done.code == 0, done.err
    assert done.names == ["UAP-T"]
    [entry] = done.results.attacks
    assert entry.universal["targeted"]
    [file] = (done.folder / "perturbations").glob("*.npz")
    blind = attack(config, weights, "--perturbation", file)
    assert blind.code == 2 and "--target mirror or a JSON file" in blind.err
    flags = ["--perturbation", file, "--target", "mirror", "--out", "again"]
    again = attack(config, weights, *flags).results
    assert "mirrored" in again.targets.rule
    assert again.attacks[0].target == entry.target


def test_fitting_on_a_folder_of_ones_own(attack, config, weights, tmp_path, write_people):
    folder = write_people(tmp_path / "folder")
    done = attack(config, weights, "--attack", "uap", "--fit-data-root", folder, "--epochs", 1)
    assert done.results.attacks[0].universal["people"] == 6
    done = attack(config, weights, "--attack", "uap", "--fit-data-root", tmp_path)
    assert done.code == 2 and "mpii_train.json" in done.err


def test_every_attack_has_pictures_at_its_largest_eps(attack, config, weights, tmp_path):
    fit = ["--attack", "uap", "--eps", 16, "--epochs", 1, "--fit-samples", 2]
    [file] = (attack(config, weights, *fit).folder / "perturbations").glob("*.npz")
    shutil.move(file, tmp_path / "kept.npz")
    flags = ["--attack", "uap", "fgsm", "--perturbation", tmp_path / "kept.npz", "--eps", 2, 4]
    shown = ["--out", "other", "--show-dir", "shown", "--num-samples", 1]
    done = attack(config, weights, *flags, *shown, pictures=True)
    assert done.code == 0, done.err
    names = (path.name for path in (attack.cwd / "shown").iterdir())
    assert {name.rsplit("_", 1)[0] for name in names} == {"uap-u_eps16", "fgsm-u_eps4", "eps"}
