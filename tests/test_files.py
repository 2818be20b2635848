"""Files are whole, nothing is left of processes that were killed, and names can be shown."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from hpe_art.files import LONGEST_NAME, PART, shown_name, write_whole


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


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("root/images/a b.jpg", "images/a b.jpg"),
        ("root/other/人.jpg", "other/人.jpg"),
        ("elsewhere/a.jpg", "a.jpg"),
        ("root/a\nb\x1b[2J\u202e.jpg", "a?b?[2J?.jpg"),
        (os.fsdecode(b"root/\xff.jpg"), "?.jpg"),
        ("root/<img src=x>.jpg", "<img src=x>.jpg"),
    ],
)
def test_a_name_is_the_path_in_its_folder_as_it_can_be_shown(path, shown):
    assert shown_name(path, ["no", "root/"]) == shown


def test_of_a_long_name_the_end_is_kept():
    shown = shown_name("x" * 300 + ".jpg")
    assert len(shown) == LONGEST_NAME and shown.startswith("…x") and shown.endswith("x.jpg")
