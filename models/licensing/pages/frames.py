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
TAIL = "tail: trade is open"
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
    called = _called(result.answers)
    ranked = sorted(called, key=lambda title: -called[title].leader.value_musd)
    # Colours go by the order in the file, so that a strategy has the same one whatever it is worth.
    stated, (turns, after) = list(called), _turns(result)
    through: dict[str, Any] = {"order": stated, "turns": turns, "after": after}
    return [
        Picture("payoff", PAYOFF, "bars", list(_payoff(called)), "million USD, present value", ranked),
        Picture("exports", EXPORTS, "steps", list(_timed(called, _exports)), "t per month", **through),
        Picture(
            "leverage", _leverage_title(result.answers[0]), "lines", list(_curves(called)), "million USD", **through
        ),
        Picture("share", SHARE, "steps", list(_timed(called, _shares)), "share", percent=True, **through),
    ]


def _called(answers: Sequence[Answer]) -> dict[str, Answer]:
    """Answers by the title of their strategy, or by its name where two have one title."""
    titles = [answer.strategy.title for answer in answers]
    return {
        title if titles.count(title) == 1 else answer.strategy.name: answer
        for title, answer in zip(titles, answers, strict=True)
    }


def _turns(result: Solution | Comparison) -> tuple[list[tuple[str, str]], tuple[str, str] | None]:
    """When each phase begins, and the tail, as dates of a picture, from the instance that the result carries."""
    from ruamel.yaml import YAML

    found = {row.phase: row.begins for row in result.answers[0].strategy.path}
    turns = [(f"{begins}-01T00:00", phase) for phase, begins in found.items()]
    text = result.manifest.get("effective_instance")
    tail = None if text is None else YAML(typ="safe").load(text).get("tail")
    return turns, None if tail is None else (f"{tail}-01T00:00", TAIL)


def _payoff(called: Mapping[str, Answer]) -> Iterator[dict[str, Any]]:
    for term, label in TERMS.items():
        for title, answer in called.items():
            value = answer.leader.terms_musd.get(term)
            if value:
                yield {"label": title, "series": label, "value": value}


def _begins(series: Series) -> list[str]:
    """The first day of each period; the first period is named by its year, quarter or month."""
    first = series.periods[0].partition("+")[0]
    year, _, quarter = first.partition("Q")
    start = month_index(first if "-" in first else f"{year}-{3 * int(quarter or 1) - 2:02d}")
    return [f"{month_name(start + passed)}-01T00:00" for passed in itertools.accumulate(series.months, initial=0)]


def _timed(
    called: Mapping[str, Answer], values_of: Callable[[Series], Sequence[float | None]]
) -> Iterator[dict[str, Any]]:
    for title, answer in called.items():
        series, values = answer.series, values_of(answer.series)
        # A step holds to the end of its period, so the last one is repeated there.
        for period, date, value in zip(
            [*series.periods, series.periods[-1]], _begins(series), [*values, values[-1]], strict=True
        ):
            if value is not None:
                yield {"label": period, "series": title, "date": date, "value": value}


def _exports(series: Series) -> list[float]:
    flows = zip(*series.exports_t.values(), strict=True)
    return [sum(flow) / months for flow, months in zip(flows, series.months, strict=True)]


def _shares(series: Series) -> Sequence[float | None]:
    return series.leader_share


def _leverage_title(answer: Answer) -> str:
    length = next(iter(answer.all_blocs.leverage_musd), None)
    return f"Leverage: cost to all buyers of an unannounced cut-off of {length} at the end of a period"


def _curves(called: Mapping[str, Answer]) -> Iterator[dict[str, Any]]:
    for title, answer in called.items():
        curve: Mapping[str, float] = next(iter(answer.all_blocs.leverage_musd.values()), {})
        ends = dict(zip(answer.series.periods, _begins(answer.series)[1:], strict=True))
        for period, value in curve.items():
            yield {"label": period, "series": title, "date": ends[period], "value": value}
