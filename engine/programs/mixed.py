"""Mixed-integer linear programs, solved by HiGHS.

A solution is polished: its integer columns are rounded and the rest is solved again as a linear program, so that a point
never owes its value to the tolerance on integrality. That a program has no point is believed where no point is known, and
that it has no bound where a ray shows it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coercivity.engine.errors import SolverFailed
from coercivity.engine.programs.hot import Floats, HotProgram, LinearProgram, LinearSolution, SolveStatus, highs_model

PRECISE = {"primal_feasibility_tolerance": 1e-9, "dual_feasibility_tolerance": 1e-9}
# What HiGHS allows by default; asked for where it contradicts itself at 1e-9.
LOOSE = {"primal_feasibility_tolerance": 1e-6, "dual_feasibility_tolerance": 1e-7}
# A direction of recession improves where it gains this much, against costs and directions of size 1.
STEEP = 1e-7
# A point handed over as a start satisfies the program where it breaks nothing by more than this, against max(1, |side|).
GIVEN = 1e-6


@dataclass(frozen=True)
class MixedSolution:
    """An incumbent of a mixed-integer program and a bound below it.

    Attributes
    ----------
    status : OPTIMAL when the gap asked for is closed; LIMIT and FAILED may come with a point or without
    point : integer columns exactly integer, shape (columns,); None where none was found
    value : cost · point + offset; +inf without a point
    bound : no feasible point costs less, up to the solver's tolerances; −inf where nothing is known
    nodes : nodes of the tree
    """

    status: SolveStatus
    point: Floats | None
    value: float
    bound: float
    nodes: int = 0


class Halt:
    """Ends a search from another thread: the solver lets go of the interpreter while it runs, and asks whether to go on once this is set."""

    def __init__(self) -> None:
        self._highs, self._is_set = None, False

    def set(self) -> None:
        """End the search, and every later one that is given this."""
        self._is_set = True
        if self._highs is not None:
            self._listen(self._highs)

    def watch(self, highs: Any) -> None:
        """Be what ends a run of this solver."""

        def ask(kind: Any, message: str, found: Any, answer: Any, given: Any) -> None:
            answer.user_interrupt = True

        highs.setCallback(ask, None)
        self._highs = highs
        if self._is_set:
            self._listen(highs)

    @staticmethod
    def _listen(highs: Any) -> None:
        # Not before it is to end: each call has to wait for the interpreter.
        from highspy import cb

        highs.startCallback(cb.HighsCallbackType.kCallbackMipInterrupt)
        highs.startCallback(cb.HighsCallbackType.kCallbackSimplexInterrupt)


def solve_mixed(
    program: LinearProgram,
    is_integer: NDArray[np.bool_],
    *,
    gap: float = 0.0,
    seconds: float = inf,
    start: Floats | None = None,
    halt: Halt | None = None,
) -> MixedSolution:
    """The least cost over points whose marked columns are integer.

    Parameters
    ----------
    program : the linear program
    is_integer : which columns, shape (columns,)
    gap : relative gap at which the search may stop
    seconds : time limit
    start : a point to begin with, shape (columns,); one that satisfies the program stands against an answer that
        there is none
    halt : ends the search from outside; what it has then is FAILED
    """
    if not is_integer.any():
        return _as_mixed(program, seconds)
    options = {**PRECISE, "mip_feasibility_tolerance": 1e-9, "mip_rel_gap": gap, "mip_abs_gap": 1e-9}
    found = _searched(program, is_integer, options, seconds, start, halt)
    if found.status in (SolveStatus.INFEASIBLE, SolveStatus.UNBOUNDED):
        return _decided(program, is_integer, options, seconds, start, halt)
    if found.status is SolveStatus.FAILED:
        return _searched(program, is_integer, {**options, "presolve": "off"}, seconds, start, halt)
    return found


def _searched(
    program: LinearProgram,
    is_integer: NDArray[np.bool_],
    options: dict[str, Any],
    seconds: float,
    start: Floats | None,
    halt: Halt | None = None,
) -> MixedSolution:
    """What a run of the solver finds: its point polished, its word on infeasible and unbounded programs as it comes."""
    highs = load(program, options)
    _mark_integer(highs, is_integer)
    if start is not None:
        _start_at(highs, start)
    if halt is not None:
        halt.watch(highs)
    status = run_for(highs, seconds)
    info = highs.getInfo()
    nodes = max(0, int(info.mip_node_count))
    if status in (SolveStatus.INFEASIBLE, SolveStatus.UNBOUNDED):
        return MixedSolution(status, None, inf, inf if status is SolveStatus.INFEASIBLE else -inf, nodes)
    # A run that ended in an error has proved nothing, whatever its figures say.
    bound = float(info.mip_dual_bound) if status is not SolveStatus.FAILED else -inf
    if status is SolveStatus.FAILED or not np.isfinite(info.objective_function_value):
        return MixedSolution(status, None, inf, bound, nodes)
    point = _polished(program, is_integer, np.array(highs.getSolution().col_value))
    if point is None:
        return MixedSolution(SolveStatus.FAILED, None, inf, bound, nodes)
    value = float(program.cost @ point + program.offset)
    return MixedSolution(status, point, value, min(bound, value), nodes)


def _decided(
    program: LinearProgram,
    is_integer: NDArray[np.bool_],
    options: dict[str, Any],
    seconds: float,
    start: Floats | None,
    halt: Halt | None,
) -> MixedSolution:
    """What a program has of which the solver said that it has no point or no bound.

    A point refutes the first and only a ray proves the second: data being rational, a mixed-integer program that has a
    point falls without limit exactly where its linear relaxation has a direction that improves (Meyer 1974). Where there
    is a point and no ray the solver has contradicted itself, as it does at tight tolerances on large coefficients: it is
    asked again at looser ones, beginning at the point, and what it says is polished like any other answer.
    """
    point = start if start is not None and satisfies(program, start) else None
    if point is None:
        # Presolve does not tell the two apart, and has called programs with a point infeasible.
        blank = replace(program, cost=np.zeros_like(program.cost))
        tried = _searched(blank, is_integer, {**options, "presolve": "off"}, seconds, start, halt)
        if tried.point is None:
            return MixedSolution(tried.status, None, inf, inf if tried.status is SolveStatus.INFEASIBLE else -inf)
        point = tried.point
    if improving_ray(program) is not None:
        return MixedSolution(SolveStatus.UNBOUNDED, None, inf, -inf)
    for presolve in ("choose", "off"):
        loose = {**options, **LOOSE, "mip_feasibility_tolerance": 1e-6, "presolve": presolve}
        again = _searched(program, is_integer, loose, seconds, point, halt)
        if again.status in (SolveStatus.OPTIMAL, SolveStatus.LIMIT) and again.point is not None:
            return again
    return MixedSolution(SolveStatus.FAILED, point, float(program.cost @ point + program.offset), -inf)


def satisfies(program: LinearProgram, point: Floats) -> bool:
    """Whether a point keeps rows and bounds, up to 1e-6 of each side's size."""
    if not np.isfinite(point).all():
        return False
    activity = program.matrix @ point
    sides = [(point, program.col_lower, program.col_upper), (activity, program.row_lower, program.row_upper)]
    for value, lower, upper in sides:
        low, high = (np.where(np.isfinite(side), np.maximum(1.0, np.abs(side)), 1.0) for side in (lower, upper))
        if np.any(value < lower - GIVEN * low) or np.any(value > upper + GIVEN * high):
            return False
    return True


def improving_ray(program: LinearProgram) -> Floats | None:
    """A direction along which every point of a program may move for ever and its cost falls; None where there is none.

    Raises
    ------
    SolverFailed
        The solver gave up on the search for one.
    """
    size = float(np.abs(program.cost).max(initial=0.0))
    if size == 0.0:
        return None
    cone = replace(
        program,
        cost=program.cost / size,
        offset=0.0,
        row_lower=np.where(np.isfinite(program.row_lower), 0.0, -inf),
        row_upper=np.where(np.isfinite(program.row_upper), 0.0, inf),
        col_lower=np.where(np.isfinite(program.col_lower), 0.0, -1.0),
        col_upper=np.where(np.isfinite(program.col_upper), 0.0, 1.0),
    )
    hot = precise(cone)
    # The cone holds zero, so that anything but an optimum is a failure.
    if hot.decide("direction of recession") is not SolveStatus.OPTIMAL:
        raise SolverFailed("direction of recession", "the solver lost the point zero", "scale the data")
    return hot.primal() if hot.objective < -STEEP else None


def precise(program: LinearProgram, seconds: float = inf) -> HotProgram:
    """A linear program in the solver, to be solved to 1e-9.

    All rows stay rows: a row turned into a bound may cross the column's other bound by a rounding error, which no
    tolerance forgives.
    """
    limit = {"time_limit": seconds} if np.isfinite(seconds) else {}
    return HotProgram(program, {**PRECISE, **limit}, np.arange(program.shape[0], dtype=np.int32))


def _as_mixed(program: LinearProgram, seconds: float) -> MixedSolution:
    hot = precise(program, seconds)
    status = hot.optimise()
    if status in (SolveStatus.INFEASIBLE, SolveStatus.UNBOUNDED):
        status = without_optimum(program, seconds)
        if status is SolveStatus.OPTIMAL:
            # There is a point and no ray: the solver contradicted itself, and is asked at a looser tolerance.
            hot = HotProgram(program, LOOSE, np.arange(program.shape[0], dtype=np.int32))
            status = SolveStatus.OPTIMAL if hot.optimise() is SolveStatus.OPTIMAL else SolveStatus.FAILED
    if status is SolveStatus.OPTIMAL:
        point = hot.primal()
        value = float(program.cost @ point + program.offset)
        return MixedSolution(status, point, value, value)
    return MixedSolution(status, None, inf, inf if status is SolveStatus.INFEASIBLE else -inf)


def without_optimum(program: LinearProgram, seconds: float = inf) -> SolveStatus:
    """What a linear program has of which the solver said that it has no optimum.

    INFEASIBLE without a point, UNBOUNDED with a point and a ray; OPTIMAL where it has a point and no ray, so that the
    solver was wrong; LIMIT or FAILED where it gave up.
    """
    status = feasibility(program, seconds)
    if status is not SolveStatus.OPTIMAL:
        return status
    return SolveStatus.OPTIMAL if improving_ray(program) is None else SolveStatus.UNBOUNDED


def solved_anew(program: LinearProgram) -> LinearSolution | None:
    """The optimum of a linear program of which the solver has said something impossible; None where it does so again.

    It is asked from nothing, and then at a looser tolerance.
    """
    rows = np.arange(program.shape[0], dtype=np.int32)
    for hot in (precise(program), HotProgram(program, LOOSE, rows)):
        if hot.optimise() is SolveStatus.OPTIMAL:
            return hot.solution()
    return None


def _polished(program: LinearProgram, is_integer: NDArray[np.bool_], point: Floats) -> Floats | None:
    """The best point with these integers; None where rounding them leaves no point."""
    whole = np.clip(np.round(point), np.ceil(program.col_lower - 1e-9), np.floor(program.col_upper + 1e-9))
    lower, upper = np.where(is_integer, whole, program.col_lower), np.where(is_integer, whole, program.col_upper)
    hot = precise(replace(program, col_lower=lower, col_upper=upper))
    if hot.optimise() is not SolveStatus.OPTIMAL:
        return None
    return np.where(is_integer, whole, hot.primal())


def feasibility(program: LinearProgram, seconds: float = inf) -> SolveStatus:
    """OPTIMAL where the program has a point, INFEASIBLE where it has none."""
    return run_for(load(replace(program, cost=np.zeros_like(program.cost)), {**PRECISE, "presolve": "off"}), seconds)


def load(program: LinearProgram, options: dict[str, Any]) -> Any:
    """A silent solver with a program in it."""
    from highspy._core import _Highs

    highs: Any = _Highs()
    for key, value in {"output_flag": False, "threads": 1, **options}.items():
        highs.setOptionValue(key, value)
    highs.passModel(highs_model(program))
    return highs


def _mark_integer(highs: Any, is_integer: NDArray[np.bool_]) -> None:
    from highspy import HighsVarType

    for column in np.flatnonzero(is_integer):
        highs.changeColIntegrality(int(column), HighsVarType.kInteger)


def _start_at(highs: Any, point: Floats) -> None:
    from highspy import HighsSolution

    start = HighsSolution()
    start.col_value = list(map(float, point))
    highs.setSolution(start)


def run_for(highs: Any, seconds: float) -> SolveStatus:
    """Run for so many seconds at most; why it stopped."""
    from highspy import HighsModelStatus as Model

    if np.isfinite(seconds):
        highs.setOptionValue("time_limit", max(0.0, seconds))
    highs.run()
    return {
        Model.kOptimal: SolveStatus.OPTIMAL,
        Model.kModelEmpty: SolveStatus.OPTIMAL,
        Model.kInfeasible: SolveStatus.INFEASIBLE,
        Model.kUnbounded: SolveStatus.UNBOUNDED,
        Model.kUnboundedOrInfeasible: SolveStatus.INFEASIBLE,
        Model.kTimeLimit: SolveStatus.LIMIT,
        Model.kIterationLimit: SolveStatus.LIMIT,
        Model.kSolutionLimit: SolveStatus.LIMIT,
    }.get(highs.getModelStatus(), SolveStatus.FAILED)
