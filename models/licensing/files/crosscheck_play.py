"""Cross-checks of what the leader may do and what is asked of it: postures, strategies, concession, observations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import product as combinations

from models.licensing.files.faults import Fault, Path, calendar_bounds, uncovered, unknown, within
from models.licensing.instance import Instance
from models.licensing.moves import Concession, Strategy
from models.licensing.quantity import month_index, month_name
from models.licensing.record import Observation

# The dual of a node is divided by the node's probability: below this, what is left is rounding.
SMALLEST_HAZARD = 1e-3
IN_TONNES = ("exports", "shortage")


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


def postures(instance: Instance) -> Iterator[Fault]:
    """Hazards that are none or large enough."""
    for name, posture in instance.postures.items():
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
    """A known target, and one way, not two, to say how probable success is."""
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
    if wanted.curve and given:
        yield (*here, given[0]), f"'{given[0]}' beside a curve", "keep the curve or the three keys, not both"
    elif wanted.curve:
        yield from _curve(wanted)
    elif len(given) < len(point):
        missing = ", ".join(key for key in point if key not in given)
        yield here, f"neither a curve nor all of reference, probability, cap ({missing} missing)", "add what is missing"
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
    """One recorded value in the measure's unit, of a known strategy and bloc, in the calendar."""
    bounds = calendar_bounds(instance)
    for name, seen in instance.observations.items():
        here: Path = ("observations", name)
        yield from unknown((*here, "strategy"), "strategy", seen.strategy, instance.strategies)
        if seen.bloc is not None:
            yield from unknown((*here, "bloc"), "bloc", seen.bloc, instance.blocs)
        elif seen.measure == "export_share":
            yield here, "an export share of no bloc", "add bloc: NAME"
        yield from within((*here, "begins"), seen.begins, bounds[0], bounds[-1])
        yield from within((*here, "ends"), seen.ends, bounds[0], bounds[-1])
        if month_index(seen.ends) < month_index(seen.begins):
            yield (*here, "ends"), f"{seen.ends} is before {seen.begins}", "let it end after it begins"
        yield from _recorded(here, seen)


def _recorded(here: Path, seen: Observation) -> Iterator[Fault]:
    """The value in tonnes or as a share, whichever the measure is in."""
    right, wrong = ("tonnes", "share") if seen.measure in IN_TONNES else ("share", "tonnes")
    if getattr(seen, wrong) is not None:
        yield (*here, wrong), f"'{seen.measure}' is recorded as '{right}', not as '{wrong}'", f"write {right}: …"
    elif getattr(seen, right) is None:
        yield here, "no recorded value", f"add {right}: …"
