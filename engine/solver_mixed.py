"""Programs beyond linear ones, solved by HiGHS: mixed-integer linear and convex quadratic.

A mixed-integer solution is polished: its integer columns are rounded and the rest is solved again as a linear
program, so that a point never owes its value to the tolerance on integrality. A quadratic solution is accepted
only when our own residuals of its optimality conditions are small. Of 504 random degenerate programs of up to 11
columns the active-set method of HiGHS failed on 29 and Lemke's on none, so that Lemke's is asked first on small ones
and second on large ones; where both fail the status says so.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from engine.errors import SolverFailed, UsageError
from engine.lemke import complementary_solution
from engine.solver import Floats, HotProgram, LinearProgram, SolveStatus, highs_model

PRECISE = {"primal_feasibility_tolerance": 1e-9, "dual_feasibility_tolerance": 1e-9}
# What the residuals of the optimality conditions may be, against the size of the data and the point.
RESIDUAL = 1e-7
# What HiGHS allows by default; asked for where it contradicts itself at 1e-9.
LOOSE = {"primal_feasibility_tolerance": 1e-6, "dual_feasibility_tolerance": 1e-7}
# A direction of recession improves where it gains this much, against costs and directions of size 1.
STEEP = 1e-7
# A point handed over as a start satisfies the program where it breaks nothing by more than this, against max(1, |side|).
GIVEN = 1e-6
# Eigenvalues are found densely.
LARGEST_QUADRATIC = 800
# Lemke's tableau is dense: faster than HiGHS up to the first number of rows and columns, hopeless beyond the second.
SMALL, LARGEST_PIVOTED = 100, 1000


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


@dataclass(frozen=True)
class QuadraticSolution:
    """A point of a convex quadratic program with multipliers that prove it.

    ``dual`` and ``reduced_cost`` have the signs of a minimisation, d objective / d right-hand side; ``residual`` is
    the largest violation of the optimality conditions, relative to the data. Without an optimum all are nan.
    """

    status: SolveStatus
    primal: Floats
    dual: Floats
    reduced_cost: Floats
    value: float
    residual: float


def solve_mixed(
    program: LinearProgram,
    is_integer: NDArray[np.bool_],
    *,
    gap: float = 0.0,
    seconds: float = inf,
    start: Floats | None = None,
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
    """
    if not is_integer.any():
        return _as_mixed(program, seconds)
    options = {**PRECISE, "mip_feasibility_tolerance": 1e-9, "mip_rel_gap": gap, "mip_abs_gap": 1e-9}
    found = _searched(program, is_integer, options, seconds, start)
    if found.status in (SolveStatus.INFEASIBLE, SolveStatus.UNBOUNDED):
        return _decided(program, is_integer, options, seconds, start)
    if found.status is SolveStatus.FAILED:
        return _searched(program, is_integer, {**options, "presolve": "off"}, seconds, start)
    return found


def _searched(
    program: LinearProgram, is_integer: NDArray[np.bool_], options: dict[str, Any], seconds: float, start: Floats | None
) -> MixedSolution:
    """What a run of the solver finds: its point polished, its word on infeasible and unbounded programs as it comes."""
    highs = _load(program, options)
    _mark_integer(highs, is_integer)
    if start is not None:
        _start_at(highs, start)
    status = _run(highs, seconds)
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
    program: LinearProgram, is_integer: NDArray[np.bool_], options: dict[str, Any], seconds: float, start: Floats | None
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
        tried = _searched(blank, is_integer, {**options, "presolve": "off"}, seconds, start)
        if tried.point is None:
            return MixedSolution(tried.status, None, inf, inf if tried.status is SolveStatus.INFEASIBLE else -inf)
        point = tried.point
    if improving_ray(program) is not None:
        return MixedSolution(SolveStatus.UNBOUNDED, None, inf, -inf)
    for presolve in ("choose", "off"):
        loose = {**options, **LOOSE, "mip_feasibility_tolerance": 1e-6, "presolve": presolve}
        again = _searched(program, is_integer, loose, seconds, point)
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
    return _run(_load(replace(program, cost=np.zeros_like(program.cost)), {**PRECISE, "presolve": "off"}), seconds)


def is_convex(quadratic: sp.csr_array) -> bool:
    """Whether a symmetric matrix has no negative eigenvalue, up to 1e-9 of the largest.

    >>> is_convex(sp.csr_array([[1.0, 1.0], [1.0, 1.0]])), is_convex(sp.csr_array([[0.0, 1.0], [1.0, 0.0]]))
    (True, False)

    Raises
    ------
    UsageError
        More than 800 columns have entries; eigenvalues are found densely.
    """
    used = np.flatnonzero(np.diff(sp.csr_array(quadratic).indptr))
    if not len(used):
        return True
    if len(used) > LARGEST_QUADRATIC:
        what = f"{len(used)} columns have quadratic terms; convexity is decided for at most {LARGEST_QUADRATIC}"
        raise UsageError("quadratic objective", what, "state the problem with fewer quadratic terms")
    values = np.linalg.eigvalsh(sp.csr_array(quadratic)[used][:, used].toarray())
    return bool(values[0] >= -1e-9 * np.abs(values).max())


def solve_quadratic(
    program: LinearProgram, quadratic: sp.csr_array, *, seconds: float = inf, is_known_convex: bool = False
) -> QuadraticSolution:
    """The least cost · x + ½ x' quadratic x + offset over the points of a linear program.

    Parameters
    ----------
    program : the linear part and the constraints
    quadratic : symmetric, positive semidefinite, shape (columns, columns)
    seconds : time limit of the solver
    is_known_convex : the caller has checked :func:`is_convex`

    Raises
    ------
    UsageError
        The objective is not convex.
    """
    quadratic = sp.csr_array(quadratic)
    if not is_known_convex and not is_convex(quadratic):
        raise UsageError("quadratic objective", "not convex", "a method for nonconvex objectives has to branch")
    best = _nothing(program, SolveStatus.FAILED)
    is_small = sum(program.shape) <= SMALL
    for find in (_by_lemke, _by_highs) if is_small else (_by_highs, _by_lemke):
        found = find(program, quadratic, seconds)
        solution = best if found is None else _verified(program, quadratic, *found)
        if solution.status is SolveStatus.OPTIMAL:
            return solution
    return replace(best, status=_without_optimum(program, quadratic) or SolveStatus.FAILED)


def _by_lemke(program: LinearProgram, quadratic: sp.csr_array, seconds: float) -> tuple[Floats, Floats] | None:
    return complementary_solution(program, quadratic) if sum(program.shape) <= LARGEST_PIVOTED else None


def _by_highs(program: LinearProgram, quadratic: sp.csr_array, seconds: float) -> tuple[Floats, Floats] | None:
    from highspy import HessianFormat, HighsHessian

    highs = _load(program, {**PRECISE, "qp_regularization_value": 0.0})
    triangle = sp.csc_array(sp.tril(quadratic))
    hessian = HighsHessian()
    hessian.dim_, hessian.format_ = program.shape[1], HessianFormat.kTriangular
    hessian.start_, hessian.index_, hessian.value_ = triangle.indptr, triangle.indices, triangle.data
    highs.passHessian(hessian)
    status = _run(highs, seconds)
    if status in (SolveStatus.INFEASIBLE, SolveStatus.UNBOUNDED):
        return None
    point = highs.getSolution()
    primal, dual = np.array(point.col_value), np.array(point.row_dual)
    return (primal, dual) if primal.shape + dual.shape == program.shape[::-1] else None


def _verified(program: LinearProgram, quadratic: sp.csr_array, primal: Floats, dual: Floats) -> QuadraticSolution:
    """A point with its multipliers, OPTIMAL where the optimality conditions hold, which suffice for a convex one."""
    gradient = program.cost + quadratic @ primal
    reduced_cost = gradient - program.matrix.T @ dual
    terms = np.abs(program.cost) + abs(quadratic) @ np.abs(primal)
    unit = max(float(terms.max(initial=0.0)), 1e-12)
    size = np.maximum(abs(program.matrix).max(axis=1).toarray().ravel() if program.matrix.nnz else 1.0, 1e-12)
    activity = program.matrix @ primal
    residual = max(
        _mismatch(primal, program.col_lower, program.col_upper, reduced_cost / unit),
        _mismatch(activity / size, program.row_lower / size, program.row_upper / size, dual * size / unit),
    )
    value = float(program.cost @ primal + 0.5 * primal @ (quadratic @ primal) + program.offset)
    is_solved = residual <= RESIDUAL
    status = SolveStatus.OPTIMAL if is_solved else SolveStatus.FAILED
    return QuadraticSolution(status, primal, dual, reduced_cost, value, residual)


def _mismatch(value: Floats, lower: Floats, upper: Floats, multiplier: Floats) -> float:
    """The largest distance from ``lower ≤ value ≤ upper, multiplier ≥ 0 only at lower, ≤ 0 only at upper``."""
    unit = 1.0 + np.abs(value)
    below, above = (lower - value) / unit, (value - upper) / unit
    feasibility = np.maximum(below, above)
    at_lower = np.minimum(np.maximum(multiplier, 0.0), np.maximum(-below, 0.0))
    at_upper = np.minimum(np.maximum(-multiplier, 0.0), np.maximum(-above, 0.0))
    worst = np.max([feasibility, at_lower, at_upper], initial=0.0)
    return float(worst) if np.isfinite(worst) else inf


def _without_optimum(program: LinearProgram, quadratic: sp.csr_array) -> SolveStatus | None:
    """Whether a convex program has no point or no bound, decided by linear programs; None where it has an optimum.

    A convex quadratic objective is unbounded exactly where it falls along a direction of recession that it does not
    curve along.
    """
    status = feasibility(program)
    if status is not SolveStatus.OPTIMAL:
        return status
    columns = program.shape[1]
    still = np.zeros(columns)
    flat = replace(
        program,
        matrix=sp.csr_array(sp.vstack([program.matrix, quadratic])),
        row_lower=np.concatenate([program.row_lower, still]),
        row_upper=np.concatenate([program.row_upper, still]),
    )
    return SolveStatus.UNBOUNDED if improving_ray(flat) is not None else None


def _nothing(program: LinearProgram, status: SolveStatus) -> QuadraticSolution:
    rows, columns = program.shape
    return QuadraticSolution(
        status, np.full(columns, np.nan), np.full(rows, np.nan), np.full(columns, np.nan), np.nan, inf
    )


def _load(program: LinearProgram, options: dict[str, Any]) -> Any:
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


def _run(highs: Any, seconds: float) -> SolveStatus:
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
