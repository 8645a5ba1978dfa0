"""Warnings about rates, chances and lengths of time: percentages that are none, months that were days or years."""

from __future__ import annotations

from collections.abc import Iterator

from coercivity.models.licensing.data.faults import Fault, Path, calendar_bounds
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.data.quantity import month_index
from coercivity.models.licensing.data.strategies import Posture

# Shares a year at which nobody discounts, invests or grows for long: 6 % written as 0.6, or per month as per year.
DISCOUNT, GROWTH = 0.3, 0.3
# More likely than not: buyers would not order under such licences, and no sanction succeeds that often.
HAZARD, SUCCESS = 0.5, 0.9
FEAR = 20.0  # a fear that makes a hazard of 5 % certain
VOLATILITY = 1.0  # a price that swings by all of itself
AMPLE = 2.0  # licences for twice what was ever imported
# A stock or buffer that outlasts half of the strategic phases makes every measure in them harmless.
OUTLASTS = 0.5
LIVES = 8.0  # a plant that stands for eight times the calendar
SOON = 1.0  # nothing is built, qualified or designed anew within a month, the shortest period of a calendar
DAYS = 365.0 / 12.0  # in a month of the year's days


def _strategic(instance: Instance) -> int:
    """Months from the start to the tail: how long the strategy lasts."""
    return month_index(instance.tail) - month_index(instance.calendar.start)


def _calendar(instance: Instance) -> int:
    bounds = calendar_bounds(instance)
    return bounds[-1] - bounds[0]


def discounts(instance: Instance) -> Iterator[Fault]:
    """Discount rates below a third a year, and capital that costs something."""
    wanted: list[tuple[Path, float]] = [
        (("leader", "discount_rate"), float(instance.leader.discount_rate)),
        (("buyers", "discount_rate"), float(instance.buyers.discount_rate)),
        (("cost_of_capital",), float(instance.cost_of_capital)),
    ]
    for path, rate in wanted:
        if rate > DISCOUNT:
            yield path, f"{100 * rate:g} % a year is far above what money costs in constant dollars", "check the rate"
    if float(instance.cost_of_capital) == 0 and (instance.rivals or instance.options):
        yield ("cost_of_capital",), "capital that costs nothing", "give the rate at which plants are financed"


def growth(instance: Instance) -> Iterator[Fault]:
    """Growth that does not multiply a market within the calendar."""
    wanted: list[tuple[Path, float]] = [
        (("leader", key), float(getattr(instance.leader, key))) for key in ("capacity_growth", "home_growth")
    ]
    for name, bloc in instance.blocs.items():
        wanted += [(("blocs", name, "growth", product), float(rate)) for product, rate in bloc.growth.items()]
    for path, rate in wanted:
        if abs(rate) > GROWTH:
            times = (1 + rate) ** (_calendar(instance) / 12.0)
            yield (
                path,
                f"{100 * rate:g} % a year is {times:,.3g} times as much at the end of the calendar",
                "check the rate",
            )


def chances(instance: Instance) -> Iterator[Fault]:
    """Hazards below even odds, a success that is not certain, fears and swings of a plausible size."""
    for name, posture in instance.postures.items():
        for key in ("hazard", "leader_hazard"):
            hazard = getattr(posture, key)
            if hazard is not None and float(hazard) > HAZARD:
                what = f"a breakdown is more likely than not, {100 * float(hazard):g} % in every phase"
                yield ("postures", name, key), what, "check the share"
    wanted = instance.concession
    if wanted is not None and wanted.probability is not None and float(wanted.probability) > SUCCESS:
        what = f"the target concedes almost surely, {100 * float(wanted.probability):g} %"
        yield ("concession", "probability"), what, "check the share"
    if wanted is not None and wanted.curve and float(wanted.curve[-1].probability) > SUCCESS:
        here: Path = ("concession", "curve", len(wanted.curve) - 1, "probability")
        yield here, "the target concedes almost surely", "check the share"
    for name, state in instance.trust.states.items() if instance.trust is not None else ():
        if float(state.fear) > FEAR:
            yield ("trust", "states", name, "fear"), f"a factor of {float(state.fear):g} on every hazard", "check it"
    risk = instance.buyers.price_risk
    if risk is not None and float(risk.volatility) > VOLATILITY:
        what = f"a price that swings by {100 * float(risk.volatility):g} % of its mean"
        yield ("buyers", "price_risk", "volatility"), what, "check the share"


def licensed(instance: Instance) -> Iterator[Fault]:
    """Licences for no more than twice the imports, given within a phase."""
    begins = [month_index(phase.begins) for phase in instance.phases.values()]
    shortest = min(
        after - first for first, after in zip(begins, [*begins[1:], month_index(instance.tail)], strict=True)
    )
    for name, posture in instance.postures.items():
        here: Path = ("postures", name)
        if posture.licensed != "open" and float(posture.licensed) > AMPLE:
            what = f"licences for {100 * float(posture.licensed):g} % of what is imported"
            yield (*here, "licensed"), what, "check the share, or write open"
        if posture.processing is not None and float(posture.processing) > DAYS * shortest:
            what = f"{float(posture.processing):g} days to a licence, longer than the shortest phase, {shortest} months"
            yield (*here, "processing"), what, "check the unit"


def covers(instance: Instance) -> Iterator[Fault]:
    """Stocks that a squeeze could run down."""
    limit = OUTLASTS * _strategic(instance)
    stocks: list[tuple[Path, float]] = [
        (("tiers", key, "cover"), float(one.cover)) for key, one in instance.tiers.items()
    ]
    for name, bloc in instance.blocs.items():
        stocks += [(("blocs", name, "cover", tier), float(months)) for tier, months in bloc.cover.items()]
        stocks += [(("blocs", name, "opening", tier), float(months)) for tier, months in (bloc.opening or {}).items()]
        if bloc.reserve is not None:
            stocks.append((("blocs", name, "reserve", "months"), float(bloc.reserve.months)))
    for name, posture in instance.postures.items():
        if posture.buffer is not None:
            stocks.append((("postures", name, "buffer"), float(posture.buffer)))
    for path, months in stocks:
        if "cover" in path and months < 1 / DAYS:
            yield path, f"stock for {months * DAYS:.2g} days", "check the unit"
        if months > limit:
            what = f"stock for {months:g} months, and the strategic phases last {_strategic(instance)} months in all"
            yield path, f"{what}: no squeeze would be felt", "check the unit"


def durations(instance: Instance) -> Iterator[Fault]:
    """Lengths of time that end within the calendar."""
    end, strategic = _calendar(instance), _strategic(instance)
    lengths: list[tuple[Path, float, int]] = []
    for name, posture in instance.postures.items():
        lengths += _breakdowns(("postures", name), posture, strategic)
    for name, state in instance.trust.states.items() if instance.trust is not None else ():
        if state.breakdown is not None:
            lengths.append((("trust", "states", name, "breakdown", "lasts"), float(state.breakdown.lasts), strategic))
    if instance.concession is not None:
        lengths.append((("concession", "lasts"), 12.0 * float(instance.concession.lasts), end))
    for name, rival in instance.rivals.items():
        if rival.slip is not None:
            lengths.append((("rivals", name, "slip", "by"), float(rival.slip.by), end))
    for number, length in enumerate(instance.leverage.lengths if instance.leverage is not None else ()):
        lengths.append((("leverage", "lengths", number), float(length), end))
    if instance.leverage is not None:
        lengths.append((("leverage", "recovery"), float(instance.leverage.recovery), end))
    if instance.home is not None:
        lengths.append((("home", "adjustment"), float(instance.home.adjustment), strategic))
    for path, months, limit in lengths:
        if months > limit:
            where = "the strategic phases" if limit == strategic else "the whole calendar"
            yield path, f"{months:g} months are longer than {where}, {limit} months", "check the unit"


def _breakdowns(here: Path, posture: Posture, limit: int) -> list[tuple[Path, float, int]]:
    return [((*here, "breakdown", "lasts"), float(posture.breakdown.lasts), limit)]


def orders(instance: Instance) -> Iterator[Fault]:
    """Orders that arrive while it matters, of plants that stand for a while and not for ever."""
    strategic, end = _strategic(instance), _calendar(instance)
    waits: list[tuple[Path, float, float]] = [
        (("rivals", name, "expansion"), float(rival.expansion.lead_time), float(rival.expansion.life))
        for name, rival in instance.rivals.items()
        if rival.expansion is not None
    ]
    waits += [(("options", name), float(one.lead_time), float(one.life)) for name, one in instance.options.items()]
    if waits and min(months for _, months, _ in waits) > strategic:
        here = min(waits, key=lambda wait: wait[1])
        what = f"the fastest answer takes {here[1]:g} months, the strategic phases last {strategic}: none comes in time"
        yield (*here[0], "lead_time"), what, "check the unit, or begin the tail later"
    for path, months, life in waits:
        if months < SOON:
            yield (*path, "lead_time"), f"it is there after {months * DAYS:.2g} days", "check the unit"
        if months > end:
            yield (
                (*path, "lead_time"),
                f"{months:g} months are longer than the calendar, {end} months",
                "check the unit",
            )
        if 12 * life < months:
            yield (*path, "life"), f"it lasts {life:g} years and takes {months:g} months to come", "check the units"
        if 12 * life > LIVES * end:
            yield (
                (*path, "life"),
                f"it lasts {life:g} years, {12 * life / end:,.0f} times the calendar",
                "check the unit",
            )
