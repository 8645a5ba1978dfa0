"""Saved results: a folder per question, checked before the work and written so that a crash leaves no half file."""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import importlib.metadata
import json
import os
import platform
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from coercivity.engine.data.piped import PIPED
from coercivity.engine.desk.naming import RESULT as RESULT
from coercivity.engine.desk.naming import located
from coercivity.engine.errors import CoercivityError, ResourcesFailed, UsageError, refused

REPORT = "report.txt"
# What lies beside a result: its report, and what was asked.
KNOWN = (REPORT, "instance.yaml", "problem.json", "game.json")
NAME_IT = "name a run by the first letters of its hash or by a tag (coercivity runs list), or a result.json"
ELSEWHERE = "choose another folder with --out DIR, or use --no-save"
SPACE = 20_000_000  # bytes that must be free before a run starts
PACKAGES = ("coercivity", "highspy", "numpy", "pandas", "pint", "pydantic", "pyomo", "ruamel.yaml", "scipy")


@dataclass(frozen=True)
class Run:
    """A folder that was found fit to take a result."""

    folder: Path

    def save(self, files: Mapping[str, str]) -> Path:
        """Write every file whole or not at all, the result last, and return the folder.

        Raises
        ------
        CoercivityError
            The folder cannot take them: no space, no permission.
        """
        try:
            self.folder.mkdir(exist_ok=True)
            for name in sorted(files, key=lambda name: name == RESULT):
                _write(self.folder / name, files[name])
        except OSError as error:
            raise _unfit(self.folder, error) from None
        return self.folder


def versions() -> dict[str, str | None]:
    """The versions that a result depends on, by package."""
    return {name: version(name) for name in PACKAGES}


def identity(fingerprint: str, command: str, options: Mapping[str, object]) -> str:
    """The name of the folder: the same question to the same version of the program has the same one."""
    question = [fingerprint, command, dict(options), version("coercivity")]
    return hashlib.sha256(json.dumps(question, sort_keys=True).encode()).hexdigest()[:12]


def prepare(root: str, name: str) -> Run:
    """The folder ``root/name``, whose place is tried with a small file.

    Raises
    ------
    CoercivityError
        It cannot be written, or there is too little space.
    """
    folder = Path(root) / name
    try:
        Path(root).mkdir(parents=True, exist_ok=True)
        place = folder if folder.exists() else Path(root)
        probe = place / f".probe-{os.getpid()}"
        _write(probe, "can this be written?\n")
        probe.unlink()
        free = shutil.disk_usage(place).free
    except OSError as error:
        raise _unfit(folder, error) from None
    if free < SPACE:
        raise ResourcesFailed(root, f"only {free / 1e6:.1f} MB are free there", f"make room, or {ELSEWHERE}")
    return Run(folder)


def _unfit(folder: Path, error: OSError) -> CoercivityError:
    what = "results cannot be saved there"
    if isinstance(error, FileExistsError | NotADirectoryError):
        return CoercivityError(str(folder), f"{what}: it is a file, or lies in one", ELSEWHERE)
    return refused(str(folder), what, error, ELSEWHERE)


def _write(path: Path, text: str) -> None:
    """Write a file beside its place, force it to the disk, and move it there in one step."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with draft.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
        raise
    # Not every file system lets a folder be forced to the disk; the file itself already is.
    with contextlib.suppress(OSError):
        handle = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def version(package: str) -> str | None:
    """The version of an installed package, or None."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


def manifest(
    fingerprint: str,
    options: Mapping[str, object],
    started: datetime,
    ending: Mapping[str, object],
    carried: Mapping[str, Any],
) -> dict[str, Any]:
    """What somebody needs to understand and to repeat a run, beside what the result already says of it.

    Parameters
    ----------
    fingerprint : of the instance
    ending : how the run ended
    carried : what the result's manifest says already
    """
    finished = now()
    return {
        "instance_hash": fingerprint,
        "versions": {"python": platform.python_version()} | versions(),
        "system": f"{platform.system()} {platform.machine()}",
        "options": dict(options),
        "seed": None,
        **ending,
        "started": started.isoformat(timespec="seconds"),
        "finished": finished.isoformat(timespec="seconds"),
        "seconds": round((finished - started).total_seconds(), 3),
        **carried,
    }


def read(argument: str) -> dict[str, Any]:
    """A saved result: a file, a folder of ``runs``, a tag or the first letters of a hash, or ``-`` for standard input.

    Raises
    ------
    UsageError
        There is none, or it is not a result of this program.
    """
    text = _text(argument)
    try:
        data = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise UsageError(argument, f"not JSON: {error}", NAME_IT) from None
    if not isinstance(data, dict) or data.get("command") not in ("solve", "compare"):
        raise UsageError(argument, "JSON, but not a result of coercivity solve or compare", NAME_IT)
    if data.get("schema_version") != 1:
        what = f"its schema_version is {data.get('schema_version')!r}, not 1"
        raise UsageError(argument, what, "save it again with this version")
    found: dict[str, Any] = data
    return found


def beside(argument: str) -> dict[str, str] | None:
    """The other files of a saved run, by name: of a folder all, of its result.json those that are known; None elsewhere.

    Raises
    ------
    UsageError
        One of them cannot be read.
    """
    if argument == "-":
        return None
    path = located(argument)
    if not (path.is_dir() or path.name == RESULT):
        return None
    folder = path if path.is_dir() else path.parent
    found = {}
    for entry in sorted(folder.iterdir()):
        if entry.name == RESULT or entry.name.startswith("."):
            continue
        if path.is_dir() or entry.name in KNOWN:
            try:
                found[entry.name] = entry.read_bytes().decode("utf-8", "replace") if entry.is_file() else ""
            except OSError as error:
                raise UsageError(str(entry), f"cannot be read: {error.strerror or error}", "check the file") from None
    return found


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is not a number in JSON")


def _text(argument: str) -> str:
    if argument == "-":
        return PIPED.take().decode("utf-8", "replace")
    path = located(argument)
    try:
        path = path / RESULT if path.is_dir() else path
        return path.read_bytes().decode("utf-8", "replace")
    except FileNotFoundError:
        raise UsageError(argument or "''", "no such result", _nearest(path)) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(argument or "''", f"cannot be read: {reason}", "check the path") from None


def _nearest(path: Path) -> str:
    if path.name == RESULT and path.parent.is_dir():
        return f"the folder holds no {RESULT}: the run was not finished"
    try:
        names = [entry.name for entry in path.parent.iterdir()]
    except OSError:
        names = []
    near = difflib.get_close_matches(path.name, names, 1, 0.6)
    return f"did you mean {str(path.with_name(near[0]))!r}?" if near else NAME_IT
