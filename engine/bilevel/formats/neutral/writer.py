"""Writer of ``bilevel-neutral/1``: a bilevel program as JSON, every number so that it is read back exactly."""

from __future__ import annotations

import json
from math import isinf
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from coercivity.engine.bilevel.formats.mps.writer import owners_of
from coercivity.engine.bilevel.formats.neutral.followers import is_name
from coercivity.engine.bilevel.formats.neutral.reader import FORMAT, LEVELS, REMARKS
from coercivity.engine.bilevel.problem import BilevelProblem, Objective, Rivals, Rows, Variables
from coercivity.engine.data.text import save
from coercivity.engine.errors import UsageError

# A row as it is written: which row it comes from, its sense and its side.
WrittenRow = tuple[int, str, float]


def write_neutral(problem: BilevelProblem, path: str | Path, remarks: dict[str, Any] | None = None) -> Path:
    """Write a program as ``bilevel-neutral/1``.

    Names of rows are not written, a row with two sides becomes two rows, and a row without any is left out.

    Parameters
    ----------
    problem : of any class
    path : the file
    remarks : what is to stand under ``class``, ``source``, ``known``, ``checked`` or ``notes``

    Raises
    ------
    UsageError
        The format cannot say the problem; with the reason.
    """
    text = laid_out(data_of(problem, str(path)) | _checked(remarks or {}, str(path)))
    save(path, text)
    return Path(path)


def _checked(remarks: dict[str, Any], where: str) -> dict[str, Any]:
    unknown = sorted(set(remarks) - set(REMARKS) | set(remarks) & {"followers", "extensions"})
    if unknown:
        raise UsageError(where, f"'{unknown[0]}' is no remark", "remarks are class, source, known, checked and notes")
    return remarks


def data_of(problem: BilevelProblem, where: str) -> dict[str, Any]:
    """The program as the plain data of the format; ``where`` is what to call it in messages."""
    seen: set[str] = set()
    for name in problem.names:
        if not is_name(name) or name in seen:
            raise UsageError(where, f"variable {name!r}", "give it a name of its own that does not begin with dual:")
        seen.add(name)
    rows, own = (_written(part) for part in (problem.rows, problem.follower_rows))
    data: dict[str, Any] = {"format": FORMAT, "name": problem.name}
    if problem.prices:
        kinds = {"e": "equality row", "r": "row"}
        used = [kind for kind in kinds if any(f"dual:{kind}[" in price for _, price, _ in _prices(problem, own))]
        data["extensions"] = [
            f"dual:{kind}[k] in Q is the price (dual) of the follower's k-th {kinds[kind]}, counted from 0"
            for kind in used
        ]
    if problem.members:
        data["followers"] = _followers(problem, [row for row, _, _ in own])
    data["x"], data["y"] = _columns(problem.leader), _columns(problem.follower)
    width = len(problem.leader)
    data["upper"] = _level("upper", problem.objective, problem.rows, rows, problem.names, width, problem.is_maximised)
    data["lower"] = _level(
        "lower",
        problem.follower_objective,
        problem.follower_rows,
        own,
        problem.names,
        width,
        problem.is_follower_maximised,
    )
    data["upper"]["Q"] += _prices(problem, own)
    return data


def laid_out(data: dict[str, Any]) -> str:
    """JSON with a line for each key and, of matrices, for each row."""
    lines = []
    for key, value in data.items():
        if isinstance(value, dict) and value:
            inner = ",\n".join(
                f"  {json.dumps(name, ensure_ascii=False)}: {_line(part)}" for name, part in value.items()
            )
            lines.append(f" {json.dumps(key)}: {{\n{inner}\n }}")
        else:
            lines.append(f" {json.dumps(key)}: {_line(value)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _line(value: Any) -> str:
    if isinstance(value, list) and value and all(isinstance(part, list) for part in value):
        inner = ",\n   ".join(json.dumps(part, ensure_ascii=False, allow_nan=False) for part in value)
        return f"[\n   {inner}\n  ]"
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _written(rows: Rows) -> list[WrittenRow]:
    found: list[WrittenRow] = []
    for at, (low, high) in enumerate(zip(rows.lower.tolist(), rows.upper.tolist(), strict=True)):
        if low == high:
            found.append((at, "=", low))
            continue
        if not isinf(high):
            found.append((at, "<=", high))
        if not isinf(low):
            found.append((at, ">=", low))
    return found


def _columns(columns: Variables) -> dict[str, Any]:
    return {
        "names": list(columns.names),
        "lb": [None if isinf(bound) else bound for bound in columns.lower.tolist()],
        "ub": [None if isinf(bound) else bound for bound in columns.upper.tolist()],
        "type": ["I" if is_integer else "C" for is_integer in columns.is_integer.tolist()],
    }


def _level(
    level: str,
    objective: Objective,
    rows: Rows,
    written: list[WrittenRow],
    names: tuple[str, ...],
    width: int,
    is_max: bool,
) -> dict[str, Any]:
    own, others, constant, left, right, sides = LEVELS[level]
    sign = -1.0 if is_max else 1.0
    linear = (sign * objective.linear + 0.0).tolist()
    dense = rows.matrix[[row for row, _, _ in written]].toarray() if written else np.zeros((0, len(names)))
    products = sp.triu(objective.quadratic, format="coo")
    return {
        "sense": "max" if is_max else "min",
        own: linear[:width],
        others: linear[width:],
        constant: sign * objective.constant + 0.0,
        "Q": [
            [names[row], names[column], sign * (value / 2 if row == column else value)]
            for row, column, value in zip(*(part.tolist() for part in (*products.coords, products.data)), strict=True)
            if value
        ],
        left: dense[:, :width].tolist(),
        right: dense[:, width:].tolist(),
        "row_sense": [sense for _, sense, _ in written],
        sides: [side for _, _, side in written],
    }


def _prices(problem: BilevelProblem, written: list[WrittenRow]) -> list[list[Any]]:
    """Terms with prices, in the leader's sense, of prices in the follower's."""
    equalities = [row for row, sense, _ in written if sense == "="]
    sign = -1.0 if problem.is_maximised != problem.is_follower_maximised else 1.0
    found: dict[tuple[str | None, str], float] = {}
    for term in problem.prices:
        name = None if term.column is None else problem.names[term.column]
        # A row with two sides is two rows, whose prices add up to its own; one without any has no price.
        places = [f"dual:r[{at}]" for at, (row, _, _) in enumerate(written) if row == term.row]
        if term.row in equalities:
            places = [f"dual:e[{equalities.index(term.row)}]"]
        for price in places:
            found[name, price] = found.get((name, price), 0.0) + sign * term.coefficient
    return [[name, price, coefficient] for (name, price), coefficient in found.items()]


def _followers(problem: BilevelProblem, rows: list[int]) -> list[dict[str, Any]]:
    """The followers of a program as data; ``rows`` tells which of the follower's rows each written row comes from."""
    titles = list(dict.fromkeys(problem.members))
    owners = owners_of(problem)
    found: list[dict[str, Any]] = [{"name": title, "y": [], "rows": []} for title in titles]
    for name, member in zip(problem.follower.names, problem.members, strict=True):
        found[titles.index(member)]["y"].append(name)
    for at, row in enumerate(rows):
        found[titles.index(owners[row])]["rows"].append(at)
    if problem.rivals is not None:
        for one in found:
            one["objective"] = _pays(problem, problem.rivals, one["y"])
    return found


def _pays(problem: BilevelProblem, rivals: Rivals, own: list[str]) -> dict[str, Any]:
    """What a follower that meets others pays, in the sense of the sum."""
    sign, names = -1.0 if problem.is_follower_maximised else 1.0, problem.names
    linear, products = {}, []
    for name in own:
        at = problem.follower.names.index(name)
        if rivals.linear[at]:
            linear[name] = sign * float(rivals.linear[at])
        line = sp.coo_array(rivals.gradient[[at]])
        products += [[name, names[k], sign * float(v)] for k, v in zip(line.coords[1], line.data, strict=True) if v]
    return {"linear": linear, "Q": products}
