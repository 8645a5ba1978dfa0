"""Names for runs by what they are about: the same question to the same program has the same key, wherever it is asked."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable


@cache
def program_version(*packages: str, libraries: tuple[str, ...] = ()) -> str:
    """SHA-256 over the sources of packages and the versions of libraries: two programs that share it answer alike.

    Examples
    --------
    >>> program_version("coercivity.engine.study") == program_version("coercivity.engine.study"), len(program_version("coercivity.engine.study"))
    (True, 64)
    """
    digest = hashlib.sha256()
    for package in packages:
        for name, file in _sources(resources.files(package), package):
            digest.update(name.encode() + b"\0" + file.read_bytes() + b"\0")
    for library in libraries:
        digest.update(f"{library} {importlib.metadata.version(library)}\0".encode())
    return digest.hexdigest()


def _sources(folder: Traversable, prefix: str) -> list[tuple[str, Traversable]]:
    found = []
    for entry in folder.iterdir():
        name = f"{prefix}/{entry.name}"
        if entry.is_dir():
            found += _sources(entry, name)
        elif name.endswith(".py"):
            found.append((name, entry))
    return sorted(found, key=lambda pair: pair[0])


def key_of(*parts: object) -> str:
    """SHA-256 of plain data, with every digit of its numbers and mappings in the order of their keys.

    >>> key_of({"a": 0.1, "b": 2.0}) == key_of({"b": 2.0, "a": 0.1}), key_of(0.1) == key_of(0.1 + 1e-16)
    (True, False)
    """
    return hashlib.sha256(json.dumps(parts, sort_keys=True, allow_nan=False).encode()).hexdigest()
