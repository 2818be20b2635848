"""`--plan` of attack and card, on six people: passes and time, and nothing is written."""

import sys


def words(text):
    return " ".join(text.split())


def test_an_attack_says_what_it_costs_and_then_that_it_is_done(attack, config):
    flags = [config, "--attack", "fgsm", "--eps", 1, 2, "--device", "cpu"]
    planned = attack(*flags, "--plan")
    assert planned.code == 0, planned.err
    said = words(planned.out)
    # Clean images are scored, and those of two eps after one gradient.
    assert "tiny clean 6 0 0" in said and "tiny FGSM-U 1 to 2 18 6 0" in said
    assert "2 runs, 2 to do 24 6 0" in said
    assert "On as many such devices, about: 2: 0:00:00, 4: 0:00:00, 8:" in said
    assert not planned.folder.exists()
    done = attack(*flags)
    assert done.results.attacks[0].forward_passes + done.results.attacks[1].forward_passes == 18
    again = attack(*flags, "--plan")
    assert "2 runs, 0 to do" in words(again.out) and "such devices" not in again.out
    other = attack(*flags, "--seed", 1, "--plan")
    assert other.code == 2 and "seed" in other.err


def test_a_card_names_the_attacks_whose_cost_nobody_knows_before(
    load_tool, config, weights, tmp_path, monkeypatch, capsys
):
    command = ["card.py", config, weights, "--cards", tmp_path / "cards", "--out", tmp_path / "out"]
    monkeypatch.setattr(sys, "argv", [*map(str, command), "--device", "cpu", "--plan"])
    assert load_tool("card.py").main() == 0
    said = words(capsys.readouterr().out)
    assert "worst IGSM-U-10" in said and "AUTO-U" in said
    assert "minimum FMN" in said and "not known" in said
    assert "On as many such devices, at least about: 2:" in said
    assert not list(tmp_path.iterdir())
