"""A bilevel program from a Pyomo model: one block of it is the follower's, everything else is the leader's."""

from __future__ import annotations

from typing import Any

from coercivity.engine.bilevel.modelling.expressions import Expression, Relation, Variable, total
from coercivity.engine.bilevel.modelling.program import Level, WrittenProgram
from coercivity.engine.errors import UsageError


def write_from(program: WrittenProgram, model: Any, follower: Any) -> dict[str, Variable]:
    """Write a Pyomo model into an empty program; the variables by their names in the model.

    Parameters
    ----------
    model : a Pyomo model, whose variables, constraints and one objective are the leader's, but for those of the block
    follower : a block of the model, with the follower's variables, constraints and one objective

    Raises
    ------
    UsageError
        The block is none of the model's, a player has no objective or several, a row is not linear or an objective more
        than quadratic, or something else than variables, constraints and objectives is active.
    """
    import pyomo.environ as pyo

    if not any(part is follower for part in model.block_data_objects(descend_into=True)) or follower is model:
        raise UsageError(
            program.name, "the follower's block is not a part of the model", "make it one: model.follower = Block()"
        )
    _refuse_others(program, model)
    inside = {id(part) for part in follower.component_data_objects(pyo.Var, descend_into=True)}
    found: dict[int, Variable] = {}
    for data in model.component_data_objects(pyo.Var, descend_into=True):
        level = program.follower if id(data) in inside else program.leader
        found[id(data)] = _variable(level, data)
    for kind, take in ((pyo.Constraint, _take_row), (pyo.Objective, _take_objective)):
        below = {id(part) for part in follower.component_data_objects(kind, active=True, descend_into=True)}
        for data in model.component_data_objects(kind, active=True, descend_into=True):
            take(program.follower if id(data) in below else program.leader, data, found)
    return {variable.name: variable for variable in found.values()}


def _refuse_others(program: WrittenProgram, model: Any) -> None:
    import pyomo.environ as pyo

    known = {pyo.Var, pyo.Constraint, pyo.Objective, pyo.Param, pyo.Set, pyo.Block, pyo.Expression, pyo.Suffix}
    for part in model.component_objects(active=True, descend_into=True):
        if part.ctype not in known:
            what = f"{part.name} is a {part.ctype.__name__}, which two levels of matrices cannot hold"
            raise UsageError(program.name, what, "reformulate it as variables and constraints, or deactivate it")


def _variable(level: Level, data: Any) -> Variable:
    if data.fixed:
        return level.variable(data.name, data.value, data.value, integer=False)
    low, high = (float("-inf") if data.lb is None else data.lb), (float("inf") if data.ub is None else data.ub)
    return level.variable(data.name, low, high, integer=not data.is_continuous())


def _take_row(level: Level, data: Any, found: dict[int, Variable]) -> None:
    told = _expression(data.body, found, data.name)
    low, high = (None if side is None else float(side) for side in (data.lb, data.ub))
    lower, upper = (float("-inf") if low is None else low), (float("inf") if high is None else high)
    level.subject_to(Relation(told, lower, upper), data.name)


def _take_objective(level: Level, data: Any, found: dict[int, Variable]) -> None:
    if level.objective is not None:
        raise UsageError(f"{level.name}'s objective", f"{data.name} is a second one", "deactivate all but one")
    told = _expression(data.expr, found, data.name)
    if data.sense == 1:
        level.minimise(told)
    else:
        level.maximise(told)


def _expression(body: Any, found: dict[int, Variable], where: str) -> Expression:
    from pyomo.repn import generate_standard_repn

    told = generate_standard_repn(body, quadratic=True)
    if told.nonlinear_expr is not None:
        raise UsageError(
            where, "it is neither linear nor quadratic", "write sums, squares and products of two variables"
        )
    linear = (
        coefficient * found[id(data)] for coefficient, data in zip(told.linear_coefs, told.linear_vars, strict=True)
    )
    products = (
        coefficient * found[id(one)] * found[id(other)]
        for coefficient, (one, other) in zip(told.quadratic_coefs, told.quadratic_vars, strict=True)
    )
    return total([told.constant, *linear, *products])
