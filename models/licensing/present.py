"""Results of the licensing game as tables, in the order in which an analyst asks: what wins, who pays, is it proved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from engine.report import Block, Column, Prose, Table, amount, decimals_for, number

Data = Mapping[str, Any]

TERMS = {
    "margin": "margin",
    "captured_rent": "licence rent",
    "exporter_rent": "exporter rent",
    "idle": "idle capacity",
    "buffer": "buffer",
    "concession": "concession",
    "tail": "market left",
}
FIRST = 12  # periods shown at the beginning
YEARS = ("2030", "2040")
MONEY = "million USD"


def compared(result: Data) -> list[Block]:
    """A comparison: the verdict, then the strategies side by side, the best first."""
    answers = sorted(result["strategies"], key=lambda answer: -_value(answer))
    found: list[Block] = [Prose(heading(result), sentences(result))]
    found.append(_payoffs(answers))
    found.append(_buyers(answers))
    found.append(_power(answers))
    found.append(_proofs(answers))
    found.append(path_table(answers[0]))
    found.extend(_monthly(answers, "exports_t", "Exports to all buyers by period, t, while licences hold"))
    found.extend(_monthly(answers, "shortage_t", "Shortage of all buyers by period, t, while licences hold"))
    found.extend(_break_evens(result["verdict"].get("break_even") or {}))
    found.extend(_observed(answers))
    return found


def solved(result: Data) -> list[Block]:
    """One strategy, whole."""
    found: list[Block] = [Prose(heading(result), sentences(result)), path_table(result)]
    found.append(_by_year(result))
    found.append(_by_bloc(result))
    found.extend(_by_month(result))
    found.extend(_observed([result]))
    found.append(_certificate(result["certificate"]))
    return found


def sentences(result: Data) -> list[str]:
    """The answer in words: the verdict of a comparison, or what one strategy comes to."""
    return list(result["verdict"]["sentences"]) if "verdict" in result else list(_says(result))


def heading(result: Data) -> str:
    """What was asked: the instance, and the money of its figures."""
    instance = result["instance"]
    money = f" ({instance['money']})" if instance.get("money") else ""
    return f"{instance['name']}: {instance['title']}{money}"


def _value(answer: Data) -> float:
    return float(answer["certificate"]["optimistic_musd"])


def _name(answer: Data) -> str:
    return str(answer["strategy"]["name"])


def _musd(value: float | None) -> str:
    return "n/a" if value is None else f"{number(value, 0 if abs(value) >= 1000 else 1)} {MONEY}"


def _decimals(rows: Sequence[Sequence[Any]]) -> int:
    """Decimals that suit the largest figure of a table whose figures are to be read together."""
    return decimals_for(value for row in rows for value in row if isinstance(value, float))


# -- side by side ----------------------------------------------------------------------------------------------


def _payoffs(answers: Sequence[Data]) -> Table:
    terms = [term for term in TERMS if any(answer["leader"]["terms_musd"].get(term) for answer in answers)]
    columns = [Column("strategy", "text"), Column("payoff"), *(Column(TERMS[term]) for term in terms)]
    rows = [
        [_name(answer), answer["leader"]["value_musd"], *(answer["leader"]["terms_musd"][term] for term in terms)]
        for answer in answers
    ]
    left_out = [TERMS[term] for term in TERMS if term not in terms]
    note = f"Zero everywhere: {', '.join(left_out)}." if left_out else ""
    title = "Leader's payoff by term, million USD, expected present value"
    return Table(title, columns, rows, emphasis=0, decimals=_decimals(rows), note=note)


def _buyers(answers: Sequence[Data]) -> Table:
    blocs = list(answers[0]["blocs"])
    columns = [
        Column("strategy", "text"), Column("concession probability, %", "percent"), Column("shortage, t"), Column("market pain"),
        *(Column(f"pain {bloc}") for bloc in blocs),
    ]  # fmt: skip
    rows = [
        [
            _name(answer), answer["leader"]["probability"], answer["market"]["shortage_t"], answer["market"]["market_pain_musd"],
            *(answer["blocs"][bloc]["pain_musd"] for bloc in blocs),
        ]
        for answer in answers
    ]  # fmt: skip
    note = "Pain: rise of the expected cost over open trade, less rents that the bloc earns; negative where it gains."
    pains = [row[3:] for row in rows]
    return Table("Buyers: pain in million USD, present value", columns, rows, emphasis=0, decimals=_decimals(pains), note=note)


def _power(answers: Sequence[Data]) -> Table:
    years = [year for year in YEARS if any(answer["shares"]["leader_foreign"].get(year) is not None for answer in answers)]
    length = next(iter(answers[0]["all_blocs"]["leverage_musd"]), None)
    # Where the calendar ends before those years, the share of the last period stands for them.
    last = answers[0]["series"]["periods"][-1]
    columns = [Column("strategy", "text")]
    columns += [Column(f"leader's share {year}, %", "percent") for year in years or [last]]
    columns += [Column(f"rivals' world share {year}, %", "percent") for year in years[:1]]
    rows: list[list[Any]] = [[_name(answer)] for answer in answers]
    for row, answer in zip(rows, answers, strict=True):
        row += [answer["shares"]["leader_foreign"].get(year) for year in years] or [leader_shares(answer["series"])[-1]]
        row += [answer["shares"]["rivals_world"].get(year) for year in years[:1]]
    if length is not None:
        curves = [answer["all_blocs"]["leverage_musd"][length] for answer in answers]
        for period in marks(list(curves[0])):
            columns.append(Column(f"{length} cut off after {period}, {MONEY}"))
            for row, curve in zip(rows, curves, strict=True):
                row.append(curve.get(period))
    note = "Leader's share: of what the buyers buy; rivals' world share: of all output, the leader's use at home included."
    return Table("Shares and leverage while licences hold", columns, rows, emphasis=0, decimals=_decimals(rows), note=note)


def marks(periods: Sequence[str]) -> list[str]:
    """The first of the periods, the last of 2030 and the last of all, each once."""
    of_2030 = [period for period in periods if period.startswith("2030")][-1:]
    return list(dict.fromkeys([*periods[:1], *of_2030, *periods[-1:]]))


def leader_shares(series: Data) -> list[float | None]:
    """The leader's share of what the buyers buy, period by period; None where nothing is bought."""
    exports = [sum(flows) for flows in zip(*series["exports_t"].values(), strict=True)]
    totals = [own + rivals for own, rivals in zip(exports, series["rivals_t"], strict=True)]
    return [own / total if total > 1e-9 else None for own, total in zip(exports, totals, strict=True)]


def _proofs(answers: Sequence[Data]) -> Table:
    without = any(answer["leader"].get("value_without_leakage_musd") is not None for answer in answers)
    columns = [Column("strategy", "text"), Column("optimistic"), Column("pessimistic")]
    columns += [Column("without leakage")] if without else []
    columns += [Column("best change would add", "signed"), Column("proof", "text"), Column("relative follower gap", "gap")]
    rows = []
    for answer in answers:
        certificate = answer["certificate"]
        row = [_name(answer), certificate["optimistic_musd"], certificate["pessimistic_musd"]]
        row += [answer["leader"].get("value_without_leakage_musd")] if without else []
        rows.append([*row, certificate["best_deviation_gain_musd"], certificate["proof"], certificate["follower_gap"]])
    note = (
        "Optimistic, pessimistic: payoff where buyers who are indifferent choose for or against the leader. "
        "Best change: of one posture in one phase, on the menu; n/a for a path that is not on it."
    )
    return Table("How sure: payoff in million USD", columns, rows, emphasis=0, decimals=_decimals(rows), note=note)


def _monthly(answers: Sequence[Data], key: str, title: str) -> Iterator[Table]:
    totals = [[sum(flows) for flows in zip(*answer["series"][key].values(), strict=True)][:FIRST] for answer in answers]
    if any(any(total) for total in totals):
        columns = [Column("strategy", "text"), *(Column(period) for period in answers[0]["series"]["periods"][:FIRST])]
        rows = [[_name(answer), *total] for answer, total in zip(answers, totals, strict=True)]
        yield Table(title, columns, rows, emphasis=0, decimals=_decimals(rows))


def _break_evens(break_even: Data) -> Iterator[Table]:
    rows = [
        [
            pair, f"{row['parameter']}, {row['unit']}", amount(row["break_even"]), amount(row["now"]),
            f"{amount(row['low'])} to {amount(row['high'])}", row["better_above"],
        ]
        for pair, found in break_even.items()
        for row in found
        if row["reachable"]
    ]  # fmt: skip
    if rows:
        columns = [
            Column("pair", "text"), Column("parameter", "text"), Column("break-even"), Column("assumed"), Column("range", "text"),
            Column("better above it", "text"),
        ]  # fmt: skip
        yield Table("Where the ranking turns, buyers' answers held", columns, rows, stacks=True)


# -- one strategy ----------------------------------------------------------------------------------------------


def _says(result: Data) -> Iterator[str]:
    """The answer in sentences."""
    certificate, search, strategy = result["certificate"], result.get("search"), result["strategy"]
    worth = f"is worth {_musd(result['leader']['value_musd'])} to the leader, in expected present value"
    if search:
        yield f"The best of {search['menu']:,} commitments on the menu {worth}."
        if not search["complete"]:
            yield f"The search was stopped after {search['screened']:,} of them: there may be a better one."
    else:
        yield f"{_name(result)} ({strategy['title']}) {worth}."
    low, high = certificate["pessimistic_musd"], certificate["optimistic_musd"]
    if high - low > 1e-6 * max(1.0, abs(high)):
        yield f"Buyers are indifferent between answers that leave the leader with {_musd(low)} to {_musd(high)}."
    market = result["market"]
    yield (
        f"It costs the buyers {_musd(market['market_pain_musd'])} more than open trade, with {number(market['shortage_t'], 0)} t "
        f"of expected shortage; the target concedes with a probability of {number(100 * result['leader']['probability'], 1)} %."
    )
    yield from _deviation(certificate)
    yield f"Proof: {certificate['proof']}, {certificate.get('says', '')}".rstrip(", ") + "."
    yield from (f"It rests on this: {assumption}." for assumption in certificate["assumptions"])


def _deviation(certificate: Data) -> Iterator[str]:
    gain, changed = certificate["best_deviation_gain_musd"], certificate.get("best_deviation")
    if gain is None or not isinstance(changed, list):
        return
    what = "; ".join(
        f"{row['posture']} for {row['group']}" + (f" ({row['product']})" if "product" in row else "") + f" from {row['begins']}"
        for row in changed
    )
    verb = "would add" if gain > 0 else "would cost"
    yield f"The best change of one posture, {what}, {verb} {_musd(abs(gain))}."


def path_table(answer: Data) -> Table:
    """The postures of a strategy: phases down, groups across."""
    rows: dict[str, list[Any]] = {}
    groups = list(dict.fromkeys(row["group"] for row in answer["strategy"]["path"]))
    hazards = answer["strategy"].get("hazards", {})
    for row in answer["strategy"]["path"]:
        cells = rows.setdefault(row["phase"], [row["phase"], row["begins"], *[""] * len(groups), hazards.get(row["phase"])])
        at = 2 + groups.index(row["group"])
        words = f"{row['product']}: {row['posture']}" if "product" in row else row["posture"]
        cells[at] = f"{cells[at]}; {words}" if cells[at] else words
    columns = [Column("phase", "text"), Column("begins", "text"), *(Column(group, "text") for group in groups)]
    columns.append(Column("hazard of breakdown, %", "percent"))
    fed = answer["strategy"].get("fed_volumes_t") or {}
    note = "Fed in from the record, t: " + ", ".join(f"{month} {number(tonnes, 0)}" for month, tonnes in fed.items()) + "." if fed else ""
    return Table(f"Postures of {_name(answer)}", columns, list(rows.values()), stacks=True, note=note)


def _by_year(result: Data) -> Table:
    leader = result["leader"]
    terms = [term for term in TERMS if leader["terms_musd"].get(term) or any(leader["by_year"].get(term, {}).values())]
    years = list(dict.fromkeys(year for term in terms for year in leader["by_year"][term]))
    columns = [Column("year", "text"), *(Column(TERMS[term]) for term in terms), Column("payoff")]
    rows: list[list[Any]] = [["present value", *(leader["terms_musd"][term] for term in terms), leader["value_musd"]]]
    for year in years:
        flows = [leader["by_year"][term].get(year, 0.0) for term in terms]
        rows.append([year, *flows, sum(flows)])
    note = "Present value: discounted; years: expected and undiscounted."
    return Table("Leader's payoff by term, million USD", columns, rows, emphasis=0, decimals=_decimals(rows), note=note)


def _by_bloc(result: Data) -> Table:
    periods = marks(list(next(iter(result["blocs"].values()))["leader_share"]))
    length = next(iter(result["all_blocs"]["leverage_musd"]), None)
    cuts = marks(list(result["all_blocs"]["leverage_musd"][length])) if length is not None else []
    columns = [Column("bloc", "text"), Column("group", "text"), Column("cost"), Column("pain"), Column("shortage, t")]
    columns += [Column(f"leader's share {period}, %", "percent") for period in periods]
    columns += [Column(f"{length} cut off after {period}") for period in cuts]
    rows = []
    for name, bloc in result["blocs"].items():
        row = [name, bloc["group"], bloc["cost_musd"], bloc["pain_musd"], bloc["shortage_t"]]
        row += [bloc["leader_share"].get(period) for period in periods]
        rows.append(row + [bloc["leverage_musd"].get(length, {}).get(period) for period in cuts])
    market, share = result["market"], dict(zip(result["series"]["periods"], leader_shares(result["series"]), strict=True))
    # Outsiders' and the leader's rents belong to the buyers' cost, so the sum is the market's and not that of the blocs.
    total = ["market", "", market["buyers_cost_musd"], market["market_pain_musd"], market["shortage_t"]]
    total += [share.get(period) for period in periods]
    rows.append(total + [result["all_blocs"]["leverage_musd"][length].get(period) for period in cuts])
    note = "The market's figures include rents that the leader and outsiders earn; a cut-off of one bloc alone, and of all together."
    return Table("Buyers, million USD, present value", columns, rows, emphasis=len(rows) - 1, decimals=_decimals(rows), note=note)


def _by_month(result: Data) -> Iterator[Table]:
    series = result["series"]
    for key, title in (("exports_t", "Exports by period, t"), ("shortage_t", "Shortage by period, t"), ("price_usd_per_kg", "Market price, USD/kg")):
        blocs = series[key]
        columns = [Column("period", "text"), *(Column(bloc) for bloc in blocs)]
        rows = [[period, *(flows[t] for flows in blocs.values())] for t, period in enumerate(series["periods"][:FIRST])]
        if key.endswith("_t"):
            columns.append(Column("all"))
            rows = [[*row, float(sum(row[1:]))] for row in rows]
        if key == "exports_t":
            columns += [Column("rivals' sales"), Column("stock at end")]
            rows = [[*row, series["rivals_t"][t], series["stock_t"][t]] for t, row in enumerate(rows)]
        if any(any(row[1:]) for row in rows):
            yield Table(f"{title}, while licences hold", columns, rows, decimals=_decimals(rows))


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
    return Table("Certificate", [Column("", "text"), Column("", "text")], rows)


# -- fed and observed ------------------------------------------------------------------------------------------


def _observed(answers: Sequence[Data]) -> Iterator[Table]:
    """What the model was given, and what it was not, beside the record."""
    facts = [fact for answer in answers for fact in answer["observations"]]
    columns = [
        Column("fact", "text"), Column("model"), Column("record"), Column("low"), Column("high"), Column("unit", "text"), Column("inside"),
    ]  # fmt: skip
    for fed, title in ((False, "Observed: the model beside the record"), (True, "Fed: what the model was given")):
        rows = [_fact(fact) for fact in facts if fact["fed"] == fed]
        if rows:
            yield Table(title, columns, rows, stacks=True)


def _fact(fact: Data) -> list[Any]:
    """One fact; tonnes or percent, each written as suits it."""
    is_share = fact["measure"] in ("export_share", "rival_world_share", "rival_foreign_share")
    figures = [fact[key] for key in ("model", "recorded", "low", "high")]
    written = [number(None if x is None else 100 * x, 1) if is_share else number(x, 0) for x in figures]
    return [fact["title"], *written, "%" if is_share else "t", fact["inside"]]
