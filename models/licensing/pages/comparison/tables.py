"""A comparison: the verdict, then the strategies side by side, the best first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from coercivity.engine.report.text import Block, Column, Prose, Table, amount
from coercivity.models.licensing.answers.commands import Comparison
from coercivity.models.licensing.answers.values import Answer, Series
from coercivity.models.licensing.answers.verdict.verdict import Turn
from coercivity.models.licensing.pages import reactions
from coercivity.models.licensing.pages.words import (
    FIRST,
    MONEY,
    TERMS,
    decimals,
    marks,
    observed,
    path_table,
    texts,
)

# As many turns of a decade as a table of shares has room for.
TURNS = 2


def compared(result: Comparison) -> list[Block]:
    """The report of a comparison."""
    answers = sorted(result.strategies, key=lambda answer: -answer.certificate.optimistic_musd)
    return [
        Prose(result.instance.heading, result.verdict.sentences),
        _payoffs(answers),
        _buyers(answers),
        *_harm(answers),
        _power(answers),
        *reactions.compared(answers),
        *([] if result.promises is None else [reactions.promised(result.promises)]),
        _proofs(answers),
        path_table(answers[0]),
        *_monthly(answers, lambda series: series.exports_t, "Exports to all buyers by period, t, while licences hold"),
        *_monthly(
            answers, lambda series: series.shortage_t, "Shortage of all buyers by period, t, while licences hold"
        ),
        *_break_evens(result.verdict.break_even),
        *observed(answers),
    ]


def _payoffs(answers: Sequence[Answer]) -> Table:
    terms = [term for term in TERMS if any(answer.leader.terms_musd.get(term) for answer in answers)]
    columns = [*texts("strategy"), Column("payoff"), *(Column(TERMS[term]) for term in terms)]
    rows = [
        [answer.strategy.name, answer.leader.value_musd, *(answer.leader.terms_musd[term] for term in terms)]
        for answer in answers
    ]
    known = {term for answer in answers for term in answer.leader.terms_musd}
    left_out = [TERMS[term] for term in TERMS if term in known and term not in terms]
    note = f"Zero everywhere: {', '.join(left_out)}." if left_out else ""
    title = "Leader's payoff by term, million USD, expected present value"
    return Table(title, columns, rows, emphasis=0, decimals=decimals(rows), note=note)


def _buyers(answers: Sequence[Answer]) -> Table:
    blocs = list(answers[0].blocs)
    columns = [*texts("strategy"), Column("concession probability, %", "percent"), Column("shortage, t")]
    columns += [Column("market pain"), *(Column(f"pain {bloc}") for bloc in blocs)]
    rows, pains = [], []
    for answer in answers:
        market = answer.market
        pains.append([market.market_pain_musd, *(answer.blocs[bloc].pain_musd for bloc in blocs)])
        rows.append([answer.strategy.name, answer.leader.probability, market.shortage_t, *pains[-1]])
    note = "Pain: rise of the expected cost over open trade, less rents that the bloc earns; negative where it gains."
    title = "Buyers: pain in million USD, present value"
    return Table(title, columns, rows, emphasis=0, decimals=decimals(pains), note=note)


def _harm(answers: Sequence[Answer]) -> Iterator[Table]:
    """What the measures against each bloc cost; not in results that were saved before it was told."""
    blocs = list(answers[0].blocs)
    rows = [[answer.strategy.name, *(answer.blocs[bloc].harm_musd for bloc in blocs)] for answer in answers]
    if len(blocs) < 2 or any(harm is None for row in rows for harm in row):
        return
    note = (
        "What it would save all buyers together if this bloc alone were treated as under open trade, what is feared left as it is. "
        "No tie moves it, and no rent hides it."
    )
    columns = [*texts("strategy"), *(Column(f"against {bloc}") for bloc in blocs)]
    yield Table("Harm of the measures against a bloc, million USD, present value", columns, rows, emphasis=0,
                decimals=decimals([row[1:] for row in rows]), note=note)  # fmt: skip


def _power(answers: Sequence[Answer]) -> Table:
    known = answers[0].shares.leader_foreign
    years = sorted(known)[:TURNS]
    # Where the calendar ends before those years, the share of the last period stands for them.
    last = answers[0].series.periods[-1]
    lengths = list(answers[0].all_blocs.leverage_musd)[:1]
    columns = [*texts("strategy"), *(Column(f"leader's share {year}, %", "percent") for year in years or [last])]
    columns += [Column(f"rivals' world share {year}, %", "percent") for year in years[:1]]
    cuts = [(length, mark) for length in lengths for mark in marks(answers[0].all_blocs.leverage_musd[length])]
    columns += [Column(f"{length} cut off after {mark}, {MONEY}") for length, mark in cuts]
    columns += [Column(f"less the leader's own loss, {mark}") for _, mark in cuts[-1:]]
    rows: list[list[Any]] = []
    for answer in answers:
        shares, curves = answer.shares, answer.all_blocs.leverage_musd
        row: list[Any] = [answer.strategy.name]
        row += [shares.leader_foreign.get(year) for year in years] or [answer.series.leader_share[-1]]
        row += [shares.rivals_world.get(year) for year in years[:1]]
        row += [curves[length].get(mark) for length, mark in cuts]
        rows.append(row + [answer.all_blocs.asymmetry_musd[length].get(mark) for length, mark in cuts[-1:]])
    note = (
        "Leader's share: of what the buyers buy; rivals' world share: of all output, the leader's use at home included. "
        "Cut off: what it would cost all buyers; the last column is what that exceeds the leader's own loss by."
    )
    title = "Shares and leverage while licences hold"
    return Table(title, columns, rows, emphasis=0, decimals=decimals(rows), note=note)


def _proofs(answers: Sequence[Answer]) -> Table:
    without = any(answer.leader.value_without_leakage_musd is not None for answer in answers)
    columns = [*texts("strategy"), Column("optimistic"), Column("pessimistic")]
    columns += [Column("without leakage")] if without else []
    columns += [Column("best change would add", "signed"), *texts("proof"), Column("relative follower gap", "gap")]
    rows: list[list[Any]] = []
    for answer in answers:
        certificate = answer.certificate
        figures: list[float | None] = [certificate.optimistic_musd, certificate.pessimistic_musd]
        figures += [answer.leader.value_without_leakage_musd] if without else []
        gain, proof = certificate.best_deviation_gain_musd, certificate.proof
        rows.append([answer.strategy.name, *figures, gain, proof, certificate.follower_gap])
    note = (
        "Optimistic, pessimistic: payoff where buyers who are indifferent choose for or against the leader. "
        "Best change: of one posture in one phase, on the menu; n/a for a path that is not on it."
    )
    title = "How sure: payoff in million USD"
    return Table(title, columns, rows, emphasis=0, decimals=decimals(rows), note=note)


def _monthly(
    answers: Sequence[Answer], flows_of: Callable[[Series], Mapping[str, Sequence[float]]], title: str
) -> Iterator[Table]:
    columns = [*texts("strategy"), *(Column(period) for period in answers[0].series.periods[:FIRST])]
    rows = []
    for answer in answers:
        flows = zip(*flows_of(answer.series).values(), strict=True)
        rows.append([answer.strategy.name, *[float(sum(flow)) for flow in flows][:FIRST]])
    if any(any(row[1:]) for row in rows):
        yield Table(title, columns, rows, emphasis=0, decimals=decimals(rows))


def _break_evens(break_even: Mapping[str, Sequence[Turn]]) -> Iterator[Table]:
    rows = []
    for pair, found in break_even.items():
        for turn in found:
            if turn.reachable:
                span = f"{amount(turn.low)} to {amount(turn.high)}"
                figures = [amount(turn.break_even), amount(turn.now), span]
                rows.append([pair, f"{turn.parameter}, {turn.unit}", *figures, turn.better_above])
    if rows:
        columns = [
            *texts("pair", "parameter"),
            Column("break-even"),
            Column("assumed"),
            *texts("range", "better above it"),
        ]
        yield Table("Where the ranking turns, buyers' answers held", columns, rows, stacks=True)
