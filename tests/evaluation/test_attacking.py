"""One batch of people: what it lacks, what is drawn, and what is kept of it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from hpe_art.evaluation.attacking import (
    BatchAttacker,
    Phases,
    labelled,
    planned_blocks,
    seed_everything,
)
from hpe_art.evaluation.saved_crops import crop_folders, perturbed_folder
from hpe_art.evaluation.store import CLEAN, OWN, Shard

SHARED = ({"type": "igsm", "max_iter": 2}, {"type": "igsm", "max_iter": 3})


@pytest.fixture
def prepared(prepared_loop):
    return lambda *attacks, **settings: prepared_loop(*attacks, **settings).prepared


def hold(run, key, *index, names=(OWN,)):
    poses = {name: np.zeros((len(index), 16, 3), np.float32) for name in names}
    run.store.add(key, Shard(np.array(index), poses, {}))


def rows(blocks):
    return [block.rows.tolist() for block in blocks]


def test_blocks_are_batches_with_something_to_do(prepared):
    run = prepared("noise")
    (key,) = run.attacks
    assert rows(planned_blocks(run, 4)) == [[0, 1, 2, 3], [4, 5]]
    for held in (CLEAN, key):
        hold(run, held, 0, 1, 2, 3)
    blocks = planned_blocks(run, 4)
    assert rows(blocks) == [[4, 5]] and blocks[0].lacking == {CLEAN: [OWN], key: [OWN]}
    hold(run, CLEAN, 4, 5)
    assert planned_blocks(run, 4)[0].lacking == {key: [OWN]}
    hold(run, key, 4, 5)
    assert planned_blocks(run, 4) == []


def test_other_batches_do_again_what_they_hold_a_part_of(prepared):
    run = prepared("noise")
    for key in (CLEAN, *run.attacks):
        hold(run, key, 0, 1, 2, 3)
    assert rows(planned_blocks(run, 3)) == [[3, 4, 5]]


def test_observers_see_the_attacks_that_they_are_shown(prepared):
    run = prepared("noise", "fgsm", defences=["jpeg"], shown=[1])
    noise, fgsm = run.attacks
    lacking = planned_blocks(run, 6)[0].lacking
    assert lacking == {CLEAN: [OWN, "jpeg"], noise: [OWN], fgsm: [OWN, "jpeg"]}
    for key in lacking:
        hold(run, key, *range(6))
    assert planned_blocks(run, 6)[0].lacking == {CLEAN: ["jpeg"], fgsm: ["jpeg"]}


def test_people_without_their_pictures_are_missing(prepared):
    run = prepared("noise", kept=2)
    (key,) = run.attacks
    for held in (CLEAN, key):
        hold(run, held, *range(6))
    blocks = planned_blocks(run, 2)
    assert rows(blocks) == [[0, 1]] and blocks[0].lacking == {key: [OWN]}


def attack_all(run, size=4):
    attacker = BatchAttacker(run, Phases())
    for block in planned_blocks(run, size):
        attacker.attack(block, run.people[block.rows].x[:].astype(np.float32))


def test_pictures_are_of_the_first_people_and_inside_the_ball(prepared):
    run = prepared("noise", kept=5)
    (key,) = run.attacks
    attack_all(run)
    kept = run.store.examples(key, range(6))
    assert sorted(kept) == [0, 1, 2, 3, 4]
    change = np.stack(list(kept.values())) - run.people.x[:5]
    assert 7 <= np.abs(change).max() <= 8


def test_saved_crops_are_whole_files_of_rounded_images(prepared):
    run = prepared("fgsm", save_images=True, kept=6)
    (key, attack), *_ = run.attacks.items()
    attack_all(run)
    folder = perturbed_folder(run, attack)
    assert folder.name == "fgsm-u_eps8"
    kept = run.store.examples(key, range(6))
    for person, image in kept.items():
        saved = cv2.imread(str(folder / f"{person:05d}.png"))
        np.testing.assert_array_equal(saved, np.rint(image).transpose(1, 2, 0))
    (folder / "00004.png").unlink()
    assert rows(planned_blocks(run, 4)) == [[4, 5]]


@pytest.mark.parametrize("where", ["save_images", "save_dataset"])
def test_attacks_of_one_name_do_not_share_a_folder(prepared, tmp_path, where):
    value = True if where == "save_images" else str(tmp_path / "saved")
    attacks = [dict(type="igsm", max_iter=2, eps_step=step) for step in (1, 2)]
    run = prepared(*attacks, "noise", **{where: value})
    assert len({attack.label for attack in run.attacks.values()}) == 2
    attack_all(run)
    folders = [crop_folders(run, key)[0].images for key in run.attacks]
    assert [len(list(folder.glob("*.png"))) for folder in folders] == [6, 6, 6]
    assert len(set(folders)) == 3


def test_crops_of_other_settings_are_not_taken_for_those_of_these(prepared):
    """Though the folder has the same name."""
    for step in (1, 2, 1):
        run = prepared(dict(type="igsm", max_iter=2, eps_step=step), save_images=True, kept=6)
        attack_all(run)
        (key, attack), *_ = run.attacks.items()
        image = run.store.examples(key, [3])[3]
        saved = cv2.imread(str(perturbed_folder(run, attack) / "00003.png"))
        np.testing.assert_array_equal(saved, np.rint(image).transpose(1, 2, 0))


def test_a_group_that_is_half_held_gives_the_other_half_the_same(prepared):
    whole, half = prepared(*SHARED, folder="whole"), prepared(*SHARED, folder="half")
    attack_all(whole)
    first, second = whole.attacks
    for key in (CLEAN, first):
        for shard in whole.store.shards(key):
            half.store.add(key, shard)
    attack_all(half)
    for key in whole.attacks:
        expected = whole.store.gathered(key, whole.people.index)
        np.testing.assert_array_equal(half.store.gathered(key, half.people.index), expected)
    costs = [shard.counts["generation"][:2] for shard in half.store.shards(second)]
    assert costs == [[12, 12], [6, 6]]


def test_what_is_drawn_depends_on_who_is_attacked():
    def drawn(seed, person):
        seed_everything(seed, person)
        return np.random.random()

    assert drawn(0, 4) == drawn(0, 4)
    assert len({drawn(0, 4), drawn(0, 5), drawn(1, 4)}) == 3


def test_nobody_labelled_is_attacked_away_from_the_own_prediction():
    y = np.random.default_rng(0).random((2, 3, 3)).astype(np.float32)
    y[1, :, 2] = 0
    clean = y + 7
    found = labelled(y, clean)
    np.testing.assert_array_equal(found[0], y[0])
    np.testing.assert_array_equal(found[1, :, :2], clean[1, :, :2])
    assert (found[1, :, 2] == 1).all()
    assert labelled(y[:1], clean[:1]) is not None
