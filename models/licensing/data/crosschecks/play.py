"""Cross-checks of what the leader may do and what is asked of it: postures, strategies, concession, observations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import product as combinations

from coercivity.engine.data.units import UnitError, convert
from coercivity.models.licensing.data.faults import (
    RESERVED_FIX,
    TOLERANCE,
    Fault,
    Path,
    calendar_bounds,
    is_reserved,
    uncovered,
    unknown,
    within,
)
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.data.quantity import Quantity, month_index, month_name
from coercivity.models.licensing.data.record import ALLOWS, KEYS, NEEDS, RECORDED_AS, UNITS, Fitted, Observation
from coercivity.models.licensing.data.strategies import Concession, Strategy

# The dual of a node is divided by the node's probability: below this, what is left is rounding.
SMALLEST_HAZARD = 1e-3


def leader(instance: Instance) -> Iterator[Fault]:
    """Prices and costs for every product, no price below its cost."""
    here: Path = ("leader",)
    price, cost = instance.leader.price, instance.leader.unit_cost
    yield from uncovered((*here, "price"), "product", price, instance.products)
    yield from uncovered((*here, "unit_cost"), "product", cost, instance.products)
    for name in price:
        if name in cost and float(price[name]) < float(cost[name]):
            what = f"the price, {float(price[name]):g} USD/kg, is below the unit cost, {float(cost[name]):g}"
            yield (*here, "price", name), what, "raise the price or lower the cost"


def rationing(instance: Instance) -> Iterator[Fault]:
    """A part of a shortage that all uses share, where they do not share all of it."""
    shared = instance.buyers.shared_shortage
    if shared is not None and float(shared) > 0 and instance.buyers.rationing == "pro_rata":
        what = "under pro-rata rationing all of a shortage falls on all uses alike"
        yield ("buyers", "shared_shortage"), what, "leave it out, or write rationing: efficient"


def postures(instance: Instance) -> Iterator[Fault]:
    """Hazards that are none or large enough, and one way to write a tax."""
    for name, posture in instance.postures.items():
        if posture.export_tax is not None and posture.export_duty is not None:
            what = "a tax in USD/kg and one as a share of the price"
            yield ("postures", name, "export_duty"), what, "leave one of the two out"
        for key in ("hazard", "leader_hazard"):
            hazard = getattr(posture, key)
            if hazard is not None and 0 < float(hazard) < SMALLEST_HAZARD:
                what = f"a hazard of {float(hazard):g} is too small to be told from none"
                yield ("postures", name, key), what, f"write 0, or at least {SMALLEST_HAZARD:g}"
        if float(posture.hazard) == 0 and posture.leader_hazard is not None and float(posture.leader_hazard) > 0:
            # A breakdown that buyers rule out has no branch in their tree, so there is nothing to weigh.
            what = "the leader expects a breakdown that the buyers rule out"
            yield (
                ("postures", name, "leader_hazard"),
                what,
                f"give the buyers a hazard of at least {SMALLEST_HAZARD:g}, or drop leader_hazard",
            )


def strategies(instance: Instance) -> Iterator[Fault]:
    """Rules that name what exists and leave nothing without a posture."""
    known: dict[str, Iterable[str]] = {
        "posture": instance.postures,
        "phase": instance.phases,
        "group": instance.groups,
        "product": instance.products,
    }
    if instance.baseline not in instance.strategies:
        what = f"there is no strategy {instance.baseline!r} to measure pain against"
        yield ("baseline",), what, "add that strategy (open trade), or name another one as baseline"
    for name, strategy in instance.strategies.items():
        here: Path = ("strategies", name, "rules")
        for number, rule in enumerate(strategy.rules):
            for key, names in known.items():
                written = getattr(rule, key)
                if written is not None:
                    yield from unknown((*here, number, key), key, written, names)
        left = _without_posture(instance, strategy)
        if left:
            what = f"no rule gives a posture for phase '{left[0]}', group '{left[1]}', product '{left[2]}'"
            yield here, what, "begin with a rule that names a posture and nothing else"


def _without_posture(instance: Instance, strategy: Strategy) -> tuple[str, str, str] | None:
    """The first phase, group and product that no rule reaches."""
    for phase, group, product in combinations(instance.phases, instance.groups, instance.products):
        cell = {"phase": phase, "group": group, "product": product}
        if not any(all(getattr(rule, key) in (None, name) for key, name in cell.items()) for rule in strategy.rules):
            return phase, group, product
    return None


def reserved(instance: Instance) -> Iterator[Fault]:
    """Strategies and variants under names of their own: the answer to the search goes by one, its parts by others."""
    for key in ("strategies", "variants"):
        for name in getattr(instance, key):
            if is_reserved(name):
                yield (key, name), f"the name '{name}' is taken", RESERVED_FIX


def fed_volumes(instance: Instance) -> Iterator[Fault]:
    """Volumes of the record in months that are periods, before the tail."""
    first = month_index(instance.calendar.start)
    monthly_end = first + instance.calendar.months
    tail = month_index(instance.tail)
    for name, strategy in instance.strategies.items():
        for month in strategy.fed_volumes:
            path = ("strategies", name, "fed_volumes", month)
            if not first <= month_index(month) < tail:
                yield from within(path, month, first, max(tail, first + 1), "the strategic phases")
            elif month_index(month) >= monthly_end:
                fix = f"a month before {month_name(monthly_end)}, or give the calendar more months"
                yield path, f"{month} is not a period of one month", fix


def fed_shares(instance: Instance) -> Iterator[Fault]:
    """Shares of fed months and of what a posture grants, of blocs that exist and import something, that add up to 1."""
    for name, strategy in instance.strategies.items():
        for month, shares in (strategy.fed_shares or {}).items():
            path: Path = ("strategies", name, "fed_shares", month)
            if month not in strategy.fed_volumes:
                yield path, f"no volume is fed in {month}", f"give strategies.{name}.fed_volumes.{month} too"
            yield from _shares_by_bloc(instance, path, shares)
    for name, posture in instance.postures.items():
        if posture.granted is not None:
            here: Path = ("postures", name, "granted")
            yield from _shares_by_bloc(instance, here, posture.granted)
            if posture.licensed == "open":
                yield (
                    here,
                    "shares of licences, and the posture is open trade",
                    "remove them, or write a licensed share",
                )
            if not posture.granted:
                yield here, "no share in it", "give a share by bloc, or remove it"


def _shares_by_bloc(instance: Instance, path: Path, shares: Mapping[str, Quantity]) -> Iterator[Fault]:
    """Shares of blocs that exist and import something, that add up to 1."""
    for bloc, share in shares.items():
        yield from unknown((*path, bloc), "bloc", bloc, instance.blocs)
        if bloc in instance.blocs and float(share) > 0 and not sum(map(float, instance.blocs[bloc].imports.values())):
            yield (*path, bloc), f"'{bloc}' imports nothing that a share could be split over", "write 0"
    total = sum(map(float, shares.values()))
    if shares and abs(total - 1.0) > TOLERANCE:
        yield path, f"the shares add up to {total:g}", "let them add up to 1"


def menu(instance: Instance) -> Iterator[Fault]:
    """Postures that exist, each once."""
    names = instance.menu.postures
    for number, name in enumerate(names):
        path = ("menu", "postures", number)
        yield from unknown(path, "posture", name, instance.postures)
        if name in names[:number]:
            yield path, f"'{name}' stands twice on the menu", "keep one"
    if instance.menu.bundles:
        yield from _bundles(instance)


def _bundles(instance: Instance) -> Iterator[Fault]:
    """Every group in exactly one bundle."""
    here: Path = ("menu", "bundles")
    seen: set[str] = set()
    for number, bundle in enumerate(instance.menu.bundles):
        if not bundle:
            yield (*here, number), "a bundle of no group", "name a group, or remove it"
        for position, name in enumerate(bundle):
            yield from unknown((*here, number, position), "group", name, instance.groups)
            if name in seen:
                yield (*here, number, position), f"group '{name}' stands in two bundles", "keep one"
            seen.add(name)
    left = [name for name in instance.groups if name not in seen]
    if left:
        yield here, f"group '{left[0]}' stands in no bundle", f"add [{left[0]}], or remove all bundles"


def concession(instance: Instance) -> Iterator[Fault]:
    """A known target, and one way, not several, to say how probable success is."""
    wanted = instance.concession
    if wanted is None:
        return
    here: Path = ("concession",)
    yield from unknown((*here, "target"), "group", wanted.target, instance.groups)
    yield from unknown((*here, "relief"), "posture", wanted.relief, instance.postures)
    if wanted.reference is not None:
        yield from unknown((*here, "reference"), "strategy", wanted.reference, instance.strategies)
    point = {"reference": wanted.reference, "probability": wanted.probability, "cap": wanted.cap}
    given = [key for key, value in point.items() if value is not None]
    if wanted.types:
        for key in [*given, *(["curve"] if wanted.curve else [])]:
            yield (*here, key), f"'{key}' beside types", "keep the types or the rest, not both"
    elif wanted.curve and given:
        yield (*here, given[0]), f"'{given[0]}' beside a curve", "keep the curve or the three keys, not both"
    elif wanted.curve:
        yield from _curve(wanted)
    elif len(given) < len(point):
        missing = ", ".join(key for key in point if key not in given)
        yield (
            here,
            f"neither types nor a curve nor all of reference, probability, cap ({missing} missing)",
            "add what is missing",
        )
    elif float(wanted.cap or 0) < float(wanted.probability or 0):
        yield (*here, "cap"), "the cap is below the probability", "raise the cap"


def _curve(wanted: Concession) -> Iterator[Fault]:
    here: Path = ("concession", "curve")
    points = [(float(point.pressure), float(point.probability)) for point in wanted.curve]
    if points[0][0] != 0:
        yield (*here, 0, "pressure"), "the curve does not begin at a pressure of 0", "add the point without pressure"
    elif points[0][1] != 0:
        yield (
            (*here, 0, "probability"),
            "a concession is made without any pressure",
            "begin the curve at a probability of 0",
        )
    for number in range(1, len(points)):
        if points[number][0] <= points[number - 1][0]:
            yield (*here, number, "pressure"), "the pressure does not rise", "order the points by rising pressure"
        if points[number][1] < points[number - 1][1]:
            yield (*here, number, "probability"), "the probability falls", "more pressure cannot make success rarer"


def leverage(instance: Instance) -> Iterator[Fault]:
    """A curve that ends within the calendar."""
    if instance.leverage is None:
        return
    bounds = calendar_bounds(instance)
    if not bounds[0] < month_index(instance.leverage.until) <= bounds[-1]:
        fix = f"a month from {month_name(bounds[0] + 1)} to {month_name(bounds[-1])}"
        yield ("leverage", "until"), f"{instance.leverage.until} is outside of the calendar", fix


def observations(instance: Instance) -> Iterator[Fault]:
    """One recorded value in the measure's unit, of what is known, in the calendar; and what was fitted to which."""
    bounds = calendar_bounds(instance)
    for name, seen in instance.observations.items():
        here: Path = ("observations", name)
        yield from unknown((*here, "strategy"), "strategy", seen.strategy, instance.strategies)
        yield from _keys(instance, here, seen)
        yield from within((*here, "begins"), seen.begins, bounds[0], bounds[-1])
        yield from within((*here, "ends"), seen.ends, bounds[0], bounds[-1])
        if month_index(seen.ends) < month_index(seen.begins):
            yield (*here, "ends"), f"{seen.ends} is before {seen.begins}", "let it end after it begins"
        yield from _recorded(here, seen)
        yield from _tolerance(here, seen)
        if seen.of is not None:
            yield from _gap(instance, here, seen)
    yield from _calibration(instance)


def _keys(instance: Instance, here: Path, seen: Observation) -> Iterator[Fault]:
    """The keys that the measure needs and no others, naming what exists."""
    known: dict[str, Iterable[str]] = {
        "bloc": instance.blocs,
        "product": instance.products,
        "segment": instance.segments,
        "rival": instance.rivals,
        "of": instance.observations,
    }
    needed = NEEDS.get(seen.measure, ())
    for key in KEYS:
        value = getattr(seen, key)
        if value is None:
            if key in needed:
                yield here, f"'{seen.measure}' of no {key}", f"add {key}: …"
        elif key not in needed and key not in ALLOWS[seen.measure]:
            yield (*here, key), f"'{key}' means nothing for '{seen.measure}'", "remove it, or take another measure"
        elif key in known:
            yield from unknown((*here, key), "observation" if key == "of" else key, value, known[key])
    if seen.against is not None and float(seen.against) == 0:
        yield (*here, "against"), "nothing to compare with", "give the recorded tonnes, above 0"
    if seen.measure in ("concession_lag", "pressure") and instance.concession is None:
        yield (*here, "measure"), "there is no concession in this instance", "add one, or remove the observation"
    if seen.measure == "leverage" and instance.leverage is None:
        yield (
            (*here, "measure"),
            "nothing says how stocks recover after a cut-off",
            "add leverage, or remove the observation",
        )


def _recorded(here: Path, seen: Observation) -> Iterator[Fault]:
    """The value in the field that the measure is recorded in, and in no other."""
    right = RECORDED_AS[seen.measure]
    for key in UNITS:
        if key != right and getattr(seen, key) is not None:
            yield (*here, key), f"'{seen.measure}' is recorded as '{right}', not as '{key}'", f"write {right}: …"
    if getattr(seen, right) is None:
        yield here, "no recorded value", f"add {right}: …"


def _tolerance(here: Path, seen: Observation) -> Iterator[Fault]:
    """A tolerance in the measure's unit, above zero, or a factor by which an estimate may be missed."""
    if seen.factor is not None and seen.tolerance is not None:
        yield (*here, "factor"), "a factor beside a tolerance", "keep one"
    if seen.tolerance is None:
        return
    try:
        allowed = seen.error_allowed
    except UnitError as error:
        yield (*here, "tolerance"), error.what, error.fix
        return
    if allowed is None or allowed <= 0:
        yield (*here, "tolerance"), f"{seen.tolerance!r} allows no error at all", "give a tolerance above 0"


def _gap(instance: Instance, here: Path, seen: Observation) -> Iterator[Fault]:
    """What is recouped is a gap of the same strategy."""
    other = instance.observations.get(str(seen.of))
    if other is not None and (other.measure != "export_gap" or other.strategy != seen.strategy):
        what = f"'{seen.of}' is no export gap of strategy '{seen.strategy}'"
        yield (*here, "of"), what, "name an observation with measure: export_gap"


def _calibration(instance: Instance) -> Iterator[Fault]:
    """Numbers that exist, points in their unit, moments marked as fitted; and no fitted moment that nothing names."""
    numbers = dict(instance.quantities())
    wanted = instance.calibration.fitted if instance.calibration is not None else {}
    for name, fitted in wanted.items():
        here: Path = ("calibration", "fitted", name)
        for path in (fitted.path, *fitted.also):
            yield from unknown((*here, "also" if path in fitted.also else "path"), "number", path, numbers)
        if fitted.path in numbers:
            yield from _points(here, fitted, numbers[fitted.path].unit)
        for number, moment in enumerate(fitted.moments):
            place: Path = (*here, "moments", number)
            yield from unknown(place, "observation", moment, instance.observations)
            seen = instance.observations.get(moment)
            if seen is not None and seen.window != "fit":
                yield place, f"'{moment}' is marked '{seen.window}', and this was fitted to it", "mark it window: fit"
            elif seen is not None and seen.tolerance is None and seen.bounds is None:
                yield place, f"'{moment}' has neither tolerance nor range", "add tolerance: … to it"
    used = {moment for fitted in wanted.values() for moment in fitted.moments}
    for name, seen in instance.observations.items():
        if seen.window == "fit" and name not in used:
            what = "marked as fitted, and no parameter of `calibration` names it"
            yield ("observations", name, "window"), what, "name it there, or mark it judge or fed"


def _points(here: Path, fitted: Fitted, unit: str) -> Iterator[Fault]:
    """Points in the number's unit, and the one found among them."""
    for number, point in enumerate(fitted.points):
        try:
            convert(point, unit)
        except UnitError as error:
            yield (*here, "points", number), error.what, error.fix
    if fitted.found not in fitted.points:
        yield (*here, "found"), f"{fitted.found!r} is none of the points", f"one of {', '.join(fitted.points)}"
