"""For followers of integers alone: whoever is answering best leaves no improving direction open.

Let D be a whole step of the follower's columns that costs it less, d·D < 0. Where y is a best response, y + D is none of its
answers, so that some row or bound i with (G D)_i > 0 stands in the way: with whole numbers in it,

    G_i z  ≥  b_i + 1 − (G D)_i      for some i with (G D)_i > 0.

This holds at every bilevel-feasible z, whatever x, and has no cost in it. The master starts from the high-point relaxation and
takes in such a choice of rows for each D that is open at the point it proposes; the D taken is the one with the fewest
rows in its way, found by a small mixed-integer program in D. Where that has no solution y is a best response, the point is
bilevel feasible, and the master's bound is met. All big-Ms are the rows' own ranges, from linear programs.

A tree has the same directions without binaries: where one is open at a node's point, each side in its way makes a child, in which the
side's activity is bounded. Small linear programs, many at a time, and no big-M. Neither is the better one throughout: the master's program
is solved in a thread of its own while the tree goes on, with one best point, the same directions and the better of two bounds.

Accepts: a linear leader, whose columns in the follower's rows are integer; coupling rows; a linear follower, all of it bounded
integers, with rows and costs that are multiples of a common step.
Bound: the master's or the tree's, whichever is better; rests on no assumption, all big-Ms being derived.
Source: Wang and Xu (2017), *The watermelon algorithm for the bilevel integer linear programming problem*, SIAM J.
Optimization 27; Fischetti, Ljubić, Monaci and Sinnl (2018), *On the use of intersection cuts for bilevel optimization*,
Mathematical Programming 172, for improving directions.
"""

from __future__ import annotations

import math
import time

from coercivity.engine.bilevel.methods.directions.master import Master
from coercivity.engine.bilevel.methods.directions.sides import sides_of
from coercivity.engine.bilevel.methods.directions.tree import Tree
from coercivity.engine.bilevel.problem import BilevelProblem
from coercivity.engine.bilevel.solution import DEFAULT, BilevelSolution, Limits, Status
from coercivity.engine.errors import UsageError
from coercivity.engine.programs.hot import Floats, SolveStatus

METHOD = "directions"
INSTEAD = "use value_function"
# Seconds that the tree has before commitments are looked for and, after that, before the master begins; and those after which
# it is seen whether the master has a point.
AT_FIRST, ALONE, TURN = 0.1, 0.3, 0.1


def refuses(problem: BilevelProblem) -> str | None:
    """Why the problem is not accepted, with a method that does; None where it is."""
    found = sides_of(problem)
    return f"{found}: {INSTEAD}" if isinstance(found, str) else None


def solve(problem: BilevelProblem, limits: Limits = DEFAULT) -> BilevelSolution:
    """The leader's optimistic optimum.

    Raises
    ------
    UsageError
        The method refuses the problem; the message names one that does not.
    """
    started = time.perf_counter()
    sides = sides_of(problem)
    if isinstance(sides, str):
        raise UsageError(problem.name, f"{sides}: {INSTEAD}")
    master = Master(problem, sides, limits)

    def ask(z: Floats, is_due: bool) -> None:
        if is_due or master.may_ask():
            master.ask(z)
            master.look_around()

    tree = Tree(problem, sides, master.finder, limits, lambda: master.best, ask)
    try:
        status, notes = _raced(master, tree, limits, started + limits.seconds)
    finally:
        master.halt()
    value = master.best.value
    bound = min(max(master.bound, tree.bound), value) if status is not Status.INFEASIBLE else math.inf
    return BilevelSolution(
        master.best.point, value, bound, status, METHOD, seconds=time.perf_counter() - started,
        nodes=master.rounds + tree.nodes, programs=2 * master.rounds + tree.program.solves, notes=notes,
    )  # fmt: skip


def _raced(master: Master, tree: Tree, limits: Limits, until: float) -> tuple[Status, tuple[str, ...]]:
    """The tree, and after a moment the master beside it, until one of them is finished; and notes of why neither is."""
    if master.best.status is SolveStatus.INFEASIBLE:
        return Status.INFEASIBLE, ()
    master.until = until
    turn, has_begun = AT_FIRST, False
    while True:
        tree.run(min(until, time.perf_counter() + turn))
        if tree.is_finished and tree.bound == math.inf:
            return Status.INFEASIBLE, ()
        if limits.is_closed(master.best.value, max(master.bound, tree.bound)):
            return Status.OPTIMAL, ()
        if not has_begun:
            master.begin_near()
            turn, has_begun = ALONE, True
            continue
        can_propose = master.propose()
        if time.perf_counter() > until or (tree.is_stuck and not can_propose):
            return Status.LIMIT, master.notes
        if master.wait(max(0.1, until - time.perf_counter()) if tree.is_stuck else 0.0):
            status = master.take()
            if status is not Status.LIMIT:
                return status, ()
            if limits.is_closed(master.best.value, max(master.bound, tree.bound)):
                return Status.OPTIMAL, ()
            master.propose()
        turn = TURN
