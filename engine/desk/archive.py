"""The saved runs of a folder: listed, tagged, and those that nobody needs any more removed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from coercivity.engine.desk import runs
from coercivity.engine.desk.naming import RESULT, TAG, folders, located, tagged, tags, write_tags
from coercivity.engine.errors import UsageError, refused
from coercivity.engine.report.text import Block, Column, Prose, Table


@dataclass(frozen=True)
class SavedRun:
    """A folder of a run."""

    run: str  # name of the folder: the hash of the question
    tags: Sequence[str]  # that somebody gave it
    command: str  # that was asked; empty where the run was not finished
    subject: str  # what it was asked of
    status: str  # how it ended
    version: str  # of the program that made it
    finished: str  # when, in UTC
    megabytes: float  # MB; size of the folder


@dataclass(frozen=True)
class Archive:
    """The runs of a folder."""

    schema_version: int  # of this layout
    command: str  # runs
    folder: str  # in which they are
    runs: Sequence[SavedRun]  # the newest first
    removed: Sequence[str] | None = None  # names of the runs that were removed; None where nothing was to be


def archive(root: str) -> Archive:
    """What is saved in a folder; nothing where there is none."""
    found = [_saved(folder) for folder in folders(Path(root))]
    return Archive(1, "runs", root, sorted(found, key=lambda one: (one.finished, one.run), reverse=True))


def _saved(folder: Path) -> SavedRun:
    files = [entry for entry in folder.rglob("*") if entry.is_file()]
    size = round(sum(entry.stat().st_size for entry in files) / 1e6, 3)
    changed = max((entry.stat().st_mtime for entry in files), default=folder.stat().st_mtime)
    written = datetime.fromtimestamp(changed, UTC).isoformat(timespec="seconds")
    names = tags(folder)
    try:
        data = json.loads((folder / RESULT).read_bytes())
        manifest, subject = data.get("manifest") or {}, data.get("instance") or data.get("program") or {}
        versions = manifest.get("versions") or {}
    except FileNotFoundError:
        return SavedRun(folder.name, names, "", "", "not finished", "", written, size)
    except (OSError, ValueError, AttributeError):
        return SavedRun(folder.name, names, "", "", "cannot be read", "", written, size)
    told = subject.get("name", "") if isinstance(subject, Mapping) else str(subject)
    status, version = str(manifest.get("status") or "finished"), str(versions.get("coercivity") or "")
    finished = str(manifest.get("finished") or written)
    return SavedRun(folder.name, names, str(data.get("command", "")), str(told), status, version, finished, size)


def blocks(found: Archive) -> list[Block]:
    """The runs as a table, and what was removed in a sentence."""
    heads = ("run", "tags", "command", "of", "status", "version", "finished")
    columns = [*(Column(head, "text") for head in heads), Column("MB")]
    rows = [
        [
            one.run,
            ", ".join(one.tags),
            one.command,
            one.subject,
            one.status,
            one.version,
            one.finished[:16],
            one.megabytes,
        ]
        for one in found.runs
    ]
    size = sum(one.megabytes for one in found.runs)
    says = [] if found.removed is None else [f"Removed: {', '.join(found.removed) or 'nothing'}."]
    says.append(f"{len(found.runs)} runs in {found.folder}, {size:,.1f} MB.")
    return [Prose("", says), *([Table("", columns, rows, stacks=True)] if rows else [])]


def rows(found: Archive) -> list[dict[str, Any]]:
    """The runs as rows, for CSV."""
    return [dict(vars(one)) for one in found.runs]


def tag(result: str, name: str, is_removed: bool = False) -> Archive:
    """Give a run a tag, or take it away; what is then saved beside it.

    Raises
    ------
    UsageError
        There is no such run, the name cannot be a tag, another run has it, or this one has not.
    CoercivityError
        The folder cannot be written.
    """
    folder = located(result)
    folder = folder.parent if folder.name == RESULT else folder
    if not (folder / RESULT).is_file():
        raise UsageError(result, "no such run", "coercivity runs list names all of them")
    known = tags(folder)
    if is_removed:
        if name not in known:
            raise UsageError(name, f"no tag of {folder.name}", f"its tags: {', '.join(known) or 'none'}")
        write_tags(folder, [other for other in known if other != name])
        return archive(str(folder.parent))
    if not TAG.fullmatch(name):
        raise UsageError(name, "cannot be a tag", "take letters, digits, - . and _, a letter first, 60 at most")
    owner = dict(tagged(folder.parent)).get(name, folder)
    if owner != folder:
        raise UsageError(name, f"a tag of {owner.name} already", f"coercivity runs tag {owner.name} {name} --remove")
    if any(other.name.startswith(name) for other in folders(folder.parent)):
        raise UsageError(name, "the hash of a run begins so", "take another name")
    write_tags(folder, list(dict.fromkeys([*known, name])))
    return archive(str(folder.parent))


def prune(root: str, keep: int | None, days: float | None, is_dry: bool = False) -> Archive:
    """Remove runs without a tag: all but the newest, those of a certain age, or both; what is left.

    Parameters
    ----------
    keep : how many of the newest stay
    days : how old the others have to be
    is_dry : remove nothing, and say what would be

    Raises
    ------
    UsageError
        Neither is given.
    CoercivityError
        A folder cannot be removed.
    """
    if keep is None and days is None:
        raise UsageError("prune", "nothing says what may go", "add --keep 20, or --days 30, or both")
    found = archive(root)
    free = [one for one in found.runs if not one.tags]
    oldest = runs.now() - timedelta(days=days or 0.0)
    going = [one for one in free[keep or 0 :] if days is None or _when(one.finished) < oldest]
    for one in going:
        if not is_dry:
            try:
                shutil.rmtree(Path(root) / one.run)
            except OSError as error:
                raise refused(f"{root}/{one.run}", "cannot be removed", error, "check its permissions") from None
    left = [one for one in found.runs if is_dry or one not in going]
    return Archive(1, "runs", root, left, [one.run for one in going])


def _when(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return runs.now()
    return found if found.tzinfo else found.replace(tzinfo=UTC)
