"""The events of a YAML text turned into plain data, the place of every node, and findings.

No tag constructs an object, plain scalars mean what the core schema of YAML 1.2 says (``no`` is a text), keys
are texts, a key written twice is a finding, and aliases are expanded up to a limit.
"""

from __future__ import annotations

import math
import re
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
)
from ruamel.yaml.reader import ReaderError

from coercivity.engine.errors import Finding

Path = tuple[str | int, ...]
Position = tuple[int, int]

MAXIMUM_DEPTH = 60
# Nodes once aliases are expanded: a few nested anchors would otherwise fill the memory.
MAXIMUM_NODES = 500_000

_NULL = re.compile(r"~|null|Null|NULL|")
_TRUE = re.compile(r"true|True|TRUE")
_FALSE = re.compile(r"false|False|FALSE")
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
# What older readers of YAML take for a truth value: as a key it would be one name here and another one there.
_TRUTH_OF_OLD = re.compile(r"yes|no|on|off", re.IGNORECASE)
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


class Reader:
    """Turns the events of one text into data, places and findings."""

    def __init__(self, name: str, text: str) -> None:
        self.name, self.text = name, text
        self.keys: dict[Path, Position] = {}
        self.values: dict[Path, Position] = {}
        self.findings: list[Finding] = []
        self._events: list[NodeEvent | CollectionEndEvent] = []
        self._ends: dict[int, int] = {}
        self._anchors: dict[str, int] = {}
        self._open: list[str] = []
        self._nodes = 0

    def mapping(self) -> dict[str, Any]:
        """The mapping at the root, empty where there are findings."""
        data = self.root()
        if not self.findings and not isinstance(data, dict):
            self._find((1, 1), (), "the document is not a mapping", "write one `key: value` per line")
        return data if isinstance(data, dict) else {}

    def root(self) -> Any:
        """The only node of the text, of any kind."""
        self._scan()
        if self.findings:
            return None
        if not self._events:
            self._find((1, 1), (), "the document is empty", "write something into it")
            return None
        try:
            return self._node(0, ())
        except _TooLarge:
            where = self._position(0)
            self._find(where, (), "the document is too large once its aliases are expanded", "write it without aliases")
        return None

    def _scan(self) -> None:
        """Collect the events of the only document, and where each node ends."""
        try:
            self._collect()
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            position = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
            what = " ".join(str(part) for part in (error.context, error.problem) if part)
            self._find(position, (), f"not YAML: {what}", "correct the line; quote texts that hold ':' or '#'")
        except ReaderError as error:
            before = self.text[: error.position]
            position = (before.count("\n") + 1, error.position - before.rfind("\n"))
            self._find(position, (), "a character that YAML does not allow", "remove it")
        except Exception as error:  # the parser has faults of its own on malformed input
            self._find((1, 1), (), f"not YAML: {type(error).__name__} while reading", "correct the file")

    def _collect(self) -> None:
        starts: list[int] = []
        documents = 0
        for event in YAML(typ="safe", pure=True).parse(self.text):
            if isinstance(event, DocumentStartEvent):
                documents += 1
                if documents > 1:
                    mark = event.start_mark
                    position = (mark.line + 1, mark.column + 1)
                    self._find(position, (), "a second document in one file", "keep one document per file")
                    return
            if not isinstance(event, NodeEvent | CollectionEndEvent):
                continue
            at = len(self._events)
            self._events.append(event)
            self._ends[at] = at + 1
            if isinstance(event, CollectionStartEvent):
                starts.append(at)
            elif isinstance(event, CollectionEndEvent):
                self._ends[starts.pop()] = at + 1
            if len(starts) > MAXIMUM_DEPTH:
                self._find(self._position(at), (), "nested too deeply", f"at most {MAXIMUM_DEPTH} levels")
                return

    def _node(self, at: int, path: Path) -> Any:
        event = self._events[at]
        self._nodes += 1
        if self._nodes > MAXIMUM_NODES or len(path) > MAXIMUM_DEPTH:
            raise _TooLarge
        if isinstance(event, AliasEvent):
            return self._alias(at, str(event.anchor), path)
        self.values[path] = self._position(at)
        anchor = str(event.anchor) if isinstance(event, NodeEvent) and event.anchor else None
        if anchor is not None:
            self._anchors[anchor] = at
            self._open.append(anchor)
        if isinstance(event, ScalarEvent | CollectionStartEvent) and event.tag is not None:
            self._find(self._position(at), path, f"a tag, '{event.tag}'", "remove it: tags are not read")
        if isinstance(event, MappingStartEvent):
            value: Any = self._mapping(at, path)
        elif isinstance(event, CollectionStartEvent):
            value = [self._node(child, (*path, number)) for number, child in enumerate(self._children(at))]
        else:
            value = self._scalar(at, path)
        if anchor is not None:
            self._open.pop()
        return value

    def _children(self, at: int) -> list[int]:
        found, child, end = [], at + 1, self._ends[at] - 1
        while child < end:
            found.append(child)
            child = self._ends[child]
        return found

    def _alias(self, at: int, anchor: str, path: Path) -> Any:
        if anchor not in self._anchors:
            self._find(self._position(at), path, f"an alias of nothing, '*{anchor}'", f"define it first: &{anchor}")
        elif anchor in self._open:
            self._find(self._position(at), path, f"'*{anchor}' stands inside its own anchor", "write the value out")
        else:
            return self._node(self._anchors[anchor], path)
        return None

    def _mapping(self, at: int, path: Path) -> dict[str, Any]:
        children = self._children(at)
        pairs = list(zip(children[::2], children[1::2], strict=True))
        data: dict[str, Any] = {}
        for value in [value for key, value in pairs if self._is_merge(key)]:
            data = self._merge(value, path) | data
        self.values[path] = self._position(at)
        written: dict[str, int] = {}
        for key, value in pairs:
            text = None if self._is_merge(key) else self._key(key, path)
            if text is None:
                continue
            if text in written:
                fix = f"the first one is on line {self._position(written[text])[0]}: keep one"
                self._find(self._position(key), (*path, text), f"duplicate key '{text}'", fix)
                continue
            written[text] = key
            self.keys[*path, text] = self._position(key)
            data[text] = self._node(value, (*path, text))
        return data

    def _merge(self, at: int, path: Path) -> dict[str, Any]:
        """The mapping, or the mappings of a list, that ``<<`` brings in; an earlier one wins."""
        event = self._events[at]
        parts = [at] if isinstance(event, AliasEvent | MappingStartEvent) else self._children(at)
        data: dict[str, Any] = {}
        # Backwards, so that the places that stay are those of the part that wins.
        for part in reversed(parts or [at]):
            value = self._node(part, path)
            if isinstance(value, dict):
                data |= value
            else:
                self._find(self._position(at), path, "'<<' merges something that is not a mapping", "name a mapping")
        return data

    def _is_merge(self, at: int) -> bool:
        event = self._events[at]
        return isinstance(event, ScalarEvent) and event.value == "<<" and not event.style

    def _key(self, at: int, path: Path) -> str | None:
        event = self._events[at]
        if isinstance(event, AliasEvent) and str(event.anchor) in self._anchors:
            event = self._events[self._anchors[str(event.anchor)]]
        if isinstance(event, ScalarEvent) and event.tag is None:
            if event.anchor:
                self._anchors[str(event.anchor)] = at
            text = self._text(at, path, str(event.value))
            if event.style or not _is_no_text(text):
                return text
            what = f"the key {text[:40]!r} is not a text" if text else "a key without a name"
            self._find(self._position(at), path, what, 'call it otherwise, or write it in quotes: "…"')
            return None
        self._find(self._position(at), path, "a key that is not a plain text", "write a word, then ':'")
        return None

    def _scalar(self, at: int, path: Path) -> Any:
        event = self._events[at]
        assert isinstance(event, ScalarEvent)
        text = self._text(at, path, str(event.value))
        if event.style:
            return text
        try:
            value = _resolved(text)
        except (ValueError, OverflowError):
            value = math.nan
        if isinstance(value, float) and not math.isfinite(value):
            self._find(self._position(at), path, f"'{text[:40]}' is not a finite number", "write a finite number")
        return value

    def _text(self, at: int, path: Path, text: str) -> str:
        """The text, pairs of escapes that spell one character joined, as JSON writes them; half a pair is a finding."""
        if text.isascii():
            return text
        try:
            return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
        except UnicodeDecodeError:
            self._find(self._position(at), path, "half of a character", "write the character itself")
            return ""

    def _position(self, at: int) -> Position:
        mark = self._events[at].start_mark
        return (mark.line + 1, mark.column + 1)

    def _find(self, position: Position, path: Path, what: str, fix: str) -> None:
        place = f"{self.name}:{position[0]}:{position[1]}"
        self.findings.append(Finding(place, dotted(path), what, fix))


class _TooLarge(Exception):
    pass


def _is_no_text(text: str) -> bool:
    """Whether a plain scalar means something else than its letters, here or to older readers."""
    patterns = (_NULL, _TRUE, _FALSE, _INTEGER, _FLOAT, _NOT_FINITE, _TRUTH_OF_OLD)
    return any(pattern.fullmatch(text) for pattern in patterns)


def _resolved(text: str) -> bool | int | float | str | None:
    """What a plain scalar means in the core schema of YAML 1.2."""
    if _NULL.fullmatch(text):
        return None
    if _TRUE.fullmatch(text) or _FALSE.fullmatch(text):
        return text[0] in "tT"
    if _INTEGER.fullmatch(text):
        number = int(text, 0) if text[:2] in ("0o", "0x") else int(text)
        # An integer of any length could be held, but not be reckoned with: beyond what a float holds it is refused.
        return number if math.isfinite(float(number)) else math.nan
    if _FLOAT.fullmatch(text):
        return float(text)
    return math.nan if _NOT_FINITE.fullmatch(text) else text


def dotted(path: Path) -> str:
    """The path as it is written in messages and in ``--set``.

    >>> dotted(("stocks", "cover_steps", 0))
    'stocks.cover_steps.0'
    """
    return ".".join(str(part) for part in path)
