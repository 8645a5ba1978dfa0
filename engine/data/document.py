"""A document as plain data that knows where every node was written, and overrides of it path by path.

Generic: what a path may hold is asked of a :class:`Shape`, which a game provides.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path as File
from typing import Any, Protocol

from coercivity.engine.data.piped import PIPED
from coercivity.engine.data.reader import Path, Position, Reader, dotted
from coercivity.engine.errors import Finding, InvalidInstance, UsageError

MAXIMUM_BYTES = 8_000_000
WORKBOOK = ".xlsx"


@dataclass(frozen=True)
class Document:
    """Plain data and where it was written.

    Attributes
    ----------
    name : what to call the file in messages
    data : dictionaries, lists, texts, numbers, truth values and None
    keys, values : line and column, from 1, of the key and of the value at each path
    origins : what set the node instead of the file, by path
    """

    name: str
    data: dict[str, Any]
    keys: Mapping[Path, Position] = field(default_factory=dict, repr=False)
    values: Mapping[Path, Position] = field(default_factory=dict, repr=False)
    origins: Mapping[Path, str] = field(default_factory=dict)

    def position(self, path: Path, of_key: bool = False) -> Position | str:
        """Line and column of the nearest node at or above ``path``, or what set that node."""
        first, second = (self.keys, self.values) if of_key else (self.values, self.keys)
        for end in range(len(path), -1, -1):
            found = self.origins.get(path[:end]) or first.get(path[:end]) or second.get(path[:end])
            if found is not None:
                return found
        return (1, 1)

    def place(self, path: Path, of_key: bool = False) -> str:
        """The text ``file:line:column`` of ``path``, or what set it, e.g. ``--set leader.discount_rate=0.08``."""
        position = self.position(path, of_key)
        return position if isinstance(position, str) else f"{self.name}:{position[0]}:{position[1]}"


class Shape(Protocol):
    """What a document may say beyond what it does say."""

    def allows(self, present: Path, absent: Path) -> bool:
        """Whether ``absent`` may be added under ``present``, which exists."""

    def keys(self, path: Path) -> Sequence[str]:
        """The keys that may stand at ``path``."""

    def is_quantity(self, path: Path, value: object) -> bool:
        """Whether ``value``, written at ``path``, is a number about the world."""


def read(path: str) -> Document:
    """The document in a file, YAML or a workbook, or on standard input where ``path`` is ``-``.

    Raises
    ------
    UsageError
        There is no such file, or it cannot be read.
    InvalidInstance
        It is not one YAML mapping in UTF-8; all findings that can be told apart.
    """
    if path == "-":
        return parse(PIPED.take(MAXIMUM_BYTES + 1), "stdin")
    if path.lower().endswith(WORKBOOK):
        from coercivity.engine.data import workbook

        return workbook.read(path)
    try:
        with File(path).open("rb") as file:
            return parse(file.read(MAXIMUM_BYTES + 1), path)
    except FileNotFoundError:
        near = difflib.get_close_matches(File(path).name, _siblings(path), 1, 0.6)
        fix = f"did you mean {str(File(path).with_name(near[0]))!r}?" if near else "check the path"
        raise UsageError(path or "''", "no such file", fix) from None
    except IsADirectoryError:
        raise UsageError(path or "''", "is a directory, not a file", "name a file in it") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(repr(path), f"cannot be read: {reason}", "check the path and its permissions") from None


def _siblings(path: str) -> list[str]:
    try:
        return [file.name for file in File(path).parent.iterdir()]
    except OSError:
        return []


def parse(content: str | bytes, name: str) -> Document:
    """The document that a text holds.

    Raises
    ------
    InvalidInstance
        As in :func:`read`.

    Examples
    --------
    >>> document = parse("country: no\\nshares: [0.5, 1]", "a.yaml")
    >>> document.data
    {'country': 'no', 'shares': [0.5, 1]}
    >>> document.place(("shares", 1))
    'a.yaml:2:15'
    """
    reader = Reader(name, _decoded(content, name))
    data = reader.mapping()
    if reader.findings:
        raise InvalidInstance(name, list(dict.fromkeys(reader.findings)))
    return Document(name, data, reader.keys, reader.values)


def _decoded(content: str | bytes, name: str) -> str:
    if len(content) > MAXIMUM_BYTES:
        raise InvalidInstance(name, [Finding(name, "", "the document is too large", f"at most {MAXIMUM_BYTES} bytes")])
    if isinstance(content, str):
        return content.removeprefix("\ufeff")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        column = error.start - content.rfind(b"\n", 0, error.start)
        found = Finding(f"{name}:{line}:{column}", "", "not a text in UTF-8", "save the file as UTF-8")
        raise InvalidInstance(name, [found]) from None


def override(document: Document, path_text: str, value_text: str, origin: str, shape: Shape | None = None) -> Document:
    """The document with the value at a dotted path replaced by what ``value_text`` says in YAML.

    Raises
    ------
    UsageError
        There is nothing at that path and nothing may be added, or the value cannot be read.

    Examples
    --------
    >>> document = parse("leader: {price: {value: 5 t, source: s}}", "a.yaml")
    >>> override(document, "leader.price", "6 t", "--set leader.price=6 t").data["leader"]["price"]
    {'value': '6 t', 'assumption': 'set by --set leader.price=6 t', 'overridden': True}
    """
    reader = Reader("value", value_text)
    value = reader.root()
    if reader.findings:
        what = "no value" if not value_text.strip() else reader.findings[0].what
        raise UsageError(origin, what, 'write PATH=VALUE, e.g. leader.discount_rate=0.08 or demand="12 kt/yr"')
    return replace(document, path_text, value, origin, shape)


def replace(document: Document, path_text: str, value: Any, origin: str, shape: Shape | None = None) -> Document:
    """As :func:`override`, with the value given as data.

    A number about the world that is set from outside loses its source and its range: it is an assumption of
    whoever set it.

    Raises
    ------
    UsageError
        As in :func:`override`.
    """
    path = locate(document, path_text, origin, shape)
    number = value["value"] if isinstance(value, dict) and "value" in value else value
    if _is_quantity(document, path, number, shape):
        alone = {"value": value, "assumption": f"set by {origin}"}
        value = (value if isinstance(value, dict) else alone) | {"overridden": True}
    # What had to be made on the way is due to the override as well.
    made = next(end for end in range(1, len(path) + 1) if end == len(path) or not _exists(document.data, path[:end]))
    depth = len(path)
    keys = {place: position for place, position in document.keys.items() if place[:depth] != path}
    values = {place: position for place, position in document.values.items() if place[:depth] != path}
    origins = {place: name for place, name in document.origins.items() if place[:depth] != path}
    return Document(
        document.name, _put(document.data, path, value), keys, values, origins | {path[:made]: origin, path: origin}
    )


def _is_quantity(document: Document, path: Path, value: object, shape: Shape | None) -> bool:
    if shape is not None:
        return shape.is_quantity(path, value)
    old = at(document.data, path)
    return isinstance(old, dict) and "value" in old and ("source" in old or "assumption" in old)


def locate(document: Document, path_text: str, origin: str, shape: Shape | None) -> Path:
    """The path that a dotted text names, list positions as numbers; raises as :func:`override`."""
    parts = path_text.strip().split(".")
    node: Any = document.data
    path: Path = ()
    for number, part in enumerate(parts):
        rest = tuple(parts[number:])
        if isinstance(node, dict) and part in node:
            step: str | int = part
        elif isinstance(node, list) and part.isdecimal() and int(part) < len(node):
            step = int(part)
        elif shape is not None and rest == ("value",) and shape.is_quantity(path, node):
            return path
        elif shape is not None and part and (node is None or isinstance(node, dict)) and shape.allows(path, rest):
            return (*path, *rest)
        else:
            fix = _suggestion(document, path, part, rest[1:], path_text, shape)
            raise UsageError(origin, f"unknown path {path_text!r}", fix)
        path, node = (*path, step), node[step]
    # The number inside a quantity: its source would no longer be true, so that the whole is replaced.
    return path[:-1] if path[-1] == "value" and _is_quantity(document, path[:-1], node, shape) else path


def _suggestion(
    document: Document, path: Path, part: str, rest: tuple[str, ...], path_text: str, shape: Shape | None
) -> str:
    node = at(document.data, path)
    here = [
        str(key) for key in (node if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ())
    ]
    known = list(dict.fromkeys([*here, *(shape.keys(path) if shape is not None else ())]))
    near = difflib.get_close_matches(part, known, 1, 0.6)
    if near:
        return f"did you mean {dotted((*path, near[0], *rest))!r}?"
    paths = [dotted(place) for place in [*document.values, *document.origins] if place]
    deeper = [place for place in paths if place.endswith(f".{path_text}")]
    near = deeper[:3] or difflib.get_close_matches(path_text, paths, 1, 0.6)
    if near:
        return f"did you mean {' or '.join(map(repr, near))}?"
    where = f"under {dotted(path)!r}" if path else "at the top"
    return f"{where}: {', '.join(known)}" if known else f"there is nothing {where}"


def at(data: Any, path: Path) -> Any:
    """The node at ``path``, or None."""
    for part in path:
        if isinstance(data, dict):
            data = data.get(str(part))
        elif isinstance(data, list) and isinstance(part, int) and part < len(data):
            data = data[part]
        else:
            return None
    return data


def _exists(data: Any, path: Path) -> bool:
    above = at(data, path[:-1])
    return path[-1] in (above if isinstance(above, dict) else range(len(above)) if isinstance(above, list) else ())


def _put(data: Any, path: Path, value: Any) -> Any:
    """A copy of ``data`` along ``path`` with ``value`` at its end; the rest is shared."""
    if not path:
        return value
    if isinstance(data, list):
        assert isinstance(path[0], int)
        return [*data[: path[0]], _put(data[path[0]], path[1:], value), *data[path[0] + 1 :]]
    table = data if isinstance(data, dict) else {}
    return table | {path[0]: _put(table.get(path[0]), path[1:], value)}
