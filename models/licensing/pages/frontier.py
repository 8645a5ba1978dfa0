"""The Pareto set of a menu as tables, rows and a picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from coercivity.engine.report.charts.studies import Plane
from coercivity.engine.report.text import Block, Column, Prose, Table, amount
from coercivity.models.licensing.answers.frontier.values import Frontier, Member, Placed, Rates, figures, rungs
from coercivity.models.licensing.pages.illustrated import illustrated
from coercivity.models.licensing.pages.studies.short import in_short
from coercivity.models.licensing.pages.words import MONEY, decimals, texts

SOURCE = "instance.yaml"
SHOWN = 20  # members in a table; the rest are in JSON and CSV


def blocks(result: Frontier) -> list[Block]:
    """The report."""
    shown = _shown(result)
    return [
        Prose(result.instance.heading, list(result.sentences)),
        _figures("Named strategies", result.named, result),
        _figures(f"Efficient strategies on the menu: {len(shown)} of {result.efficient_in_three:,}", shown, result),
        _weights(shown),
        _paths(shown),
        *in_short(result),
    ]


def _shown(result: Frontier) -> list[Member]:
    """Members in a table: those on the ladder, then the supported, then the other efficient ones; by payoff."""
    order = sorted(result.inner, key=lambda m: (m.worth_in_payoff is None, m.weights is None, -m.payoff_musd))
    return sorted(order[:SHOWN], key=lambda member: -member.payoff_musd)


def _figures(title: str, shown: Sequence[Member | Placed], result: Frontier) -> Table:
    columns = [*texts("strategy"), *(Column(words) for words in ("payoff", "revenue", "cost"))]
    columns += [*(Column(f"leverage {phase}") for phase in result.phases), *texts("place")]
    rows = []
    for block in shown:
        found = figures(block)
        money = [found.payoff_musd, found.revenue_musd, found.cost_musd, *found.leverage_musd.values()]
        rows.append([block.label, *money, _place(block) + ("" if block.exact else " *")])
    note = f"Payoff = revenue − cost. Leverage: at the end of the phase, {result.cut_off.months:g} months, all blocs."
    if any(not block.exact for block in shown):
        note += " *: as read in the search, not evaluated exactly."
    return Table(f"{title}, {MONEY}", columns, rows, decimals=decimals(rows), note=note)


def _place(block: Member | Placed) -> str:
    if isinstance(block, Placed):
        return "efficient" if block.is_efficient else f"under {block.dominated_by}"
    return "best for some rate" if block.worth_in_payoff else "for some weights" if block.weights else "unsupported"


def _span(span: Rates | None) -> str:
    if span is None:
        return "never"
    low, high = span
    return f"{amount(low, 3)} and more" if high is None else f"{amount(low, 3)} to {amount(high, 3)}"


def _weights(shown: Sequence[Member]) -> Table:
    columns = [*texts("strategy"), *(Column(f"weight {words}") for words in ("revenue", "cost", "leverage"))]
    columns += texts("leverage worth, in revenue", "in payoff")
    rows = []
    for block in shown:
        rows.append([block.label, *_of(block), _span(block.worth_in_revenue), _span(block.worth_in_payoff)])
    note = (
        "Weights: an inner point of those for which it is best, on objectives scaled by their range over the set. "
        "Leverage worth: US dollars for a dollar of leverage, for some weight of cost; in payoff: revenue and cost weigh the same."
    )
    return Table("For which weights each is best", columns, rows, decimals=3, note=note)


def _of(block: Member | Placed) -> tuple[float | None, float | None, float | None]:
    """Weights of revenue, cost and leverage for which a strategy is best."""
    weights = block.weights if isinstance(block, Member) else None
    return (weights.revenue, weights.cost, weights.leverage) if weights else (None, None, None)


def _paths(shown: Sequence[Member]) -> Table:
    phases = list(shown[0].path) if shown else []
    rows = []
    for block in shown:
        postures = [list(block.path[phase].values()) for phase in phases]
        rows.append([block.label, *(" / ".join(found[:1] if len(set(found)) == 1 else found) for found in postures)])
    groups = " / ".join(next(iter(shown[0].path.values()))) if shown else ""
    return Table("Their postures by phase", texts("strategy", *phases), rows, stacks=True, note=f"Groups: {groups}.")


def rows(result: Frontier) -> list[dict[str, Any]]:
    """One row per strategy of the set and per named one, for CSV."""
    return [*map(_row, result.members), *map(_row, result.named)]


def _row(block: Member | Placed) -> dict[str, Any]:
    found, (low, high) = figures(block), block.rate or (None, None)
    path = block.path if isinstance(block, Member) else {}
    return {
        "strategy": block.label,
        "set": "menu" if isinstance(block, Member) else "named",
        "reading": "exact" if block.exact else "search",
        "payoff_musd": found.payoff_musd,
        "revenue_musd": found.revenue_musd,
        "cost_musd": found.cost_musd,
        **{f"leverage_{phase}_musd": value for phase, value in found.leverage_musd.items()},
        "efficient": block.is_efficient_in_three if isinstance(block, Member) else block.is_efficient,
        "dominated_by": None if isinstance(block, Member) else block.dominated_by,
        "distance": None if isinstance(block, Member) else block.distance,
        **dict(zip(("weight_revenue", "weight_cost", "weight_leverage"), _of(block), strict=True)),
        "leverage_worth_low": low,
        "leverage_worth_high": high,
        "path": "; ".join(f"{phase}: {' / '.join(groups.values())}" for phase, groups in path.items()),
    }


def planes(result: Frontier) -> list[Plane]:
    """Payoff and leverage of the set, of its best members at each rate, and of the named strategies."""
    phase = result.phase

    def points(blocks: Sequence[Member | Placed], series: str, is_named: bool) -> Iterator[dict[str, Any]]:
        for block in blocks:
            found = figures(block)
            label = block.label if is_named else ""
            yield {"x": found.leverage_musd[phase], "y": found.payoff_musd, "series": series, "label": label}

    series = ["efficient on the menu", "best at some rate of exchange", "named"]
    found = [
        *points(result.inner, series[0], False),
        *points(rungs(result.members), series[1], True),
        *points(result.named, series[2], True),
    ]
    title = f"Payoff and leverage at the end of {phase}"
    return [Plane("frontier", title, found, series[1:2], series, f"leverage, {MONEY}", f"payoff, {MONEY}")]


def drawn(result: Frontier) -> dict[str, str]:
    """The picture, and the page that shows it, by file name."""
    return illustrated(result, planes(result), result.sentences)
