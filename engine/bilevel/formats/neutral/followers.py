"""The followers of a ``bilevel-neutral/1`` text: whose each variable and row is, and whether they meet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from coercivity.engine.bilevel.formats.neutral.parts import Place, Reading, Wrong, shown
from coercivity.engine.bilevel.problem import Floats, Objective, Rivals, Rows


@dataclass(frozen=True)
class Followers:
    """The name of each variable's follower, and what followers that meet pay; no names where there is one."""

    members: tuple[str, ...] = ()
    rivals: Rivals | None = None


# A name, what each of its own variables costs, and products: row j holds what y_j is multiplied with.
Stated = tuple[Floats, sp.csr_array]


def is_name(name: Any) -> bool:
    """Whether something is a text on one line, and no price."""
    return isinstance(name, str) and bool(name.strip()) and name.isprintable() and not name.startswith("dual:")


def followers_of(
    reading: Reading,
    data: Any,
    columns: tuple[tuple[str, ...], tuple[str, ...]],
    rows: Rows,
    objective: Objective,
    sign: float,
) -> Followers:
    """Who is who, by name or ``follower k``; nobody where ``data`` is None, one follower.

    Raises
    ------
    Wrong
        A column or row belongs to none or to two, or it is not said who pays for a product of two followers.
    """
    if data is None:
        return Followers()
    names = columns[1]
    owner: dict[str, int] = {}
    rows_of: dict[int, int] = {}
    titles: list[str] = []
    objectives: list[tuple[Place, Any]] = []
    for at, entry in enumerate(reading.list_of(data, ("followers",))):
        place = ("followers", at)
        table = reading.table(entry, place, ("y", "rows"), ("name", "objective"))
        title = table.get("name", f"follower {at + 1}")
        if not is_name(title) or title in titles:
            raise Wrong((*place, "name"), f"{shown(title)} is not a name of its own", "name every follower once")
        titles.append(title)
        objectives.append(((*place, "objective"), table.get("objective")))
        _take_own(reading, table, place, at, (names, owner), (len(rows), rows_of))
    _check_shared_out(owner, rows_of, names, rows)
    whose = np.array([owner[name] for name in names])
    members = tuple(titles[at] for at in whose)
    owners = np.array([rows_of[row] for row in range(len(rows))], dtype=np.intp)
    is_met = _meet_in_rows(whose, owners, rows)
    costs = _stated(reading, objectives, _Level(columns[0], names, whose, objective, sign))
    if costs is None:
        _check_products(whose, objective)
        costs = _from_sum(whose, objective) if is_met else None
    elif not is_met and not _meet_in_costs(whose, costs[1]):
        costs = None
    if costs is None:
        return Followers(members)
    return Followers(members, Rivals(tuple(titles[at] for at in owners), *costs))


def _take_own(
    reading: Reading,
    table: Mapping[str, Any],
    place: Place,
    at: int,
    variables: tuple[tuple[str, ...], dict[str, int]],
    rows: tuple[int, dict[int, int]],
) -> None:
    """Note the variables and the rows of a follower as its own."""
    (names, owner), (count, rows_of) = variables, rows
    for k, name in enumerate(reading.list_of(table["y"], (*place, "y"))):
        if name not in names:
            raise Wrong((*place, "y", k), f"{shown(name)} is not a variable of y", "use a name of y")
        if name in owner:
            raise Wrong((*place, "y", k), f"{name!r} belongs to two followers", "share the variables of y out")
        owner[name] = at
    for k, row in enumerate(reading.list_of(table["rows"], (*place, "rows"))):
        if isinstance(row, bool) or not isinstance(row, int) or not 0 <= row < count:
            raise Wrong((*place, "rows", k), f"{shown(row)} is not a row", "count the rows of lower from 0")
        if row in rows_of:
            raise Wrong((*place, "rows", k), f"row {row} belongs to two followers", "share the rows of lower out")
        rows_of[row] = at


def _check_shared_out(owner: dict[str, int], rows_of: dict[int, int], names: tuple[str, ...], rows: Rows) -> None:
    for name in names:
        if name not in owner:
            raise Wrong(("followers",), f"{name!r} belongs to no follower", "list it under y of one")
    for row in range(len(rows)):
        if row not in rows_of:
            raise Wrong(("followers",), f"row {row} of lower belongs to no follower", "list it under rows of one")


def _meet_in_rows(whose: NDArray[np.intp], owners: NDArray[np.intp], rows: Rows) -> bool:
    """Whether a row of one follower has a variable of another; one that has no other variables is nobody's."""
    leader = rows.matrix.shape[1] - len(whose)
    is_met = False
    for row in range(len(rows)):
        line = sp.coo_array(rows.matrix[[row]])
        used = {
            int(whose[k - leader]) for k, value in zip(line.coords[1], line.data, strict=True) if k >= leader and value
        }
        if used and owners[row] not in used:
            what = f"has a variable of followers[{min(used)}], and none of followers[{owners[row]}], whom it belongs to"
            raise Wrong(("lower", "D", row), what, "give the row to a follower who has a say in it")
        is_met |= len(used) > 1
    return is_met


def _meet_in_costs(whose: NDArray[np.intp], gradient: sp.csr_array) -> bool:
    entries, leader = sp.coo_array(gradient), gradient.shape[1] - len(whose)
    return any(k >= leader and whose[k - leader] != whose[j] for j, k in zip(*entries.coords, strict=True))


def _check_products(whose: NDArray[np.intp], objective: Objective) -> None:
    """Followers whose objectives are not stated share no product."""
    terms, leader = sp.coo_array(objective.quadratic), objective.quadratic.shape[0] - len(whose)
    for row, column, value in zip(*terms.coords, terms.data, strict=True):
        if value and min(row, column) >= leader and whose[row - leader] != whose[column - leader]:
            fix = 'say who pays for it: "objective": {"linear": {}, "Q": [[…]]} of every follower'
            raise Wrong(("lower", "Q"), "a product of variables of two followers", fix)


def _from_sum(whose: NDArray[np.intp], objective: Objective) -> Stated:
    """What each pays, of followers that share no product."""
    leader = objective.quadratic.shape[0] - len(whose)
    return objective.linear[leader:], sp.csr_array(sp.csr_array(objective.quadratic)[leader:])


@dataclass(frozen=True)
class _Level:
    """The followers' level: names of both levels' variables, whose each of y is, the objective of ``lower``, and its sense."""

    x: tuple[str, ...]
    y: tuple[str, ...]
    whose: NDArray[np.intp]
    objective: Objective
    sign: float


def _stated(reading: Reading, objectives: Sequence[tuple[Place, Any]], level: _Level) -> Stated | None:
    """What each follower says that it pays, minimised; None where none says it. A text is a remark."""
    silent = [place for place, told in objectives if told is None or isinstance(told, str)]
    if len(silent) == len(objectives):
        return None
    if silent:
        raise Wrong(silent[0], "no objective, and others have one", "state all, or none")
    linear, gradient = np.zeros(len(level.y)), np.zeros((len(level.y), len(level.x) + len(level.y)))
    for at, (place, told) in enumerate(objectives):
        table = reading.table(told, place, ("linear",), ("Q",))
        if not isinstance(table["linear"], dict):
            raise Wrong((*place, "linear"), "not an object", 'write {"variable": cost}')
        for name, cost in table["linear"].items():
            linear[_own(level, name, at, (*place, "linear"))] += reading.number(cost, (*place, "linear", name))
        for k, entry in enumerate(reading.list_of(table.get("Q", []), (*place, "Q"))):
            row, column, value = _product_of(reading, entry, (*place, "Q", k), level, at)
            gradient[row, column] += value
    return _checked_sum(level, level.sign * linear + 0.0, level.sign * gradient, objectives[0][0])


def _own(level: _Level, name: Any, at: int, place: Place) -> int:
    if name not in level.y or level.whose[level.y.index(name)] != at:
        raise Wrong(place, f"{shown(name)} is not a variable of this follower", "use its own variables")
    return level.y.index(name)


def _product_of(reading: Reading, entry: Any, place: Place, level: _Level, at: int) -> tuple[int, int, float]:
    """[own variable, the leader's or another's, coefficient] by positions: linear in what is its own."""
    if not isinstance(entry, list) or len(entry) != 3 or not all(isinstance(name, str) for name in entry[:2]):
        raise Wrong(place, "not [variable, variable, coefficient]", "write three entries, a variable of its own first")
    own, everything = _own(level, entry[0], at, place), (*level.x, *level.y)
    if entry[1] not in everything:
        raise Wrong(place, f"unknown variable {shown(entry[1])}", "use a name of x or y")
    other = everything.index(entry[1])
    if other >= len(level.x) and level.whose[other - len(level.x)] == at:
        fix = "followers that state an objective each are linear in what is their own"
        raise Wrong(place, "a product of two variables of its own", fix)
    return own, other, reading.number(entry[2], (*place, 2))


def _checked_sum(level: _Level, linear: Floats, gradient: Floats, place: Place) -> Stated:
    """What is stated, if it adds up to the objective of ``lower``."""
    first, objective = len(level.x), level.objective
    total = np.zeros(objective.quadratic.shape)
    total[first:] = gradient
    total = (total + total.T)[first:]
    away = np.abs(total - sp.csr_array(objective.quadratic)[first:].toarray()).sum()
    away += np.abs(linear - objective.linear[first:]).sum()
    if away > 1e-9 * (1.0 + np.abs(linear).sum() + np.abs(total).sum()):
        raise Wrong(
            place, "the followers' objectives do not add up to that of lower", "correct one, in the sense of lower"
        )
    return linear, sp.csr_array(gradient)
