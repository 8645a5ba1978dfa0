"""Random small programs of every class: methods agree with one another and with every commitment answered."""

from __future__ import annotations

from math import inf

import numpy as np
import pytest

from coercivity.engine.bilevel.judge.certify import certify
from coercivity.engine.bilevel.problem import BilevelProblem, PriceTerm
from coercivity.engine.bilevel.response.responder import Responder
from coercivity.engine.bilevel.selection import METHODS
from coercivity.engine.bilevel.solution import BilevelSolution, Limits, Status
from coercivity.engine.errors import CoercivityError, UsageError
from coercivity.engine.proof.certificate import ProofLevel
from tests.bilevel_problems import Row, objective, problem, variables

ENDED = (Status.OPTIMAL, Status.NOT_ATTAINED)


def drawn(seed: int, *, is_menu: bool) -> BilevelProblem:
    """One or two columns of the leader over up to three of the follower; products, coupling rows, prices, free columns."""
    random = np.random.default_rng(seed)
    n, m = int(random.integers(1, 3)), int(random.integers(1, 4))
    width, whole = n + m, [k for k in range(n) if is_menu or random.random() < 0.2]
    whole_too = [k for k in range(m) if random.random() < 0.5] if random.random() < 0.2 else []
    reach = [(0.0, float(random.integers(2, 7))), (0.0, inf), (-4.0, 4.0)]
    bounds = [(0.0, 4.0) if whole_too else reach[random.choice(3, p=[0.7, 0.15, 0.15])] for _ in range(m)]
    products: dict[tuple[int, int], float] = {}
    if random.random() < 0.5:
        for _ in range(random.integers(1, 4)):
            first, second = sorted(random.integers(0, width, 2).tolist())
            products[first, second] = float(random.choice([-2.0, -1.0, 1.0, 2.0]))
    curved, kind = [], random.random()
    if not whole_too and kind < 0.4:
        curved = [(n + k, n + k, float(random.integers(1, 4))) for k in range(m) if random.random() < 0.7]
    elif kind > 0.7:
        curved = [(int(random.integers(0, n)), n + int(random.integers(0, m)), float(random.choice([-2.0, 1.0, 2.0])))]
    relation = [str(random.choice(["<=", ">=", "=="], p=[0.8, 0.1, 0.1])) for _ in range(random.integers(0, 4))]
    own: list[Row] = [(line(random, width), how, float(random.integers(0, 9))) for how in relation]
    coupling: list[Row] = []
    for _ in range(random.integers(0, 3)):
        seen = line(random, width) if random.random() < 0.5 else [*line(random, n), *[0.0] * m]
        coupling.append((seen, "<=", float(random.integers(0, 8))))
    equal = [k for k, how in enumerate(relation) if how == "=="]
    prices = [PriceTerm(equal[0], None, 1.0)] if equal and not whole_too and random.random() < 0.5 else []
    return problem(
        variables("x", [(0.0, 3.0)] * n, whole),
        variables("y", bounds, whole_too),
        objective(line(random, width), [(*at, value) for at, value in products.items()]),
        objective([*[0.0] * n, *line(random, m)], curved),
        leader_rows=coupling,
        follower_rows=own,
        prices=prices,
    )


def line(random: np.random.Generator, width: int) -> list[float]:
    return [float(value) for value in random.integers(-4, 5, width)]


def answers(drawing: BilevelProblem) -> dict[str, BilevelSolution]:
    found = {}
    for name, method in METHODS.items():
        try:
            found[name] = method.solve(drawing, Limits(seconds=2.0))
        except UsageError as refusal:
            assert refusal.what
    return found


@pytest.mark.parametrize("seed", range(60))
@pytest.mark.parametrize("is_menu", [True, False], ids=["menu", "continuum"])
def test_methods_agree_and_no_commitment_on_a_grid_is_better(seed: int, is_menu: bool) -> None:
    drawing = drawn(seed, is_menu=is_menu)
    found = answers(drawing)
    ended = {name: claim for name, claim in found.items() if claim.status is not Status.LIMIT}
    assert len({claim.status for claim in ended.values()}) <= 1
    values = [claim.value for claim in ended.values() if claim.status in ENDED]
    assert not values or max(values) - min(values) <= 1e-4 * max(1.0, abs(min(values)))
    for claim in ended.values():
        level = certify(drawing, claim).proof
        assert level is ProofLevel.OPTIMAL or (claim.status is Status.INFEASIBLE and level is ProofLevel.NOTHING)
        assert (
            better(drawing, claim.value - 1e-5 * max(1.0, abs(claim.value))) is None or claim.status is Status.UNBOUNDED
        )


def better(drawing: BilevelProblem, value: float) -> list[float] | None:
    """A commitment on a coarse grid that gives the leader less than a value."""
    responder, ends = Responder(drawing), drawing.leader
    axes = [np.linspace(low, high, 4) for low, high in zip(ends.lower, ends.upper, strict=True)]
    for x in np.array(np.meshgrid(*axes)).reshape(len(axes), -1).T:
        try:
            if responder.incumbent(x).value < value:
                return [float(part) for part in x]
        except CoercivityError:
            continue
    return None
