"""Every leaf of a saved result, changed, removed, or joined by another."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from typing import Any

Place = tuple[Any, ...]


def leaves(data: Any, place: Place = ()) -> Iterator[Place]:
    """The places of all leaves; an empty table or list is one."""
    if isinstance(data, dict) and data:
        for key in data:
            yield from leaves(data[key], (*place, key))
    elif isinstance(data, list) and data:
        for at in range(len(data)):
            yield from leaves(data[at], (*place, at))
    else:
        yield place


def kinds(data: Any) -> list[Place]:
    """The first leaf of each kind: places that differ in numbers and dates alone are of one."""
    found: dict[str, Place] = {}
    for place in leaves(data):
        kind = re.sub(r"\d+", "#", "/".join("#" if isinstance(part, int) else str(part) for part in place))
        found.setdefault(kind, place)
    return list(found.values())


def forged(data: Any, place: Place) -> Any:
    """The data with another value at a place, as like the old one as can be."""
    return _put(data, place, _other(_at(data, place)))


def without(data: Any, place: Place) -> Any:
    """The data without what stands at a place."""
    found = copy.deepcopy(data)
    del _at(found, place[:-1])[place[-1]]
    return found


def with_more(data: Any, place: Place) -> Any:
    """The data with another entry beside the one at a place."""
    found = copy.deepcopy(data)
    node = _at(found, place[:-1])
    if isinstance(node, dict):
        node["invented"] = 1.0
    else:
        node.append(copy.deepcopy(node[-1]))
    return found


def _at(data: Any, place: Place) -> Any:
    for part in place:
        data = data[part]
    return data


def _put(data: Any, place: Place, value: Any) -> Any:
    found = copy.deepcopy(data)
    _at(found, place[:-1])[place[-1]] = value
    return found


def _other(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, float):
        # A rounding error is no figure: it is made one.
        return value * 1.01 if abs(value) > 1e-6 else 0.5
    if isinstance(value, str):
        return value + " and more" if not value.isupper() else {"OPTIMAL": "BILEVEL_FEASIBLE"}.get(value, "OPTIMAL")
    return 1.0 if value is None else None
