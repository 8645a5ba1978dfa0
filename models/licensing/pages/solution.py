"""One strategy, whole: what it is worth, who pays, month by month, and what is proved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from coercivity.engine.report.text import Block, Column, Prose, Table, number, sized
from coercivity.models.licensing.answers.commands import Comparison, Solution
from coercivity.models.licensing.answers.values import Answer, CertificateBlock, Series
from coercivity.models.licensing.answers.verdict.verdict import searched
from coercivity.models.licensing.pages.reactions import set_off
from coercivity.models.licensing.pages.words import (
    FIRST,
    TERMS,
    decimals,
    marks,
    musd,
    observed,
    path_table,
    texts,
)


def solved(result: Solution) -> list[Block]:
    """The report of one strategy."""
    return [
        Prose(result.instance.heading, sentences(result)),
        path_table(result),
        _by_year(result),
        _by_bloc(result),
        *set_off(result),
        *_by_month(result.series),
        *_rents(result.series),
        *observed([result]),
        _certificate(result.certificate),
    ]


def sentences(result: Solution | Comparison) -> list[str]:
    """The answer in words: what one strategy comes to, or the verdict of a comparison."""
    return list(result.verdict.sentences if isinstance(result, Comparison) else _says(result))


def _says(result: Solution) -> Iterator[str]:
    certificate, search, market = result.certificate, result.search, result.market
    worth = f"is worth {musd(result.leader.value_musd)} to the leader, in expected present value"
    if search:
        if search.best_first is not None:
            yield f"The best commitment found on the menu {worth}."
            yield from searched(search)
        else:
            yield f"The best of {search.menu:,} commitments on the menu {worth}."
        if not search.complete and search.best_first is None:
            yield f"The search was stopped after {search.screened:,} of them: there may be a better one."
    else:
        yield f"{result.strategy.name} ({result.strategy.title}) {worth}."
    low, high = certificate.pessimistic_musd, certificate.optimistic_musd
    if high - low > 1e-6 * max(1.0, abs(high)):
        yield f"Buyers are indifferent between answers that leave the leader with {musd(low)} to {musd(high)}."
    pain = sum(bloc.pain_musd for bloc in result.blocs.values())
    shortage, relation = sized(market.shortage_t), "more" if pain >= 0 else "less"
    yield f"It costs the buyers {musd(abs(pain))} {relation} than open trade, with {shortage} t of expected shortage."
    rents = pain - market.market_pain_musd
    if abs(rents) > 1e-6 * max(1.0, abs(pain)):
        yield f"Of that, {musd(rents)} is rent that goes to the leader and to outsiders."
    if result.leader.terms_musd.get("concession"):
        yield f"The target concedes with a probability of {number(100 * result.leader.probability, 1)} %."
    yield from _deviation(certificate)
    yield f"Proof: {certificate.proof}, {certificate.says}."
    yield from (f"It rests on this: {assumption}." for assumption in certificate.assumptions)


def _deviation(certificate: CertificateBlock) -> Iterator[str]:
    gain, changed = certificate.best_deviation_gain_musd, certificate.best_deviation
    if gain is None or changed is None:
        return
    what = "; ".join(
        f"{row.posture} for {row.group}" + (f" ({row.product})" if row.product else "") + f" from {row.begins}"
        for row in changed
    )
    verb = "would add" if gain > 0 else "would cost"
    yield f"The best change of one posture, {what}, {verb} {musd(abs(gain))}."


def _by_year(answer: Answer) -> Table:
    leader = answer.leader
    flows = leader.by_year
    terms = [term for term in TERMS if leader.terms_musd.get(term) or any(flows.get(term, {}).values())]
    years = list(dict.fromkeys(year for term in terms for year in flows[term]))
    columns = [*texts("year"), *(Column(TERMS[term]) for term in terms), Column("payoff")]
    rows: list[list[Any]] = [["present value", *(leader.terms_musd[term] for term in terms), leader.value_musd]]
    for year in years:
        figures = [flows[term].get(year, 0.0) for term in terms]
        rows.append([year, *figures, sum(figures)])
    note = "Present value: discounted; years: expected and undiscounted."
    title = "Leader's payoff by term, million USD"
    return Table(title, columns, rows, emphasis=0, decimals=decimals(rows), note=note)


def _by_bloc(answer: Answer) -> Table:
    series, market, together = answer.series, answer.market, answer.all_blocs.leverage_musd
    periods, lengths = marks(series.periods), list(together)[:1]
    cuts = [(length, mark) for length in lengths for mark in marks(together[length])]
    columns = [*texts("bloc", "group"), Column("cost"), Column("pain"), Column("shortage, t")]
    columns += [Column(f"leader's share {period}, %", "percent") for period in periods]
    columns += [Column(f"{length} cut off after {mark}") for length, mark in cuts]
    rows: list[list[Any]] = []
    for key, bloc in answer.blocs.items():
        row = [key, bloc.group, bloc.cost_musd, bloc.pain_musd, bloc.shortage_t]
        row += [bloc.leader_share.get(period) for period in periods]
        rows.append(row + [bloc.leverage_musd[length].get(mark) for length, mark in cuts])
    share = dict(zip(series.periods, series.leader_share, strict=True))
    # The buyers' cost holds rents that the leader and outsiders earn: it is the market's, not the sum of the blocs.
    total = ["market", "", market.buyers_cost_musd, market.market_pain_musd, market.shortage_t]
    total += [share[period] for period in periods]
    rows.append(total + [together[length].get(mark) for length, mark in cuts])
    note = (
        "Market: with the rents that the leader and outsiders earn. Cut-off: of one bloc alone; market: of all at once."
    )
    title = "Buyers, million USD, present value"
    return Table(title, columns, rows, emphasis=len(rows) - 1, note=note)


def _by_month(series: Series) -> Iterator[Table]:
    beside = {"rivals' sales": series.rivals_t, "stock at end": series.stock_t}
    yield from _monthly(series, "Exports by period, t", series.exports_t, True, beside)
    yield from _monthly(series, "Shortage by period, t", series.shortage_t, True, {})
    yield from _monthly(series, "Market price, USD/kg", series.price_usd_per_kg, False, {})


def _monthly(
    series: Series,
    title: str,
    blocs: Mapping[str, Sequence[float]],
    adds_up: bool,
    beside: Mapping[str, Sequence[float]],
) -> Iterator[Table]:
    columns = [*texts("period"), *map(Column, [*blocs, *["all"] * adds_up, *beside])]
    rows: list[list[Any]] = []
    for t, period in enumerate(series.periods[:FIRST]):
        figures = [flow[t] for flow in blocs.values()]
        rows.append([period, *figures, *[float(sum(figures))] * adds_up, *(flow[t] for flow in beside.values())])
    if any(any(row[1:]) for row in rows):
        yield Table(f"{title}, while licences hold", columns, rows, decimals=decimals(rows))


def _rents(series: Series) -> Iterator[Table]:
    """What the right to export earns: the licence, by bloc, and the exporters' capacity."""
    rents = series.rents_usd_per_kg
    columns = [*texts("period"), *(Column(bloc) for bloc in rents.licence), Column("exporters")]
    rows = [
        [period, *(flow[t] for flow in rents.licence.values()), rents.exporter[t]]
        for t, period in enumerate(series.periods[:FIRST])
    ]
    if any(abs(rent) > 0.005 for row in rows for rent in row[1:] if isinstance(rent, float)):
        title = "Licence rent by bloc and exporters' rent, USD/kg, while licences hold"
        yield Table(title, columns, rows, decimals=decimals(rows))


def _certificate(certificate: CertificateBlock) -> Table:
    checks = certificate.checks
    failed = [check.name for check in checks if not check.ok]
    rows: list[list[Any]] = [
        ["proof", certificate.proof],
        ["value, million USD", number(certificate.value_musd, 3)],
        ["bound", number(certificate.bound_musd, 3)],
        ["optimistic", number(certificate.optimistic_musd, 3)],
        ["pessimistic", number(certificate.pessimistic_musd, 3)],
        ["attained", certificate.attained],
        ["checks passed", f"{len(checks) - len(failed)} of {len(checks)}"],
        *(["failed", name] for name in failed),
    ]
    return Table("Certificate", texts("", ""), rows)
