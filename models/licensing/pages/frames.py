"""Results of the licensing game as one long frame, for a spreadsheet, and as pictures."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from coercivity.engine.report.charts.page import Picture
from coercivity.models.licensing.data.quantity import month_index, month_name
from coercivity.models.licensing.pages.words import TERMS, Data, leader_shares

PAYOFF = "Leader's payoff by term (tick: sum)"
EXPORTS = "Exports to all buyers, while licences hold"
SHARE = "Leader's share of what the buyers buy, while licences hold"
FIELDS = ("strategy", "figure", "bloc", "period", "unit", "value")


def long_rows(result: Data) -> list[dict[str, Any]]:
    """Every figure of a result in a row of its own, with the fields :data:`FIELDS`."""
    answers = result.get("strategies", [result])
    return [
        dict(zip(FIELDS, (answer["strategy"]["name"], *row), strict=True))
        for answer in answers
        for row in _figures(answer)
    ]


Row = tuple[str, str | None, str | None, str, Any]


def _figures(answer: Data) -> Iterator[Row]:
    """Figure, bloc, period, unit and value; the figure is named by its path in the JSON."""
    yield from _flat("leader", answer["leader"])
    for term, value in answer["leader"]["terms_musd"].items():
        yield (f"leader.terms.{term}", None, None, "million USD", value)
    for term, flow in answer["leader"]["by_year"].items():
        yield from ((f"leader.by_year.{term}", None, year, "million USD", value) for year, value in flow.items())
    yield from _flat("market", answer["market"])
    for bloc, data in answer["blocs"].items():
        yield from (_unit(f"blocs.{key}", bloc, None, data[key]) for key in ("cost_musd", "pain_musd", "shortage_t"))
        yield from (("blocs.leader_share", bloc, period, "1", share) for period, share in data["leader_share"].items())
        yield from _leverage("blocs", bloc, data)
    yield from _leverage("all_blocs", None, answer["all_blocs"])
    for name, by_year in answer["shares"].items():
        yield from ((f"shares.{name}", None, year, "1", value) for year, value in by_year.items())
    yield from _series(answer)
    for fact in answer["observations"]:
        for key in ("model", "recorded", "low", "high"):
            span = f"{fact.get('begins', '')}/{fact.get('ends', '')}".strip("/") or None
            yield (f"observations.{fact['name']}.{key}", fact["bloc"], span, fact.get("unit", ""), fact[key])
    yield from _reactions(answer["reactions"])
    yield from _flat("certificate", answer["certificate"])


def _reactions(data: Data) -> Iterator[Row]:
    for key in ("trust", "hazards", "leader_hazards"):
        yield from (
            (f"reactions.{key}", None, phase, "1" if key != "trust" else "", x) for phase, x in data[key].items()
        )
    for name, measure in data["countermeasures"].items():
        for spell in measure["spells"]:
            span = f"{spell['begins']}/{spell['ends']}"
            yield (f"reactions.countermeasures.{name}", None, span, "1", True)
    for name, firm in data["home"]["firms"].items():
        yield (f"reactions.firms.{name}.weeks_to_insolvency", None, None, "week", firm["weeks_to_insolvency"])
        yield (f"reactions.firms.{name}.support", None, None, "million USD", firm["support_musd"])


def _flat(head: str, data: Data) -> Iterator[Row]:
    """The figures that stand directly in a block."""
    for key, value in data.items():
        if value is None or isinstance(value, int | float | str):
            yield _unit(f"{head}.{key}", None, None, value)


def _unit(figure: str, bloc: str | None, period: str | None, value: Any) -> Row:
    for ending, unit in (("_musd", "million USD"), ("_usd_per_kg", "USD/kg"), ("_t_per_yr", "t/yr"), ("_t", "t")):
        if figure.endswith(ending):
            return (figure.removesuffix(ending), bloc, period, unit, value)
    return (figure, bloc, period, "" if isinstance(value, str | bool) else "1", value)


def _leverage(head: str, bloc: str | None, data: Data) -> Iterator[Row]:
    for kind in ("leverage", "asymmetry"):
        for length, curve in data.get(f"{kind}_musd", {}).items():
            figure = f"{head}.{kind}.{length.replace(' ', '_')}"
            yield from ((figure, bloc, period, "million USD", value) for period, value in curve.items())


def _series(answer: Data) -> Iterator[Row]:
    """Every list over periods, however deep; the name of a bloc is the bloc, any other is part of the figure."""
    periods, blocs = answer["series"]["periods"], answer["blocs"]

    def walk(figure: str, bloc: str | None, unit: str, data: Any) -> Iterator[Row]:
        if isinstance(data, Mapping):
            for key, inner in data.items():
                yield from (
                    walk(figure, key, unit, inner) if key in blocs else walk(f"{figure}.{key}", bloc, unit, inner)
                )
        else:
            yield from ((figure, bloc, period, unit, value) for period, value in zip(periods, data, strict=True))

    for key, flows in answer["series"].items():
        if key not in ("periods", "months"):
            figure, _, _, unit, _ = _unit(f"series.{key}", None, None, 0.0)
            yield from walk(figure, None, unit, flows)


# -- pictures --------------------------------------------------------------------------------------------------


def pictures(result: Data) -> list[Picture]:
    """What the page of a comparison or of a solution shows."""
    answers = sorted(result.get("strategies", [result]), key=lambda answer: -float(answer["leader"]["value_musd"]))
    names = [str(answer["strategy"]["name"]) for answer in answers]
    return [
        Picture("payoff", PAYOFF, "bars", list(_payoff(answers)), "million USD, present value", names),
        Picture("exports", EXPORTS, "steps", list(_exports(answers)), "t per month", names),
        Picture("leverage", _leverage_title(answers[0]), "lines", list(_curves(answers)), "million USD", names),
        Picture("share", SHARE, "steps", list(_shares(answers)), "share", names, percent=True),
    ]


def _payoff(answers: list[Data]) -> Iterator[dict[str, Any]]:
    for term, label in TERMS.items():
        for answer in answers:
            value = answer["leader"]["terms_musd"].get(term)
            if value:
                yield {"label": answer["strategy"]["name"], "series": label, "value": value}


def _begins(series: Data) -> list[str]:
    """The first day of each period; the first period is named by its year, quarter or month."""
    first = series["periods"][0].partition("+")[0]
    year, _, quarter = first.partition("Q")
    start = month_index(first if "-" in first else f"{year}-{3 * int(quarter or 1) - 2:02d}")
    return [f"{month_name(start + passed)}-01T00:00" for passed in itertools.accumulate(series["months"], initial=0)]


def _timed(answers: list[Data], of: Any) -> Iterator[dict[str, Any]]:
    for answer in answers:
        series = answer["series"]
        dates = _begins(series)
        values = list(of(series))
        # A step holds to the end of its period, so the last one is repeated there.
        for period, date, value in zip(
            [*series["periods"], series["periods"][-1]], dates, [*values, values[-1]], strict=True
        ):
            if value is not None:
                yield {"label": period, "series": answer["strategy"]["name"], "date": date, "value": value}


def _exports(answers: list[Data]) -> Iterator[dict[str, Any]]:
    def monthly(series: Data) -> Iterator[float]:
        flows = zip(*series["exports_t"].values(), strict=True)
        return (sum(flow) / months for flow, months in zip(flows, series["months"], strict=True))

    return _timed(answers, monthly)


def _shares(answers: list[Data]) -> Iterator[dict[str, Any]]:
    return _timed(answers, leader_shares)


def _leverage_title(answer: Data) -> str:
    length = next(iter(answer["all_blocs"]["leverage_musd"]), None)
    return f"Leverage: cost to all buyers of an unannounced cut-off of {length} at the end of a period"


def _curves(answers: list[Data]) -> Iterator[dict[str, Any]]:
    for answer in answers:
        curve: Data = next(iter(answer["all_blocs"]["leverage_musd"].values()), {})
        ends = dict(zip(answer["series"]["periods"], _begins(answer["series"])[1:], strict=True))
        for period, value in curve.items():
            yield {"label": period, "series": answer["strategy"]["name"], "date": ends[period], "value": value}
