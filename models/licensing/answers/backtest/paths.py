"""The record through time: every observed series beside what the model says of it, month by month."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from coercivity.models.licensing.answers.backtest.measures import measure
from coercivity.models.licensing.answers.backtest.persistence import FLOWS
from coercivity.models.licensing.answers.backtest.values import RecordedPath, RecordedSpan
from coercivity.models.licensing.buyers.evaluate import Response
from coercivity.models.licensing.data.quantity import month_index, month_name
from coercivity.models.licensing.data.record import Observation
from coercivity.models.licensing.leader.commit import Game

# Times of an event and figures of a whole game, which no month has.
TIMELESS = frozenset({"first_stop", "concession_lag", "recouped", "pain", "pressure", "leverage"})
# What is told as a change or a gap is drawn as the tonnes that it is a change of.
AS_TONNES = {"exports_change": "exports", "export_gap": "exports", "demand_change": "purchases"}
MARGIN = 0.1  # of the observed time, shown before and after it
LEAST = 12  # months that are shown at least
MOST = 60  # months that are shown one by one; of a longer series every third


def paths_of(game: Game, responses: Mapping[str, Response]) -> tuple[RecordedPath, ...]:
    """Every series of the record, in the order in which the file first observes it.

    Parameters
    ----------
    responses : best responses to the strategies that the observations are about
    """
    series: dict[tuple[object, ...], dict[str, Observation]] = {}
    for name, fact in game.instance.observations.items():
        if fact.measure not in TIMELESS and fact.recorded is not None:
            series.setdefault(_kind(fact), {})[name] = fact
    return tuple(_path(game, responses[next(iter(facts.values())).strategy], facts) for facts in series.values())


def _kind(fact: Observation) -> tuple[object, ...]:
    return fact.strategy, _drawn_as(fact), fact.bloc, fact.product, fact.segment, fact.rival


def _drawn_as(fact: Observation) -> str:
    return AS_TONNES.get(fact.measure, fact.measure)


def _is_flow(fact: Observation) -> bool:
    return fact.measure in FLOWS or fact.measure in AS_TONNES


def _path(game: Game, response: Response, facts: Mapping[str, Observation]) -> RecordedPath:
    first = next(iter(facts.values()))
    unit = "t" if first.measure in AS_TONNES else first.unit
    months = list(_months(game, list(facts.values())))
    return RecordedPath(
        strategy=first.strategy,
        measure=_drawn_as(first),
        bloc=first.bloc,
        product=first.product,
        of=first.rival or first.segment,
        unit=f"{unit}/month" if _is_flow(first) else unit,
        months=tuple(map(month_name, months)),
        model=tuple(_said(game, response, first, month) for month in months),
        record=tuple(_span(name, fact) for name, fact in facts.items()),
    )


def _months(game: Game, facts: Sequence[Observation]) -> Iterator[int]:
    """The months that are drawn: those of the facts and some around them, as far as the calendar goes."""
    grid = game.market.grid
    start = month_index(game.instance.calendar.start)
    begins = min(month_index(fact.begins) for fact in facts)
    ends = max(month_index(fact.ends) for fact in facts) + 1
    margin = max(round(MARGIN * (ends - begins)), -(-(LEAST - (ends - begins)) // 2), 1)
    first, last = max(start, begins - margin), min(int(grid.end[-1]), ends + margin)
    yield from range(first, last, 1 if last - first <= MOST else 3)


def _said(game: Game, response: Response, fact: Observation, month: int) -> float | None:
    """What the model says of one month."""
    name = month_name(month)
    alone = {"begins": name, "ends": name, "plus": None}
    if _drawn_as(fact) == "exports":
        return measure(game, response, fact.model_copy(update={**alone, "measure": "exports"}))
    said = measure(game, response, fact.model_copy(update=alone))
    if fact.measure != "demand_change" or said is None or fact.against is None:
        return said
    return (1.0 + said) * float(fact.against)


def _span(name: str, fact: Observation) -> RecordedSpan:
    """A fact in the unit of its series; what is counted, by the month."""
    fixed, scale = 0.0, 1.0
    if fact.measure in AS_TONNES:
        against = float(fact.against or 0.0)
        is_change = fact.measure != "export_gap"
        scale = against if is_change and fact.measure != "exports" else 1.0
        fixed = against - (float(fact.plus) if fact.plus is not None else 0.0)
    elif fact.plus is not None:
        fixed = -float(fact.plus)
    months = month_index(fact.ends) - month_index(fact.begins) + 1 if _is_flow(fact) else 1
    recorded = fact.recorded
    assert recorded is not None
    low, high = fact.bounds or (recorded.value, recorded.value)
    value, least, most = ((fixed + scale * figure) / months for figure in (recorded.value, low, high))
    return RecordedSpan(
        name=name, begins=fact.begins, ends=fact.ends, recorded=value, low=least, high=most, window=fact.window
    )
