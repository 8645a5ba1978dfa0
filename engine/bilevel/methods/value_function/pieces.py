"""What prices or refutes an integer answer of the follower: vertices and rays of its dual polyhedron.

With the integers at an answer w the rest of the follower is a linear program; its dual polyhedron does not depend on w.

Accepts: a linear follower whose continuous part has few enough dual vertices to be listed.
Bound: none of its own; what :mod:`coercivity.engine.bilevel.methods.value_function.method` makes of the pieces rests on no assumption.
Source: Lozano and Smith (2017); Yue, Gao, Zeng and You (2019) for the continuous part of the follower.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp

from coercivity.engine.bilevel.problem import BilevelProblem
from coercivity.engine.bilevel.reformulations.assembly import Bools
from coercivity.engine.bilevel.reformulations.bounds import Sides, sides_of, vertices, without_redundant
from coercivity.engine.bilevel.response.optimal_set import step_of_cost
from coercivity.engine.programs.hot import Floats


@dataclass(frozen=True)
class Pieces:
    """Combinations of the follower's sides that price or refute an integer answer.

    Attributes
    ----------
    sides : one-sided, equalities in two
    integer : which of the follower's columns are held at an answer, shape (m,)
    vertex, ray : multipliers, shapes (vertices, k) and (rays, k)
    step : the steps in which a ray's right-hand side moves with x; 0 where it moves continuously
    """

    sides: Sides
    integer: Bools
    vertex: Floats
    ray: Floats
    step: Floats


def pieces_of(problem: BilevelProblem) -> Pieces | None:
    """The pieces of a follower; None where its dual polyhedron has too many vertices to list."""
    n = len(problem.leader)
    sides = _one_sided(without_redundant(problem, sides_of(problem)))
    for held in (problem.follower.is_integer, np.ones(len(problem.follower), dtype=bool)):
        if held.all() and not _is_finite(problem, held):
            return None
        found = _listed(problem, sides, held)
        if found is not None:
            on_x = found.ray @ sides.matrix[:, :n].toarray()
            on_x[np.abs(on_x) < 1e-9] = 0.0
            # What x does not move refutes no answer that was given; and continuous answers exist wherever x may go.
            moving = np.flatnonzero(np.any(on_x != 0.0, axis=1)) if held.any() else np.zeros(0, dtype=np.intp)
            step = np.array([step_of_cost(line, problem.leader.is_integer) or 0.0 for line in on_x[moving]])
            return replace(found, ray=found.ray[moving], step=step)
    return None


def _is_finite(problem: BilevelProblem, held: Bools) -> bool:
    """Whether holding these columns at the follower's answers can only happen finitely often."""
    x, matrix = problem.leader, sp.csr_array(problem.follower_rows.matrix)
    linking = abs(matrix[:, : len(x)]).sum(axis=0) > 0
    is_menu = np.all((x.is_integer & np.isfinite(x.lower) & np.isfinite(x.upper))[linking])
    return bool(is_menu or np.all(problem.follower.is_integer[held]))


def _one_sided(sides: Sides) -> Sides:
    twice = np.r_[np.arange(len(sides)), np.flatnonzero(sides.is_equality)]
    sign = np.r_[np.ones(len(sides)), -np.ones(int(sides.is_equality.sum()))]
    found = sides.only(twice)
    return replace(found, matrix=sp.csr_array(sp.diags_array(sign) @ found.matrix), level=sign * found.level)


def _listed(problem: BilevelProblem, sides: Sides, held: Bools) -> Pieces | None:
    """The vertices and rays with these columns held; None where there are too many."""
    n = len(problem.leader)
    own = sides.matrix[:, n:].toarray()[:, ~held].T
    on_x = abs(sides.matrix[:, :n]).sum(axis=1) > 0
    with_rest = np.abs(own).sum(axis=0) > 0
    cost = problem.follower_objective.linear[n:][~held]
    vertex = vertices(own[:, with_rest], cost)
    ray = vertices(np.vstack([own[:, with_rest], np.ones((1, int(with_rest.sum())))]), np.r_[0.0 * cost, 1.0])
    if vertex is None or ray is None:
        return None
    # A side without continuous columns refutes an answer by itself; one without x as well never does.
    alone = np.flatnonzero(on_x & ~with_rest)
    rays = np.zeros((len(ray) + len(alone), len(sides)))
    rays[: len(ray), with_rest] = ray
    rays[len(ray) + np.arange(len(alone)), alone] = 1.0
    whole = np.zeros((len(vertex), len(sides)))
    whole[:, with_rest] = vertex
    return Pieces(sides, held, whole, rays, np.zeros(len(rays)))
