"""The configs that are shipped with the package, and how a name becomes one of them."""

from pathlib import Path

from hpe_art.errors import UserError

_NAME = "mmpose_configs"
_HERE = Path(__file__).parent


def shipped_folder() -> Path:
    """The folder of the shipped configs: inside an installed package, beside it in a clone.

    Relative to the working folder where it is below that, so that results name no machine.
    """
    installed = _HERE / ".mim" / _NAME
    folder = installed if installed.is_dir() else _HERE.parent / _NAME
    here = Path.cwd()
    return folder.relative_to(here) if folder.is_relative_to(here) else folder


def shipped_configs() -> list[str]:
    """Their names: `hourglass`, and `mpii/hourglass` for one in a folder below."""
    folder = shipped_folder()
    paths = [path.relative_to(folder).with_suffix("") for path in folder.rglob("*.py")]
    return sorted(path.as_posix() for path in paths if "_base_" not in path.parts)


def find_config(name: str | Path) -> Path:
    """The path itself, or that of the shipped config of that name; UserError if it is neither."""
    path = Path(name)
    if path.is_file():
        return path
    names = shipped_configs()
    if path.as_posix() in names:
        return shipped_folder() / f"{path.as_posix()}.py"
    if path.suffix or path.exists():
        return path
    raise UserError(
        f"Expected a config file, or the name of a shipped one: {', '.join(names)}. Got {name}."
    )
