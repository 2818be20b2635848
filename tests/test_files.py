"""Files are whole, and nothing is left of processes that were killed."""

import os
import subprocess
import sys

from hpe_art.files import PART, write_whole


def test_what_a_killed_process_left_of_a_file_goes_when_it_is_written(tmp_path):
    gone = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True
    )
    mine, other = tmp_path / "people[1].npz", tmp_path / "people1.npz"
    left = tmp_path / PART.format(name=mine.name, process=int(gone.stdout))
    kept = [
        tmp_path / PART.format(name=mine.name, process=os.getppid()),  # still writing
        tmp_path / PART.format(name=mine.name, process="x"),
        tmp_path / PART.format(name=other.name, process=int(gone.stdout)),  # another file
    ]
    for path in (left, *kept):
        path.touch()
    write_whole(mine, "whole")
    assert mine.read_text() == "whole"
    assert not left.exists() and all(path.exists() for path in kept)
