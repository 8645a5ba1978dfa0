"""The judge of bilevel solutions: right claims are proved, wrong ones are not, and every check is seen to fail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import inf, nan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coercivity.engine.bilevel.judge.certify import PROVED, BilevelCertificate, certify
from coercivity.engine.bilevel.judge.probes import high_point_relaxation, least_high_point, probes
from coercivity.engine.bilevel.judge.search import search
from coercivity.engine.bilevel.problem import BilevelProblem, PriceTerm
from coercivity.engine.bilevel.response.responder import Responder
from coercivity.engine.bilevel.solution import BilevelSolution, Status
from coercivity.engine.errors import CoercivityError
from coercivity.engine.proof.certificate import ProofLevel
from tests.bilevel_problems import (
    bard_falk,
    indifferent,
    jump,
    moore_bard,
    objective,
    price_maker,
    problem,
    variables,
)

NOTHING, LEADER, BILEVEL, OPTIMAL = ProofLevel


def claim(point: list[float] | None, value: float, bound: float | None = None, **more: object) -> BilevelSolution:
    """A claim that value and bound meet, unless it says something else."""
    z = None if point is None else np.array(point, dtype=float)
    made = BilevelSolution(z, value, value if bound is None else bound, Status.OPTIMAL, "a test")
    return replace(made, **more)


def failed(found: BilevelCertificate) -> list[str]:
    return [check.name for check in found.checks if not check.ok]


def capacity() -> BilevelProblem:
    """The follower meets 1 ≤ y at least cost; the leader pays a million for every unit above 1, less x."""
    return problem(
        variables("x", [(0.0, 1.0)]),
        variables("y", [(0.0, 3.0)]),
        objective([-1.0, 1e6], constant=-1e6),
        objective([0.0, 1.0]),
        leader_rows=[([1.0, 0.0], "<=", 1.0)],
        follower_rows=[([0.0, 1.0], ">=", 1.0)],
    )


def quadratic() -> BilevelProblem:
    """The follower sets y = x/2 by min y² − x y; the leader's (x − 2)² + y is least at x = 1.75 with 0.9375."""
    return problem(
        variables("x", [(0.0, 4.0)]),
        variables("y", [(0.0, 4.0)]),
        objective([-4.0, 1.0], [(0, 0, 1.0)], constant=4.0),
        objective([0.0, 0.0], [(1, 1, 1.0), (0, 1, -1.0)]),
    )


# -- right claims --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("game", "point", "value"),
    [
        (bard_falk, [2.0, 0.0, 1.5, 0.0], -3.25),
        (moore_bard, [2.0, 2.0], -22.0),
        (capacity, [1.0, 1.0], -1.0),
        (quadratic, [1.75, 0.875], 0.9375),
    ],
)
def test_a_right_claim_is_proved_and_confirmed(
    game: Callable[[], BilevelProblem], point: list[float], value: float
) -> None:
    found = certify(game(), claim(point, value))
    assert (found.proof, failed(found)) == (OPTIMAL, [])
    assert found.is_confirmed
    assert found.optimistic == pytest.approx(value)


def test_prices_are_certified_by_what_they_prove() -> None:
    best = Responder(price_maker()).incumbent(np.array([50.0]))
    found = certify(price_maker(), claim(list(best.point), -190000.0, prices=best.prices))
    assert (found.proof, failed(found)) == (OPTIMAL, [])
    assert found.pessimistic == pytest.approx(1124000.0)
    # Prices are outside the judge's own search: the proof also trusts the method's.
    assert not found.is_confirmed


def test_both_readings_are_told() -> None:
    # x + y1 − 2 y2 over y1 + y2 = x: −x at best, 2 x at worst.
    found = certify(indifferent(objective([1.0, 1.0, -2.0])), claim([4.0, 0.0, 4.0], -4.0))
    assert (found.proof, found.optimistic, found.pessimistic) == (OPTIMAL, -4.0, 8.0)


def test_a_maximised_file_is_shown_in_its_own_sense() -> None:
    found = certify(replace(bard_falk(), is_maximised=True), claim([2.0, 0.0, 1.5, 0.0], -3.25))
    assert (found.shown(found.value), found.value) == (3.25, -3.25)


def test_a_best_response_that_is_not_the_optimistic_one_is_still_bilevel_feasible() -> None:
    found = certify(indifferent(objective([1.0, 1.0, -2.0])), claim([4.0, 2.0, 2.0], 2.0, bound=-4.0))
    assert (found.proof, failed(found)) == (BILEVEL, ["the bound meets the value"])


# -- wrong points --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("game", "point", "value", "level", "check"),
    [
        (bard_falk, [2.0, 0.0, 1.5], -3.25, NOTHING, "the point has 4 finite entries"),
        (bard_falk, [nan, 0.0, 1.5, 0.0], -3.25, NOTHING, "the point has 4 finite entries"),
        (bard_falk, [2.0, 0.0, 1.5, 0.0], -4.25, NOTHING, "value claimed is the leader's objective at the point"),
        (bard_falk, [2.1, 0.0, 1.7, 0.0], -3.35, NOTHING, "the leader's rows"),
        (capacity, [-0.5, 1.0], 0.5, NOTHING, "bounds of the leader's columns"),
        (moore_bard, [2.5, 1.0], -12.5, NOTHING, "integrality of the leader's columns"),
        (moore_bard, [2.0, 1.5], -17.0, LEADER, "integrality of the follower's columns"),
        (bard_falk, [2.0, 0.0, 2.5, 1.0], -2.75, LEADER, "the follower's rows"),
        (capacity, [1.0, 3.5], -1.0 + 2.5e6, LEADER, "bounds of the follower's columns"),
        (bard_falk, [2.0, 0.0, 1.0, 0.0], -3.5, LEADER, "the follower's regret"),
        (moore_bard, [2.0, 3.0], -32.0, LEADER, "the follower's regret"),
        (quadratic, [1.75, 0.8], 0.0625 + 0.8, LEADER, "the follower's regret"),
        # Half of 1e-6 below the follower's row is within tolerance, and worth half a unit to the leader.
        (capacity, [1.0, 1.0 - 5e-7], -1.5, LEADER, "the value is not below the optimistic one"),
        (capacity, [1.0, 1.0 + 5e-7], -0.5, LEADER, "the value is not above the pessimistic one"),
    ],
)
def test_a_wrong_point_proves_less(
    game: Callable[[], BilevelProblem], point: list[float], value: float, level: ProofLevel, check: str
) -> None:
    found = certify(game(), claim(point, value))
    assert found.proof == level
    assert check in failed(found)


def test_a_commitment_that_the_follower_cannot_answer_proves_only_the_leader() -> None:
    # y ≤ x − 1 leaves nothing at x = 0; without y ≤ x − 1, the follower who likes y has no best response.
    for rows, broken in (([([-1.0, 1.0], "<=", -1.0)], 2), ([], 1)):
        game = problem(
            variables("x", [(0, 4)]),
            variables("y", [(0, inf)]),
            objective([1, 1]),
            objective([0, -1]),
            follower_rows=rows,
        )
        found = certify(game, claim([0.0, 0.0], 0.0))
        assert found.proof == LEADER
        assert "the follower has a best response" in failed(found)
        assert len(failed(found)) == broken
        assert "no response to the commitment" in found.notes[0]
        assert found.optimistic is None


def test_a_follower_that_cannot_be_judged_is_said_to_be() -> None:
    game = problem(
        variables("x", [(0, 1)]), variables("y", [(-1, 1)]), objective([0, 1]), objective([0, 0], [(1, 1, -1.0)])
    )
    found = certify(game, claim([0.0, -1.0], -1.0))
    assert found.proof == LEADER
    assert "not convex" in found.notes[0]


@pytest.mark.parametrize("prices", [None, [0.0, 20.0], [0.0, 11.0], [0.0], [nan, 15.0]])
def test_prices_that_are_no_multipliers_prove_nothing_about_the_follower(prices: list[float] | None) -> None:
    told = None if prices is None else np.array(prices)
    value = 6.38e6 - 8760.0 * 50.0 * (prices[1] if prices is not None and len(prices) == 2 else 15.0)
    found = certify(price_maker(), claim([50.0, 50.0, 150.0, 0.0], value, prices=told))
    assert found.proof <= LEADER
    assert "the prices are multipliers of the follower's optimum" in failed(found)


# -- wrong bounds --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "game", [bard_falk, quadratic, moore_bard, price_maker, lambda: indifferent(objective([1.0, 1.0, -2.0]))]
)
def test_a_bound_above_the_optimum_is_refuted_by_a_point(game: Callable[[], BilevelProblem]) -> None:
    # The response to a poor commitment, claimed to be the best there is.
    stated = game()
    refuted = 0
    for x in probes(stated, None).commitments[::4][:6]:
        try:
            best = Responder(stated).incumbent(x)
        except CoercivityError:
            continue
        if best.point is None or best.value < certify_value(stated) + 0.01:
            continue
        found = certify(stated, claim(list(best.point), best.value, prices=best.prices))
        assert found.proof == BILEVEL
        assert "no point refutes the bound" in failed(found)
        assert found.refutation_value < best.value
        if not stated.prices:
            # A judge who has looked at all of a short list knows the bound that the claim does not state.
            again = certify(stated, claim(list(found.refutation), found.refutation_value, -inf))
            assert again.proof == (ProofLevel.OPTIMAL if PROVED in again.notes else BILEVEL)
        refuted += 1
    assert refuted


def certify_value(stated: BilevelProblem) -> float:
    """The optimum of the games of this file."""
    optimum = {(2, 2): -3.25, (1, 3): -190000.0, (1, 2): -4.0}
    shape = (len(stated.leader), len(stated.follower))
    return optimum.get(shape, -22.0 if stated.leader.is_integer.any() else 0.9375)


def test_a_bound_that_rests_on_an_assumption_is_no_proof() -> None:
    found = certify(bard_falk(), claim([2.0, 0.0, 1.5, 0.0], -3.25, assumptions=("multipliers are at most 100",)))
    assert (found.proof, failed(found)) == (BILEVEL, [])
    assert found.assumptions == ("multipliers are at most 100",)


@pytest.mark.parametrize(
    ("bound", "check"),
    [
        (-inf, "the bound meets the value"),
        (-3.26, "the bound meets the value"),
        (-3.0, "the bound is not above the value"),
        (nan, "the bound is not above the value"),
    ],
)
def test_a_bound_that_does_not_meet_the_value_is_no_proof(bound: float, check: str) -> None:
    found = certify(bard_falk(), claim([2.0, 0.0, 1.5, 0.0], -3.25, bound))
    assert found.proof == BILEVEL
    assert check in failed(found)


def test_a_value_that_lives_on_a_tolerance_is_no_optimum() -> None:
    # Half of 1e-6 below the leader's own row is within tolerance, and worth half a unit: less than any point can give.
    game = problem(
        variables("x", [(0, 2)]),
        variables("y", [(0, 1)]),
        objective([1e6, 0], constant=-1e6),
        objective([0, 1]),
        leader_rows=[([1, 0], ">=", 1)],
    )
    assert certify(game, claim([1.0, 0.0], 0.0)).proof == OPTIMAL
    found = certify(game, claim([1.0 - 5e-7, 0.0], -0.5))
    assert found.proof == BILEVEL
    assert "the high-point relaxation is not above the value" in failed(found)


def test_a_narrow_optimum_is_found_by_the_judges_own_search() -> None:
    # The follower answers |x − 0.123| by y, and pays the leader 100 max(0, 0.001 − y) through w: only within 0.001 of
    # x = 0.123 is anything to be had, 0.1 at best.
    narrow = problem(
        variables("x", [(0.0, 1.0)]),
        variables("y", [(0.0, 1.0), (0.0, 1.0)]),
        objective([0.0, 0.0, 100.0], constant=-0.1),
        objective([0.0, 1.0, 0.0]),
        leader_rows=[([0.0, 1.0, 1.0], ">=", 0.001)],
        follower_rows=[([-1.0, 1.0, 0.0], ">=", -0.123), ([1.0, 1.0, 0.0], ">=", 0.123)],
    )
    # Far from it w = 0 costs nothing: the optimum is −0.1 everywhere that y ≥ 0.001.
    found = certify(narrow, claim([0.123, 0.0, 0.001], 0.0))
    assert found.proof == BILEVEL
    assert found.refutation_value == pytest.approx(-0.1)
    # Turned round, with w at most 0.001 − y, the gain lies only there.
    turned = replace(
        narrow,
        objective=objective([0.0, 0.0, -100.0]),
        rows=problem(
            narrow.leader,
            narrow.follower,
            narrow.objective,
            narrow.objective,
            leader_rows=[([0.0, 1.0, 1.0], "<=", 0.001)],
        ).rows,
    )
    assert certify(turned, claim([0.123, 0.0, 0.001], -0.1)).is_confirmed
    poor = certify(turned, claim([0.1235, 0.0005, 0.0005], -0.05))
    assert poor.proof == BILEVEL
    assert poor.refutation_value < -0.05


def test_the_search_of_the_judge_is_not_complete_where_it_does_not_reach() -> None:
    assert not search(price_maker(), -1e9).is_complete
    assert not search(moore_bard(), -1e9).is_complete
    assert search(bard_falk(), -3.26).is_complete
    assert search(bard_falk(), -3.24).value == pytest.approx(-3.25)


# -- limits --------------------------------------------------------------------------------------------------------


def test_a_limit_that_is_not_attained_is_proved_as_one() -> None:
    near = claim([1e-5, 1e-5 * 0.0], 0.0, status=Status.NOT_ATTAINED, attained=False)
    found = certify(jump(), near)
    assert (found.proof, found.attained, failed(found)) == (OPTIMAL, False, [])


@pytest.mark.parametrize(
    ("point", "value", "level", "check"),
    [
        ([0.0, 0.0], 0.0, LEADER, "the follower's regret"),
        ([0.5, 0.0], -0.2, BILEVEL, "commitments approach the limit claimed"),
        ([0.5, 0.0], 0.6, NOTHING, "the limit claimed is not above the point's value"),
    ],
)
def test_a_wrong_limit_is_not(point: list[float], value: float, level: ProofLevel, check: str) -> None:
    found = certify(jump(), claim(point, value, status=Status.NOT_ATTAINED, attained=False))
    assert found.proof == level
    assert check in failed(found)


def test_a_continuous_follower_leaves_no_limit_unattained() -> None:
    found = certify(
        bard_falk(), claim([2.0, 0.0, 1.5, 0.0], -3.25 - 1e-4, status=Status.NOT_ATTAINED, attained=False)
    )  # fmt: skip
    assert found.proof == BILEVEL
    assert failed(found) == ["only an integer follower leaves a limit that is not attained"]


# -- claims without a point ----------------------------------------------------------------------------------------


def without(status: Status) -> BilevelSolution:
    value = -inf if status is Status.UNBOUNDED else inf
    return BilevelSolution(None, value, value, status, "a test")


def clash(follower: float, *, integer: bool) -> BilevelProblem:
    """The leader wants y ≤ 1 − x, and the follower, who likes y, may go up to a number."""
    return problem(
        variables("x", [(0.0, 4.0)], [0] if integer else []),
        variables("y", [(0.0, follower)]),
        objective([1.0, 1.0]),
        objective([0.0, -1.0]),
        leader_rows=[([1.0, 1.0], "<=", 1.0)],
    )


@pytest.mark.parametrize("integer", [False, True])
def test_infeasibility_counts_only_where_the_judge_confirms_it(*, integer: bool) -> None:
    # The follower takes y = 2 whatever x is; with y ≤ 0.5 instead, x = 0 is a commitment to make.
    assert certify(clash(2.0, integer=integer), without(Status.INFEASIBLE)).proof == OPTIMAL
    wrong = certify(clash(0.5, integer=integer), without(Status.INFEASIBLE))
    assert wrong.proof == NOTHING
    assert wrong.refutation is not None


def test_rows_that_contradict_one_another_are_infeasible() -> None:
    game = problem(
        variables("x", [(0, 1)]),
        variables("y", [(0, 1)]),
        objective([1, 1]),
        objective([0, 1]),
        leader_rows=[([1, 1], ">=", 3)],
    )
    assert certify(game, without(Status.INFEASIBLE)).proof == OPTIMAL


def test_a_leader_without_a_bound_is_confirmed_by_a_ray_of_responses() -> None:
    # The follower keeps y = x, and the leader gains from both: x has no bound.
    row = [([-1.0, 1.0], "<=", 0.0)]
    game = problem(
        variables("x", [(0, inf)]),
        variables("y", [(0, inf)]),
        objective([0, -1]),
        objective([0, -1]),
        follower_rows=row,
    )
    assert certify(game, without(Status.UNBOUNDED)).proof == OPTIMAL
    # A follower who keeps y = 0 leaves nothing, although the high-point relaxation is unbounded.
    kept = replace(game, follower_objective=objective([0, 1]))
    assert certify(kept, without(Status.UNBOUNDED)).proof == NOTHING
    assert certify(game, without(Status.LIMIT)).proof == NOTHING
    # Claimed as a finite optimum it is refuted.
    assert certify(game, claim([5.0, 5.0], -5.0)).proof == BILEVEL


# -- theorems ------------------------------------------------------------------------------------------------------


@st.composite
def games(draw: st.DrawFn) -> tuple[BilevelProblem, np.ndarray]:
    numbers = st.integers(-3, 3)
    width = 4
    row = [([draw(numbers) for _ in range(width)], "<=", float(draw(st.integers(0, 5)))) for _ in range(3)]
    curved = [(2, 2, 1.0), (2, 3, 1.0), (3, 3, 1.0)] if draw(st.booleans()) else []
    game = problem(
        variables("x", [(0, 3)] * 2),
        variables("y", [(0, 3)] * 2),
        objective([draw(numbers) for _ in range(width)]),
        objective([0, 0, draw(numbers), draw(numbers)], curved),
        leader_rows=row[:1],
        follower_rows=row[1:],
    )
    return game, np.array([draw(st.integers(0, 3)), draw(st.integers(0, 3))], dtype=float)


@settings(max_examples=25)
@given(games())
def test_readings_and_relaxation_stand_in_order(drawn: tuple[BilevelProblem, np.ndarray]) -> None:
    game, x = drawn
    try:
        found = Responder(game).respond(x)
    except CoercivityError:
        return
    assert found.optimistic <= found.pessimistic + 1e-7
    assert least_high_point(game) <= found.optimistic + 1e-7
    if found.optimistic_point is not None:
        judged = certify(game, claim(list(found.optimistic_point), found.optimistic, -inf))
        assert judged.proof == BILEVEL
        # The least value of all is found by the judge's own search, and its claim is proved.
        least = search(game, found.optimistic - 1e-6)
        assert least.point is not None or least.is_complete
        if least.point is None:
            assert certify(game, claim(list(found.optimistic_point), found.optimistic)).proof == OPTIMAL


def test_the_high_point_relaxation_knows_both_levels() -> None:
    program = high_point_relaxation(bard_falk())
    assert program.shape == (3, 4)
    # −2 x1 + x2 + y1/2 with y1 ≥ 0 and x1 + x2 ≤ 2 is least at x = (2, 0), y1 = 0.
    assert least_high_point(bard_falk()) == pytest.approx(-4.0)
    assert least_high_point(quadratic()) == -inf
    assert least_high_point(price_maker()) == -inf


def test_probes_are_the_same_each_time_and_all_where_there_are_few() -> None:
    one, other = probes(bard_falk(), np.array([1.0, 1.0])), probes(bard_falk(), np.array([1.0, 1.0]))
    assert np.array_equal(one.commitments, other.commitments)
    assert not one.is_exhaustive
    few = probes(moore_bard(), None)
    assert few.is_exhaustive
    assert few.commitments.ravel().tolist() == list(range(11))


def test_a_price_term_in_the_commitment_alone_is_counted() -> None:
    sold = problem(
        variables("x", [(0, 4)]),
        variables("y", [(0, inf)]),
        objective([0.0, 0.0]),
        objective([0.0, 3.0]),
        follower_rows=[([-1.0, 1.0], "==", 1.0)],
        prices=[PriceTerm(0, 0, -1.0), PriceTerm(0, None, 2.0)],
    )
    # −x · 3 + 2 · 3 at x = 4 is −6, the least there is.
    assert certify(sold, claim([4.0, 5.0], -6.0, prices=np.array([3.0]))).proof == OPTIMAL
    assert certify(sold, claim([2.0, 3.0], 0.0, prices=np.array([3.0]))).proof == BILEVEL
