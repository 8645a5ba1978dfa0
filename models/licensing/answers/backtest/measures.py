"""What the model says about the facts on record: one function per measure, while licences hold."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from coercivity.models.licensing.answers.backtest.values import Fact
from coercivity.models.licensing.buyers.evaluate import Response
from coercivity.models.licensing.data.quantity import WEEKS_PER_MONTH, month_index
from coercivity.models.licensing.data.record import Observation
from coercivity.models.licensing.leader.commit import Game
from coercivity.models.licensing.market.periods import Floats
from coercivity.models.licensing.reading.leverage import CutOff, state_after

NOTHING = 1e-9  # tonnes; a share of less is of nothing


def shortage(response: Response) -> Floats:
    """Unmet demand [n,b], tonnes; what is given up for its price is not counted."""
    return np.asarray(response.plan["unmet"][..., ~response.market.is_step].sum(axis=(2, 3, 4)))


def bloc_supply(response: Response) -> tuple[Floats, Floats]:
    """Exports and rivals' sales by node and bloc [n,b], tonnes."""
    return response.plan["imports"].sum(axis=(2, 3)), response.plan["rival_sales"].sum(axis=(1, 3))


def observations(game: Game, response: Response, name: str) -> list[Fact]:
    """The model beside the record, for the strategy that an observation is about."""
    return [
        beside(key, fact, measure(game, response, fact))
        for key, fact in game.instance.observations.items()
        if fact.strategy == name and fact.recorded is not None
    ]


def beside(key: str, fact: Observation, model: float | None) -> Fact:
    """A recorded fact with what the model has for it; shares as fractions."""
    recorded = fact.recorded
    assert recorded is not None
    low, high = fact.bounds or (recorded.value, recorded.value)
    is_inside = model is not None and low - 1e-9 <= model <= high + 1e-9
    return Fact(
        name=key,
        title=fact.title,
        measure=fact.measure,
        bloc=fact.bloc,
        product=fact.product,
        begins=fact.begins,
        ends=fact.ends,
        model=model,
        recorded=recorded.value,
        low=low,
        high=high,
        tolerance=fact.error_allowed,
        unit=recorded.unit,
        window=fact.window,
        fed=fact.window == "fed",
        inside=is_inside if fact.bounds is not None else None,
        confounded=fact.confounded,
        note=fact.note,
    )


def measure(game: Game, response: Response, fact: Observation) -> float | None:
    """What the model says about a fact, in the fact's unit; None where it says nothing (a share of no trade, say)."""
    return MEASURES[fact.measure](Seen(game, response, fact))


class Seen:
    """A response through the window of one fact: its months, and its bloc and product if it has any."""

    def __init__(self, game: Game, response: Response, fact: Observation) -> None:
        self.game, self.response, self.fact = game, response, fact
        self.instance, self.market = game.instance, game.market
        grid, sets = self.market.grid, self.market.sets
        self.weight = grid.overlap(month_index(fact.begins), month_index(fact.ends) + 1) / grid.length
        self.trunk = slice(0, len(grid))
        self.blocs = _chosen(fact.bloc, sets.blocs)
        self.products = _chosen(fact.product, sets.products)

    def total(self, tonnes: Floats) -> float:
        """The sum of an array [n or t, b, k, …] over the window, the blocs and the products of the fact."""
        return float((self.weight @ self.by_period(tonnes)).sum())

    def by_period(self, tonnes: Floats) -> Floats:
        """The same, period by period [t]."""
        chosen = tonnes[self.trunk][:, self.blocs][:, :, self.products]
        return np.asarray(chosen.reshape(len(self.weight), -1).sum(axis=1))

    @property
    def imports(self) -> Floats:
        """What is bought of the leader [t,b,k], tonnes."""
        return np.asarray(self.response.plan["imports"][self.trunk].sum(axis=-1))

    @property
    def rival_sales(self) -> Floats:
        """What is bought of the leader's rivals [t,b,k], tonnes."""
        found = np.zeros_like(self.imports)
        for j, product in enumerate(self.market.rival_product):
            found[:, :, product] += self.response.plan["rival_sales"][self.trunk, j].sum(axis=-1)
        return found

    @property
    def reexports(self) -> Floats:
        """What comes in by re-export less what goes out [t,b,k], tonnes."""
        found = np.zeros_like(self.imports)
        for r, (source, destination) in enumerate(self.market.route_ends):
            moved = self.response.plan["reexport"][self.trunk, r].sum(axis=-1)
            found[:, source] -= moved
            found[:, destination] += moved
        return found

    @property
    def demand(self) -> Floats:
        """Demand before redesign [t,b,k], tonnes."""
        return np.asarray(self.market.demand.sum(axis=(3, 4)))

    @property
    def against(self) -> float:
        """The recorded tonnes that the model's are compared with."""
        assert self.fact.against is not None
        return float(self.fact.against)

    @property
    def revenue(self) -> Floats:
        """What the leader's side is paid [t,b,k], thousand USD: the price, and the rents that it captures."""
        rents, trunk = self.instance.leader.rents, self.trunk
        most = np.inf if rents.premium is None else float(rents.premium)
        licence = np.minimum(self.response.price("export_licence"), most) * self.response.plan["imports"]
        exporter = np.minimum(self.response.price("exporter_capacity"), most)[trunk][:, None, None] * self.imports
        paid = self.imports * self.market.price[:, None, :]
        return np.asarray(paid + float(rents.licence) * licence[trunk].sum(axis=-1) + float(rents.exporter) * exporter)


def _chosen(name: str | None, names: tuple[str, ...]) -> slice:
    return slice(None) if name is None else slice(names.index(name), names.index(name) + 1)


def _over(part: float, whole: float) -> float | None:
    return part / whole if abs(whole) > NOTHING else None


# -- tonnes ----------------------------------------------------------------------------------------------------


def _exports(seen: Seen) -> float:
    plus = seen.fact.plus
    return seen.total(seen.imports) + (float(plus) if plus is not None else 0.0)


def _export_gap(seen: Seen) -> float:
    return _exports(seen) - seen.against


def _recouped(seen: Seen) -> float | None:
    """Share of an earlier shortfall that comes on top of what is usual; None where there was no shortfall."""
    earlier = Seen(seen.game, seen.response, seen.instance.observations[str(seen.fact.of)])
    lost = -_export_gap(earlier)
    return _export_gap(seen) / lost if lost > NOTHING else None


def _unmet(seen: Seen) -> Floats:
    """Unmet demand [t,b,k,e] of the fact's segment, or of all but the steps that are given up for the price."""
    return np.asarray(seen.response.plan["unmet"][seen.trunk].sum(axis=3)[..., _segment(seen)])


def _segment(seen: Seen) -> np.ndarray:
    names = seen.market.sets.segments
    if seen.fact.segment is None:
        return np.flatnonzero(~seen.market.is_step)
    return np.array([names.index(seen.fact.segment)])


def _first_stop(seen: Seen) -> float | None:
    """Weeks to the middle of the first period in which more than the stated share of demand goes unmet."""
    assert seen.fact.above is not None
    wanted = seen.by_period(seen.market.demand.sum(axis=3)[..., _segment(seen)])
    unmet = seen.by_period(_unmet(seen))
    stopped = np.flatnonzero((seen.weight > 0) & (unmet > float(seen.fact.above) * wanted + NOTHING))
    return float(12.0 * seen.market.grid.middle[stopped[0]] * WEEKS_PER_MONTH) if len(stopped) else None


def _rival_sales(seen: Seen) -> float:
    if seen.fact.rival is None:
        return seen.total(seen.rival_sales)
    j = seen.market.sets.rivals.index(seen.fact.rival)
    return float(seen.weight @ seen.response.plan["rival_sales"][seen.trunk, j][:, seen.blocs].sum(axis=(1, 2)))


# -- shares and ratios -----------------------------------------------------------------------------------------


def _export_share(seen: Seen) -> float | None:
    every_bloc = seen.imports[:, :, seen.products].sum(axis=(1, 2))
    return _over(seen.total(seen.imports), float(seen.weight @ every_bloc))


def _leader_share(seen: Seen) -> float | None:
    bought = seen.total(seen.imports)
    return _over(bought, bought + seen.total(seen.rival_sales))


def _rival_foreign_share(seen: Seen) -> float | None:
    sold = seen.total(seen.rival_sales)
    return _over(sold, sold + seen.total(seen.imports))


def _rival_world_share(seen: Seen) -> float | None:
    leader, grid = seen.instance.leader, seen.market.grid
    home = float(leader.home_use) * grid.years * np.power(1.0 + float(leader.home_growth), grid.middle)
    sold = seen.total(seen.rival_sales)
    return _over(sold, sold + seen.total(seen.imports) + float(seen.weight @ home))


def _demand_change(seen: Seen) -> float:
    return seen.total(seen.imports + seen.rival_sales + seen.reexports) / seen.against - 1.0


def _designed_out(seen: Seen) -> float | None:
    """Share of demand that redesign and thrifting have taken out of the product."""
    market = seen.market
    relief = np.zeros_like(seen.demand)
    for o, redesign in market.redesigns.items():
        product = market.option_from[o]
        tonnes = market.demand[:, :, product].sum(axis=2)
        ordered = seen.response.plan["designed_out"][seen.trunk, :, o]
        for t in range(len(market.grid)):
            out = sum((weight * ordered[m] for m, weight in redesign.lags(t)), np.zeros_like(ordered[0]))
            relief[t, :, product] += (tonnes[t] * out).sum(axis=-1)
    return _over(seen.total(relief), seen.total(seen.demand))


def _licensed(seen: Seen) -> float | None:
    """Licensed tonnes; None where some trade is open."""
    licence = seen.response.announced.licence[seen.trunk][seen.weight > 0][:, seen.blocs][:, :, seen.products]
    if not np.isfinite(licence).all():
        return None
    return float((seen.weight[seen.weight > 0] @ licence.reshape(len(licence), -1)).sum())


def _licence_use(seen: Seen) -> float | None:
    licensed = _licensed(seen)
    return None if licensed is None else _over(seen.total(seen.imports), licensed)


def _licensed_share(seen: Seen) -> float | None:
    licensed = _licensed(seen)
    return None if licensed is None else _over(licensed, seen.total(seen.market.forecast))


# -- money, prices, times --------------------------------------------------------------------------------------


def _export_value(seen: Seen) -> float:
    return seen.total(seen.revenue) / 1000.0


def _unit_value(seen: Seen) -> float | None:
    return _over(seen.total(seen.revenue), seen.total(seen.imports))


def _price(seen: Seen) -> float | None:
    """The buyers' market price, averaged by demand: what one more kilogram is worth to them."""
    cells = seen.market.demand.sum(axis=4)
    worth = (seen.response.price("demand_balance")[seen.trunk] * cells).sum(axis=-1)
    return _over(seen.total(worth), seen.total(cells.sum(axis=-1)))


def _asked(seen: Seen) -> float | None:
    """The leader's price, averaged by demand, USD/kg."""
    return _over(seen.total(seen.demand * seen.market.price[:, None, :]), seen.total(seen.demand))


def _price_ratio(seen: Seen) -> float | None:
    asked, price = _asked(seen), _price(seen)
    return None if not asked or price is None else price / asked


def _premium(seen: Seen) -> float | None:
    """What buyers' market price exceeds the leader's by, USD/kg, averaged by demand."""
    asked, price = _asked(seen), _price(seen)
    return None if asked is None or price is None else price - asked


def _lost_output(seen: Seen) -> float:
    """What is not made for want of the material, million USD."""
    return seen.total(_unmet(seen) * seen.market.segment_value[:, _segment(seen)]) / 1000.0


def _pain(seen: Seen) -> float:
    """What the measures against a bloc cost, over the whole game, million USD."""
    bloc = seen.market.sets.blocs.index(str(seen.fact.bloc))
    return seen.game.harm(seen.response.announced, seen.response.cost, bloc)


def _pressure(seen: Seen) -> float:
    """What the chance of a concession rests on, million USD."""
    return seen.game.pressed(seen.response)


def _leverage(seen: Seen) -> float | None:
    """What an unannounced cut-off at the end of the window would cost, of a bloc or of all, million USD."""
    assert seen.fact.cut is not None
    if seen.instance.leverage is None:
        return None
    lengths = seen.instance.leverage.model_copy(update={"lengths": (seen.fact.cut,)})
    cutoff = CutOff(seen.instance.model_copy(update={"leverage": lengths}), seen.market)
    last = int(np.flatnonzero(seen.weight > 0)[-1])
    members = tuple(range(len(seen.market.sets.blocs)))[seen.blocs]
    return float(cutoff.losses(state_after(seen.response, last), [members])[0][0, 0])


def _concession_lag(seen: Seen) -> float | None:
    concession = seen.instance.concession
    return None if concession is None else float(concession.begins) * WEEKS_PER_MONTH


MEASURES: dict[str, Callable[[Seen], float | None]] = {
    "exports": _exports,
    "exports_change": lambda seen: _exports(seen) / seen.against - 1.0,
    "export_gap": _export_gap,
    "recouped": _recouped,
    "export_share": _export_share,
    "leader_share": _leader_share,
    "rival_world_share": _rival_world_share,
    "rival_foreign_share": _rival_foreign_share,
    "rival_sales": _rival_sales,
    "demand_change": _demand_change,
    "designed_out": _designed_out,
    "shortage": lambda seen: seen.total(_unmet(seen)),
    "first_stop": _first_stop,
    "export_value": _export_value,
    "unit_value": _unit_value,
    "price": _price,
    "price_ratio": _price_ratio,
    "premium": _premium,
    "lost_output": _lost_output,
    "pain": _pain,
    "pressure": _pressure,
    "leverage": _leverage,
    "licence_use": _licence_use,
    "licensed_share": _licensed_share,
    "concession_lag": _concession_lag,
}
