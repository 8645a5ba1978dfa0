"""A bound that survives rounding, by a search of its own that closes nothing on a solver's word.

A direction D of a linear follower along which it pays less is stopped, wherever it answers best, by a side of its rows or
bounds: one of S(D) = {k: s_k·D > 0} is tight. D is made of fractions, and S(D) found from it exactly, so that what the
search branches on is true whatever solver proposed D. A node holds some sides tight, and is closed where multipliers prove,
rounding counted, that it costs at least so much or has no point (:mod:`coercivity.engine.programs.outward`). What is
left when all nodes are closed is the least of what they proved.

Source: Neumaier and Shcherbina (2004), *Safe bounds in linear and mixed-integer linear programming*, Math. Programming 99;
Hansen, Jaumard and Savard (1992), *New branch-and-bound rules for linear bilevel programming*, SIAM J. Sci. Stat. Comput. 13.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from coercivity.engine.bilevel.judge.exact_point import line_of, solved
from coercivity.engine.bilevel.judge.probes import high_point_relaxation
from coercivity.engine.bilevel.problem import BilevelProblem
from coercivity.engine.programs.exact import fractions, greatest
from coercivity.engine.programs.hot import Floats, LinearProgram, SolveStatus
from coercivity.engine.programs.mixed import precise
from coercivity.engine.programs.outward import has_no_point, safe_bound

Bools = NDArray[np.bool_]
# Nodes before the search is given up; sides and columns up to which directions are looked for in exact arithmetic too.
MOST_NODES, MOST_EXACT = 50_000, 60
# Denominators of directions, the simplest first.
DENOMINATORS = (12, 5040, 10**6)
WHOLE, TIGHT = 1e-7, 1e-7
# Of a direction of length one, what is no movement.
NONE = 1e-8
# A set of so few sides is taken without looking for a smaller one.
FEW = 2


@dataclass(frozen=True)
class SafeBound:
    """What is proved: no bilevel-feasible point costs less than ``bound``; ``reason`` says why a search came to nothing."""

    bound: float
    nodes: int
    reason: str | None = None


@dataclass(frozen=True)
class _Node:
    held: Bools
    idle: Bools
    lower: Floats
    upper: Floats
    side: int = -1
    above: float = -math.inf


@dataclass(frozen=True)
class Sides:
    """Sides of the follower's rows (first) and bounds that are inequalities: a place among them, and which side it is."""

    rows: int
    at: NDArray[np.intp]
    is_upper: Bools
    level: Floats

    def __len__(self) -> int:
        return len(self.at)


def refuses(problem: BilevelProblem) -> str | None:
    """Why no bound of a problem can be proved here; None where one can."""
    n = len(problem.leader)
    if problem.rivals is not None:
        return "followers meet, of whose equilibria no directions tell"
    if problem.follower.is_integer.any():
        return "the follower has integers, whose best responses no linear program bounds"
    if np.any(problem.objective.quadratic.data):
        return "the leader's objective is quadratic"
    if np.any(sp.csr_array(problem.follower_objective.quadratic)[n:].data):
        return "the follower's costs are quadratic, or move with the leader's choice"
    if problem.prices:
        return "the leader counts the follower's multipliers, which have no finite range"
    return None


def safe_search(problem: BilevelProblem, aim: float, until: float = math.inf) -> SafeBound:
    """A bound of a problem that is not refused, each node of its tree closed at ``aim`` or above.

    Parameters
    ----------
    aim : a little less than the value claimed; +inf where it is claimed that there is no bilevel-feasible point
    until : on the clock of :func:`time.perf_counter`
    """
    return _Search(problem, aim, until).run()


class _Search:
    def __init__(self, problem: BilevelProblem, aim: float, until: float) -> None:
        self.problem, self.aim, self.until = problem, aim, until
        self.base = _with_ranges(high_point_relaxation(problem))
        self.first = len(problem.rows)
        self.sides = sides_of(problem)
        self.stoppers = Stoppers(problem, self.sides)
        self.hot = precise(self.base)
        self.integers = np.flatnonzero(problem.leader.is_integer)

    def run(self) -> SafeBound:
        """Depth first; the order changes nothing of what is proved."""
        n, none = len(self.problem.leader), np.zeros(len(self.sides), dtype=bool)
        stack = [_Node(none, none, self.base.col_lower[:n], self.base.col_upper[:n])]
        least, nodes = math.inf, 0
        while stack:
            if nodes >= MOST_NODES or time.perf_counter() > self.until:
                return SafeBound(-math.inf, nodes, f"it was stopped after {nodes:,} nodes")
            nodes += 1
            found = self._look(stack.pop())
            if isinstance(found, str):
                return SafeBound(-math.inf, nodes, found)
            if isinstance(found, float):
                least = min(least, found)
            else:
                stack += found
        return SafeBound(least, nodes)

    def _look(self, node: _Node) -> float | str | list[_Node]:
        """What a node was closed at, or its children; or why neither could be had."""
        program = self._program(node)
        if np.any(program.col_lower > program.col_upper):
            return math.inf
        self.hot.exchange(program)
        status, bound, touches = self.hot.optimise(), -math.inf, TIGHT
        if status is SolveStatus.OPTIMAL:
            bound = safe_bound(program, self.hot.solution().dual)
            self.stoppers.learn(node.side, min(bound, self.aim) - node.above)
            if bound >= self.aim:
                return bound
        if status is SolveStatus.UNBOUNDED:
            # Nothing but the follower's answer bounds it: any point will do to branch at, and what it touches says nothing.
            touches = -1.0
            self.hot.exchange(replace(program, cost=np.zeros_like(program.cost)))
            status = self.hot.optimise()
        if status is not SolveStatus.OPTIMAL:
            self.stoppers.learn(node.side, self.aim - node.above)
            return math.inf if has_no_point(program) else "a program without a point could not be proved to have none"
        point = self.hot.primal()
        part = np.abs(point[self.integers] - np.round(point[self.integers]))
        if part.max(initial=0.0) > WHOLE:
            return self._on_integer(node, int(self.integers[int(part.argmax())]), point)
        stops = self.stoppers.of(point, node.held, node.idle, touches)
        if stops is None:
            return (
                f"at a point worth {self.hot.objective:.9g} nothing was found that keeps the follower from paying less"
                if bound > -math.inf
                else "a column without a finite range left no bound: bound the columns of both levels"
            )
        return self._children(node, np.flatnonzero(stops & ~node.idle), bound)

    def _program(self, node: _Node) -> LinearProgram:
        base, sides, n = self.base, self.sides, len(self.problem.leader)
        row_lower, row_upper = base.row_lower.copy(), base.row_upper.copy()
        col_lower, col_upper = base.col_lower.copy(), base.col_upper.copy()
        col_lower[:n], col_upper[:n] = node.lower, node.upper
        for side in np.flatnonzero(node.held):
            is_row = side < sides.rows
            low, high = (row_lower, row_upper) if is_row else (col_lower, col_upper)
            at = sides.at[side] + (self.first if is_row else n)
            (low if sides.is_upper[side] else high)[at] = sides.level[side]
        held = replace(base, row_lower=row_lower, row_upper=row_upper, col_lower=col_lower, col_upper=col_upper)
        # A side that is held may give a column the range that it lacked.
        return held if np.isfinite(np.r_[base.col_lower, base.col_upper]).all() else _with_ranges(held)

    def _on_integer(self, node: _Node, k: int, point: Floats) -> list[_Node]:
        below, children = math.floor(point[k]), []
        for low, high in ((node.lower[k], below), (below + 1.0, node.upper[k])):
            lower, upper = node.lower.copy(), node.upper.copy()
            lower[k], upper[k] = low, high
            children.append(replace(node, lower=lower, upper=upper))
        return children

    def _children(self, node: _Node, live: NDArray[np.intp], bound: float) -> list[_Node]:
        """One for each side that may be tight; a later one leaves to the earlier ones what those have."""
        children, idle = [], node.idle
        for side in live:
            held = node.held.copy()
            held[side] = True
            children.append(replace(node, held=held, idle=idle, side=int(side), above=bound))
            idle = idle.copy()
            idle[side] = True
        return children


def sides_of(problem: BilevelProblem) -> Sides:
    """The sides of a problem's follower."""
    own = sp.csr_array(problem.follower_rows.matrix)[:, len(problem.leader) :]
    found = []
    for part, counts in ((problem.follower_rows, np.diff(own.indptr) > 0), (problem.follower, True)):
        is_range = (part.lower < part.upper) & counts
        low, high = (np.flatnonzero(is_range & np.isfinite(side)) for side in (part.lower, part.upper))
        level = np.r_[part.lower[low], part.upper[high]]
        found.append((np.r_[low, high], np.repeat([False, True], [len(low), len(high)]), level))
    at, is_upper, level = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return Sides(len(found[0][0]), at, is_upper, level)


class Stoppers:
    """Sets of sides of which one is tight at every best response, each by a direction of fractions."""

    def __init__(self, problem: BilevelProblem, sides: Sides) -> None:
        self.problem, self.sides = problem, sides
        n, m, rows = len(problem.leader), len(problem.follower), problem.follower_rows
        own = sp.csr_array(rows.matrix)[:, n:]
        unit = sp.csr_array(sp.eye_array(m))
        sign = np.where(sides.is_upper, 1.0, -1.0)
        # Signs change nothing of a number, so that these are the problem's own.
        lines = sp.vstack([own[sides.at[: sides.rows]], unit[sides.at[sides.rows :]]], format="csr")
        self.lines = sp.csr_array(sp.diags_array(sign) @ lines)
        still = np.flatnonzero(problem.follower.lower == problem.follower.upper)
        self.equal = sp.csr_array(sp.vstack([own[np.flatnonzero(rows.lower == rows.upper)], unit[still]]))
        self.cost = problem.follower_objective.linear[n:]
        self.sign, self.whole = sign, sp.csr_array(rows.matrix)
        self.known: list[Bools] = []
        self.rise, self.seen = np.zeros(len(sides)), np.zeros(len(sides))
        size = float(np.abs(self.cost).max(initial=0.0)) or 1.0
        count = len(sides)
        matrix = sp.block_array(
            [[self.lines, -sp.eye_array(count)], [self.equal, None], [sp.csr_array(self.cost[None, :] / size), None]],
            format="csr",
        )
        level = self.equal.shape[0]
        self.program = LinearProgram(
            np.zeros(m + count),
            sp.csr_array(matrix),
            np.r_[np.full(count, -np.inf), np.zeros(level), -1.0],
            np.r_[np.zeros(count + level), -1.0],
            np.r_[np.full(m, -np.inf), np.zeros(count)],
            np.full(m + count, np.inf),
        )
        self.hot = precise(self.program)

    def learn(self, side: int, rise: float) -> None:
        """By how much a bound rose where a side was held; what has no size says nothing."""
        if side >= 0 and math.isfinite(rise):
            self.rise[side] += max(0.0, rise)
            self.seen[side] += 1.0

    def of(self, z: Floats, held: Bools, idle: Bools, touches: float) -> Bools | None:
        """A set with no side in it that is tight at a point or held, idle ones apart; None where none is found."""
        n, sides = len(self.problem.leader), self.sides
        value = np.r_[(self.whole @ z)[sides.at[: sides.rows]], z[n:][sides.at[sides.rows :]]]
        slack = np.maximum(self.sign * (sides.level - value), 0.0)
        shut = (held | (slack <= touches * np.maximum(1.0, np.abs(sides.level)))) & ~idle
        fitting = [known for known in self.known if not (known & shut).any()]
        best = min(fitting, key=lambda known: int((known & ~idle).sum()), default=None)
        if best is not None and (best & ~idle).sum() <= FEW:
            return best
        stops = self._proposed(shut, idle, slack)
        if stops is None and len(sides) + len(self.cost) <= MOST_EXACT:
            stops = self._in_fractions(shut)
        if stops is None:
            return best
        self.known.append(stops)
        return stops

    def _proposed(self, shut: Bools, idle: Bools, slack: Floats) -> Bools | None:
        m = len(self.cost)
        cost, upper = self.program.cost.copy(), self.program.col_upper.copy()
        usual = float(self.rise.sum() / max(1.0, self.seen.sum())) or 1.0
        worth = (self.rise + usual) / (self.seen + 1.0) * np.maximum(slack, 1e-6)
        # Sides that raised bounds, and are far off, come first.
        cost[m:] = np.where(idle, 0.0, np.clip(usual / np.maximum(worth, 1e-9 * usual), 1e-4, 1e4))
        upper[m:][shut] = 0.0
        self.hot.exchange(replace(self.program, cost=cost, col_upper=upper))
        if self.hot.optimise() is not SolveStatus.OPTIMAL:
            return None
        found = self.hot.primal()[:m]
        length = float(np.abs(found).max(initial=0.0))
        if not 0.0 < length < math.inf:
            return None
        wanted, best = np.asarray(self.lines @ found > NONE * length) & ~shut, None
        for direction in self._as_fractions(found / length, wanted):
            stops = self.stopping(direction)
            if stops is None or (stops & shut).any():
                continue
            if not (stops & ~wanted).any():
                return stops
            if best is None or (stops & ~idle).sum() < (best & ~idle).sum():
                best = stops
        return best

    def _as_fractions(self, found: Floats, wanted: Bools) -> Iterator[list[Fraction]]:
        """A direction in fractions, near one that approaches the wanted sides alone."""
        # In units of its least entry vertices of whole data mostly have few digits.
        least = float(np.abs(found[np.abs(found) > NONE]).min())
        for most in DENOMINATORS:
            yield [Fraction(v / least).limit_denominator(most) for v in found]
        inner = self._inner(wanted, np.abs(found) <= NONE)
        if inner is not None:
            yield [Fraction(v) for v in inner]
        lines = [self.lines[[k]] for k in np.flatnonzero(np.abs(self.lines @ found) <= NONE)]
        equations = [
            (line_of(line), Fraction(0)) for line in [*lines, *(self.equal[[k]] for k in range(self.equal.shape[0]))]
        ]
        yield solved(equations, {}, [Fraction(v).limit_denominator(DENOMINATORS[-1]) for v in found])

    def _inner(self, wanted: Bools, still: Bools) -> Floats | None:
        """A direction that moves away from every side that is not wanted, where there is one: no rounding changes what stops it."""
        m, others = len(self.cost), self.lines[np.flatnonzero(~wanted)]
        if self.equal.shape[0]:
            return None
        size = float(np.abs(self.cost).max())
        room: sp.csr_array = sp.csr_array(np.asarray(abs(others) @ (~still).astype(float)).reshape(-1, 1))
        paid: sp.csr_array = sp.csr_array(np.r_[self.cost / size, 1.0][None, :])
        matrix: sp.csr_array = sp.csr_array(sp.vstack([sp.hstack([others, room]), paid]))
        height = matrix.shape[0]
        # A column that does not move approaches neither of its bounds.
        one = (~still).astype(float)
        hot = precise(
            LinearProgram(
                np.r_[np.zeros(m), -1.0], matrix, np.full(height, -np.inf), np.zeros(height),
                np.r_[-one, 0.0], np.r_[one, 1.0],
            )
        )  # fmt: skip
        if hot.optimise() is not SolveStatus.OPTIMAL or -hot.objective <= NONE:
            return None
        return hot.primal()[:m]

    def _in_fractions(self, shut: Bools) -> Bools | None:
        """By the simplex method in fractions, over D = p − q with p and q at most one."""
        m = len(self.cost)
        held, equal = (fractions(part.toarray()) for part in (self.lines[np.flatnonzero(shut)], self.equal))
        rows = np.concatenate([-held, equal, -equal], axis=0)
        box = fractions(-np.eye(2 * m))
        table = np.concatenate([np.concatenate([rows, -rows], axis=1), box], axis=0)
        gain = fractions(np.r_[-self.cost, self.cost])
        found = greatest(list(gain), table, [*[Fraction(0)] * len(rows), *[Fraction(-1)] * (2 * m)])
        if found is None or found.value <= 0:
            return None
        return self.stopping([found.point[k] - found.point[m + k] for k in range(m)])

    def stopping(self, direction: list[Fraction]) -> Bools | None:
        """The sides that stop a direction, exactly; None where it costs no less, or leaves an equation."""
        if sum((Fraction(c) * d for c, d in zip(self.cost, direction, strict=True) if d), Fraction(0)) >= 0:
            return None
        if any(_along(self.equal, k, direction) for k in range(self.equal.shape[0])):
            return None
        return np.array([_along(self.lines, k, direction) > 0 for k in range(len(self.sides))], dtype=bool)


def _along(matrix: sp.csr_array, row: int, direction: list[Fraction]) -> Fraction:
    inside = slice(matrix.indptr[row], matrix.indptr[row + 1])
    entries = zip(matrix.indices[inside], matrix.data[inside], strict=True)
    return sum((Fraction(value) * direction[k] for k, value in entries if direction[k]), Fraction(0))


def _with_ranges(program: LinearProgram, rounds: int = 5) -> LinearProgram:
    """The program with finite ranges of columns that its rows imply one by one, each rounded outward."""
    matrix = sp.csr_array(program.matrix)
    lower, upper = program.col_lower.copy(), program.col_upper.copy()
    for _ in range(rounds):
        before = np.isinf(np.r_[lower, upper]).sum()
        for row in range(matrix.shape[0]):
            inside = slice(matrix.indptr[row], matrix.indptr[row + 1])
            at, values = matrix.indices[inside], matrix.data[inside]
            for sign, side in ((1.0, program.row_upper[row]), (-1.0, -program.row_lower[row])):
                _tighten(at, sign * values, side, lower, upper)
        if np.isinf(np.r_[lower, upper]).sum() == before:
            break
    return replace(program, col_lower=lower, col_upper=upper)


def _tighten(at: NDArray[np.int32], values: Floats, side: float, lower: Floats, upper: Floats) -> None:
    """Give the columns of a row values · z ≤ side ranges where they have none."""
    if math.isinf(side):
        return
    ends = np.where(values > 0, lower[at], upper[at])
    for k, value in enumerate(values):
        target = upper if value > 0 else lower
        if value == 0.0 or math.isfinite(target[at[k]]) or np.isinf(np.delete(ends, k)).any():
            continue
        rest = sum(
            (Fraction(v) * Fraction(e) for j, (v, e) in enumerate(zip(values, ends, strict=True)) if j != k and v),
            Fraction(0),
        )
        found = (Fraction(side) - rest) / Fraction(value)
        target[at[k]] = math.nextafter(float(found), math.copysign(math.inf, value))
