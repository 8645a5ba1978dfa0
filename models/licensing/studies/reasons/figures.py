"""What makes one figure: the parts that add up to it, what stands beside it, and the numbers that it rests on directly."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from coercivity.engine.errors import UsageError, check_name
from coercivity.engine.report.text import number
from coercivity.models.licensing.answers.commands import reproduced
from coercivity.models.licensing.answers.game import StrategyAnswers
from coercivity.models.licensing.answers.results import Assessment, assess, expected
from coercivity.models.licensing.answers.subject import subject_of
from coercivity.models.licensing.answers.verdict.first import Statement
from coercivity.models.licensing.answers.verdict.wording import MONEY, TERMS
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.data.provenance import sources_table
from coercivity.models.licensing.reading.accounts import accounts_by_law
from coercivity.models.licensing.studies.reasons.values import Figure, Halved, Input, Part

LAWS = {
    "demand_balance": "what it uses, at its market price",
    "unmet_cap": "outages, beyond what they cost at that price",
    "export_licence": "rents of its importers' licences",
    "quarterly_release": "rents of its importers' licences by quarter",
    "exporter_capacity": "its part of the exporters' rent",
    "rival_capacity": "rents of its plants",
    "rival_feed": "rents of its plants' feed",
    "expansion_total": "rents of its sites for plants",
    "reexport_capacity": "rents of its routes",
    "bounds": "rents of what has a limit of its own",
    "constants": "empty shelves, and upkeep of what stands at first",
    "contracts": "what contracts leave to buyers and take from owners",
}
SHOWN = "blocs.NAME.pain, blocs.NAME.cost, leader.value, or leader.TERM"


def figure_of(instance: Instance, path: str, strategy: str) -> Figure:
    """What makes one figure of the answer to a strategy.

    Raises
    ------
    UsageError
        There is no such figure or strategy, or it is none that can be taken apart.
    """
    check_name("--strategy", strategy, instance.strategies, "strategies")
    parts = path.split(".")
    answers = StrategyAnswers(instance)
    if parts[0] == "blocs" and len(parts) == 3 and parts[2] in ("pain", "cost"):
        check_name("--figure", parts[1], instance.blocs, "blocs")
        found = _of_bloc(answers, parts[1], parts[2], strategy)
    elif parts[0] == "leader" and len(parts) == 2:
        check_name("--figure", parts[1], ["value", *TERMS], "terms")
        found = _of_leader(answers, parts[1], strategy)
    else:
        raise UsageError(f"--figure {path}", "is no figure that can be taken apart", f"write {SHOWN}")
    return replace(found, figure=path)


def _assessed(answers: StrategyAnswers, name: str) -> Assessment:
    is_base = name == answers.instance.baseline
    return answers.base if is_base else assess(answers.game, answers.game.announce(name), None)


def _of_bloc(answers: StrategyAnswers, bloc: str, what: str, strategy: str) -> Figure:
    instance, market = answers.instance, answers.game.market
    column = list(instance.blocs).index(bloc)
    one = _assessed(answers, strategy)
    base = answers.base if what == "pain" else None
    mine = {
        law: float(totals[column]) / 1000.0 for law, totals in accounts_by_law(instance, market, one.response).items()
    }
    theirs = {}
    if base is not None:
        found = accounts_by_law(instance, market, base.response)
        theirs = {law: float(totals[column]) / 1000.0 for law, totals in found.items()}
    parts = [
        Part(LAWS.get(law, law.replace("_", " ")), mine.get(law, 0.0), theirs.get(law) if theirs else None)
        for law in dict.fromkeys([*mine, *theirs])
        if abs(mine.get(law, 0.0) - theirs.get(law, 0.0)) > 1e-6
    ]
    value = sum(mine.values()) - sum(theirs.values())
    parts.sort(key=lambda part: -abs(part.value - (part.base or 0.0)))
    return _figure(answers, strategy, value, parts, list(_tonnes(answers, bloc, column, strategy)), f"blocs.{bloc}.")


def _tonnes(answers: StrategyAnswers, bloc: str, column: int, strategy: str) -> Iterator[Part]:
    """What the bloc buys of whom, and does without, expected tonnes over all periods."""
    from coercivity.models.licensing.answers.backtest.measures import bloc_supply, shortage

    rows = []
    for assessment in (_assessed(answers, strategy), answers.base):
        response = assessment.response
        exports, rivals = bloc_supply(response)
        short = shortage(response)
        rows.append([float(expected(response, flow).sum(axis=0)[column]) for flow in (exports, rivals, short)])
    for what, value, base in zip(
        ("bought of the leader, t", "bought of rivals, t", "done without, t"), *rows, strict=True
    ):
        yield Part(what, value, base)


def _of_leader(answers: StrategyAnswers, term: str, strategy: str) -> Figure:
    payoff = answers.game.evaluate(answers.game.announce(strategy)).payoff
    if term == "value":
        parts = [Part(TERMS[name], value, None) for name, value in payoff.terms.items() if value]
        value, block = payoff.value, "leader."
    else:
        flow = payoff.by_year.get(term, {})
        discounted = payoff.terms.get(term, 0.0)
        parts = [Part(f"{year}, undiscounted", value, None) for year, value in flow.items() if value]
        parts.append(Part("discounting", discounted - sum(flow.values()), None))
        value, block = discounted, "concession." if term == "concession" else "leader."
    parts.sort(key=lambda part: -abs(part.value))
    return _figure(answers, strategy, value, parts, [], block)


def _figure(
    answers: StrategyAnswers, strategy: str, value: float, parts: Sequence[Part], beside: Sequence[Part], block: str
) -> Figure:
    rows = [row for row in sources_table(answers.instance) if row.path.startswith(block)]
    inputs = [Input(row.path, row.value, row.unit, row.kind, row.grade, list(row.sources)) for row in rows]
    title = answers.instance.strategies[strategy].title
    told = [f"{part.what} {number(part.value - (part.base or 0.0), 1, sign=True)}" for part in parts[:3]]
    says = f"Under {title} it is {number(value, 1)} {MONEY}" + (f", mainly: {'; '.join(told)}." if told else ".")
    assumed = sum(one.kind == "assumed" for one in inputs)
    rest = f"Of {len(inputs)} numbers that it rests on directly {assumed} are assumed."
    sentences = [
        Statement("figure", says, {"value": value}, [strategy]),
        Statement("inputs", rest, {"inputs": len(inputs), "assumed": assumed}),
    ]
    subject = subject_of(answers.instance)
    return Figure(1, "why-figure", subject, strategy, "", MONEY, value, list(parts), list(beside), inputs, sentences,
                  reproduced(answers.instance))  # fmt: skip


def halved(instance: Instance, what: str, strategies: Sequence[str]) -> Halved:
    """When leverage, or the leader's share, has fallen to half of what it begins with.

    Parameters
    ----------
    what : ``leverage`` or ``share``
    strategies : named ones; all where empty

    Raises
    ------
    UsageError
        No such strategy, or the instance asks for no leverage.
    """
    for name in strategies:
        check_name("--strategy", name, instance.strategies, "strategies")
    if what == "leverage" and instance.leverage is None:
        raise UsageError(
            instance.name, "asks for no leverage", "add a block leverage with lengths, or ask for the share"
        )
    answers = StrategyAnswers(instance)
    curves: dict[str, dict[str, float]] = {}
    for name in strategies or list(instance.strategies):
        answer = answers.named(name)
        if what == "leverage":
            curves[name] = dict(next(iter(answer.all_blocs.leverage_musd.values())))
        else:
            shares = zip(answer.series.periods, answer.series.leader_share, strict=True)
            curves[name] = {period: share for period, share in shares if share is not None}
    when, sentences = {}, []
    for name, curve in curves.items():
        first = next(iter(curve.values()))
        when[name] = next((at for at, value in curve.items() if value <= 0.5 * first), None)
        left = list(curve.values())[-1] / first if first else 1.0
        title = instance.strategies[name].title
        sentences.append(_halved_says(title, name, what, when[name], left, list(curve)[-1]))
    begins = {name: next(iter(curve.values())) for name, curve in curves.items()}
    ends = {name: list(curve.values())[-1] for name, curve in curves.items()}
    last = list(next(iter(curves.values())))[-1]
    titles = {name: instance.strategies[name].title for name in curves}
    unit = MONEY if what == "leverage" else "1"
    return Halved(
        1,
        "why-date",
        subject_of(instance),
        what,
        unit,
        titles,
        begins,
        when,
        ends,
        last,
        sentences,
        reproduced(instance),
    )


def _halved_says(title: str, name: str, what: str, at: str | None, left: float, last: str) -> Statement:
    subject = "leverage" if what == "leverage" else "the leader's share"
    if at is None:
        says = f"{title}: {subject} never halves by the end of {last}; {left:.0%} of it is left."
    else:
        says = f"{title}: {subject} has halved by the end of {at}; {left:.0%} is left at the end of {last}."
    return Statement("halved" if at else "not_halved", says, {"left": left}, [name])
