"""Programs written with operators or taken from Pyomo: the same matrices, the same answers, and refusals where they begin."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any

import numpy as np
import pyomo.environ as pyo
import pytest

from coercivity.engine.bilevel.judge.certify import certify
from coercivity.engine.bilevel.modelling.expressions import total
from coercivity.engine.bilevel.modelling.program import WrittenProgram
from coercivity.engine.bilevel.modelling.pyomo_blocks import write_from
from coercivity.engine.bilevel.selection import solve
from coercivity.engine.errors import UsageError
from coercivity.engine.proof.certificate import ProofLevel
from tests.bilevel_problems import moore_bard as moore_bard_by_hand
from tests.bilevel_problems import price_maker


def moore_bard() -> WrittenProgram:
    """Moore and Bard (1990), example 1: −22 at x = 2, y = 2."""
    program = WrittenProgram("moore_bard")
    x = program.leader.variable("x", upper=10, integer=True)
    y = program.follower.variable("y", upper=5, integer=True)
    program.leader.minimise(-x - 10 * y)
    program.follower.minimise(y)
    for row in (-25 * x + 20 * y <= 30, x + 2 * y <= 10, 2 * x - y <= 15, 2 * x + 10 * y >= 15):
        program.follower.subject_to(row)
    return program


def in_pyomo() -> tuple[Any, Any]:
    model: Any = pyo.ConcreteModel()
    model.x = pyo.Var(bounds=(0, 10), domain=pyo.Integers)
    model.follower = follower = pyo.Block()
    follower.y = pyo.Var(bounds=(0, 5), domain=pyo.Integers)
    model.cost = pyo.Objective(expr=-model.x - 10 * follower.y)
    follower.cost = pyo.Objective(expr=follower.y)
    follower.rows = pyo.ConstraintList()
    x, y = model.x, follower.y
    for row in (-25 * x + 20 * y <= 30, x + 2 * y <= 10, 2 * x - y <= 15, 2 * x + 10 * y >= 15):
        follower.rows.add(row)
    return model, follower


def solved(program: WrittenProgram) -> tuple[float, list[float]]:
    problem = program.problem()
    claim = solve(problem).solution
    assert certify(problem, claim).proof is ProofLevel.OPTIMAL
    assert claim.point is not None
    return problem.shown(claim.value), claim.point.round(6).tolist()


def test_a_written_program_is_the_one_in_matrices() -> None:
    assert solved(moore_bard()) == (-22.0, [2.0, 2.0])
    ours, by_hand = moore_bard().problem(), moore_bard_by_hand()
    assert np.array_equal(ours.objective.linear, by_hand.objective.linear)
    assert np.array_equal(ours.follower_objective.linear, by_hand.follower_objective.linear)


def test_two_pyomo_blocks_are_the_two_levels() -> None:
    program = WrittenProgram("in pyomo")
    variables = write_from(program, *in_pyomo())
    assert list(variables) == ["x", "follower.y"]
    assert solved(program) == (-22.0, [2.0, 2.0])


def test_a_leader_who_sets_a_price_counts_the_multiplier() -> None:
    """The shipped problem of a price maker, written: the multiplier of the balance times what is sold."""
    by_hand = price_maker()
    program = WrittenProgram("price maker")
    levels = ((program.leader, by_hand.leader), (program.follower, by_hand.follower))
    columns = [
        level.variable(name, low, high)
        for level, those in levels
        for name, low, high in zip(those.names, those.lower, those.upper, strict=True)
    ]
    rows = []
    for level, those in ((program.leader, by_hand.rows), (program.follower, by_hand.follower_rows)):
        for row, low, high in zip(those.matrix.toarray(), those.lower, those.upper, strict=True):
            body = total(value * column for value, column in zip(row, columns, strict=True))
            kept = level.subject_to(body == low if low == high else body >= low if high == inf else body <= high)
            rows += [kept] if level is program.follower else []
    aim = total(value * column for value, column in zip(by_hand.objective.linear, columns, strict=True))
    for term in by_hand.prices:
        priced = rows[term.row].price
        aim = aim + term.coefficient * (priced if term.column is None else priced * columns[term.column])
    program.leader.minimise(aim + by_hand.objective.constant)
    linear = by_hand.follower_objective.linear
    program.follower.minimise(total(value * column for value, column in zip(linear, columns, strict=True)))
    assert program.problem().prices == by_hand.prices
    assert solve(program.problem()).solution.value == pytest.approx(solve(by_hand).solution.value)


def test_senses_products_and_constants_are_kept() -> None:
    program = WrittenProgram("senses")
    x = program.leader.variable("x", 0, 4)
    y = program.follower.variable("y", 0, 9)
    program.leader.maximise(2 * y - x * x - 1)
    program.follower.maximise(x * y - y**2 / 2)
    problem = program.problem()
    assert problem.is_maximised and problem.is_follower_maximised
    point = np.array([3.0, 2.0])
    assert problem.shown(problem.objective.at(point)) == pytest.approx(2 * 2 - 9 - 1)
    assert -problem.follower_objective.at(point) == pytest.approx(3 * 2 - 2)
    # The follower answers y = x, and 2x − x² − 1 is largest at x = 1.
    value, found = solved(program)
    assert (value, found) == (pytest.approx(0.0, abs=1e-6), pytest.approx([1.0, 1.0], abs=1e-4))


def test_arrays_and_sums_take_variables() -> None:
    program = WrittenProgram()
    xs = program.leader.variables("x", 3)
    assert repr(np.array([1.0, 2.0, -3.0]) @ np.array(xs, dtype=object)) == "1 x1 + 2 x2 - 3 x3"
    assert repr(np.float64(2.0) * xs[0] - 1) == "2 x1 - 1"
    assert repr(sum(xs)) == repr(total(xs)) == "1 x1 + 1 x2 + 1 x3"
    assert repr(xs[0] - xs[0]) == "0"
    assert repr(2 * xs[0] * xs[1] >= 3) == "2 x1 x2 - 3 >= 0"
    assert [x.name for x in program.follower.variables(["us", "eu"], upper=2)] == ["us", "eu"]


def cubic(program: WrittenProgram, x: Any, y: Any) -> None:
    program.leader.minimise(x * y * x)


def chained(program: WrittenProgram, x: Any, y: Any) -> None:
    program.leader.subject_to(0 <= x <= 5)  # type: ignore[arg-type]


def twice(program: WrittenProgram, x: Any, y: Any) -> None:
    program.follower.variable("x")


def empty(program: WrittenProgram, x: Any, y: Any) -> None:
    program.leader.subject_to(x - x <= 5)


def foreign(program: WrittenProgram, x: Any, y: Any) -> None:
    program.leader.minimise(x + WrittenProgram().leader.variable("z"))


def foreign_row(program: WrittenProgram, x: Any, y: Any) -> None:
    program.leader.subject_to(WrittenProgram().leader.variable("z") <= 1)


def not_linear(program: WrittenProgram, x: Any, y: Any) -> None:
    program.follower.subject_to(x * y <= 1)


def own_price(program: WrittenProgram, x: Any, y: Any) -> None:
    program.follower.minimise(program.follower.subject_to(y >= x).price * x)


def leader_price(program: WrittenProgram, x: Any, y: Any) -> None:
    _ = program.leader.subject_to(y >= x).price


REFUSED: list[tuple[Callable[[WrittenProgram, Any, Any], Any], str]] = [
    (cubic, "more than two variables"),
    (chained, "neither true nor false"),
    (twice, "name is taken"),
    (empty, "holds no variable"),
    (foreign, "two programs"),
    (foreign_row, "another program"),
    (not_linear, "not linear"),
    (own_price, "multiplier of its own"),
    (leader_price, "have no price"),
    (lambda program, x, y: program.leader.variable("w", 3, 2), "nothing lies between 3 and 2"),
    (lambda program, x, y: program.leader.subject_to(True), "no comparison"),
    (lambda program, x, y: x + "1", "neither a number nor a variable"),
    (lambda program, x, y: x * float("nan"), "not a finite number"),
    (lambda program, x, y: x / 0, "division by zero"),
    (lambda program, x, y: 1 / 2 + x**3, "power of 3"),
    (lambda program, x, y: x / y, "division by a variable"),
    (lambda program, x, y: program.problem(), "leader: no objective"),
]


@pytest.mark.parametrize(("wrong", "said"), REFUSED)
def test_what_no_program_holds_is_refused_where_it_is_written(
    wrong: Callable[[WrittenProgram, Any, Any], Any], said: str
) -> None:
    program = WrittenProgram()
    x, y = program.leader.variable("x"), program.follower.variable("y")
    with pytest.raises(UsageError, match=said):
        wrong(program, x, y)


def test_what_pyomo_says_and_no_program_holds_is_refused() -> None:
    model, follower = in_pyomo()
    model.sine = pyo.Constraint(expr=pyo.sin(model.x) <= 1)
    with pytest.raises(UsageError, match="sine: it is neither linear nor quadratic"):
        write_from(WrittenProgram(), model, follower)
    model, follower = in_pyomo()
    model.more = pyo.Objective(expr=model.x)
    with pytest.raises(UsageError, match="second one"):
        write_from(WrittenProgram(), model, follower)
    model, follower = in_pyomo()
    model.z = pyo.Var([1, 2])
    model.set = pyo.SOSConstraint(var=model.z, sos=1)
    with pytest.raises(UsageError, match="SOSConstraint"):
        write_from(WrittenProgram(), model, follower)
    with pytest.raises(UsageError, match="not a part of the model"):
        write_from(WrittenProgram(), model, in_pyomo()[1])
