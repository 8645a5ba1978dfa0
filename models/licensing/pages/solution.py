"""One strategy, whole: what it is worth, who pays, month by month, and what is proved."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from coercivity.engine.report.text import Block, Column, Prose, Table, number
from coercivity.models.licensing.pages.reactions import set_off
from coercivity.models.licensing.pages.words import (
    FIRST,
    TERMS,
    Data,
    decimals,
    heading,
    leader_shares,
    marks,
    musd,
    name,
    observed,
    path_table,
    texts,
)

MONTHLY = {
    "exports_t": "Exports by period, t",
    "shortage_t": "Shortage by period, t",
    "price_usd_per_kg": "Market price, USD/kg",
}


def solved(result: Data) -> list[Block]:
    """The report of one strategy."""
    return [
        Prose(heading(result), sentences(result)),
        path_table(result),
        _by_year(result),
        _by_bloc(result),
        *set_off(result),
        *_by_month(result),
        *_rents(result["series"]),
        *observed([result]),
        _certificate(result["certificate"]),
    ]


def sentences(result: Data) -> list[str]:
    """The answer in words: what one strategy comes to, or the verdict of a comparison."""
    return list(result["verdict"]["sentences"]) if "verdict" in result else list(_says(result))


def _says(result: Data) -> Iterator[str]:
    certificate, search, market = result["certificate"], result.get("search"), result["market"]
    worth = f"is worth {musd(result['leader']['value_musd'])} to the leader, in expected present value"
    if search:
        yield f"The best of {search['menu']:,} commitments on the menu {worth}."
        if not search["complete"]:
            yield f"The search was stopped after {search['screened']:,} of them: there may be a better one."
    else:
        yield f"{name(result)} ({result['strategy']['title']}) {worth}."
    low, high = certificate["pessimistic_musd"], certificate["optimistic_musd"]
    if high - low > 1e-6 * max(1.0, abs(high)):
        yield f"Buyers are indifferent between answers that leave the leader with {musd(low)} to {musd(high)}."
    pain = sum(bloc["pain_musd"] for bloc in result["blocs"].values())
    shortage, relation = number(market["shortage_t"], 0), "more" if pain >= 0 else "less"
    yield f"It costs the buyers {musd(abs(pain))} {relation} than open trade, with {shortage} t of expected shortage."
    rents = pain - market["market_pain_musd"]
    if abs(rents) > 1e-6 * max(1.0, abs(pain)):
        yield f"Of that, {musd(rents)} is rent that goes to the leader and to outsiders."
    if result["leader"]["terms_musd"].get("concession"):
        yield f"The target concedes with a probability of {number(100 * result['leader']['probability'], 1)} %."
    yield from _deviation(certificate)
    yield f"Proof: {certificate['proof']}, {certificate.get('says', '')}".rstrip(", ") + "."
    yield from (f"It rests on this: {assumption}." for assumption in certificate["assumptions"])


def _deviation(certificate: Data) -> Iterator[str]:
    gain, changed = certificate["best_deviation_gain_musd"], certificate.get("best_deviation")
    if gain is None or not isinstance(changed, list):
        return
    what = "; ".join(
        f"{row['posture']} for {row['group']}"
        + (f" ({row['product']})" if "product" in row else "")
        + f" from {row['begins']}"
        for row in changed
    )
    verb = "would add" if gain > 0 else "would cost"
    yield f"The best change of one posture, {what}, {verb} {musd(abs(gain))}."


def _by_year(result: Data) -> Table:
    leader = result["leader"]
    flows = leader["by_year"]
    terms = [term for term in TERMS if leader["terms_musd"].get(term) or any(flows.get(term, {}).values())]
    years = list(dict.fromkeys(year for term in terms for year in flows[term]))
    columns = [*texts("year"), *(Column(TERMS[term]) for term in terms), Column("payoff")]
    rows: list[list[Any]] = [["present value", *(leader["terms_musd"][term] for term in terms), leader["value_musd"]]]
    for year in years:
        figures = [flows[term].get(year, 0.0) for term in terms]
        rows.append([year, *figures, sum(figures)])
    note = "Present value: discounted; years: expected and undiscounted."
    title = "Leader's payoff by term, million USD"
    return Table(title, columns, rows, emphasis=0, decimals=decimals(rows), note=note)


def _by_bloc(result: Data) -> Table:
    series, market, together = result["series"], result["market"], result["all_blocs"]["leverage_musd"]
    periods, lengths = marks(series["periods"]), list(together)[:1]
    cuts = [(length, mark) for length in lengths for mark in marks(together[length])]
    columns = [*texts("bloc", "group"), Column("cost"), Column("pain"), Column("shortage, t")]
    columns += [Column(f"leader's share {period}, %", "percent") for period in periods]
    columns += [Column(f"{length} cut off after {mark}") for length, mark in cuts]
    rows: list[list[Any]] = []
    for key, bloc in result["blocs"].items():
        row = [key, bloc["group"], bloc["cost_musd"], bloc["pain_musd"], bloc["shortage_t"]]
        row += [bloc["leader_share"].get(period) for period in periods]
        rows.append(row + [bloc["leverage_musd"][length].get(mark) for length, mark in cuts])
    share = dict(zip(series["periods"], leader_shares(series), strict=True))
    # The buyers' cost holds rents that the leader and outsiders earn: it is the market's, not the sum of the blocs.
    total = ["market", "", market["buyers_cost_musd"], market["market_pain_musd"], market["shortage_t"]]
    total += [share[period] for period in periods]
    rows.append(total + [together[length].get(mark) for length, mark in cuts])
    note = (
        "Market: with the rents that the leader and outsiders earn. Cut-off: of one bloc alone; market: of all at once."
    )
    title = "Buyers, million USD, present value"
    return Table(title, columns, rows, emphasis=len(rows) - 1, decimals=decimals(rows), note=note)


def _by_month(result: Data) -> Iterator[Table]:
    series = result["series"]
    for key, title in MONTHLY.items():
        blocs = series[key]
        columns = [*texts("period"), *(Column(bloc) for bloc in blocs)]
        rows: list[list[Any]] = []
        for t, period in enumerate(series["periods"][:FIRST]):
            figures = [flows[t] for flows in blocs.values()]
            more = [float(sum(figures))] if key.endswith("_t") else []
            more += [series["rivals_t"][t], series["stock_t"][t]] if key == "exports_t" else []
            rows.append([period, *figures, *more])
        columns += [Column("all")] if key.endswith("_t") else []
        columns += [Column("rivals' sales"), Column("stock at end")] if key == "exports_t" else []
        if any(any(row[1:]) for row in rows):
            yield Table(f"{title}, while licences hold", columns, rows, decimals=decimals(rows))


def _rents(series: Data) -> Iterator[Table]:
    """What the right to export earns: the licence, by bloc, and the exporters' capacity."""
    rents = series.get("rents_usd_per_kg")
    if not rents:
        return
    columns = [*texts("period"), *(Column(bloc) for bloc in rents["licence"]), Column("exporters")]
    rows = [
        [period, *(flow[t] for flow in rents["licence"].values()), rents["exporter"][t]]
        for t, period in enumerate(series["periods"][:FIRST])
    ]
    if any(abs(rent) > 0.005 for row in rows for rent in row[1:]):
        title = "Licence rent by bloc and exporters' rent, USD/kg, while licences hold"
        yield Table(title, columns, rows, decimals=decimals(rows))


def _certificate(certificate: Data) -> Table:
    checks = certificate["checks"]
    failed = [check["name"] for check in checks if not check["ok"]]
    rows = [
        ["proof", certificate["proof"]],
        ["value, million USD", number(certificate["value_musd"], 3)],
        ["bound", number(certificate["bound_musd"], 3)],
        ["optimistic", number(certificate["optimistic_musd"], 3)],
        ["pessimistic", number(certificate["pessimistic_musd"], 3)],
        ["attained", certificate["attained"]],
        ["checks passed", f"{len(checks) - len(failed)} of {len(checks)}"],
        *(["failed", name] for name in failed),
    ]
    return Table("Certificate", texts("", ""), rows)
