"""The soak finds what it is there to find, on small scripts that go on where they were stopped."""

import json
import random
import signal
import sys
from collections import Counter
from dataclasses import dataclass

import pytest
from soak import run
from soak.run import Fault, one_round

GOOD = """\
import json, os, pathlib, sys

def save(name, value):
    part = folder / f".{name}.part"
    part.write_text(json.dumps(value))
    os.replace(part, folder / name)

folder = pathlib.Path(sys.argv[1])
folder.mkdir(exist_ok=True)
file = folder / "done.json"
done = json.loads(file.read_text()) if file.exists() else []
while len(done) < 100:
    save("done.json", done := [*done, len(done)])
"""
FAULTS = {
    "leaves .a.part": GOOD + "(folder / '.a.part').touch()",
    "b.json is half a file": GOOD + "for _ in range(200): (folder / 'b.json').write_text('{')",
    "ends with 3 after": GOOD.replace("while", "sys.exit(3)\nwhile"),
    "leaves temporary files behind": GOOD + "import tempfile; tempfile.mkdtemp()",
    "leaves processes behind": GOOD + "import subprocess; subprocess.Popen(['sleep', '60'])",
}


@dataclass
class Script:
    text: str

    def command(self, folder, again):
        return [sys.executable, "-c", self.text, str(folder)]


@pytest.mark.parametrize("seed", range(3))
def test_who_goes_on_passes(tmp_path, seed):
    done = one_round(Script(GOOD), tmp_path / "a", 0.3, random.Random(seed))
    assert isinstance(done, Counter) and 1 <= done.total() <= 3
    assert json.loads((tmp_path / "a" / "done.json").read_text()) == list(range(100))


def test_a_run_hears_ctrl_c_also_in_the_background(tmp_path):
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        begun = run.begin(
            [sys.executable, "-c", "import signal as s; assert s.getsignal(2) != s.SIG_IGN"],
            tmp_path / "log",
        )
        assert begun.wait(30) == 0
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("words", FAULTS)
def test_who_does_not_is_found(tmp_path, monkeypatch, words):
    monkeypatch.setattr(run, "GONE", 1)
    with pytest.raises(Fault, match=words):
        one_round(Script(FAULTS[words]), tmp_path / "a", 1, random.Random(0))
