"""The words in which cross-checks speak: a fault is a path, what is wrong, and what to do."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable, Iterator, Mapping

from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.data.quantity import Quantity, month_index, month_name

Path = tuple[str | int, ...]
Fault = tuple[Path, str, str]

TOLERANCE = 1e-6
RESERVED_FIX = "`optimal` is the name of what the engine finds; call it otherwise"
# Answers are listed as "optimal" and "optimal, change 3" beside the strategies of the file.
_RESERVED = re.compile(r"optimal([^a-z].*)?", re.IGNORECASE)


def is_reserved(name: str) -> bool:
    """Whether a strategy or a variant of this name could be taken for an answer of the search.

    >>> is_reserved("optimal"), is_reserved("Optimal, change 3"), is_reserved("optimally")
    (True, True, False)
    """
    return _RESERVED.fullmatch(name.strip()) is not None


def unknown(path: Path, kind: str, name: str, known: Iterable[str]) -> Iterator[Fault]:
    """A fault if ``name`` is not among ``known``, with the nearest one as fix."""
    names = list(known)
    if name in names:
        return
    near = difflib.get_close_matches(name, names, 1, 0.6)
    fix = f"did you mean '{near[0]}'?" if near else f"known: {', '.join(names) or 'none'}"
    yield path, f"unknown {kind} '{name}'", fix


def unknown_keys(path: Path, kind: str, written: Iterable[str], known: Iterable[str]) -> Iterator[Fault]:
    """A fault for each key that is not among ``known``."""
    names = list(known)
    for name in written:
        yield from unknown((*path, name), kind, name, names)


def uncovered(path: Path, kind: str, written: Mapping[str, object], known: Iterable[str]) -> Iterator[Fault]:
    """A fault for each of ``known`` without a row, and for each row that is not known."""
    names = list(known)
    yield from unknown_keys(path, kind, written, names)
    for name in names:
        if name not in written:
            yield path, f"nothing for {kind} '{name}'", f"add {name}: … here"


def not_one(path: Path, shares: Iterable[Quantity], what: str) -> Iterator[Fault]:
    """A fault if the shares do not add up to 1."""
    total = math.fsum(float(share) for share in shares)
    if abs(total - 1.0) > TOLERANCE:
        yield path, f"{what} add up to {total:.6g}, not 1", "make them add up to 100 %"


def calendar_bounds(instance: Instance) -> list[int]:
    """The month at which each period begins, and last the end of the calendar."""
    calendar = instance.calendar
    bounds = [month_index(calendar.start)]
    for length in [1] * calendar.months + [3] * calendar.quarters + [12] * calendar.years:
        bounds.append(bounds[-1] + length)
    return bounds


def within(path: Path, month: str, first: int, end: int, where: str = "the calendar") -> Iterator[Fault]:
    """A fault if ``month`` is not in [first, end)."""
    if not first <= month_index(month) < end:
        fix = f"a month from {month_name(first)} to {month_name(end - 1)}"
        yield path, f"{month} is outside of {where}", fix


def off_boundary(path: Path, month: str, bounds: list[int]) -> Iterator[Fault]:
    """A fault if no period begins with ``month``, which lies within the calendar."""
    index = month_index(month)
    if bounds[0] <= index < bounds[-1] and index not in bounds:
        before = max(bound for bound in bounds if bound < index)
        after = min(bound for bound in bounds if bound > index)
        fix = f"take {month_name(before)} or {month_name(after)}, or give the calendar more months"
        yield path, f"no period begins in {month}", fix
