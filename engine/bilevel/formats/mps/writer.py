"""Writer of MPS and auxiliary files: a linear bilevel program in the named form, for MibS and its kin.

The leader's objective is written minimised, as readers disagree on OBJSENSE; numbers are written so that they are read
back exactly; names that a file of blanks and words cannot hold are mapped, and the mapping stands at the head of the MPS file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import isinf
from pathlib import Path

import numpy as np
import scipy.sparse as sp

from coercivity.engine.bilevel.problem import BilevelProblem, Rows, Variables
from coercivity.engine.data.text import INFINITY, save
from coercivity.engine.errors import UsageError

NAME = re.compile(r"[A-Za-z_][!-~]*")
LONGEST_NAME = 160


@dataclass(frozen=True)
class WrittenPair:
    """Where a program was written, and which names were mapped: as they were, and as they are written."""

    mps: Path
    auxiliary: Path
    columns: tuple[tuple[str, str], ...]
    rows: tuple[tuple[str, str], ...]


def write_pair(problem: BilevelProblem, path: str | Path) -> WrittenPair:
    """Write ``X.mps`` and ``X.aux``.

    The follower's objective has no words for a constant and for terms in the leader's columns alone; they change no answer of
    the follower, are left out, and a comment in the auxiliary file says so. Both objectives are written minimised.

    Parameters
    ----------
    problem : linear on both levels, with one follower
    path : the MPS file; the auxiliary file is put beside it

    Raises
    ------
    UsageError
        The format cannot say the problem; with the reason.
    """
    mps = Path(path)
    if mps.suffix != ".mps":
        raise UsageError(str(path), "not the name of an MPS file", "end it with .mps")
    problem = _without_free_rows(problem)
    _check(problem, str(path))
    columns = _safe(problem.names)
    named_rows = (*problem.rows.names, *problem.follower_rows.names)
    objective, *rows = _safe(("objective", *named_rows))
    # All lines are made before a file is opened, so that a refusal leaves nothing behind.
    program = "\n".join(_mps(problem, columns, rows, objective, str(path))) + "\n"
    auxiliary = "\n".join(_auxiliary(problem, columns, rows)) + "\n"
    save(mps, program)
    save(mps.with_suffix(".aux"), auxiliary)
    return WrittenPair(mps, mps.with_suffix(".aux"), _mapped(problem.names, columns), _mapped(named_rows, rows))


def _without_free_rows(problem: BilevelProblem) -> BilevelProblem:
    """The problem without rows that have no side and bind nobody; one whose multiplier is counted is refused with the others."""
    kept = [
        np.flatnonzero(np.isfinite(rows.lower) | np.isfinite(rows.upper))
        for rows in (problem.rows, problem.follower_rows)
    ]
    if all(len(at) == len(rows) for at, rows in zip(kept, (problem.rows, problem.follower_rows), strict=True)):
        return problem
    over, under = (
        Rows(tuple(rows.names[k] for k in at), sp.csr_array(rows.matrix)[at], rows.lower[at], rows.upper[at])
        for at, rows in zip(kept, (problem.rows, problem.follower_rows), strict=True)
    )
    rivals = problem.rivals
    if rivals is not None:
        rivals = replace(rivals, owners=tuple(rivals.owners[k] for k in kept[1]))
    return replace(problem, rows=over, follower_rows=under, rivals=rivals)


def _check(problem: BilevelProblem, where: str) -> None:
    """Refuse what the format has no words for."""
    fix = "write it as bilevel-neutral/1 instead"
    for player, objective in (("leader", problem.objective), ("follower", problem.follower_objective)):
        if objective.quadratic.count_nonzero() or (
            problem.rivals is not None and problem.rivals.gradient.count_nonzero()
        ):
            raise UsageError(where, f"MPS and AUX cannot say the quadratic terms of the {player}'s objective", fix)
    if problem.prices:
        raise UsageError(where, "MPS and AUX cannot say prices in the leader's objective", fix)
    for columns in (problem.leader, problem.follower):
        for name, low, high in zip(columns.names, columns.lower, columns.upper, strict=True):
            if low > high or any(not isinf(bound) and abs(bound) >= INFINITY for bound in (low, high)):
                raise UsageError(where, f"column '{name}': bounds {low:g} and {high:g}", f"stay below {INFINITY:g}")


def _safe(names: Sequence[str]) -> list[str]:
    """Names without blanks, of printable letters, each its own; those that are so already stay."""
    good = {name for name in names if NAME.fullmatch(name) and len(name) <= LONGEST_NAME}
    given: set[str] = set()
    safe = []
    for name in names:
        candidate = plain = name if name in good else _plain(name)
        number = 1
        while candidate in given or (candidate in good and candidate != name):
            number += 1
            candidate = f"{plain}_{number}"
        given.add(candidate)
        safe.append(candidate)
    return safe


def _plain(name: str) -> str:
    """Printable letters for a name, and at its beginning nothing that is a comment, a number or a keyword."""
    plain = re.sub(r"[^!-~]", "_", name)[: LONGEST_NAME - 8]
    return plain if NAME.fullmatch(plain) else f"_{plain}"


def _mapped(names: Sequence[str], safe: Sequence[str]) -> tuple[tuple[str, str], ...]:
    return tuple((name, written) for name, written in zip(names, safe, strict=True) if name != written)


def _number(value: float) -> str:
    return repr(float(value))


def _mps(
    problem: BilevelProblem, columns: Sequence[str], rows: Sequence[str], objective: str, where: str
) -> Iterator[str]:
    if problem.is_maximised:
        yield "* the leader maximises: its objective is written negated, to be minimised"
    named_rows = (*problem.rows.names, *problem.follower_rows.names)
    for kind, names, safe in (("column", problem.names, columns), ("row", named_rows, rows)):
        yield from (f"* {kind} {name!a} is written {written}" for name, written in _mapped(names, safe))
    title = re.sub(r"[^!-~]+", "_", problem.name)
    yield f"NAME {title}"
    sides = [side for part in (problem.rows, problem.follower_rows) for side in _sides(part, where)]
    yield "ROWS"
    yield f" N {objective}"
    yield from (f" {kind} {name}" for name, (kind, _, _) in zip(rows, sides, strict=True))
    yield "COLUMNS"
    yield from _columns(problem, columns, rows, objective)
    yield "RHS"
    if problem.objective.constant:
        yield f" RHS {objective} {_number(-problem.objective.constant)}"
    yield from (f" RHS {name} {_number(right)}" for name, (_, right, _) in zip(rows, sides, strict=True) if right)
    if any(width is not None for _, _, width in sides):
        yield "RANGES"
        yield from (
            f" RANGE {name} {_number(width)}"
            for name, (_, _, width) in zip(rows, sides, strict=True)
            if width is not None
        )
    yield "BOUNDS"
    width = len(problem.leader)
    yield from _bounds(problem.leader, columns[:width])
    yield from _bounds(problem.follower, columns[width:])
    yield "ENDATA"


def _sides(rows: Rows, where: str) -> Iterator[tuple[str, float, float | None]]:
    """Type, right-hand side and range of each row."""
    for name, low, high in zip(rows.names, rows.lower.tolist(), rows.upper.tolist(), strict=True):
        if any(not isinf(side) and abs(side) >= INFINITY for side in (low, high)):
            raise UsageError(where, f"row '{name}': sides {low:g} and {high:g}", f"stay below {INFINITY:g}")
        if low == high:
            yield "E", low, None
        elif isinf(low):
            yield "L", high, None
        elif isinf(high):
            yield "G", low, None
        elif low > high:
            raise UsageError(where, f"row '{name}': sides {low:g} and {high:g}", "exchange them")
        elif high - low >= INFINITY:
            raise UsageError(where, f"row '{name}': sides {low:g} and {high:g}", f"stay below {INFINITY:g}")
        elif low + (high - low) == high:
            yield "G", low, high - low
        elif high - (high - low) == low:
            yield "L", high, high - low
        else:
            what = f"the range of row '{name}' has no exact width: {low!r} to {high!r}"
            raise UsageError(where, what, "write it as two rows")


def _columns(problem: BilevelProblem, columns: Sequence[str], rows: Sequence[str], objective: str) -> Iterator[str]:
    is_integer = [*problem.leader.is_integer.tolist(), *problem.follower.is_integer.tolist()]
    matrices = [part.matrix.tocsc() for part in (problem.rows, problem.follower_rows)]
    first_of = (0, len(problem.rows))
    was = False
    for at, name in enumerate(columns):
        if is_integer[at] != was:
            was = is_integer[at]
            yield f" MARKER 'MARKER' '{'INTORG' if was else 'INTEND'}'"
        # The objective is written even where it is zero: a column exists by being named.
        yield f" {name} {objective} {_number(problem.objective.linear[at])}"
        for first, matrix in zip(first_of, matrices, strict=True):
            inside = slice(matrix.indptr[at], matrix.indptr[at + 1])
            for row, value in zip(matrix.indices[inside], matrix.data[inside], strict=True):
                if value:
                    yield f" {name} {rows[first + row]} {_number(value)}"
    if was:
        yield " MARKER 'MARKER' 'INTEND'"


def _bounds(part: Variables, columns: Sequence[str]) -> Iterator[str]:
    for name, low, high, is_integer in zip(columns, part.lower, part.upper, part.is_integer, strict=True):
        if isinf(low) and isinf(high):
            yield f" FR BOUND {name}"
        elif low == high:
            yield f" FX BOUND {name} {_number(low)}"
        else:
            if isinf(low):
                yield f" MI BOUND {name}"
            elif low or is_integer:
                yield f" LO BOUND {name} {_number(low)}"
            if not isinf(high):
                yield f" UP BOUND {name} {_number(high)}"
            elif is_integer:
                yield f" PL BOUND {name}"


def _auxiliary(problem: BilevelProblem, columns: Sequence[str], rows: Sequence[str]) -> Iterator[str]:
    own, width = problem.follower_objective, len(problem.leader)
    if own.constant or own.linear[:width].any():
        yield "# the constant and the terms in the leader's columns of the follower's objective are left out"
    if problem.is_follower_maximised:
        yield "# the follower maximises: its objective is written negated, to be minimised"
    costs = own.linear[width:] if problem.rivals is None else problem.rivals.linear
    if not problem.members:
        yield from _listed(list(zip(columns[width:], costs, strict=True)), rows[len(problem.rows) :])
        return
    yield "# @FOLLOWER, in front of each of several followers, is read by this program alone"
    owners = owners_of(problem)
    for name in dict.fromkeys(problem.members):
        yield f"@FOLLOWER {name}"
        pairs = zip(problem.members, columns[width:], costs, strict=True)
        named = zip(owners, rows[len(problem.rows) :], strict=True)
        yield from _listed(
            [(column, cost) for member, column, cost in pairs if member == name],
            [row for owner, row in named if owner == name],
        )


def _listed(columns: Sequence[tuple[str, float]], rows: Sequence[str]) -> Iterator[str]:
    """The sections of a follower."""
    yield from ("@NUMVARS", str(len(columns)), "@NUMCONSTRS", str(len(rows)), "@VARSBEGIN")
    yield from (f"{name} {_number(cost)}" for name, cost in columns)
    yield from ("@VARSEND", "@CONSTRSBEGIN", *rows, "@CONSTRSEND")


def owners_of(problem: BilevelProblem) -> tuple[str, ...]:
    """Which of several followers each row belongs to; one of the leader's columns alone binds whichever it is given to."""
    if problem.rivals is not None:
        return problem.rivals.owners
    width, matrix = len(problem.leader), sp.csr_array(problem.follower_rows.matrix)
    lines = (sp.coo_array(matrix[[row]]).coords[1] for row in range(matrix.shape[0]))
    first = ([k for k in line if k >= width] for line in lines)
    return tuple(problem.members[used[0] - width] if used else problem.members[0] for used in first)
