"""The configs that are shipped with the package or with MMPose, and how they are read."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hpe_art.errors import UserError

logger = logging.getLogger(__name__)

MMPOSE = "mmpose::"
"""Before the name of one of MMPose's configs, as in a config's `_base_`."""

_USED = ("model", "test_dataloader", "test_evaluator")
"""What of a config is always built, so that it has to be there."""

_NAME = "mmpose_configs"
_HERE = Path(__file__).parent


def shipped_folder() -> Path:
    """The folder of the shipped configs: inside an installed package, beside it in a clone.

    Relative to the working folder where it is below that, so that results name no machine.
    """
    installed = _HERE / ".mim" / _NAME
    return _from_here(installed if installed.is_dir() else _HERE.parent / _NAME)


def mmpose_folder() -> Path:
    """The folder of the configs of the installed MMPose, likewise."""
    spec = find_spec("mmpose")
    assert spec is not None and spec.origin is not None  # hpe_art depends on it
    return _from_here(Path(spec.origin).parent / ".mim" / "configs")


def _from_here(folder: Path) -> Path:
    here = Path.cwd()
    return folder.relative_to(here) if folder.is_relative_to(here) else folder


def shipped_configs() -> list[str]:
    """Their names: `hourglass`, and `mpii/hourglass` for one in a folder below."""
    return _names_in(shipped_folder())


def _names_in(folder: Path) -> list[str]:
    paths = [path.relative_to(folder) for path in folder.rglob("*.py")]
    return sorted(path.as_posix()[: -len(".py")] for path in paths if "_base_" not in path.parts)


def find_config(name: str | Path) -> Path:
    """The path of a config.

    Args:
        name: the path itself; the name of a shipped config; or `mmpose::` and a config of the
            installed MMPose, with its folders or without, with `.py` or without.
    Raises:
        UserError: it is none of these, or several of MMPose's configs end in this name.
    """
    path = Path(name)
    if os.path.isfile(path):  # not `path.is_file`, which raises for what is no path at all
        return path
    if str(name).startswith(MMPOSE):
        return _mmpose_config(str(name).removeprefix(MMPOSE).removesuffix(".py"))
    names = shipped_configs()
    if path.as_posix() in names:
        return shipped_folder() / f"{path.as_posix()}.py"
    if path.suffix or os.path.exists(path):
        return path
    raise UserError(
        f"Expected a config file, {MMPOSE}NAME, or the name of a shipped one: {', '.join(names)}. "
        f"Got {name}."
    )


def _mmpose_config(name: str) -> Path:
    folder = mmpose_folder()
    names = _names_in(folder)
    ending = [one for one in names if f"/{one}".endswith(f"/{name}")]
    if name in names or len(ending) == 1:
        return folder / f"{name if name in names else ending[0]}.py"
    if ending:
        raise UserError(
            f"Expected the name of one config of MMPose. Got {MMPOSE}{name}, which "
            f"{len(ending)} have: {', '.join(ending)}: name one with its folders."
        )
    short = {one if "/" in name else one.rpartition("/")[2]: one for one in names}
    nearest = [short[one] for one in get_close_matches(name, short, n=3, cutoff=0)]
    raise UserError(
        f"Expected a config of MMPose in {folder}. Got {MMPOSE}{name}; the nearest are "
        f"{', '.join(nearest) or 'none: install MMPose with pip or mim'}."
    )


def read_config(path: str | Path) -> Any:
    """MMEngine's Config of a file, with the modules imported that it asks for.

    Unlike with MMEngine alone, `custom_imports` finds modules that lie beside the file, ahead of
    others, and works in configs of the pure Python style too, whose own imports find them likewise.

    Raises whatever MMEngine and those modules do, and ImportError, which names module and folder;
    a UserError in place of what would end the process.
    """
    try:
        return _read_config(path)
    except (Exception, KeyboardInterrupt):
        raise
    except BaseException as ended:  # such as SystemExit, which no door treats as an error
        does = f"calls exit with {ended.args[0] if ended.args else None!r}: remove the call"
        if not isinstance(ended, SystemExit):
            does = f"raises {type(ended).__name__}"
        raise UserError(
            f"Expected a config that does not end the process. Got {path}, which {does}."
        ) from None


def merge_options(config: Any, options: dict[str, Any]) -> None:
    """Overrides a config as MMEngine does; names the keys that look like mistyped ones of it.

    Args:
        config: MMEngine's Config; changed in place.
        options: values by dotted keys.
    """
    for key in options:
        if (meant := _meant(config._cfg_dict, key)) != key:
            logger.warning("%s is new to the config: is %s meant?", key, meant)
    config.merge_from_dict(options)


def _meant(part: Any, key: str) -> str:
    """The key, with its first name that is new replaced by one that is nearly the same."""
    name, _, rest = key.partition(".")
    if not isinstance(part, dict):
        return key
    if name in part:
        return f"{name}.{_meant(dict.get(part, name), rest)}" if rest else name
    near = get_close_matches(name, map(str, part), n=1, cutoff=0.8)
    return ".".join(filter(None, [*(near or [name]), rest]))


def _read_config(path: str | Path) -> Any:
    from mmengine.config import Config
    from mmengine.utils import import_modules_from_strings

    config = Config.fromfile(path, import_custom_modules=False)
    folder = Path(path).absolute().parent
    asked = {"imports": None, **(config.get("custom_imports") or {})}
    named = [asked["imports"]] if isinstance(asked["imports"], str) else asked["imports"] or ()
    lazy = {name for one in _lazy(config._cfg_dict) for name in _modules_of(one)}
    own = {name: file for name in {*named, *lazy} if (file := _file_beside(name, folder))}
    try:
        with _first_on_path(folder) if own else nullcontext():
            import_modules_from_strings(**asked)
            import_modules_from_strings(sorted(lazy & own.keys()))
    except ImportError as error:
        where = f"{folder} and Python's own places"
        raise ImportError(f"{error}, sought in {where}: {error.__context__}") from error
    for one in _lazy([dict.get(config._cfg_dict, part) for part in _USED]):
        one.build()
    for name, file in own.items():
        used = getattr(sys.modules.get(name), "__file__", None)
        if used and not file.samefile(used):
            raise ImportError(f"{name} is {used}, imported before {file}: rename one of them")
    return config


def _lazy(value: Any) -> Iterator[Any]:
    """What a config of the pure Python style imports, which MMEngine does when it is asked for."""
    from mmengine.config.lazy import LazyAttr, LazyObject

    if isinstance(value, (dict, list, tuple)):
        # A ConfigDict's own `values` imports what it gives.
        for one in dict.values(value) if isinstance(value, dict) else value:
            yield from _lazy(one)
    elif isinstance(value, (LazyAttr, LazyObject)):
        yield value


def _modules_of(lazy: Any) -> list[str]:
    from mmengine.config.lazy import LazyAttr

    while isinstance(lazy, LazyAttr):
        lazy = lazy.source
    return [lazy._module] if isinstance(lazy._module, str) else list(lazy._module)


def _file_beside(module: str, folder: Path) -> Path | None:
    """The file of a module, or of a package, if it lies in the folder."""
    path = folder.joinpath(*module.split("."))
    files = [path.parent / f"{path.name}.py", path / "__init__.py"]
    return next((file for file in files if file.is_file()), None)


@contextmanager
def _first_on_path(folder: Path) -> Iterator[None]:
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        with suppress(ValueError):
            sys.path.remove(str(folder))
