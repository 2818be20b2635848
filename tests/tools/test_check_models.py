"""The sweep over configs: what works, what is refused, and that it goes on where it was stopped."""

from __future__ import annotations

import re

import pytest

from hpe_art.evaluation.model_sweep import read_checked

REFUSED = 'model = dict(type="BottomupPoseEstimator")\n'


@pytest.fixture
def configs(tmp_path, write_config, people):
    """A folder of one model, a config of the same, and one that is not top-down."""
    folder = tmp_path / "configs"
    (folder / "_base_").mkdir(parents=True)
    write_config(folder / "tiny.py", people)
    write_config(folder / "same.py", people, add="optim_wrapper = dict(lr=1.0)\n")
    (folder / "below.py").write_text(REFUSED)
    (folder / "_base_" / "left_out.py").write_text(REFUSED)
    return folder


@pytest.fixture
def check(load_tool, capsys, monkeypatch, tmp_path):
    """`check(...)`: the exit code and what is printed."""
    monkeypatch.chdir(tmp_path)
    main = load_tool("check_models.py").main

    def run(*words):
        try:
            code = main([str(word) for word in words])
        except SystemExit as stop:
            code = stop.code
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


def test_every_config_is_checked_once(check, configs, tmp_path):
    code, out, _ = check("--configs", configs, "--out", "found", "--markdown", "page.md")
    assert code == 0 and out.count("\n") == 4
    assert "works: same.py\n" in out and "works: tiny.py like same.py" in out
    assert "refused: below.py, Expected the config of a top-down pose model" in out
    one, other, _ = sorted(read_checked(tmp_path / "found"), key=lambda c: c.config != "same.py")
    assert one.poses_apart <= 0.005 and one.gradients_apart <= 0.01 and one.joints == 16
    page = (tmp_path / "page.md").read_text()
    assert "3 configs: 2 works, 0 fails, 0 needs, 1 refused." in page
    assert "- `below.py`: Expected the config" in page
    assert other.config != one.config

    code, again, _ = check("--configs", configs, "--out", "found")
    assert code == 0 and again == out.splitlines()[-1] + "\n"


def test_shards_share_the_work(check, configs, tmp_path):
    outs = [check("--configs", configs, "--shard", f"{i}/2", "--out", "found")[1] for i in (1, 2)]
    lines = [line for out in outs for line in out.splitlines()[:-1]]
    assert len(lines) == 3 and {one.config for one in read_checked(tmp_path / "found")} == {
        "below.py",
        "same.py",
        "tiny.py",
    }
    # Configs of one model are of one part.
    together = [out for out in outs if "same.py" in out]
    assert len(together) == 1 and "tiny.py like same.py" in together[0]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--shard", "3/2"], "Expected a part as 1/4. Got '3/2'"),
        (["--match", "nothing"], "Expected configs with 'nothing' in .* Got none"),
    ],
)
def test_wrong_words_are_named(check, configs, words, message):
    code, _, err = check("--configs", configs, *words)
    assert code == 2 and re.search(message, err)


def test_what_was_found_earlier_can_be_read_or_is_named(check, configs, tmp_path):
    (tmp_path / "models.json").write_text('[{"config": 3}]')
    code, _, err = check("--configs", configs, "--out", tmp_path)
    assert code == 2
    assert re.search("Expected what check-models found in .*models.json. Got 0.config: Input", err)
