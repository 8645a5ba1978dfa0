"""Warnings about money: exchange rates, prices against values, margins, costs that nobody would pay."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from functools import cache
from importlib import resources

from coercivity.models.licensing.data.crosschecks.rivals import costs
from coercivity.models.licensing.data.faults import Fault, Path
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.data.plausibility.sizes import Kind, apart, exports

# All are ratios between numbers of one file, or between a rate and the range in which it moved for decades.
RATE = 2.0  # a currency outside twice its range of decades
CHEAP = 50.0  # a use worth fifty times the price, and that is the cheapest use of all
SPREAD = 500.0  # the dearest use against the cheapest
MARGIN = 10.0  # a price of ten times what the good costs to make
MONTHLY = 0.2  # stock that costs a fifth of its price a month costs more than twice its price a year
# A choke point is a small trade with much behind it: a concession worth forty times the exports is honest, three hundred
# times is a slip of units, and so is a third of a day of them.
LARGE, TINY = 300.0, 0.001
DEAR = 3.0  # what costs thrice the leader's price is not built beside it
FREIGHT = 2.0  # freight of twice the price
FREE = 0.0005  # a month's cost of holding a good: half a percent of its price in a year
TOKEN = 0.01  # a plant for a hundredth of what it sells in a year
ABROAD = 100.0  # prices of one good at home and abroad
RUMOUR = 100.0  # a recorded price against the usual one: even a panic made it no more than some ten times as high


@cache
def _known_rates() -> dict[str, tuple[float, float]]:
    """By currency: the lowest and highest price in dollars of the last decades; `*` is any currency."""
    text = resources.files("coercivity.instances").joinpath("exchange_rates.csv").read_text("utf-8")
    rows = csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))
    return {row["currency"]: (float(row["low"]), float(row["high"])) for row in rows}


def exchange_rates(instance: Instance) -> Iterator[Fault]:
    """Currencies near where they were for decades; the usual slip is the rate upside down."""
    known = _known_rates()
    for code, rate in instance.money.exchange_rates.items():
        low, high = known.get(code, known["*"])
        if low / RATE <= rate <= high * RATE:
            continue
        path: Path = ("money", "exchange_rates", code)
        what = f"{rate:g} dollars for one {code} is far from what it ever was, {low:g} to {high:g}"
        is_inverse = low / RATE <= 1 / rate <= high * RATE
        yield path, what, f"write dollars per {code}: {1 / rate:.4g}?" if is_inverse else f"write dollars per {code}"


def taxes(instance: Instance) -> Iterator[Fault]:
    """Export taxes that exceed the price, and a share given back of a tax that nobody takes."""
    dearest = max(map(float, instance.leader.price.values()))
    for name, posture in instance.postures.items():
        if posture.export_tax is not None and float(posture.export_tax) > dearest:
            what = f"{float(posture.export_tax):g} USD/kg is more than any product costs"
            yield ("postures", name, "export_tax"), what, "check the unit; a share of the price is an export_duty"
    is_taken = any(posture.export_tax or posture.export_duty for posture in instance.postures.values())
    if instance.leader.tax_passed_on is not None and not is_taken:
        yield ("leader", "tax_passed_on"), "no posture takes a tax", "leave it out, or give a posture an export_tax"


def prices(instance: Instance) -> Iterator[Fault]:
    """Prices in proportion to what the cheapest use is worth, and to each other."""
    for name in instance.products:
        price = float(instance.leader.price[name])
        used = [worth for key, worth in instance.uses(name).items() if instance.segments[key].value is not None]
        if price == 0:
            yield ("leader", "price", name), "the leader sells for nothing", "give the price"
        elif used and min(used) > CHEAP * price:
            what = f"{price:g} USD/kg is 1/{min(used) / price:,.0f} of what the cheapest use is worth, {min(used):g} USD/kg"
            yield ("leader", "price", name), what, "check the units of the price and of the segments' values"
    stated = {name: one.value for name, one in instance.segments.items() if one.value is not None}
    values: Kind = {("segments", name, "value"): float(value) for name, value in stated.items()}
    yield from apart(values, "values of a missing kilogram", "USD/kg", SPREAD)
    yield from apart(
        {("leader", "price", key): float(x) for key, x in instance.leader.price.items()}, "prices", "USD/kg"
    )
    if instance.home is not None:
        yield from _home_price(instance, float(instance.home.price))
    for name, seen in instance.observations.items():
        paid = 0.0 if seen.price is None else float(seen.price)
        usual = max(map(float, instance.leader.price.values()))
        if paid > RUMOUR * usual:
            what = f"{paid:g} USD/kg is {paid / usual:,.0f} times the leader's highest price, {usual:g} USD/kg"
            yield ("observations", name, "price"), what, "check the unit"


def _home_price(instance: Instance, price: float) -> Iterator[Fault]:
    abroad = max(map(float, instance.leader.price.values()))
    if abroad > 0 and not abroad / ABROAD < price < abroad * ABROAD:
        yield ("home", "price"), f"{price:g} USD/kg at home against {abroad:g} USD/kg abroad", "check the unit"


def margins(instance: Instance) -> Iterator[Fault]:
    """Margins of a trade that others would enter: above nothing, below a multiple of the cost."""
    dearest = max(map(float, instance.leader.price.values()))
    for name, price in instance.leader.price.items():
        cost, here = float(instance.leader.unit_cost[name]), ("leader", "unit_cost", name)
        if float(price) > MARGIN * cost:
            yield here, f"a cost of {cost:g} USD/kg under a price of {float(price):g} USD/kg", "check the unit of both"
        elif float(price) == cost:
            yield here, f"at a price of {cost:g} USD/kg the leader earns nothing on a kilogram", "check price and cost"
    for name, firm in instance.firms.items():
        for key in ("export_margin", "home_margin"):
            margin = float(getattr(firm, key))
            if abs(margin) > dearest:
                what = f"a margin of {margin:g} USD/kg, and the highest price is {dearest:g} USD/kg"
                yield ("firms", name, key), what, "check the unit"
    idle = float(instance.leader.idle_cost)
    if idle > dearest:
        what = f"an idle kilogram of capacity costs {idle:g} USD/kg, more than the highest price, {dearest:g} USD/kg"
        yield ("leader", "idle_cost"), what, "check the unit"


def kinds_of_price(instance: Instance) -> Iterator[Fault]:
    """Costs a thousand times those of their kind, and rivals that make the good for next to nothing."""
    rivals, options = instance.rivals, instance.options
    steps = enumerate(instance.stocks.cover_steps)
    yield from apart(
        {path: line.unit_cost for key, one in rivals.items() for path, line in costs(key, one)}, "unit costs", "USD/kg"
    )
    yield from apart(
        {("options", key, "cost"): float(one.cost) for key, one in options.items()}, "options", "USD/(kg/yr)"
    )
    yield from apart(
        {("routes", key, "cost"): float(one.cost) for key, one in instance.routes.items()}, "routes", "USD/kg"
    )
    yield from apart(
        {("stocks", "cover_steps", n, "penalty"): float(step.penalty) for n, step in steps}, "penalties", "USD/kg/month"
    )
    for name, rival in rivals.items():
        price, upkeep = float(instance.leader.price[rival.product]), float(rival.standing_cost or 0.0)
        if upkeep > DEAR * price:
            what = (
                f"{upkeep:g} USD/kg a year to stand is {upkeep / price:,.1f} times the leader's price, {price:g} USD/kg"
            )
            yield ("rivals", name, "standing_cost"), what, "check the unit: of capacity for a kilogram a year"
        for path, line in costs(name, rival):
            cost = line.unit_cost
            # What comes beside something else may well cost next to nothing by itself.
            if price > MARGIN * cost and rival.by_product is None:
                what = (
                    f"{cost:g} USD/kg is 1/{price / cost:,.0f} of the leader's price"
                    if cost
                    else "a rival that makes it for nothing"
                )
                yield path, f"{what}, {price:g} USD/kg", "check the unit"
            elif cost > DEAR * price:
                what = f"{cost:g} USD/kg is {cost / price:,.1f} times the leader's price, {price:g} USD/kg"
                yield path, what, "check the unit"


def stock_costs(instance: Instance) -> Iterator[Fault]:
    """Stock that costs less to hold than the good, and to lack than the use."""
    cheapest, dearest = (pick(map(float, instance.leader.price.values())) for pick in (min, max))
    costs: list[tuple[Path, float, float, str]] = [
        (
            ("stocks", "holding_cost"),
            float(instance.stocks.holding_cost),
            MONTHLY * cheapest,
            "a fifth of the lowest price",
        ),
        (("stocks", "surplus_cost"), float(instance.stocks.surplus_cost), dearest, "the highest price"),
        (
            ("leader", "buffer_cost"),
            float(instance.leader.buffer_cost),
            MONTHLY * cheapest,
            "a fifth of the lowest price",
        ),
    ]
    least = min(min(instance.uses(name).values()) for name in instance.products)
    penalties = enumerate(instance.stocks.cover_steps)
    costs += [
        (("stocks", "cover_steps", n, "penalty"), float(step.penalty), least, "the value of the cheapest use")
        for n, step in penalties
    ]
    holding = float(instance.stocks.holding_cost)
    if holding < FREE * dearest:
        what = f"{holding:g} USD/kg/month is next to nothing beside a price of {dearest:g} USD/kg"
        yield ("stocks", "holding_cost"), what, "check the unit: a month, not a day"
    for path, cost, limit, words in costs:
        if cost > limit > 0:
            yield (
                path,
                f"{cost:g} USD/kg/month is above {words}, {limit:g} USD/kg",
                "check the unit: a month, not a year",
            )


def full_costs(instance: Instance) -> Iterator[Fault]:
    """What can be ordered at a cost below what the dearest use is worth, and above nothing."""
    _, worth = instance.dearest()
    interest = float(instance.cost_of_capital)
    for name, rival in instance.rivals.items():
        order, price = rival.expansion, float(instance.leader.price[rival.product])
        for path, line in costs(name, rival):
            if order is None:
                continue
            full = (
                line.unit_cost + float(rival.standing_cost or 0.0) + line.capex * _annuity(interest, float(order.life))
            )
            at = ("rivals", name, "expansion", "capex") if rival.steps is None else (*path[:-1], "capex")
            # Without capital, but with upkeep: a source that comes and goes, smuggling say.
            if line.capex > 0 or rival.standing_cost is None:
                yield from _ordered(at, line.capex, full, worth, price)
        for bloc, freight in rival.serves.items():
            if float(freight) > FREIGHT * price:
                what = f"{float(freight):g} USD/kg to {bloc}, and the good itself sells for {price:g} USD/kg"
                yield ("rivals", name, "serves", bloc), what, "check the unit, or drop the bloc"
    for name, option in instance.options.items():
        price, running = float(instance.leader.price[option.product]), float(option.running_cost)
        full = running + float(option.cost) * _annuity(interest, float(option.life))
        yield from _ordered(("options", name, "cost"), float(option.cost), full, worth, price)
        if running < -worth:
            yield (
                ("options", name, "running_cost"),
                f"{running:g} USD/kg saves more than the dearest use",
                "check the sign",
            )
    for name, route in instance.routes.items():
        price = max(map(float, instance.leader.price.values()))
        if float(route.cost) > FREIGHT * price:
            what = f"{float(route.cost):g} USD/kg, and the good itself sells for {price:g} USD/kg"
            yield ("routes", name, "cost"), what, "check the unit, or drop the route"


def _ordered(path: Path, capital: float, full: float, worth: float, price: float) -> Iterator[Fault]:
    """A cost of capital that is neither prohibitive nor nothing."""
    if full >= worth:
        what = f"with it a kilogram costs {full:,.0f} USD, more than the dearest use is worth, {worth:g}: never ordered"
        yield path, what, "check the unit, or drop it"
    elif full > DEAR * price:
        what = (
            f"with it a kilogram costs {full:,.0f} USD, {full / price:,.1f} times the leader's price, {price:g} USD/kg"
        )
        yield path, what, "check the unit"
    elif capital < TOKEN * price:
        yield path, f"{capital:g} USD/(kg/yr) is next to nothing beside a price of {price:g} USD/kg", "check the unit"


def _annuity(interest: float, life: float) -> float:
    """Share of the capital that is paid a year."""
    return interest / -math.expm1(-life * math.log1p(interest)) if interest > 0 else 1.0 / life


def concession_value(instance: Instance) -> Iterator[Fault]:
    """Money of governments in proportion to the trade, which is what they would fight about."""
    trade = exports(instance) * max(map(float, instance.leader.price.values())) / 1000.0
    sums: list[tuple[Path, float]] = []
    if instance.concession is not None:
        sums.append((("concession", "value"), float(instance.concession.value)))
    sums += [(("countermeasures", name, "cost"), float(one.cost)) for name, one in instance.countermeasures.items()]
    sums += [(("firms", name, "fixed_cost"), float(one.fixed_cost)) for name, one in instance.firms.items()]
    for path, worth in sums:
        if worth > LARGE * trade > 0 or 0 < worth < TINY * trade:
            what = f"{worth:g} million USD/yr beside exports worth about {trade:,.4g} million USD/yr"
            yield path, what, "check the unit: thousand, million or billion"
