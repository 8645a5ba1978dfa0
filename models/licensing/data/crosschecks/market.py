"""What an instance must satisfy across its fields: names that exist, shares that add up, dates in order.

Each function looks at one block and yields its faults: the path, what is wrong, what to do. The rules about
leader, strategies, concession and observations stand in :mod:`coercivity.models.licensing.data.crosschecks.play`.
"""

from __future__ import annotations

from collections.abc import Iterator

from coercivity.models.licensing.data.crosschecks import play as play
from coercivity.models.licensing.data.crosschecks import prices as prices
from coercivity.models.licensing.data.crosschecks import reactions as reactions
from coercivity.models.licensing.data.crosschecks import rivals as rivals
from coercivity.models.licensing.data.faults import (
    TOLERANCE,
    Fault,
    Path,
    calendar_bounds,
    not_one,
    off_boundary,
    uncovered,
    unknown,
    unknown_keys,
    within,
)
from coercivity.models.licensing.data.instance import Instance, Phase
from coercivity.models.licensing.data.quantity import month_index, month_name

RESERVED = ("all", rivals.OUTSIDE)
OLDEST_YEAR = 1950
YEARS_AHEAD = 15


def cross_check(instance: Instance, is_drawn: bool = False) -> list[Fault]:
    """Every fault that needs two fields to be seen, in the order of the blocks: (path, what, fix).

    Parameters
    ----------
    is_drawn : whether a study drew the numbers; a class of firms may then lose money even under open trade, which in a
        file is taken for a slip
    """
    checks = (
        _provenance,
        _money,
        _calendar,
        _products,
        _stocks,
        _blocs,
        _imports,
        _reserves,
        play.leader,
        prices.paths,
        _segments,
        rivals.rivals,
        rivals.steps,
        rivals.contracts,
        rivals.feeds,
        rivals.by_products,
        _options,
        _routes,
        play.postures,
        play.strategies,
        play.reserved,
        play.fed_volumes,
        play.fed_shares,
        play.rationing,
        play.menu,
        play.concession,
        reactions.types,
        reactions.trust,
        reactions.countermeasures,
        reactions.public_money,
        reactions.firms,
        *(() if is_drawn else (reactions.viable_firms,)),
        reactions.promises,
        play.leverage,
        play.observations,
    )
    return [fault for check in checks for fault in check(instance)]


def _provenance(instance: Instance) -> Iterator[Fault]:
    latest = int(instance.as_of[:4]) + YEARS_AHEAD
    for dotted, quantity in instance.quantities():
        path = tuple(int(part) if part.isdecimal() else part for part in dotted.split("."))
        for source in quantity.source:
            yield from unknown(path, "source", source, instance.sources)
        if quantity.year is not None and not OLDEST_YEAR <= quantity.year <= latest:
            yield path, f"{quantity.year} is no plausible year for a figure", f"between {OLDEST_YEAR} and {latest}"


def _money(instance: Instance) -> Iterator[Fault]:
    if "USD" in instance.money.exchange_rates:
        path = ("money", "exchange_rates", "USD")
        yield path, "the dollar is the unit of account", "remove it; give the other currencies in dollars"


def _calendar(instance: Instance) -> Iterator[Fault]:
    bounds = calendar_bounds(instance)
    start, end = bounds[0], bounds[-1]
    tail = month_index(instance.tail)
    begins = [month_index(phase.begins) for phase in instance.phases.values()]
    if begins[0] != start:
        path: Path = ("phases", next(iter(instance.phases)), "begins")
        yield path, "the first phase does not begin with the calendar", f"write {instance.calendar.start}"
    ends = [*begins[1:], tail]
    for (name, phase), first, after in zip(instance.phases.items(), begins, ends, strict=True):
        here: Path = ("phases", name)
        yield from within((*here, "begins"), phase.begins, start, end)
        yield from off_boundary((*here, "begins"), phase.begins, bounds)
        if after <= first:
            what = f"the phase begins in {phase.begins}, what follows it in {month_name(after)}"
            yield (*here, "begins"), what, "put the phases in order, the tail after the last one"
        elif phase.breakdown is not None:
            yield from within((*here, "breakdown"), phase.breakdown, first, after, "its own phase")
            yield from off_boundary((*here, "breakdown"), phase.breakdown, bounds)
        yield from _strikes(here, phase, first, after, bounds)
    if not start < tail < end:
        fix = f"a month from {month_name(start + 1)} to {month_name(end - 1)}"
        yield ("tail",), f"the tail begins in {instance.tail}, outside of the calendar", fix
    yield from off_boundary(("tail",), instance.tail, bounds)
    yield from _short_tail(instance, end - tail)


def _strikes(here: Path, phase: Phase, first: int, after: int, bounds: list[int]) -> Iterator[Fault]:
    """Several months of a breakdown: in the phase, at the beginning of periods, each once, and no other way to say it."""
    for number, month in enumerate(phase.breakdowns or ()):
        path = (*here, "breakdowns", number)
        if first < after:
            yield from within(path, month, first, after, "its own phase")
        yield from off_boundary(path, month, bounds)
        if month in (phase.breakdowns or ())[:number]:
            yield path, f"{month} twice", "name it once"
    if phase.breakdowns is not None and (phase.breakdown is not None or not phase.breakdowns):
        what = "names no month" if not phase.breakdowns else "beside breakdown"
        yield (*here, "breakdowns"), what, "give the months in breakdowns alone, or one in breakdown"


def _short_tail(instance: Instance, months: int) -> Iterator[Fault]:
    """An order placed on the last day of strategy has to arrive before the end."""
    lead_times = {
        f"rivals.{name}": rival.expansion.lead_time for name, rival in instance.rivals.items() if rival.expansion
    }
    lead_times |= {f"options.{name}": option.lead_time for name, option in instance.options.items()}
    if not lead_times:
        return
    name = max(lead_times, key=lambda key: float(lead_times[key]))
    longest = float(lead_times[name])
    if 0 < months < longest:
        what = f"the tail lasts {months} months, less than the lead time of {name}, {longest:g} months"
        yield ("tail",), what, "begin it earlier, or add years to the calendar"


def _products(instance: Instance) -> Iterator[Fault]:
    for name, product in instance.products.items():
        path = ("products", name, "segments")
        yield from uncovered(path, "segment", product.segments, instance.segments)
        yield from not_one(path, product.segments.values(), "the segments' shares")


def _segments(instance: Instance) -> Iterator[Fault]:
    """Uses that are worth more from one to the next in every product, each more than what it costs."""
    stated = [name for name, segment in instance.segments.items() if (segment.value is None) == (segment.above is None)]
    for name in stated:
        what = "a use has either a value or a step above the price"
        yield ("segments", name), what, "write value: USD/kg, or above: a share of the price"
    last = list(instance.segments)[-1]
    if instance.segments[last].above is not None:
        what = "the last use is a step of demand; a shortage of it would be none"
        yield ("segments", last, "above"), what, "give the dearest use a value, and order the steps before it"
    for product in instance.products:
        if not stated and product in instance.leader.price:
            yield from _rising(instance, product)


def _rising(instance: Instance, product: str) -> Iterator[Fault]:
    price, previous, used = prices.highest(instance, product), None, instance.uses(product)
    for name, worth in instance.worths(product).items():
        segment = instance.segments[name]
        path = ("segments", name, "value" if segment.value is not None else "above")
        if previous is not None and worth <= previous:
            what = f"{worth:g} USD/kg of {product} is not above the segment before it"
            yield path, what, "order the segments by rising value"
        if name in used and worth <= price:
            what = f"{worth:g} USD/kg is not above the leader's highest price, {price:g} USD/kg"
            yield path, f"{what}: this use would never buy", "raise the value, or drop the segment"
        previous = worth


def _stocks(instance: Instance) -> Iterator[Fault]:
    steps = instance.stocks.cover_steps
    here: Path = ("stocks", "cover_steps")
    yield from not_one(here, (step.share for step in steps), "the steps' shares")
    floor, name = float(instance.stocks.holding_cost), "the holding cost"
    for number, step in enumerate(steps):
        if float(step.penalty) <= floor:
            what = f"{float(step.penalty):g} USD/kg/month is not above {name}, {floor:g}"
            yield (
                (*here, number, "penalty"),
                what,
                "let the penalties rise from step to step, all above the holding cost",
            )
        floor, name = float(step.penalty), "the step before it"


def _imports(instance: Instance) -> Iterator[Fault]:
    """Nobody imports more than it uses, and somebody imports."""
    total = 0.0
    for name, bloc in instance.blocs.items():
        for product, tonnes in bloc.imports.items():
            total += float(tonnes)
            used = bloc.demand.get(product)
            if used is not None and float(tonnes) > float(used) * (1 + TOLERANCE):
                what = f"imports of {float(tonnes):g} t/yr are above the demand of {float(used):g} t/yr"
                yield ("blocs", name, "imports", product), what, "imports from the leader are a part of demand"
    if total == 0:
        yield (
            ("blocs",),
            "no bloc imports from the leader",
            "licences are shares of imports: give at least one bloc some",
        )


def _blocs(instance: Instance) -> Iterator[Fault]:
    for name, bloc in instance.blocs.items():
        here: Path = ("blocs", name)
        if name in RESERVED:
            yield here, f"'{name}' is reserved and cannot name a bloc", "take another name"
        yield from unknown((*here, "group"), "group", bloc.group, instance.groups)
        for key in ("demand", "imports", "growth"):
            yield from uncovered((*here, key), "product", getattr(bloc, key), instance.products)
        yield from unknown_keys((*here, "tiers"), "tier", bloc.tiers, instance.tiers)
        yield from not_one((*here, "tiers"), bloc.tiers.values(), "the tiers' shares")
        yield from unknown_keys((*here, "cover"), "tier", bloc.cover, instance.tiers)
        yield from unknown_keys((*here, "opening"), "tier", bloc.opening or {}, instance.tiers)


def _reserves(instance: Instance) -> Iterator[Fault]:
    holding, first = float(instance.stocks.holding_cost), float(instance.stocks.cover_steps[0].penalty)
    for name, bloc in instance.blocs.items():
        if bloc.reserve is None:
            continue
        penalty, path = float(bloc.reserve.penalty), ("blocs", name, "reserve", "penalty")
        if penalty <= holding:
            what = f"{penalty:g} USD/kg/month is not above the holding cost, {holding:g}"
            yield path, f"{what}: the reserve would stay empty", "raise it"
        if penalty > first:
            what = f"{penalty:g} USD/kg/month is above the first cover step's penalty, {first:g}"
            yield path, f"{what}: the reserve would be filled before the working cover", "lower it"


def _options(instance: Instance) -> Iterator[Fault]:
    for name, option in instance.options.items():
        here: Path = ("options", name)
        yield from unknown((*here, "product"), "product", option.product, instance.products)
        yield from unknown_keys((*here, "potential"), "segment", option.potential, instance.segments)
        if option.moves_to is None:
            continue
        yield from unknown((*here, "moves_to"), "product", option.moves_to, instance.products)
        if option.moves_to == option.product:
            yield (*here, "moves_to"), "demand cannot move to the product it leaves", "name another product, or none"


def _routes(instance: Instance) -> Iterator[Fault]:
    for name, route in instance.routes.items():
        here: Path = ("routes", name)
        yield from unknown((*here, "source"), "bloc", route.source, instance.blocs)
        yield from unknown((*here, "destination"), "bloc", route.destination, instance.blocs)
        yield from rivals.owner((*here, "owner"), route.owner, instance)
        if route.source == route.destination:
            yield (*here, "destination"), "a route leads back to where it starts", "name another bloc"
