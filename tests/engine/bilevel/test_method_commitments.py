"""Every commitment answered: known optima, agreement with the other methods, refusals and limits."""

from __future__ import annotations

from math import inf
from pathlib import Path

import numpy as np
import pytest

from coercivity.engine.bilevel.formats import read
from coercivity.engine.bilevel.judge.certify import certify
from coercivity.engine.bilevel.methods.commitments import refuses, solve
from coercivity.engine.bilevel.methods.complementarity import method as complementarity
from coercivity.engine.bilevel.methods.value_function import method as value_function
from coercivity.engine.bilevel.problem import BilevelProblem
from coercivity.engine.bilevel.solution import Limits, Status
from coercivity.engine.errors import UsageError
from coercivity.engine.proof.certificate import ProofLevel
from tests.bilevel_problems import moore_bard, objective, problem, variables

PAIRS = Path(__file__).parents[3] / "instances" / "literature" / "pairs"


def drawn(seed: int, is_integer: bool) -> BilevelProblem:
    """Three binaries of the leader over two columns of the follower, in a polyhedron around the origin."""
    random = np.random.default_rng(seed)
    rows = [(random.integers(-5, 6, 5).astype(float).tolist(), "<=", float(random.integers(1, 12))) for _ in range(4)]
    own = [([1.0, 1.0, 1.0, 0.0, 0.0], "<=", 2.0)]
    return problem(
        variables("x", [(0.0, 1.0)] * 3, [0, 1, 2]),
        variables("y", [(0.0, 6.0)] * 2, [0, 1] if is_integer else []),
        objective(random.integers(-5, 6, 5).astype(float).tolist()),
        objective([0.0, 0.0, 0.0, *random.integers(-5, 6, 2).astype(float).tolist()]),
        leader_rows=own,
        follower_rows=rows,
    )


def test_moore_and_bard_has_its_published_optimum() -> None:
    found = solve(moore_bard())
    assert (found.value, found.bound, found.status) == (-22.0, -22.0, Status.OPTIMAL)
    assert certify(moore_bard(), found).proof is ProofLevel.OPTIMAL


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("is_integer", [False, True])
def test_it_agrees_with_the_method_of_the_class(seed: int, is_integer: bool) -> None:
    drawing = drawn(seed, is_integer)
    found, other = solve(drawing), (value_function if is_integer else complementarity).solve(drawing)
    assert found.status is other.status
    assert found.value == pytest.approx(other.value, abs=1e-6)


def test_the_leaders_own_rows_are_kept() -> None:
    found = solve(drawn(1, is_integer=False))
    assert found.nodes == 7  # of eight corners the one with three ones breaks the row
    assert found.point is not None
    assert found.point[:3].sum() <= 2.0


def test_an_interdiction_is_enumerated() -> None:
    found = solve(read(PAIRS / "knapsack_interdiction.mps"))
    assert found.value == pytest.approx(115.0)


def test_a_limit_leaves_no_bound() -> None:
    found = solve(moore_bard(), Limits(nodes=3))
    assert (found.status, found.bound) == (Status.LIMIT, -inf)
    # The judge who has no time knows no bound either; one who looks at all eleven does.
    assert certify(moore_bard(), found, 0.0).proof < ProofLevel.OPTIMAL
    assert certify(moore_bard(), found).bound == -22.0


@pytest.mark.parametrize(
    ("bounds", "integer", "says"),
    [
        ([(0.0, 1.0)], [], "continuous"),
        ([(0.0, inf)], [0], "no bound"),
        ([(0.0, 99.0)] * 3, [0, 1, 2], "more than 20,000"),
    ],
)
def test_what_has_no_list_is_refused(bounds: list[tuple[float, float]], integer: list[int], says: str) -> None:
    width = len(bounds) + 1
    odd = problem(
        variables("x", bounds, integer),
        variables("y", [(0.0, 1.0)]),
        objective([1.0] * width),
        objective([0.0] * (width - 1) + [1.0]),
        follower_rows=[([1.0] * width, "<=", 400.0)],
    )
    assert says in str(refuses(odd))
    with pytest.raises(UsageError, match=says):
        solve(odd)


def test_no_commitment_at_all_is_infeasible() -> None:
    from dataclasses import replace

    drawing = drawn(0, is_integer=False)
    stuck = replace(drawing, rows=replace(drawing.rows, upper=np.array([-1.0])))
    assert solve(stuck).status is Status.INFEASIBLE
