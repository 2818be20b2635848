"""Names of files as a page or a table shows them."""

from __future__ import annotations

import os

import pytest

from hpe_art.files import LONGEST_NAME, shown_name


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
