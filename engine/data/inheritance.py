"""Parts of a document that stand in another: ``base: FILE.PATH`` in a block takes over what is written there.

What the block says beside it comes on top, key by key; a number is taken whole or not at all, since its source is true of
that number alone. What was taken keeps its place: messages name the file, line and column where it was written.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from coercivity.engine.data.document import Document, at
from coercivity.engine.data.reader import Path, dotted
from coercivity.engine.errors import Finding, InvalidInstance

BASE = "base"
SOURCES = "sources"

Opened = Callable[[str], Document]


class UnknownBase(Exception):
    """There is no such file to take parts from; its arguments are those that there are."""


def inherited(document: Document, opened: Opened) -> Document:
    """The document with every ``base`` replaced by what it names, and with the sources that this brings.

    Parameters
    ----------
    opened : reads the file of that name; raises :class:`UnknownBase` where there is none

    Raises
    ------
    InvalidInstance
        A base that leads nowhere, or is no block; all of them.
    """
    heir = _Heir(document, opened)
    data = heir.read(document.data, ())
    if heir.findings:
        raise InvalidInstance(document.name, heir.findings)
    if not heir.origins:
        return document
    data = data | heir.with_sources(data)
    keys, values = (
        {path: place for path, place in places.items() if path not in heir.bases}
        for places in (document.keys, document.values)
    )
    origins = {**heir.origins, **document.origins}
    return Document(document.name, data, keys, values, origins)


@dataclass
class _Heir:
    """One reading of a document: what was taken over from where, and what could not be."""

    document: Document
    opened: Opened
    findings: list[Finding] = field(default_factory=list)
    origins: dict[Path, str] = field(default_factory=dict)
    bases: set[Path] = field(default_factory=set)
    sources: dict[str, tuple[Document, Path]] = field(default_factory=dict)

    def read(self, node: Any, path: Path) -> Any:
        """A node with the bases below it replaced."""
        if isinstance(node, list):
            return [self.read(inner, (*path, number)) for number, inner in enumerate(node)]
        if not isinstance(node, dict):
            return node
        own = {key: self.read(inner, (*path, key)) for key, inner in node.items() if key != BASE or not path}
        if not path or not isinstance(node.get(BASE), str):
            return own | {key: node[key] for key in node if key == BASE and path}
        self.bases.add((*path, BASE))
        return self._taken(str(node[BASE]), own, path)

    def _taken(self, named: str, own: dict[str, Any], path: Path) -> Any:
        name, _, rest = named.partition(".")
        where = (*path, BASE)
        try:
            base = self.opened(name)
        except UnknownBase as error:
            self._find(where, f"there is no file '{name}' to take parts from", _near(name, error.args))
            return own
        there: Path = tuple(rest.split(".")) if rest else ()
        found = at(base.data, there)
        if not isinstance(found, dict) or not there:
            above = next(end for end in range(len(there), -1, -1) if isinstance(at(base.data, there[:end]), dict))
            known = [f"{name}.{dotted((*there[:above], key))}" for key in at(base.data, there[:above])]
            self._find(where, f"'{named}' is no block of {base.name}", _near(named, known))
            return own
        if _is_number(found) and own:
            self._find(where, "a number is taken whole", "remove what stands beside base, or write the number out")
        return self._joined(found, own, base, there, path)

    def _joined(self, taken: dict[str, Any], own: dict[str, Any], base: Document, there: Path, path: Path) -> Any:
        """What the base has, with what the block says on top."""
        joined: dict[str, Any] = {}
        for key, inner in taken.items():
            mine = own.get(key)
            if key not in own:
                joined[key] = inner
                self._remember(inner, base, (*there, key), (*path, key))
            elif isinstance(mine, dict) and isinstance(inner, dict) and not (_is_number(mine) or _is_number(inner)):
                joined[key] = self._joined(inner, mine, base, (*there, key), (*path, key))
            else:
                joined[key] = mine
        return joined | {key: inner for key, inner in own.items() if key not in taken}

    def _remember(self, node: Any, base: Document, there: Path, path: Path) -> None:
        """Where each part that was taken is written, and the sources that it cites."""
        self.origins[path] = base.place(there)
        if path[-1] == "source":
            for name in node if isinstance(node, list) else [node]:
                self.sources[str(name)] = (base, (SOURCES, str(name)))
        parts = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
        for key, inner in parts:
            self._remember(inner, base, (*there, key), (*path, key))

    def with_sources(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """The block of sources with those that came along."""
        cited = data.get(SOURCES)
        own = cited if isinstance(cited, dict) else {}
        return {SOURCES: {**own, **dict(self._brought(own))}} if self.sources else {}

    def _brought(self, own: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        for name, (base, there) in self.sources.items():
            found = at(base.data, there)
            if name not in own and found is not None:
                self.origins[there] = base.place(there)
                yield name, found

    def _find(self, path: Path, what: str, fix: str) -> None:
        self.findings.append(Finding(self.document.place(path), dotted(path), what, fix))


def _is_number(node: Mapping[str, Any]) -> bool:
    """Whether a block is one number with its origin, and not a table that has a number under that name."""
    return "value" in node and ("source" in node or "assumption" in node)


def _near(name: str, known: Any) -> str:
    near = difflib.get_close_matches(name, list(known), 3, 0.5)
    return (
        f"did you mean {' or '.join(map(repr, near))}?" if near else f"there are {', '.join(map(str, known)) or 'none'}"
    )
