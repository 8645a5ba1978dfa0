"""Results are values: frozen dataclasses, written as plain data, read back from them, and told field by field.

A field is called in code what it is called in JSON. Its comment gives the unit and the meaning, which the JSON Schema and
the page of results repeat. A field made by :func:`sometimes` is left out of the plain data where it is None.
"""

from __future__ import annotations

import inspect
import io
import re
import tokenize
from collections.abc import Mapping
from dataclasses import field, fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any, TypeVar, get_type_hints

import numpy as np

from coercivity.engine.errors import AuditFailed

Value = TypeVar("Value")
OMITTED = "omitted"


def sometimes() -> Any:
    """A field that plain data do not hold where it is None."""
    return field(default=None, metadata={OMITTED: True})


def to_plain(value: Any) -> Any:
    """A value as plain data ready for JSON: mappings, lists, texts, numbers, truths and None.

    >>> to_plain({"hours": (1, 2.5), "mean": np.float64(1.75)})
    {'hours': [1, 2.5], 'mean': 1.75}

    Raises
    ------
    TypeError
        Something in it has no plain form.
    """
    if value is None or (isinstance(value, (bool, int, float, str)) and not isinstance(value, (np.generic, Enum))):
        return value
    if is_dataclass(value) and not isinstance(value, type):
        told = ((entry, getattr(value, entry.name)) for entry in fields(value))
        return {
            entry.name: to_plain(inner) for entry, inner in told if inner is not None or OMITTED not in entry.metadata
        }
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, Mapping):
        return {str(key): to_plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_plain(inner) for inner in value]
    if isinstance(value, (np.ndarray, np.generic)):
        return value.tolist()
    raise TypeError(f"a {type(value).__name__} has no plain form")


def from_plain(kind: type[Value], data: Any, where: str = "result") -> Value:
    """The value of a kind that plain data state; what :func:`to_plain` wrote is read back as it was.

    Raises
    ------
    AuditFailed
        A part is missing or of another kind; the first, with its place.
    """
    from pydantic import ValidationError

    try:
        found: Value = _adapter(kind).validate_python(data)  # type: ignore[arg-type]  # a type can be hashed
        return found
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
        raise AuditFailed(
            f"{where}.{place}" if place else where, f"{first['msg']}{more}", "save the result again"
        ) from None


def schema_of(kind: type) -> dict[str, Any]:
    """The JSON Schema of a kind of result, every field with its unit and meaning."""
    schema: dict[str, Any] = _adapter(kind).json_schema()
    kinds = {part.__name__: part for part in parts_of(kind)}
    for name, part in ((kind.__name__, schema), *schema.get("$defs", {}).items()):
        if name in kinds:
            for key, meaning in meanings(kinds[name]).items():
                if key in part.get("properties", {}):
                    part["properties"][key]["description"] = meaning
            part["description"] = (inspect.getdoc(kinds[name]) or "").partition("\n")[0]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | schema


def parts_of(kind: type) -> list[type]:
    """A kind of result and the kinds that its fields are made of, each once, in the order in which they are met."""
    found: list[type] = []
    waiting: list[Any] = [kind]
    while waiting:
        part = waiting.pop(0)
        if isinstance(part, type) and is_dataclass(part):
            if part not in found:
                found.append(part)
                waiting += list(get_type_hints(part).values())
        else:
            waiting += list(getattr(part, "__args__", ()))
    return found


def same(one: Any, other: Any) -> bool:
    """Whether two structures of arrays hold the same."""
    if isinstance(one, np.ndarray):
        return bool(np.array_equal(one, other))
    if is_dataclass(one):
        return all(same(getattr(one, field.name), getattr(other, field.name)) for field in fields(one))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    return bool(one == other)


@cache
def meanings(kind: type) -> dict[str, str]:
    """What the comments beside or above the fields of a dataclass say, by field; of one that is inherited, those there."""
    found: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        if is_dataclass(base):
            found |= _own_meanings(base)
    return found


def _own_meanings(kind: type) -> dict[str, str]:
    text = inspect.getsource(kind)
    beside: dict[int, str] = {}
    above: dict[int, str] = {}
    lines = text.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            words = token.string.lstrip("# ").strip()
            (above if lines[token.start[0] - 1].lstrip().startswith("#") else beside)[token.start[0]] = words
    found = {}
    for number, line in enumerate(lines, start=1):
        named = re.match(r"    (\w+):", line)
        if named and named[1] in {entry.name for entry in fields(kind)}:
            said, up = beside.get(number, ""), number - 1
            while not beside.get(number) and up in above:
                said, up = f"{above[up]} {said}".strip(), up - 1
            found[named[1]] = said
    return found


@cache
def _adapter(kind: type) -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(kind)
