"""No attack's name nor label stands outside its own files."""

import ast
import re
from pathlib import Path

import pytest

from hpe_art.attacks import ATTACKS

PACKAGE = Path(__file__).parents[2] / "hpe_art"
# Words of others: the arrays of a saved file, arguments of ART's, a kind of corruptions, and the
# name of a command.
ALLOWED = {
    ("attacks/universal.py", "noise"),
    ("attacks/universal_fit.py", "noise"),
    ("attacks/universal_file.py", "noise"),
    ("data/corruptions.py", "noise"),
    ("attacks/art/other_recipes.py", "fgsm"),
    ("commands/__init__.py", "art-attacks"),
    ("commands/art_attacks.py", "art-attacks"),
    ("commands/art_attacks.py", "art_attacks"),
}
# Where the program is to choose a precision or a device.
CHOICE = "auto"


def own_files(kind):
    """The file of a spec, and the package that it is in where that is one of its own."""
    file = Path(kind.__module__.replace(".", "/") + ".py").relative_to("hpe_art")
    return file.parent if file.parent.name != "attacks" else file


def literals(file):
    """The string literals of a file that are no docstrings."""
    tree = ast.parse(file.read_text())
    bare = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in bare:
            yield node.value


@pytest.mark.parametrize("name", sorted(ATTACKS.module_dict))
def test_no_attack_is_named_outside_its_own_file(name):
    # The name itself, or a label or file name that begins with it.
    pattern = re.compile(rf"{name}(?![a-z])([-_ ].*)?", re.IGNORECASE)
    own, found = own_files(ATTACKS.module_dict[name]), []
    for file in sorted(PACKAGE.rglob("*.py")):
        place = file.relative_to(PACKAGE)
        if own in (place, *place.parents):
            continue
        found += [
            (str(place), text)
            for text in literals(file)
            if pattern.fullmatch(text) and text != CHOICE and (str(place), text) not in ALLOWED
        ]
    assert not found
