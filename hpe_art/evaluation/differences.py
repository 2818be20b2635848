"""What has changed between two fingerprints of a store, in words that name files and not hashes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

HASHED = {"weights": "other weights", "model": "another model or test pipeline in the config"}


def differences(held: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """What the one that is held has that the wanted one has not, for each part that differs."""
    keys = [key for key in {**held, **wanted} if held.get(key) != wanted.get(key)]
    return [_in_words(key, held.get(key), wanted.get(key)) for key in keys]


def _in_words(key: str, held: Any, wanted: Any) -> str:
    if held and key in HASHED:
        return HASHED[key]
    if held and wanted:
        if key == "people":
            return _people(held, wanted)
        if key == "observers":
            others = [name for name, known in held.items() if wanted.get(name, known) != known]
            return f"other weights of {', '.join(others)}"
        if key == "target":
            held, wanted = (_target(*one) for one in (held, wanted))
            return (
                "another file of target poses" if held == wanted else f"{held} instead of {wanted}"
            )
    return f"{key} {held!r} instead of {wanted!r}"


def _people(held: list[Any], wanted: list[Any]) -> str:
    """Of a data set's type, and name and hash of each of its files."""
    (kind, *files), (other, *others) = held, wanted
    names, known = [name for name, _ in files], dict(others)
    if (kind, names) == (other, [name for name, _ in others]):
        changed = [name for name, found in files if known[name] != found]
        have = "a file" if len(changed) == 1 else "files"
        return f"people of {have} that changed since then, {', '.join(changed)}"
    return f"people of {kind} ({', '.join(names)}) instead of {other} ({', '.join(known)})"


def _target(rule: str, joints: list[str]) -> str:
    """A rule by its name, or the hash of a file."""
    poses = "poses of a file" if len(rule) == 64 else f"target {rule}"
    return f"{poses}, joints {', '.join(joints)}" if joints else poses
