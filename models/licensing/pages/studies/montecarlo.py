"""A Monte-Carlo study as a verdict, tables of payoff and regret, and their pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from coercivity.engine.report.charts.runs import Distribution, Fan, Ranges
from coercivity.engine.report.text import Block, Column, Prose, Table
from coercivity.engine.study.regret import Estimate
from coercivity.models.licensing.pages.illustrated import illustrated
from coercivity.models.licensing.pages.studies.phrases import PAIRED, closing, failures, opening, shard_block
from coercivity.models.licensing.pages.studies.short import in_short
from coercivity.models.licensing.pages.words import MONEY, decimals, musd, texts
from coercivity.models.licensing.studies.study import Outcomes, Study
from coercivity.models.licensing.studies.values import MonteCarlo, Quantiles, StrategySummary, StudyAnswer
from coercivity.models.licensing.studies.worker import OPTIMAL

MOST_PAIRS = 15
NORMAL = 1.96  # standard errors to either side that hold 95 %


def sentences(result: StudyAnswer) -> list[str]:
    """What the study says, in words."""
    said = [opening(result)]
    if not isinstance(result, MonteCarlo):
        return said
    names = [row.strategy for row in result.summaries]
    best, safe = result.choice.expected, result.choice.robust
    top = result.summary(best[0])
    said.append(
        f"Highest expected payoff: {' and '.join(best)}, {musd(top.mean_musd)} (±{_error(top)} standard error); "
        f"it is the best strategy in {100 * top.wins:.0f} % of the draws."
    )
    open_ones = [name for name in names if name not in best and _is_open(result, best[0], name)]
    if open_ones:
        said.append(f"These draws do not tell its average from that of {_list(open_ones)}: more --runs may.")
    least = result.summary(safe[0])
    same = safe == best
    said.append(
        f"Least largest regret (the robust choice): {'the same' if same else ' and '.join(safe)}, at worst "
        f"{musd(least.largest_regret_musd)} short of the best of the draw"
        + ("." if same else f", and {_less(result, best[0], safe[0])}.")
    )
    value = result.perfect_information_musd
    said.append(f"To know the numbers before choosing would be worth {_worth(value)}.")
    firsts = result.dominance.first_order
    beaten = {worse for _, worse in firsts}
    left = [name for name in names if name not in beaten]
    if beaten:
        said.append(
            f"In this sample nobody who prefers more to less would take {_list(sorted(beaten))}: another strategy has "
            f"the better distribution throughout. Not so dominated: {_list(left)}."
        )
    if result.reoptimised is not None:
        gain = result.reoptimised.gain_musd
        said.append(f"To choose anew from the menu in every draw would be worth {_worth(gain)}.")
    return said


def _difference(result: MonteCarlo, one: str, other: str) -> tuple[float, float, float]:
    """Mean, low and high of what one strategy is worth more than another."""
    for row in result.differences:
        if (row.first, row.second) == (one, other):
            return row.mean_musd, row.low_musd, row.high_musd
        if (row.first, row.second) == (other, one):
            return -row.mean_musd, -row.high_musd, -row.low_musd
    raise KeyError(f"{one} and {other} were not compared")


def _is_open(result: MonteCarlo, one: str, other: str) -> bool:
    """Whether the interval of a difference leaves open which of two is worth more."""
    _, low, high = _difference(result, one, other)
    return low <= 0.0 <= high


def _less(result: MonteCarlo, one: str, other: str) -> str:
    mean, low, high = _difference(result, one, other)
    if low > 0.0:
        return f"{musd(mean)} less on average"
    return f"on average not told from it by these draws ({musd(mean)} less, 95 % from {musd(low)} to {musd(high)})"


def _worth(found: Estimate) -> str:
    """A gain on average, with its error where that leaves open whether there is one."""
    error = found.standard_error
    said = f"{musd(found.value)} on average"
    is_sure = found.value > NORMAL * error
    return said if is_sure else f"{said} (±{error:,.2g} standard error), which these draws do not tell from nothing"


def _error(row: StrategySummary) -> str:
    return f"{row.standard_error_musd:,.0f}" if row.standard_error_musd >= 10 else f"{row.standard_error_musd:.1f}"


def _list(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def blocks(result: StudyAnswer) -> list[Block]:
    """The report."""
    if result.shard is not None:
        return shard_block(result, result.shard)
    found: list[Block] = [Prose(result.instance.heading, [*sentences(result), PAIRED])]
    if isinstance(result, MonteCarlo):
        found += [_payoffs(result), _regret(result)]
        if result.differences:
            found.append(_differences(result))
        found.append(_power(result))
    short = in_short(result) if isinstance(result, MonteCarlo) else []
    return [*found, *failures(result), *closing(result), *short]


def _ranked(result: MonteCarlo) -> list[StrategySummary]:
    return sorted(result.summaries, key=lambda row: -row.mean_musd)


def _payoffs(result: MonteCarlo) -> Table:
    names = [entry.name for entry in fields(Quantiles)]
    rows = [
        [row.strategy, row.mean_musd, row.standard_error_musd, *vars(row.quantiles_musd).values()]
        for row in _ranked(result)
    ]
    columns = [*texts("strategy"), Column("mean"), Column("standard error"), *map(Column, names)]
    return Table(f"Payoff over the draws, {MONEY}", columns, rows, decimals=decimals(rows))


def _regret(result: MonteCarlo) -> Table:
    rows = [[row.strategy, row.wins, row.expected_regret_musd, row.largest_regret_musd] for row in _ranked(result)]
    columns = [*texts("strategy"), Column("best in, % of draws", "percent"), Column("expected regret")]
    return Table(f"Regret against the best strategy of each draw, {MONEY}", [*columns, Column("largest regret")], rows)


def _differences(result: MonteCarlo) -> Table:
    first = _ranked(result)[0].strategy
    rows = []
    for row in result.differences:
        if first not in (row.first, row.second):
            continue
        turn = 1.0 if row.first == first else -1.0
        ends = sorted((turn * row.low_musd, turn * row.high_musd))
        other = row.second if turn > 0 else row.first
        ahead = row.ahead if turn > 0 else 1.0 - row.ahead
        rows.append([f"{first} less {other}", turn * row.mean_musd, *ends, ahead])
    columns = [*texts("pair"), Column("mean", "signed"), Column("95 % from", "signed"), Column("to", "signed")]
    columns.append(Column("ahead in, % of draws", "percent"))
    note = "Confidence intervals of the mean difference over paired draws."
    return Table(f"Differences, {MONEY}", columns, rows[:MOST_PAIRS], note=note, stacks=True)


def _power(result: MonteCarlo) -> Table:
    found = {(row.strategy, row.year): row.share for row in result.power}
    years = sorted({row.year for row in result.power})
    turns = [year for year in years[1:] if year % 10 == 0]
    shown = [year for year in years if year in (years[0], *turns[:1], years[-1])]
    none = Quantiles(*[None] * 5)
    rows: list[list[Any]] = []
    for name in result.strategies:
        shares = [found.get((name, year), none) for year in shown]
        rows.append([name, *(value for share in shares for value in (share.p5, share.p50, share.p95))])
    columns = [Column(f"{year} {key}", "percent") for year in shown for key in ("p5", "p50", "p95")]
    return Table("The leader's share of what is bought abroad, %", [*texts("strategy"), *columns], rows)


def drawn(result: StudyAnswer, study: Study, outcomes: Outcomes) -> dict[str, str]:
    """The pictures, and the page that shows them, by file name."""
    return illustrated(result, _pictures(result, outcomes), sentences(result))


def _pictures(result: StudyAnswer, outcomes: Outcomes) -> list[Any]:
    if not isinstance(result, MonteCarlo):
        return []
    done = outcomes.is_done
    named = [row.strategy for row in _ranked(result)]
    at = [outcomes.strategies.index(name) for name in named]
    payoff = outcomes.payoff[done][:, at]
    regret = payoff.max(axis=1, keepdims=True) - payoff
    runs = int(done.sum())
    shared: dict[str, Any] = {"unit": MONEY, "runs": runs}
    return [
        Ranges(name="payoffs", title="Payoff of each strategy over the draws", outcome="payoff", rows=_ranges(named, payoff, np.min), **shared),
        Ranges(name="regret", title="Regret of each strategy over the draws", outcome="regret", rows=_ranges(named, regret, np.max), **shared),
        Distribution(
            name="distribution", title="Distribution of the payoff", outcome="payoff",
            rows=[{"series": name, "value": value} for i, name in enumerate(named) for value in payoff[:, i].tolist()],
            **shared,
        ),
        _fan(result, runs),
    ]  # fmt: skip


def _ranges(names: list[str], values: Any, worst: Callable[[Any], Any]) -> list[dict[str, Any]]:
    # As in the tables: the least payoff that this share of the draws does not exceed.
    quantiles = np.quantile(values, [0.05, 0.25, 0.5, 0.75, 0.95], axis=0, method="inverted_cdf")
    return [
        {"label": name, **dict(zip(("p5", "p25", "p50", "p75", "p95"), quantiles[:, i].tolist(), strict=True)),
         "mean": float(values[:, i].mean()), "worst": float(worst(values[:, i]))}
        for i, name in enumerate(names)
    ]  # fmt: skip


def _fan(result: MonteCarlo, runs: int) -> Fan:
    is_finite = all(value is not None for row in result.power for value in vars(row.power).values())
    outcome = "market power −ln(1 − share)" if is_finite else "share of what is bought abroad"
    shown = [
        {"date": f"{row.year}-07-01", "series": row.strategy, **vars(row.power if is_finite else row.share)}
        for row in result.power
        if row.strategy != OPTIMAL
    ]
    return Fan(
        name="leverage", title="The leader's leverage over time", outcome=outcome, unit="", runs=runs, rows=shown
    )
