"""Objectives in any unit: the same answer and the same proof; every published problem with ``make failures``."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
import scipy.sparse as sp

from coercivity.engine.bilevel.formats import read
from coercivity.engine.bilevel.judge.certify import certify
from coercivity.engine.bilevel.problem import BilevelProblem, Objective
from coercivity.engine.bilevel.scaling import scaled
from coercivity.engine.bilevel.selection import solve

LITERATURE = Path(__file__).parents[3] / "instances" / "literature"
ALL = sorted(path.stem for path in LITERATURE.glob("*.json"))
SOME = (
    "basblib_as_1981_01", "conejo2016_price_maker", "dempe2002_ex3_2", "dempe2015_ex3_3_quad", "mibs_general_example",
    "moore_bard1990_ex1", "pineda_morales2018", "yue2017_toy3_int",
)  # fmt: skip
NAMES = ALL if "COERCIVITY_FAILURES" in os.environ else SOME
# What the leader's and the follower's objective are multiplied by, and what is added to the leader's.
UNITS = {
    "leader in billionths": (1e-9, 1.0, 0.0),
    "leader in billions": (1e9, 1.0, 0.0),
    "follower in billionths": (1.0, 1e-9, 0.0),
    "follower in billions": (1.0, 1e9, 0.0),
    "far from zero": (1.0, 1.0, 1e8),
}


def times(objective: Objective, factor: float, more: float = 0.0) -> Objective:
    quadratic = sp.csr_array(sp.csr_array(objective.quadratic) * factor)
    return Objective(objective.linear * factor, quadratic, objective.constant * factor + more)


def rescaled(problem: BilevelProblem, leader: float, follower: float, more: float) -> BilevelProblem:
    return replace(
        problem,
        objective=times(problem.objective, leader, more),
        follower_objective=times(problem.follower_objective, follower),
        prices=tuple(replace(t, coefficient=t.coefficient * leader / follower) for t in problem.prices),
    )


@pytest.mark.parametrize("name", NAMES)
def test_units_change_neither_answer_nor_proof(name: str) -> None:
    problem = read(str(LITERATURE / f"{name}.json"), None)
    try:
        claim = solve(problem).solution
    except Exception as refusal:  # whatever refuses it refuses it in every unit
        for leader, follower, more in UNITS.values():
            with pytest.raises(type(refusal)):
                solve(rescaled(problem, leader, follower, more))
        return
    proof = certify(problem, claim).proof
    for what, (leader, follower, more) in UNITS.items():
        other = rescaled(problem, leader, follower, more)
        found = solve(other).solution
        assert (found.value - more) / leader == pytest.approx(claim.value, rel=1e-5, abs=1e-5), what
        assert certify(other, found).proof is proof, what
        if found.point is not None:
            far = replace(found, value=found.value - leader, bound=found.bound - leader)
            assert certify(other, far).proof < proof, what


def test_ordinary_objectives_are_left_alone() -> None:
    problem = read(str(LITERATURE / "moore_bard1990_ex1.json"), None)
    units = scaled(problem)
    assert (units.factor, units.shift, units.priced, units.note) == (1.0, 0.0, 1.0, ())
    assert units.problem.objective is problem.objective
