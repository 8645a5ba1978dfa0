"""What a strategy sets off besides buying, as tables: trust, countermeasures, firms, and promises that may be broken."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from coercivity.engine.report.text import Column, Table, number
from coercivity.models.licensing.answers.promises import Kept, Promises
from coercivity.models.licensing.answers.reactions import Target
from coercivity.models.licensing.answers.values import Answer
from coercivity.models.licensing.pages.words import texts


def set_off(answer: Answer) -> Iterator[Table]:
    """One strategy: trust by phase, what governments do, firms."""
    found = answer.reactions
    columns = [*texts("phase", "trust"), Column("hazard, buyers, %", "percent"), Column("hazard, leader, %", "percent")]
    rows: list[list[Any]] = [
        [phase, found.trust.get(phase, "n/a"), hazard, found.leader_hazards[phase]]
        for phase, hazard in found.hazards.items()
    ]
    yield Table("What is feared: chance that licences break down in a phase", columns, rows)
    yield from _target(found.target)
    spells = [[one.title, spell.begins, spell.ends] for one in found.countermeasures.values() for spell in one.spells]
    if spells:
        yield Table(
            "Countermeasures that the strategy sets off", texts("instrument", "from", "to"), spells, stacks=True
        )
    firms = [[one.title, _weeks(one.weeks_to_insolvency), one.support_musd] for one in found.home.firms.values()]
    if firms:
        columns = [*texts("class of firms"), Column("weeks to insolvency"), Column("support, million USD")]
        yield Table("The leader's own firms, while licences hold", columns, firms, stacks=True)


def _target(found: Target) -> Iterator[Table]:
    """What buyers expect of a target whose type decides."""
    if found.chance is None:
        return
    columns = [
        *texts("fixed point"),
        Column("chance of a concession, %", "percent"),
        Column("pain spared, million USD"),
    ]
    rows: list[list[Any]] = [["the least, which is used", found.chance, found.spared_musd]]
    rows += [["another", other.chance, other.spared_musd] for other in found.other_fixed_points or ()]
    note = (
        "Chance while licences hold until the decision. Pain spared: the buyers' cost if the target refuses less that if it concedes; "
        "a type concedes if its stake is less. What is shown below while licences hold is the path on which it has refused."
    )
    yield Table("What buyers expect of the target", columns, rows, note=note)


def _weeks(weeks: float | None) -> str:
    return "never" if weeks is None else number(weeks, 0)


def compared(answers: Sequence[Answer]) -> Iterator[Table]:
    """All strategies: where trust ends, who is set off, which firms run out of cash."""
    firms = list(answers[0].reactions.home.firms)
    columns = [*texts("strategy", "trust in the last phase"), Column("hazard there, %", "percent")]
    columns += [Column("counter-measures"), Column("public money for rivals")]
    columns += [Column(f"weeks to insolvency, {firm.replace('_', ' ')}") for firm in firms]
    rows: list[list[Any]] = []
    for answer in answers:
        found = answer.reactions
        last = list(found.hazards)[-1]
        row: list[Any] = [answer.strategy.name, found.trust.get(last, "n/a"), found.hazards[last]]
        row += [number(sum(len(one.spells) for one in found.countermeasures.values()), 0)]
        row += [answer.market.public_money_musd]
        rows.append(row + [_weeks(found.home.firms[firm].weeks_to_insolvency) for firm in firms])
    if any(found[1] != "n/a" for found in rows) or firms:
        note = "Hazard as buyers see it. Public money: abroad, expected present value, million USD. Weeks: while licences hold."
        yield Table("What the strategies set off", columns, rows, emphasis=0, note=note)


def promised(told: Promises) -> Table:
    """Whether promises and threats would be kept."""
    columns = [*texts("strategy"), Column("worth if kept"), Column("gain from breaking it"), *texts("for")]
    columns += [*texts("threat credible"), Column("discount factor that keeps it")]
    rows = [
        [name, kept.kept_musd, kept.regret_musd, kept.tempted_by or "", _credible(kept), _factor(kept)]
        for name, kept in told.strategies.items()
    ]
    note = (
        "Once buyers have invested in the belief that it is kept; million USD. Credible: after a refusal the leader would rather "
        f"carry on than relieve the target. Discount factor a year, with a build lag of {number(told.build_lag_years, 1)} years; "
        f"the leader's own: {number(told.leader_discount_factor, 3)}."
    )
    return Table("Promises and threats", columns, rows, note=note)


def _credible(kept: Kept) -> str:
    if not kept.is_threat:
        return "no threat"
    return "yes" if kept.is_credible else "no"


def _factor(kept: Kept) -> str:
    return "none" if kept.critical_discount is None else number(kept.critical_discount, 3)
