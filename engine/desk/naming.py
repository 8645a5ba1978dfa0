"""How a saved run is found: by its path, by the first letters of its hash, or by a tag that somebody gave it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from coercivity.engine.data.piped import PIPED
from coercivity.engine.errors import UsageError, refused

RESULT = "result.json"
# A hidden file, since it says nothing about the result and its seal: one tag a line.
TAGS = ".tags"
ROOT = "runs"
HASH = re.compile(r"[0-9a-f]{12}")
TAG = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,59}")


def located(argument: str) -> Path:
    """The file or folder that an argument names; where nothing has that name the argument itself, as a path.

    A folder before the last part of the argument is where runs are looked for, else ``runs``.

    Raises
    ------
    UsageError
        More than one run begins with these letters.
    """
    path = Path(argument)
    try:
        if not argument or path.is_file() or (path / RESULT).is_file():
            return path
        root = path.parent if path.name != argument else Path(ROOT)
        known = [folder for folder in folders(root) if (folder / RESULT).is_file()]
    except (OSError, ValueError):
        return path
    tagged = [folder for folder in known if path.name in tags(folder)]
    found = tagged or [folder for folder in known if folder.name.startswith(path.name)]
    if len(found) > 1:
        names = ", ".join(folder.name for folder in found[:5])
        raise UsageError(argument, f"{len(found)} runs begin so: {names}", "write more of its letters, or tag it")
    return found[0] if found else path


def folders(root: Path) -> list[Path]:
    """The folders of runs, finished or not; nothing where there is no such root."""
    if not root.is_dir():
        return []
    return sorted(entry for entry in root.iterdir() if HASH.fullmatch(entry.name) and _is_own(entry))


def _is_own(entry: Path) -> bool:
    return entry.is_dir() and not entry.is_symlink()


def tags(folder: Path) -> list[str]:
    """The tags of a run."""
    try:
        return (folder / TAGS).read_text("utf-8").split()
    except (OSError, UnicodeDecodeError):
        return []


def write_tags(folder: Path, names: list[str]) -> None:
    """Give a run these tags and no others.

    Raises
    ------
    CoercivityError
        The folder cannot be written.
    """
    try:
        if names:
            (folder / TAGS).write_text("".join(f"{name}\n" for name in names), "utf-8")
        else:
            (folder / TAGS).unlink(missing_ok=True)
    except OSError as error:
        raise refused(str(folder), "its tags cannot be written", error, "check the folder's permissions") from None


def tagged(root: Path) -> Iterator[tuple[str, Path]]:
    """Every tag with its run."""
    for folder in folders(root):
        yield from ((name, folder) for name in tags(folder))


def is_result(argument: str) -> bool:
    """Whether an argument names a saved result rather than an instance."""
    if argument == "-":
        return PIPED.glimpse(1) == "{"
    path = located(argument)
    return path.name.endswith(".json") if path.is_file() else (path / RESULT).is_file()
