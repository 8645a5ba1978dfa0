"""Why something has no solution, as a value and as a page: what conflicts by name, and the cheapest repair."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from coercivity.engine.desk import terminal
from coercivity.engine.errors import InfeasibleProgram
from coercivity.engine.programs.conflict import conflict_of
from coercivity.engine.programs.linear import LinearProgram
from coercivity.engine.report.text import Block, Column, Prose, Table, amount


@dataclass(frozen=True)
class Repair:
    """A side that moves in the cheapest repair; of all repairs it is the one that moves all sides by least in sum."""

    law: str  # its name
    side: str  # upper or lower: which one moves
    by: float  # in the unit of the law; by how much
    stated: float  # in the unit of the law; what it is now


@dataclass(frozen=True)
class Conflicts:
    """Why something has no solution."""

    schema_version: int  # of this layout
    command: str  # why-infeasible
    subject: str  # what was asked about
    has_solution: bool  # whether there is one after all
    laws: Sequence[str]  # that cannot hold together
    bounds: Sequence[str]  # names of what is at a bound in that conflict
    is_irreducible: bool  # whether leaving any one of the laws out would do
    repairs: Sequence[Repair]  # the cheapest repair
    sentences: Sequence[str]  # the answer in words


def conflicts_of(
    subject: str, program: LinearProgram, law: Callable[[int], str], column: Callable[[int], str]
) -> Conflicts:
    """Why a program has no solution; raises SolverFailed where nothing can be said.

    Parameters
    ----------
    law, column : what a row and a column are called
    """
    found = conflict_of(program)
    if found is None:
        says = [f"{subject} has a solution: nothing conflicts."]
        return Conflicts(1, "why-infeasible", subject, True, [], [], True, [], says)
    repairs = [
        Repair(law(row), "upper" if by > 0 else "lower", abs(by),
               float((program.row_upper if by > 0 else program.row_lower)[row]))
        for row, by in sorted(found.missed.items(), key=lambda item: -abs(item[1]))
    ]  # fmt: skip
    laws, bounds = [law(row) for row in found.rows], [column(at) for at in found.columns]
    return Conflicts(1, "why-infeasible", subject, False, laws, bounds, found.is_irreducible, repairs,
                     _sentences(subject, laws, bounds, repairs))  # fmt: skip


def _sentences(subject: str, laws: Sequence[str], bounds: Sequence[str], repairs: Sequence[Repair]) -> list[str]:
    named = ", ".join(laws[:6]) + (f" and {len(laws) - 6} more" if len(laws) > 6 else "")
    held = f", with the bounds of {', '.join(bounds[:4])}{' and others' if len(bounds) > 4 else ''}" if bounds else ""
    if not laws:
        return [f"{subject} has no solution: the bounds of {', '.join(bounds)} cross.", "Repair: mend them."]
    told = "; ".join(
        f"let the {one.side} side of {one.law} {'rise' if one.side == 'upper' else 'fall'} by {amount(one.by)}, from "
        f"{amount(one.stated)}"
        for one in repairs[:3]
    )
    more = f"; and {len(repairs) - 3} more" if len(repairs) > 3 else ""
    return [
        f"{subject} has no solution: {named} cannot hold together{held}.",
        f"The cheapest repair: {told}{more}.",
    ]


def blocks(found: Conflicts) -> list[Block]:
    """The report."""
    head = Prose("", found.sentences)
    if found.has_solution:
        return [head]
    repairs = [[one.law, one.side, one.stated, one.by] for one in found.repairs]
    heads = [*(Column(title, "text") for title in ("law", "side")), Column("stated"), Column("moves by")]
    note = "" if found.is_irreducible else "Too many for the smallest conflict to be sought: some may be left out."
    return [
        head,
        Table("What cannot hold together", [Column("law", "text")], [[law] for law in found.laws], note=note),
        Table("The cheapest repair", heads, repairs, stacks=True),
    ]


def rows(found: Conflicts) -> list[dict[str, Any]]:
    """One row a repair, for CSV."""
    return [vars(one) for one in found.repairs]


def print_conflicts(found: Conflicts, form: str) -> None:
    """Print the answer.

    Raises
    ------
    InfeasibleProgram
        There is no solution: the command ends as all do that find none.
    """
    terminal.show(form, found, lambda: blocks(found), lambda: rows(found))
    if not found.has_solution:
        raise InfeasibleProgram(found.subject, "has no solution", "one repair is told above")
