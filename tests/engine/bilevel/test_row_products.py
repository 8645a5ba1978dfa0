"""Products of a binary and a follower's column in rows: against every commitment answered by a program with the product in it."""

from __future__ import annotations

import itertools
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

from coercivity.engine.bilevel.formats import read, write
from coercivity.engine.bilevel.formats.neutral.reader import program_of
from coercivity.engine.bilevel.judge.certify import certify
from coercivity.engine.bilevel.modelling.program import WrittenProgram
from coercivity.engine.bilevel.problem import BilevelProblem
from coercivity.engine.bilevel.reformulations.row_products import RowProduct, linearised
from coercivity.engine.bilevel.response.responder import FollowerInfeasible, Responder
from coercivity.engine.bilevel.selection import solve
from coercivity.engine.bilevel.solution import Status
from coercivity.engine.data.text import Malformed
from coercivity.engine.errors import UsageError
from coercivity.engine.programs.hot import LinearProgram, SolveStatus
from coercivity.engine.programs.mixed import precise
from coercivity.engine.proof.certificate import ProofLevel
from tests.bilevel_problems import objective, problem, variables


def drawn(seed: int) -> tuple[BilevelProblem, list[RowProduct], list[RowProduct]]:
    """Three binaries over two or three columns, with products in two rows of the follower's and perhaps one of the leader's."""
    random = np.random.default_rng(seed)
    m = int(random.integers(2, 4))
    lows = random.integers(-2, 1, m).astype(float)
    bounds = [(low, low + float(random.integers(2, 6))) for low in lows]
    rows = [
        ([*random.integers(-2, 3, 3), *random.integers(-3, 4, m)], "<=", float(random.integers(1, 7))) for _ in range(2)
    ]
    given = problem(
        variables("x", [(0.0, 1.0)] * 3, [0, 1, 2]), variables("y", bounds),
        objective([*random.integers(-3, 4, 3).astype(float), *random.integers(-5, 6, m).astype(float)]),
        objective([0.0, 0.0, 0.0, *random.integers(-5, 6, m).astype(float)]),
        leader_rows=[([1.0, 1.0, 1.0, *[0.0] * m], "<=", 2.0)], follower_rows=[([float(v) for v in line], how, side) for line, how, side in rows],
    )  # fmt: skip
    under = [
        RowProduct(int(random.integers(0, 2)), int(random.integers(0, 3)), 3 + int(random.integers(0, m)), float(random.integers(-4, 5)))
        for _ in range(4)
    ]  # fmt: skip
    over = [RowProduct(0, 0, 3, 1.0)] if seed % 3 == 0 else []
    return given, over, under


def best_of_all(given: BilevelProblem, over: list[RowProduct], under: list[RowProduct]) -> float:
    """The least value over all commitments, the follower's linear program at each with the binaries put in for themselves."""
    n, m, best = 3, len(given.follower), inf
    for x in itertools.product([0.0, 1.0], repeat=n):
        parts = [(given.rows, over), (given.follower_rows, under)]
        matrices = []
        for rows, products in parts:
            matrix = rows.matrix.toarray()
            for term in products:
                matrix[term.row, term.second] += term.coefficient * x[term.first]
            matrices.append(matrix)
        own, follower = ((matrix[:, n:], matrix[:, :n] @ np.array(x)) for matrix in matrices)
        cost, pays = given.objective.linear[n:], given.follower_objective.linear[n:]
        program = LinearProgram(
            pays, sp.csr_array(follower[0]), given.follower_rows.lower - follower[1], given.follower_rows.upper - follower[1],
            given.follower.lower, given.follower.upper,
        )  # fmt: skip
        hot = precise(program)
        if hot.optimise() is not SolveStatus.OPTIMAL:
            continue
        matrix = np.vstack([follower[0], pays[None, :], own[0]])
        low = np.r_[program.row_lower, -inf, given.rows.lower - own[1]]
        high = np.r_[program.row_upper, hot.objective + 1e-9, given.rows.upper - own[1]]
        among = precise(
            LinearProgram(cost, sp.csr_array(matrix), low, high, given.follower.lower, given.follower.upper)
        )
        if among.optimise() is SolveStatus.OPTIMAL:
            best = min(best, among.objective + float(given.objective.linear[:n] @ np.array(x)))
    assert m == len(given.follower)
    return best


@pytest.mark.parametrize("start", range(0, 40, 10))
def test_the_optimum_is_that_of_every_commitment_answered(start: int) -> None:
    for seed in range(start, start + 10):
        given, over, under = drawn(seed)
        right, linear = best_of_all(given, over, under), linearised(given, over, under)
        for method in ("commitments", "complementarity", "tight_rows", "auto"):
            found = solve(linear, method).solution
            if right == inf:
                assert found.status is Status.INFEASIBLE, (seed, method)
                continue
            assert found.value == pytest.approx(right, abs=1e-6), (seed, method)
            assert certify(linear, found).proof is ProofLevel.OPTIMAL
            assert found.point is not None
            for k, name in enumerate(linear.follower.names[len(given.follower) :]):
                one, other = (linear.names.index(part) for part in name.split("*"))
                at = len(given.leader) + len(given.follower) + k
                assert found.point[at] == pytest.approx(found.point[one] * found.point[other], abs=1e-6)


@pytest.mark.parametrize("seed", range(6))
def test_the_multipliers_of_a_row_are_what_they_were(seed: int) -> None:
    given, _, under = drawn(seed)
    responder = Responder(linearised(given, (), under))
    for x in itertools.product([0.0, 1.0], repeat=3):
        matrix = given.follower_rows.matrix.toarray()
        for term in under:
            matrix[term.row, term.second] += term.coefficient * x[term.first]
        moved = given.follower_rows.upper - matrix[:, :3] @ np.array(x)
        program = LinearProgram(
            given.follower_objective.linear[3:], sp.csr_array(matrix[:, 3:]), np.full(2, -inf), moved, given.follower.lower, given.follower.upper
        )  # fmt: skip
        hot = precise(program)
        if hot.optimise() is SolveStatus.OPTIMAL:
            assert responder.value(np.array(x)) == pytest.approx(hot.objective, abs=1e-7)
        else:
            with pytest.raises(FollowerInfeasible):
                responder.value(np.array(x))


def stated(**lower: Any) -> dict[str, Any]:
    """A valve x that lets y through: y ≤ 1 + 4 x, written as y − 4 x u ≤ 1 with u = 1, and a product in the leader's row."""
    return {
        "format": "bilevel-neutral/1", "name": "valve",
        "x": {"names": ["x"], "lb": [0], "ub": [1], "type": ["B"]},
        "y": {"names": ["y", "u"], "lb": [0, 1], "ub": [9, 1], "type": ["C", "C"]},
        "upper": {
            "sense": "max", "cx": [-1], "cy": [1, 0], "c0": 0, "Q": [], "A": [[0]], "B": [[0, 0]], "R": [[0, "x", "y", 1]],
            "row_sense": ["<="], "b": [6],
        },
        "lower": {
            "sense": "max", "dx": [0], "dy": [1, 0], "d0": 0, "Q": [], "C": [[0]], "D": [[1, 0]], "row_sense": ["<="], "e": [1],
            "R": [[0, "x", "u", -4]], **lower,
        },
    }  # fmt: skip


def test_products_in_rows_are_read_and_written_as_columns(tmp_path: Path) -> None:
    given = program_of(stated(), "valve.json")
    assert given.follower.names == ("y", "u", "x*y", "x*u")
    # Open: y = 5, for which the leader pays 1.
    assert given.shown(solve(given).solution.value) == pytest.approx(4.0)
    for name in ("valve.json", "valve.mps"):
        again = read(write(given, tmp_path / name)[0])
        assert np.array_equal(again.follower_rows.matrix.toarray(), given.follower_rows.matrix.toarray())
        assert solve(again).solution.value == pytest.approx(solve(given).solution.value)


@pytest.mark.parametrize(
    ("terms", "says"),
    [
        ([[1, "x", "u", 1]], "1 is not a row"),
        ([[0, "x", "z", 1]], "unknown variable"),
        ([[0, "x", 1]], "not .row, variable"),
        ([[0, "y", "u", 1]], "none is a binary"),
        ([[0, "x", "x", 1]], "a square of x"),
        ([[0, "x", "u", None]], "not a finite number"),
        ({}, "not a list"),
    ],
)
def test_faults_of_products_are_told_with_their_place(terms: Any, says: str) -> None:
    with pytest.raises(Malformed, match=says):
        program_of(stated(R=terms), "valve.json")


def test_a_column_without_finite_range_is_refused() -> None:
    data = stated()
    data["y"]["ub"] = [None, 1]
    with pytest.raises(Malformed, match="y, which has no finite range"):
        program_of(data, "valve.json")


def test_separate_followers_share_no_row_by_a_product() -> None:
    data = stated()
    data["lower"]["R"] = [[0, "x", "u", 1]]
    data["followers"] = [{"y": ["y"], "rows": [0]}, {"y": ["u"], "rows": []}]
    with pytest.raises(Malformed, match="products of one follower and is another's"):
        program_of(data, "valve.json")


def test_products_are_written_with_operators() -> None:
    program = WrittenProgram("toll")
    open_, y = program.leader.variable("open", binary=True), program.follower.variable("y", upper=9)
    program.leader.maximise(y - 3 * open_)
    program.follower.maximise(y)
    program.follower.subject_to(y - 0.5 * open_ * y <= 2)
    # Open: y ≤ 4, which is worth 1; shut: 2.
    found = solve(program.problem()).solution
    assert program.problem().shown(found.value) == pytest.approx(2.0)
    program.leader.maximise(y - open_)
    assert program.problem().shown(solve(program.problem()).solution.value) == pytest.approx(3.0)


def test_products_that_no_row_holds_are_refused_where_they_are_written() -> None:
    program = WrittenProgram()
    x, b, c = program.leader.variable("x"), *program.leader.variables("b", 2, binary=True)
    y, z = program.follower.variable("y"), program.follower.variable("z", upper=1)
    for wrong, says in (
        (x * y <= 1, "none is a binary"), (b * y <= 1, "no finite range"), (b * c + y <= 1, "of the leader's"),
        (b * b + y <= 1, "a square"), (y * z <= 1, "none is a binary"),
    ):  # fmt: skip
        with pytest.raises(UsageError, match=says):
            program.follower.subject_to(wrong)
    with pytest.raises(UsageError, match="a product of the leader's"):
        linearised(
            problem(
                variables("x", [(0.0, 1.0)] * 2, [0, 1]),
                variables("y", [(0.0, 1.0)]),
                objective([0.0] * 3),
                objective([0.0] * 3),
                follower_rows=[([0.0, 0.0, 1.0], "<=", 1.0)],
            ),
            (),
            [RowProduct(0, 0, 1, 1.0)],
        )
