"""Warnings about masses: kilotonnes for tonnes, months for years, capacities that cannot be."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from statistics import median

from coercivity.models.licensing.data.faults import Fault, Path
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.data.quantity import Quantity, month_index
from coercivity.models.licensing.data.record import Observation

# Thresholds are ratios between numbers of one file. A slip of units is a factor of 1000 (kt, kg), 12 (a month for a year)
# or 365; honest numbers of one kind lie closer together than that.
ALIKE = 1000.0
# A plant that could serve all its buyers one and a half times, a class of plants that could do so thrice.
PLANT, CLASS = 1.5, 3.0
# Exporters with ten times the plant that they use, a home market of thirty times the exports.
IDLE, HOME = 10.0, 30.0
# What is not imported is served by others at rest, but for a quarter that stocks and rounding may explain, or a
# twentieth of demand that no statistics tell.
UNSERVED, SMALL = 1.25, 0.05
# The record of a normal time against the file's imports; a year has twelve months.
RECORD = 5.0

Kind = dict[Path, float]


def apart(kind: Kind, what: str, unit: str, ratio: float = ALIKE) -> Iterator[Fault]:
    """A warning for each positive number that is far from the middle of its kind; of two the larger one is shown."""
    known = {path: number for path, number in kind.items() if number > 0}
    if len(known) < 2:
        return
    middle = median(known.values()) if len(known) > 2 else min(known.values())
    for path, number in known.items():
        if number >= middle * ratio:
            size = f"{number / middle:,.0f} times"
        elif number <= middle / ratio:
            size = f"1/{middle / number:,.0f} of"
        else:
            continue
        yield path, f"{number:g} {unit} is {size} what others of its kind are ({what})", "check its unit"


def kinds_of_mass(instance: Instance) -> Iterator[Fault]:
    """Tonnages a thousand times those of their kind."""
    rivals, blocs = instance.rivals, instance.blocs
    tonnages: tuple[tuple[str, Kind], ...] = (
        ("demand", {("blocs", b, "demand", p): float(x) for b, bloc in blocs.items() for p, x in bloc.demand.items()}),
        ("imports", {("blocs", b, "imports", p): float(x) for b, one in blocs.items() for p, x in one.imports.items()}),
        ("capacity of rivals", {("rivals", name, "capacity"): float(one.capacity) for name, one in rivals.items()}),
        (
            "potential of rivals",
            {
                ("rivals", name, "expansion", "potential"): float(one.expansion.potential)
                for name, one in rivals.items()
                if one.expansion is not None
            },
        ),
        ("routes", {("routes", name, "capacity"): float(one.capacity) for name, one in instance.routes.items()}),
        ("home sales", {("firms", name, "home_sales"): float(one.home_sales) for name, one in instance.firms.items()}),
    )
    for what, kind in tonnages:
        yield from apart(kind, what, "t/yr")


def ranges(instance: Instance) -> Iterator[Fault]:
    """Ranges whose ends are in different units."""
    for dotted, number in instance.quantities():
        low, high = number.low, number.high
        if low is None or high is None or low <= 0:
            continue
        if high / low >= ALIKE or (number.value > 0 and max(number.value / low, high / number.value) >= ALIKE):
            path = tuple(int(part) if part.isdecimal() else part for part in dotted.split("."))
            what = f"the range runs from {low:g} to {high:g} {number.unit}, {high / low:,.0f} times as much"
            yield path, what, "check the units of its ends"


def exports(instance: Instance) -> float:
    """What buyers import from the leader in a year, tonnes."""
    return math.fsum(float(tonnes) for bloc in instance.blocs.values() for tonnes in bloc.imports.values())


def demanded(instance: Instance, product: str, blocs: Mapping[str, object]) -> float:
    """Demand of some blocs for a product, t/yr."""
    return math.fsum(float(bloc.demand[product]) for name, bloc in instance.blocs.items() if name in blocs)


def leader_capacity(instance: Instance) -> Iterator[Fault]:
    """Exports within capacity, and not a small part of it."""
    capacity, sold = float(instance.leader.capacity), exports(instance)
    here: Path = ("leader", "capacity")
    if capacity == 0:
        yield here, "the leader has no capacity to export at all", f"buyers import {sold:g} t/yr: give at least that"
    elif capacity < sold:
        what = f"a capacity of {capacity:g} t/yr is below the imports of the buyers, {sold:g} t/yr"
        yield here, what, "check its unit and theirs: demand per month or per year, t or kt"
    elif capacity > IDLE * sold:
        what = (
            f"a capacity of {capacity:g} t/yr is {capacity / sold:,.0f} times the imports of the buyers, {sold:g} t/yr"
        )
        yield here, what, "check its unit and theirs"


def home_use(instance: Instance) -> Iterator[Fault]:
    """A home market, and sales in it, that are not beyond all proportion to exports."""
    sold = exports(instance)
    used = float(instance.leader.home_use)
    if used > HOME * sold:
        what = f"{used:g} t/yr used at home are {used / sold:,.0f} times the exports, {sold:g} t/yr"
        yield ("leader", "home_use"), what, "check the unit"
    elif 0 < used < sold / ALIKE:
        what = f"{used:g} t/yr used at home are next to nothing beside exports of {sold:g} t/yr"
        yield ("leader", "home_use"), what, "check the unit, or write 0"
    for name, firm in instance.firms.items():
        sales = float(firm.home_sales)
        if sales > HOME * sold:
            what = f"{sales:g} t/yr sold at home are {sales / sold:,.0f} times all exports, {sold:g} t/yr"
            yield ("firms", name, "home_sales"), what, "check the unit"


def rest(instance: Instance) -> Iterator[Fault]:
    """Demand beyond imports that somebody serves before anything happens."""
    for name, bloc in instance.blocs.items():
        for product, demand in bloc.demand.items():
            left = float(demand) - float(bloc.imports[product])
            served = math.fsum(
                float(rival.capacity)
                for rival in instance.rivals.values()
                if rival.product == product and name in rival.serves
            )
            if left > UNSERVED * served and left > SMALL * float(demand):
                what = f"demand exceeds imports by {left:g} t/yr, and the rivals that serve {name} can make {served:g} t/yr"
                yield ("blocs", name, "demand", product), what, "check the unit (per month or per year), or add a rival"


def rivals(instance: Instance) -> Iterator[Fault]:
    """Plants in proportion to the demand they serve."""
    for name, rival in instance.rivals.items():
        total = demanded(instance, rival.product, instance.blocs)
        served = demanded(instance, rival.product, rival.serves)
        here: Path = ("rivals", name)
        sized: list[tuple[Path, Quantity, float, float]] = [((*here, "capacity"), rival.capacity, served, PLANT)]
        sized += [
            ((*here, "committed", n, "capacity"), one.capacity, total, PLANT) for n, one in enumerate(rival.committed)
        ]
        if rival.expansion is not None:
            sized.append(((*here, "expansion", "potential"), rival.expansion.potential, total, CLASS))
        for path, tonnes, demand, ratio in sized:
            if 0 < demand * ratio < float(tonnes):
                what = f"{float(tonnes):g} t/yr are {float(tonnes) / demand:,.1f} times the demand that it could serve"
                yield path, f"{what}, {demand:g} t/yr", "check the unit: kt, or per month"


def routes(instance: Instance) -> Iterator[Fault]:
    """Re-exports of no more than a bloc uses."""
    for name, route in instance.routes.items():
        used = math.fsum(map(float, instance.blocs[route.source].demand.values()))
        if 0 < used < float(route.capacity):
            what = f"{float(route.capacity):g} t/yr could be re-exported, and {route.source} uses {used:g} t/yr"
            yield ("routes", name, "capacity"), what, "check the unit"


def records(instance: Instance) -> Iterator[Fault]:
    """Recorded tonnes that fit the imports of the file over as many months."""
    monthly = exports(instance) / 12.0
    for name, strategy in instance.strategies.items():
        for month, tonnes in strategy.fed_volumes.items():
            if float(tonnes) > RECORD * monthly:
                what = f"{float(tonnes):g} t in one month are {float(tonnes) / monthly:,.0f} times the usual exports"
                yield ("strategies", name, "fed_volumes", month), what, "check the unit"
    for name, seen in instance.observations.items():
        months = month_index(seen.ends) - month_index(seen.begins) + 1
        usual = _imports(instance, seen) / 12.0 * months
        recorded: list[tuple[str, Quantity | None, bool]] = [
            ("tonnes", seen.tonnes if seen.measure == "exports" else None, False),
            ("against", seen.against if seen.measure in ("exports_change", "export_gap") else None, True),
        ]
        for key, tonnes, is_usual in recorded:
            if tonnes is None or usual == 0:
                continue
            # What was recorded in the game may be little or nothing; what it is compared with is a normal time.
            if float(tonnes) > RECORD * usual or (is_usual and float(tonnes) < usual / RECORD):
                what = (
                    f"{float(tonnes):g} t in {months} months, and at the rate of the imports here it were {usual:g} t"
                )
                yield ("observations", name, key), what, "check the unit, here and of imports"


def _imports(instance: Instance, seen: Observation) -> float:
    """Imports of what an observation is about, t/yr."""
    return math.fsum(
        float(tonnes)
        for name, bloc in instance.blocs.items()
        for product, tonnes in bloc.imports.items()
        if seen.bloc in (None, name) and seen.product in (None, product)
    )
