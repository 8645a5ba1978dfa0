"""Warnings about dates: what begins when the calendar is over, and figures from a year that has not come."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from coercivity.models.licensing.data.faults import Fault, Path, calendar_bounds
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.data.quantity import month_index, month_name

MONTHS = 12
# Years between dates of one file, and the first year from which trade statistics of use here exist.
LIFETIME, OUTLOOK, FIRST_YEAR = 30, 20, 1900


def _latest(instance: Instance) -> int:
    """The last month that can be known: today, or the file's own state of knowledge if clocks differ by little."""
    today = datetime.now(UTC)
    return max(MONTHS * today.year + today.month - 1, min(month_index(instance.as_of), MONTHS * (today.year + 1)))


def known(instance: Instance) -> Iterator[Fault]:
    """A state of knowledge that has come, near the time that the game is about."""
    as_of, start = month_index(instance.as_of), month_index(instance.calendar.start)
    if as_of > _latest(instance):
        yield (
            ("as_of",),
            f"facts up to {instance.as_of}, a month that has not come",
            "write the month of the last facts",
        )
    elif abs(start - as_of) > MONTHS * LIFETIME:
        what = f"the calendar starts in {instance.calendar.start}, and facts are those of {instance.as_of}"
        yield ("calendar", "start"), what, "check both dates"
    until = instance.calibration.until if instance.calibration is not None else instance.as_of
    if month_index(until) > _latest(instance):
        yield ("calibration", "until"), f"facts up to {until}, a month that has not come", "check the date"


def money_year(instance: Instance) -> Iterator[Fault]:
    """Dollars of a year near the game."""
    year, here = instance.money.year, ("money", "year")
    started, last = month_index(instance.calendar.start) // MONTHS, month_index(instance.as_of) // MONTHS
    if year < started - LIFETIME:
        what = f"dollars of {year}, and the calendar starts in {instance.calendar.start}"
        yield here, what, "write the year whose prices the file states"
    elif year > max(started, last) + 1:
        yield here, f"dollars of {year}, a year later than anything in this file", "write the year of its prices"


def sources(instance: Instance) -> Iterator[Fault]:
    """Sources that were published, by somebody alive."""
    latest = _latest(instance)
    for name, source in instance.sources.items():
        here: Path = ("sources", name, "date")
        written = re.search(r"\b(\d{4})(?:-(0[1-9]|1[0-2]))?(?!\d)", source.date)
        if written is None:
            if source.date.strip():
                yield here, f"'{source.date}' holds no year", "write YYYY, YYYY-MM or YYYY-MM-DD"
            else:
                yield here, "no date", "write YYYY, YYYY-MM or YYYY-MM-DD"
            continue
        year = int(written[1])
        month = MONTHS * year + (int(written[2]) - 1 if written[2] else 0)
        if month > latest:
            yield here, f"a source of {source.date}, which has not come", "check the date"
        elif year < FIRST_YEAR:
            yield here, f"a source of {source.date}", "check the date"


def concession(instance: Instance) -> Iterator[Fault]:
    """A concession that is made while the strategy lasts."""
    wanted, bounds = instance.concession, calendar_bounds(instance)
    if wanted is None:
        return
    begins, tail = bounds[0] + float(wanted.begins), month_index(instance.tail)
    if begins >= bounds[-1]:
        what = f"it begins {float(wanted.begins):g} months after the announcement, when the calendar is over"
        yield ("concession", "begins"), what, f"less than {bounds[-1] - bounds[0]} months"
    elif begins >= tail:
        what = f"it begins {float(wanted.begins):g} months after the announcement, when trade is open again"
        yield ("concession", "begins"), what, f"less than {tail - bounds[0]} months, or a later tail"


def begins(instance: Instance) -> Iterator[Fault]:
    """What begins by date does so within the calendar."""
    bounds = calendar_bounds(instance)
    dated: list[tuple[Path, str]] = []
    for name, bloc in instance.blocs.items():
        if bloc.reserve is not None:
            dated.append((("blocs", name, "reserve", "begins"), bloc.reserve.begins))
    for name, rival in instance.rivals.items():
        if rival.support is not None:
            dated.append((("rivals", name, "support", "begins"), rival.support.begins))
        if rival.expansion is not None and rival.expansion.opens is not None:
            dated.append((("rivals", name, "expansion", "opens"), rival.expansion.opens))
    for path, month in dated:
        if month_index(month) >= bounds[-1]:
            yield path, f"{month} is after the end of the calendar, {month_name(bounds[-1] - 1)}", "check the date"
        elif month_index(month) < bounds[0]:
            yield path, f"{month} is before the start of the calendar, {month_name(bounds[0])}", "write its first month"
        elif path[-1] == "opens" and month_index(month) >= month_index(instance.tail):
            yield path, f"orders are possible from {month} on, when trade is open again", "check the date"


def countermeasures(instance: Instance) -> Iterator[Fault]:
    """Answers of governments that bite before the calendar ends, and not before the strategy is announced."""
    bounds = calendar_bounds(instance)
    strategic, length = month_index(instance.tail) - bounds[0], bounds[-1] - bounds[0]
    for name, measure in instance.countermeasures.items():
        here: Path = ("countermeasures", name)
        patience, delay = float(measure.patience), float(measure.delay)
        if patience > strategic:
            what = f"it waits {patience:g} months, longer than the strategic phases, {strategic} months"
            yield (*here, "patience"), f"{what}: it is never set off", "check the unit"
        elif patience + delay >= length:
            what = f"it bites {patience + delay:g} months after the start at the earliest, when the calendar is over"
            yield (*here, "delay"), what, "check the unit"
        if MONTHS * float(measure.lasts) > MONTHS * OUTLOOK + length:
            yield (*here, "lasts"), f"it lasts {float(measure.lasts):g} years", "check the unit"
