"""Results of the licensing game as one long frame, for a spreadsheet, and as pictures."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any

from coercivity.engine.data.values import meanings
from coercivity.engine.report.charts.page import Picture
from coercivity.models.licensing.answers.commands import Comparison, Solution
from coercivity.models.licensing.answers.reactions import Reactions
from coercivity.models.licensing.answers.values import Answer, Series
from coercivity.models.licensing.data.quantity import month_index, month_name
from coercivity.models.licensing.pages.words import MONEY, TERMS

PAYOFF = "Leader's payoff by term (tick: sum)"
EXPORTS = "Exports to all buyers, while licences hold"
SHARE = "Leader's share of what the buyers buy, while licences hold"
FIELDS = ("strategy", "figure", "bloc", "period", "unit", "value")
# How a field is called after its unit, which a figure is not: it has a unit of its own.
ENDINGS = {MONEY: "_musd", "USD/kg": "_usd_per_kg", "t/yr": "_t_per_yr", "t": "_t"}


def long_rows(result: Solution | Comparison) -> list[dict[str, Any]]:
    """Every figure of a result in a row of its own, with the fields :data:`FIELDS`."""
    return [
        dict(zip(FIELDS, (answer.strategy.name, *row), strict=True))
        for answer in result.answers
        for row in _figures(answer)
    ]


Row = tuple[str, str | None, str | None, str, Any]


def _figures(answer: Answer) -> Iterator[Row]:
    """Figure, bloc, period, unit and value; the figure is named by its path in the JSON."""
    yield from _flat("leader", answer.leader)
    for term, value in answer.leader.terms_musd.items():
        yield (f"leader.terms.{term}", None, None, MONEY, value)
    for term, flow in answer.leader.by_year.items():
        yield from ((f"leader.by_year.{term}", None, year, MONEY, value) for year, value in flow.items())
    yield from _flat("market", answer.market)
    for bloc, told in answer.blocs.items():
        yield from ((figure, bloc, *rest) for figure, _, *rest in _flat("blocs", told) if isinstance(rest[-1], float))
        yield from (("blocs.leader_share", bloc, period, "1", share) for period, share in told.leader_share.items())
        yield from _cut_offs("blocs.leverage", bloc, told.leverage_musd)
    yield from _cut_offs("all_blocs.leverage", None, answer.all_blocs.leverage_musd)
    yield from _cut_offs("all_blocs.asymmetry", None, answer.all_blocs.asymmetry_musd)
    for entry in fields(answer.shares):
        by_year = getattr(answer.shares, entry.name)
        yield from ((f"shares.{entry.name}", None, year, "1", value) for year, value in by_year.items())
    for field, part, of, path in answer.series.flows():
        figure, unit = _told(Series, field)
        periods = zip(answer.series.periods, path, strict=True)
        yield from ((f"series.{figure}{part}", of, period, unit, value) for period, value in periods)
    for fact in answer.observations:
        span = f"{fact.begins}/{fact.ends}"
        for key in ("model", "recorded", "low", "high"):
            yield (f"observations.{fact.name}.{key}", fact.bloc, span, fact.unit, getattr(fact, key))
    yield from _reactions(answer.reactions)
    yield from _flat("certificate", answer.certificate)


def _reactions(told: Reactions) -> Iterator[Row]:
    yield from (("reactions.trust", None, phase, "", state) for phase, state in told.trust.items())
    yield from (("reactions.hazards", None, phase, "1", x) for phase, x in told.hazards.items())
    yield from (("reactions.leader_hazards", None, phase, "1", x) for phase, x in told.leader_hazards.items())
    for name, measure in told.countermeasures.items():
        for spell in measure.spells:
            yield (f"reactions.countermeasures.{name}", None, f"{spell.begins}/{spell.ends}", "1", True)
    for name, firm in told.home.firms.items():
        yield (f"reactions.firms.{name}.weeks_to_insolvency", None, None, "week", firm.weeks_to_insolvency)
        yield (f"reactions.firms.{name}.support", None, None, MONEY, firm.support_musd)


def _told(kind: type, field: str) -> tuple[str, str]:
    """What the figure in a field is called, and its unit: both stand beside the field."""
    unit, has_unit, _ = meanings(kind)[field].partition(";")
    return (field.removesuffix(ENDINGS.get(unit, "")), unit) if has_unit else (field, "")


def _flat(head: str, block: Any) -> Iterator[Row]:
    """The figures and words that stand directly in a block."""
    for entry in fields(block):
        value = getattr(block, entry.name)
        figure, unit = _told(type(block), entry.name)
        is_told = value is not None or (bool(unit) and not entry.metadata)
        if (is_told and not isinstance(value, Mapping | Sequence)) or isinstance(value, str):
            yield (f"{head}.{figure}", None, None, unit, value)


def _cut_offs(figure: str, bloc: str | None, curves: Mapping[str, Mapping[str, float]]) -> Iterator[Row]:
    for length, curve in curves.items():
        name = f"{figure}.{length.replace(' ', '_')}"
        yield from ((name, bloc, period, MONEY, value) for period, value in curve.items())


# -- pictures --------------------------------------------------------------------------------------------------


def pictures(result: Solution | Comparison) -> list[Picture]:
    """What the page of a comparison or of a solution shows."""
    answers = sorted(result.answers, key=lambda answer: -answer.leader.value_musd)
    names = [answer.strategy.name for answer in answers]
    # Colours go by the order in the file, so that a strategy has the same one whatever it is worth.
    stated = [answer.strategy.name for answer in result.answers]
    return [
        Picture("payoff", PAYOFF, "bars", list(_payoff(answers)), "million USD, present value", names),
        Picture("exports", EXPORTS, "steps", list(_timed(answers, _exports)), "t per month", stated),
        Picture("leverage", _leverage_title(answers[0]), "lines", list(_curves(answers)), "million USD", stated),
        Picture("share", SHARE, "steps", list(_timed(answers, _shares)), "share", stated, percent=True),
    ]


def _payoff(answers: Sequence[Answer]) -> Iterator[dict[str, Any]]:
    for term, label in TERMS.items():
        for answer in answers:
            value = answer.leader.terms_musd.get(term)
            if value:
                yield {"label": answer.strategy.name, "series": label, "value": value}


def _begins(series: Series) -> list[str]:
    """The first day of each period; the first period is named by its year, quarter or month."""
    first = series.periods[0].partition("+")[0]
    year, _, quarter = first.partition("Q")
    start = month_index(first if "-" in first else f"{year}-{3 * int(quarter or 1) - 2:02d}")
    return [f"{month_name(start + passed)}-01T00:00" for passed in itertools.accumulate(series.months, initial=0)]


def _timed(
    answers: Sequence[Answer], values_of: Callable[[Series], Sequence[float | None]]
) -> Iterator[dict[str, Any]]:
    for answer in answers:
        series, values = answer.series, values_of(answer.series)
        # A step holds to the end of its period, so the last one is repeated there.
        for period, date, value in zip(
            [*series.periods, series.periods[-1]], _begins(series), [*values, values[-1]], strict=True
        ):
            if value is not None:
                yield {"label": period, "series": answer.strategy.name, "date": date, "value": value}


def _exports(series: Series) -> list[float]:
    flows = zip(*series.exports_t.values(), strict=True)
    return [sum(flow) / months for flow, months in zip(flows, series.months, strict=True)]


def _shares(series: Series) -> Sequence[float | None]:
    return series.leader_share


def _leverage_title(answer: Answer) -> str:
    length = next(iter(answer.all_blocs.leverage_musd), None)
    return f"Leverage: cost to all buyers of an unannounced cut-off of {length} at the end of a period"


def _curves(answers: Sequence[Answer]) -> Iterator[dict[str, Any]]:
    for answer in answers:
        curve: Mapping[str, float] = next(iter(answer.all_blocs.leverage_musd.values()), {})
        ends = dict(zip(answer.series.periods, _begins(answer.series)[1:], strict=True))
        for period, value in curve.items():
            yield {"label": period, "series": answer.strategy.name, "date": ends[period], "value": value}
