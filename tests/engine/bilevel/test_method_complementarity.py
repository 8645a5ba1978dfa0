"""Branch and bound on complementarities: known optima, enumeration of all patterns, refusals, infeasible and unbounded."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp

from coercivity.engine.bilevel.methods.complementarity.method import refuses, solve
from coercivity.engine.bilevel.problem import BilevelProblem, Objective, PriceTerm, Rows, Variables
from coercivity.engine.bilevel.reformulations.kkt import kkt_of
from coercivity.engine.bilevel.reformulations.products import leader_as_squares
from coercivity.engine.bilevel.response.responder import Responder
from coercivity.engine.bilevel.solution import Limits, Status
from coercivity.engine.errors import InfeasibleProgram
from coercivity.engine.programs.hot import HotProgram, SolveStatus
from coercivity.engine.programs.quadratic import solve_quadratic
from tests.bilevel_problems import bard_falk


def variables(prefix: str, upper: object, lower: object = 0.0, is_integer: object = False) -> Variables:
    high = np.atleast_1d(np.asarray(upper, dtype=float))
    names = tuple(f"{prefix}{k}" for k in range(len(high)))
    low, whole = np.broadcast_to(lower, high.shape).astype(float), np.broadcast_to(is_integer, high.shape).astype(bool)
    return Variables(names, low, high, whole)


def rows(prefix: str, matrix: object, upper: object, width: int) -> Rows:
    table, high = np.asarray(matrix, dtype=float).reshape(-1, width), np.asarray(upper, dtype=float)
    return Rows(tuple(f"{prefix}{k}" for k in range(len(high))), sp.csr_array(table), np.full(len(high), -np.inf), high)


def quadratic(width: int, *terms: tuple[int, int, float]) -> sp.csr_array:
    """Σ coefficient · z_i · z_j as the matrix of ½ z'Qz."""
    table = np.zeros((width, width))
    for i, j, coefficient in terms:
        table[i, j] += coefficient
        table[j, i] += coefficient
    return sp.csr_array(table)


def small(
    leader: Variables,
    follower: Variables,
    cost: object,
    follower_cost: object,
    follower_rows: tuple[object, object] = ((), ()),
    leader_rows: tuple[object, object] = ((), ()),
    leader_terms: sp.csr_array | None = None,
    follower_terms: sp.csr_array | None = None,
) -> BilevelProblem:
    width = len(leader) + len(follower)
    none = sp.csr_array((width, width))
    return BilevelProblem(
        "small",
        leader,
        follower,
        Objective(np.asarray(cost, dtype=float), none if leader_terms is None else leader_terms),
        rows("a", *leader_rows, width),
        Objective(np.asarray(follower_cost, dtype=float), none if follower_terms is None else follower_terms),
        rows("g", *follower_rows, width),
    )


def pineda_morales() -> BilevelProblem:
    """Pineda and Morales (2019): max x + y where y is least subject to 100 x − y ≤ 100; at x = 2 the follower needs 100."""
    return small(variables("x", 2.0), variables("y", np.inf), [-1, -1], [0, 1], ([[100, -1]], [100]))


def price_maker() -> BilevelProblem:
    """Conejo et al. (2016): 40000 x + (87600 − 8760 π) y1, with π the price of a demand of 200; the optimum is −190000 at 50."""
    problem = small(
        variables("x", 250.0), variables("y", [np.inf, 150.0, 100.0]), [40000, 87600, 0, 0], [0, 10, 12, 15],
        ([[-1, 1, 0, 0], [0, 1, 1, 1]], [0, 200]),
    )  # fmt: skip
    balance = replace(problem.follower_rows, lower=np.array([-np.inf, 200.0]))
    return replace(problem, follower_rows=balance, prices=(PriceTerm(1, 1, -8760.0),))


KNOWN = [
    (pineda_morales(), -102.0),
    # Issue 86 of PAO: min x + y, the follower maximises y ≤ 10 with y ≤ 3 + x and x ≥ 2: y = 5.
    (small(variables("x", np.inf, 2.0), variables("y", 10.0), [1, 1], [0, -1], ([[-1, 1]], [3])), 7.0),
    # Lucchetti, Mignanego and Pieri (1987): ½ − ½x + xy without its constant; y is free at x = 1, so that −½ is reached.
    (
        small(variables("x", 1.0), variables("y", 1.0), [-0.5, 0], [0, -1], leader_terms=quadratic(2, (0, 1, 1.0)),
              follower_terms=quadratic(2, (0, 1, 1.0))),
        -0.5,
    ),
    # A Stackelberg duopoly: y = (12 − x)/2, so that the leader earns x(12 − x)/2 = 18 at 6; its own program is indefinite.
    (
        small(variables("x", np.inf), variables("y", np.inf), [-12, 0], [0, -12],
              leader_terms=quadratic(2, (0, 0, 1.0), (0, 1, 1.0)),
              follower_terms=quadratic(2, (0, 1, 1.0), (1, 1, 1.0))),
        -18.0,
    ),
    (price_maker(), -190000.0),
    # A toll x on a road that costs 2 beside one that costs 7: all of the traffic of 1 bears 5.
    (
        small(variables("x", np.inf), variables("y", [np.inf, np.inf]), [0, 0, 0], [0, 2, 7], ([[0, -1, -1]], [-1]),
              leader_terms=quadratic(3, (0, 1, -1.0)), follower_terms=quadratic(3, (0, 1, 1.0))),
        -5.0,
    ),
    # Moore and Bard (1990) with a continuous follower: x whole, y least, −x − 10y = −18 at (8, 1).
    (
        small(variables("x", 10.0, 0.0, True), variables("y", 5.0), [-1, -10], [0, 1],
              ([[-25, 20], [1, 2], [2, -1], [-2, -10]], [30, 10, 15, -15])),
        -18.0,
    ),
]  # fmt: skip


@pytest.mark.parametrize(("problem", "value"), KNOWN)
def test_known_optimum(problem: BilevelProblem, value: float) -> None:
    assert refuses(problem) is None
    found = solve(problem)
    assert found.status is Status.OPTIMAL
    assert found.value == pytest.approx(value, rel=1e-7, abs=1e-7)
    assert found.bound == pytest.approx(value, rel=1e-6, abs=1e-6)
    assert found.assumptions == ()


@pytest.mark.parametrize("problem", [problem for problem, _ in KNOWN[2:6]])
def test_products_of_tolls_prices_and_rivals_become_convex(problem: BilevelProblem) -> None:
    assert not leader_as_squares(kkt_of(problem)).is_concave.any()


def random_problem(seed: int) -> BilevelProblem:
    """Whole data, a point that satisfies all rows; linear, quadratic and crossed followers in turn, and a convex leader."""
    draw = np.random.default_rng(seed)
    n, m, width = (count := draw.integers(1, 3)), (more := draw.integers(1, 4)), count + more
    follower_rows = draw.integers(-5, 6, (draw.integers(1, 4), width))
    leader_rows = draw.integers(-5, 6, (draw.integers(0, 3), width))
    point = draw.integers(0, 4, width)
    upper = np.where(draw.random(n) < 0.6, draw.integers(2, 9, n), np.inf)
    curve = np.zeros((width, width))
    if seed % 3:
        root = draw.integers(-2, 3, (m, m))
        curve[n:, n:] = root @ root.T if seed % 3 == 1 else np.diag(draw.integers(0, 3, m))
        curve[n:, :n] = draw.integers(-1, 2, (m, n))
        curve[:n, n:] = curve[n:, :n].T
    own = draw.integers(-2, 3, (width, 2)) * (seed % 2)
    return small(
        variables("x", upper), variables("y", np.full(m, np.inf)), draw.integers(-5, 6, width), draw.integers(-5, 6, width),
        (follower_rows, follower_rows @ point + draw.integers(0, 5, len(follower_rows))),
        (leader_rows, leader_rows @ point + draw.integers(0, 4, len(leader_rows))),
        sp.csr_array((own @ own.T).astype(float)), sp.csr_array(curve),
    )  # fmt: skip


def by_enumeration(problem: BilevelProblem) -> float:
    """The least value over all patterns of the complementarities, each a program of its own."""
    kkt, best = kkt_of(problem), np.inf
    for pattern in itertools.product((False, True), repeat=len(kkt.primal)):
        lower, upper, tight = kkt.program.col_lower.copy(), kkt.program.col_upper.copy(), np.array(pattern, dtype=bool)
        lower[kkt.primal[tight]] = upper[kkt.primal[tight]] = kkt.at[tight]
        upper[kkt.multiplier[~tight]] = 0.0
        piece = replace(kkt.program, col_lower=lower, col_upper=upper)
        if kkt.quadratic.nnz:
            found = solve_quadratic(piece, kkt.quadratic)
            status, value = found.status, found.value
        else:
            hot = HotProgram(piece, {"presolve": "off"})
            status, value = hot.optimise(), hot.objective
        if status is SolveStatus.UNBOUNDED:
            return -np.inf
        if status is SolveStatus.OPTIMAL:
            best = min(best, value)
    return best


@pytest.mark.parametrize("seed", range(45))
def test_agrees_with_all_patterns(seed: int) -> None:
    problem = random_problem(seed)
    best, found = by_enumeration(problem), solve(problem)
    assert found.value == pytest.approx(best, rel=1e-6, abs=1e-6)
    assert found.bound <= best or found.bound == pytest.approx(best, rel=1e-6, abs=1e-6)
    status = {np.inf: Status.INFEASIBLE, -np.inf: Status.UNBOUNDED}.get(best, Status.OPTIMAL)
    assert found.status is status


@pytest.mark.parametrize("seed", [2, 4, 10, 46])
def test_whole_leader_with_products_agrees_with_its_menu(seed: int) -> None:
    draw, base = np.random.default_rng(seed), random_problem(3 * seed)
    n, m = len(base.leader), len(base.follower)
    terms = quadratic(n + m, *((i, n + j, float(draw.integers(-2, 3))) for i in range(n) for j in range(m)))
    problem = replace(
        base,
        leader=variables("x", np.minimum(base.leader.upper, 4.0), 0.0, True),
        follower=variables("y", np.full(m, 8.0)),
        objective=replace(base.objective, quadratic=terms),
    )
    responder, best = Responder(problem), np.inf
    for x in itertools.product(*(np.arange(high + 1) for high in problem.leader.upper)):
        try:
            best = min(best, responder.incumbent(np.array(x)).value)
        except InfeasibleProgram as error:
            assert "no feasible answer" in str(error)
    found = solve(problem)
    assert found.value == pytest.approx(best, rel=1e-6, abs=1e-6)


def test_an_unbounded_relaxation_is_not_an_unbounded_problem() -> None:
    # Without complementarity y could grow for ever; the follower, who minimises y ≥ x, holds it at x ≤ 3.
    problem = small(variables("x", 3.0), variables("y", np.inf), [0, -1], [0, 1], ([[1, -1]], [0]))
    found = solve(problem)
    assert (found.status, found.value) == (Status.OPTIMAL, pytest.approx(-3.0))


def test_a_ray_that_complements_is_unbounded() -> None:
    problem = small(variables("x", np.inf), variables("y", np.inf), [0, -1], [0, 1], ([[1, -1]], [0]))
    found = solve(problem)
    assert (found.status, found.bound, found.value) == (Status.UNBOUNDED, -np.inf, -np.inf)


def test_coupling_rows_that_no_best_response_satisfies_are_infeasible() -> None:
    # Mitsos and Barton (2007), 3.2: the follower takes y = 1, the leader demands y ≤ 0.
    problem = small(variables("x", 1.0), variables("y", 1.0, -1.0), [0, 1], [0, -1], leader_rows=([[0, 1]], [0]))
    found = solve(problem)
    assert (found.status, found.value, found.bound) == (Status.INFEASIBLE, np.inf, np.inf)


def test_a_limit_leaves_an_incumbent_and_a_valid_bound() -> None:
    problem = KNOWN[1][0]
    found = solve(problem, Limits(nodes=1))
    assert found.status is Status.LIMIT
    assert found.bound <= 7.0 <= found.value < np.inf


def test_refuses_integer_followers_and_names_a_method() -> None:
    problem = replace(pineda_morales(), follower=variables("y", np.inf, 0.0, True))
    assert "value_function" in str(refuses(problem))


def test_refuses_followers_that_are_not_convex() -> None:
    curve = quadratic(2, (1, 1, -1.0))
    problem = small(variables("x", 1.0), variables("y", 1.0, -1.0), [0, 1], [0, 0], follower_terms=curve)
    assert "not convex" in str(refuses(problem))


def test_refuses_what_stays_concave_without_a_range() -> None:
    terms = quadratic(2, (0, 0, -1.0))
    problem = small(variables("x", np.inf), variables("y", 1.0), [0, 0], [0, 1], leader_terms=terms)
    assert "x0" in str(refuses(problem))


def test_zeros_that_a_matrix_stores_are_left_as_they_are() -> None:
    given = bard_falk()
    rows = given.follower_rows
    stored = sp.csr_array(sp.coo_array(rows.matrix))
    stored.data[:] = np.where(np.arange(len(stored.data)) == 0, 0.0, stored.data)
    zeros = replace(given, follower_rows=replace(rows, matrix=stored))
    before = [part.copy() for part in (stored.data, stored.indices, stored.indptr)]
    one, other = solve(zeros), solve(zeros)
    assert all(
        np.array_equal(*parts) for parts in zip(before, (stored.data, stored.indices, stored.indptr), strict=True)
    )
    assert one.value == other.value
