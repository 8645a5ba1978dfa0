"""Which rows of a bilevel program cannot hold together, whoever they belong to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from coercivity.engine.bilevel.formats import read
from coercivity.engine.bilevel.problem import BilevelProblem
from coercivity.engine.bilevel.reformulations.assembly import high_point
from coercivity.engine.desk.conflicts import Conflicts, conflicts_of, print_conflicts
from coercivity.engine.errors import UsageError
from coercivity.models.program.files import kind_of


def why(path: str, asked: Mapping[str, Any]) -> None:
    """Print why a program has no solution; raises as :func:`conflicts`, and InfeasibleProgram where it has none."""
    given = [key for key in ("strategy", "against", "figure", "date") if asked[key]]
    if given or not asked["infeasible"]:
        what = f"--{given[0]} is asked of a licensing game" if given else "of a program why asks only --infeasible"
        raise UsageError(path, what, "write coercivity why PROGRAM --infeasible")
    print_conflicts(conflicts(path), asked["form"])


def conflicts(path: str) -> Conflicts:
    """Why no point obeys the rows of both players of the program in a file; integers may be parts here.

    Raises
    ------
    UsageError
        The file is wrong, or holds a finite game, which always has a solution.
    SolverFailed
        The solver gave up.
    """
    if kind_of(path) == "game":
        raise UsageError(path, "a finite game always has a solution", "ask of a program, or of a licensing game")
    return of_problem(read(path))


def of_problem(problem: BilevelProblem) -> Conflicts:
    """The same of a problem at hand."""
    names = [f"{name} (leader)" for name in problem.rows.names]
    names += [f"{name} (follower)" for name in problem.follower_rows.names]
    sheet, _ = high_point(problem)
    return conflicts_of(problem.name, sheet.program(), lambda row: names[row], lambda at: problem.names[at])
