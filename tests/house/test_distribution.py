"""A source distribution holds every file of the repository, so that its tests run: ``make dist-test`` does it all."""

from __future__ import annotations

import shutil
import subprocess
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[2]
# What builds take by themselves, and what only the repository needs.
ALWAYS = {"LICENSE", "MANIFEST.in", "README.md", "pyproject.toml"}
REPOSITORY = {".gitignore", ".ci/run"}
# The folders and the files at the top that make up the package.
ROOMS = {"", "engine", "instances", "models"}


def tracked() -> list[str]:
    if not (HOUSE / ".git").exists() or shutil.which("git") is None:
        pytest.skip("not in a repository")
    found = subprocess.run(["git", "ls-files"], cwd=HOUSE, capture_output=True, text=True, check=True)
    return found.stdout.splitlines()


def listed(manifest: str) -> tuple[set[str], tuple[str, ...]]:
    """The files that MANIFEST.in includes, and the folders that it takes whole."""
    lines = [line.split() for line in manifest.splitlines()]
    files = {name for line in lines if line[:1] == ["include"] for name in line[1:]}
    return files, tuple(f"{name}/" for line in lines if line[:1] == ["graft"] for name in line[1:])


def is_packaged(name: str, data: dict[str, list[str]]) -> bool:
    """Whether a file belongs to the package: a module of a room of it, or data that a room states."""
    room, _, rest = name.rpartition("/")
    top = name.partition("/")[0] if room else ""
    if name.endswith(".py"):
        return top in ROOMS
    # In these patterns ** stands for no folder too.
    patterns = [pattern.rpartition("/")[2] for pattern in data.get(f"coercivity.{top}".rstrip("."), [])]
    return any(fnmatch(Path(rest).name, pattern) for pattern in patterns)


def left_out(names: list[str], manifest: str) -> list[str]:
    data = tomllib.loads((HOUSE / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]["package-data"]
    files, folders = listed(manifest)
    rest = set(names) - ALWAYS - REPOSITORY - files
    return sorted(name for name in rest if not name.startswith(folders) and not is_packaged(name, data))


def test_every_file_of_the_repository_is_in_the_distribution() -> None:
    assert left_out(tracked(), (HOUSE / "MANIFEST.in").read_text("utf-8")) == []


def test_what_is_left_out_is_found() -> None:
    names = [
        "tests/conftest.py",
        "docs/studies.md",
        "engine/programs/hot.py",
        "engine/notes.txt",
        "instances/a/b.yaml",
        "Makefile",
    ]
    assert left_out(names, "graft docs\n") == ["Makefile", "engine/notes.txt", "tests/conftest.py"]


def test_what_the_manifest_names_is_there() -> None:
    files, folders = listed((HOUSE / "MANIFEST.in").read_text("utf-8"))
    assert [name for name in (*files, *folders) if not (HOUSE / name).exists()] == []
