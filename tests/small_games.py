"""Small random licensing games: a seed gives one, with every feature of the model switched on in some of them."""

from __future__ import annotations

import copy
import json
import random
from functools import cache
from typing import Any

import numpy as np
from hypothesis import strategies as st

from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.data.load import load_text
from coercivity.models.licensing.data.quantity import month_index, month_name
from coercivity.models.licensing.leader.commit import Evaluation, Game

START = "2025-01"
POOL = 24
seeds = st.integers(0, POOL - 1)
"""The games of the pool: few, so that tests share what was computed for them."""


def small_data(seed: int) -> dict[str, Any]:
    """The data of a game, as an instance file says them."""
    return _Maker(random.Random(seed)).data()


def full_data() -> dict[str, Any]:
    """The data of a game that has every feature at once."""
    return _Maker(random.Random(7), full=True).data()


def instance_of(data: dict[str, Any]) -> Instance:
    """The instance that the data give; refused like any other if they do not fit together."""
    return load_text(json.dumps(data, indent=1), "small.yaml")


def altered(data: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A copy of the data with values at paths, in which a double underscore stands for a dot."""
    found = copy.deepcopy(data)
    for path, value in changes.items():
        *above, last = path.split("__")
        node = found
        for part in above:
            node = node[part]
        node[last] = value
    return found


@cache
def small_game(seed: int) -> Game:
    """The game of a seed, built once."""
    return Game(instance_of(small_data(seed)))


@cache
def evaluation(seed: int, name: str) -> Evaluation:
    """A named strategy of the game of a seed, evaluated once."""
    game = small_game(seed)
    return game.evaluate(game.announce(name))


def calm(data: dict[str, Any]) -> dict[str, Any]:
    """The data at rest: no growth, no hazard, no investment, no public money, no reserve, nothing fed, capacity for all."""
    found = copy.deepcopy(data)
    for bloc in found["blocs"].values():
        bloc["growth"] = dict.fromkeys(bloc["growth"], 0)
        bloc.pop("reserve", None)
    for rival in found["rivals"].values():
        rival.pop("expansion", None)
        for key in ("committed", "support", "slip"):
            rival.pop(key, None)
    for posture in found["postures"].values():
        posture["hazard"] = 0
        for key in ("leader_hazard", "corridor", "release"):
            posture.pop(key, None)
    found["buyers"].pop("price_risk", None)
    for strategy in found["strategies"].values():
        strategy.pop("fed_volumes", None)
    found["options"] = {}
    found["countermeasures"] = {}
    found["leader"] |= {"capacity": "100 kt/yr", "capacity_growth": 0}
    found["buyers"]["discount_rate"] = "1 %/yr"
    return found


def long_run(data: dict[str, Any]) -> dict[str, Any]:
    """The data with every mechanism of the long run: upkeep, steps, contracts, a by-product, paths of price and cost."""
    found = copy.deepcopy(data)
    for number, rival in enumerate(found["rivals"].values()):
        rival["standing_cost"] = f"{(9, 0, 3)[number % 3]} USD/kg"
        if number == 0:
            cost, order = float(rival.pop("unit_cost").split()[0]), rival.get("expansion", {})
            price = order.pop("capex", None)
            rival["steps"] = [
                {"share": share, "unit_cost": f"{cost * factor} USD/kg"} | ({} if price is None else {"capex": price})
                for share, factor in (("40 %", 0.9), ("35 %", 1.0), ("25 %", 1.15))
            ]
        first, *others = rival["serves"]
        if others:
            rival["contract"] = {first: {"share": "35 %", "premium": "4 USD/kg"}}
        if number:
            rival["by_product"] = {"of": next(iter(found["rivals"])), "ratio": 1.2}
    for key, factor in (("price_path", "97 %"), ("unit_cost_path", "95 %")):
        found["leader"][key] = {product: {"2025-02": factor, "2025-04": 1} for product in found["products"]}
    return found


def named(data: dict[str, Any], renames: dict[str, str]) -> dict[str, Any]:
    """The data with names replaced wherever they stand, as keys or as values."""

    def renamed(node: Any) -> Any:
        if isinstance(node, dict):
            return {renames.get(key, key): renamed(value) for key, value in node.items()}
        if isinstance(node, list):
            return [renamed(item) for item in node]
        return renames.get(node, node) if isinstance(node, str) else node

    return renamed(data)


def tree_weights(game: Game, weight: np.ndarray) -> np.ndarray:
    """Probabilities of the scenarios, read off the leaves."""
    return weight[game.market.tree.leaves()]


class _Maker:
    """Draws one game block by block."""

    def __init__(self, draw: random.Random, full: bool = False) -> None:
        self.draw, self.full = draw, full

    def data(self) -> dict[str, Any]:
        draw = self.draw
        self.blocs = ["west", "east", "south"][: 3 if self.full else draw.randint(1, 3)]
        self.products = ["heavy", "light"][: 2 if self.full else draw.randint(1, 2)]
        self.tiers = ["weeks", "months"][: 2 if self.full else draw.randint(1, 2)]
        self.segments = ["toys", "cars", "arms"][: 3 if self.full else draw.randint(2, 3)]
        self.groups = ["near", "far"][: 2 if self.full else draw.randint(1, min(2, len(self.blocs)))]
        calendar, bounds = self._calendar()
        phases = self._phases(bounds)
        self.tail_months = bounds[-1] - self.tail
        data: dict[str, Any] = {
            "schema": "coercivity/licensing/1", "name": "small", "title": "Small",
            "assumed": "random numbers for a test", "as_of": START, "money": {"year": 2025},
            "calendar": calendar, "phases": phases, "tail": month_name(self.tail), "cost_of_capital": "10 %/yr",
            "buyers": {"discount_rate": self._rate(0.02, 0.1), "rationing": self._rationing()},
        }  # fmt: skip
        if self._some(0.4):
            data["buyers"]["price_risk"] = {"volatility": "25 %", "premium": "30 %", "absorption": "5 %"}
        self.has_risk, self.has_trust = "price_risk" in data["buyers"], self._some(0.4)
        self.has_types = self._some(0.35)
        for name in (
            "products",
            "segments",
            "tiers",
            "stocks",
            "blocs",
            "leader",
            "rivals",
            "options",
            "routes",
            "postures",
        ):
            data[name] = getattr(self, f"_{name}")()
        data["groups"] = {name: {"title": name} for name in self.groups}
        data |= self._play(calendar, phases) | {"leverage": self._leverage(bounds)}
        return data | self._reactions()

    def _some(self, chance: float = 0.5) -> bool:
        return self.full or self.draw.random() < chance

    def _between(self, low: float, high: float, unit: str) -> str:
        return f"{round(self.draw.uniform(low, high), 4)} {unit}"

    def _rate(self, low: float, high: float) -> str:
        return self._between(100 * low, 100 * high, "%/yr")

    def _shares(self, names: list[str]) -> dict[str, float]:
        parts = [self.draw.randint(1, 4) for _ in names]
        return {name: part / sum(parts) for name, part in zip(names, parts, strict=True)}

    def _rationing(self) -> str:
        return "efficient" if self.full else self.draw.choice(["efficient", "efficient", "pro_rata"])

    def _calendar(self) -> tuple[dict[str, Any], list[int]]:
        months, quarters, years = self.draw.randint(3, 6), self.draw.randint(0, 2), self.draw.randint(0, 2)
        if self.full:
            months, quarters, years = 6, 1, 1
        if quarters + years == 0:
            quarters = 1
        lengths = [1] * months + [3] * quarters + [12] * years
        bounds = [month_index(START) + sum(lengths[:position]) for position in range(len(lengths) + 1)]
        return {"start": START, "months": months, "quarters": quarters, "years": years}, bounds

    def _phases(self, bounds: list[int]) -> dict[str, Any]:
        two = self._some()
        last = self.draw.randint(2, len(bounds) - 2)
        self.tail = bounds[last]
        second = self.draw.randint(1, last - 1)
        if self.full:
            last, second = 6, 3
            self.tail = bounds[last]
        ends = second if two else last
        self.has_quarter = ends >= 3 or (two and second <= 3 and last >= 6 and bounds[6] - bounds[3] == 3)
        phases: dict[str, Any] = {"first": {"begins": START}}
        if self._some(0.3):
            phases["first"]["breakdown"] = month_name(bounds[self.draw.randrange(second if two else last)])
        return phases | ({"second": {"begins": month_name(bounds[second])}} if two else {})

    def _products(self) -> dict[str, Any]:
        return {name: {"title": name, "segments": self._shares(self.segments)} for name in self.products}

    def _segments(self) -> dict[str, Any]:
        values = ["60 USD/kg", "300 USD/kg", "1000 USD/kg"]
        return {name: {"title": name, "value": value} for name, value in zip(self.segments, values, strict=False)}

    def _tiers(self) -> dict[str, Any]:
        return {name: {"title": name, "cover": self._between(0.3, 2.5, "month")} for name in self.tiers}

    def _stocks(self) -> dict[str, Any]:
        steps = [{"share": 0.5, "penalty": "2 USD/kg/month"}, {"share": 0.5, "penalty": "6 USD/kg/month"}]
        surplus = self._between(0, 0.5, "USD/kg/month")
        return {"holding_cost": "0.5 USD/kg/month", "surplus_cost": surplus, "cover_steps": steps}

    def _blocs(self) -> dict[str, Any]:
        found = {}
        for position, name in enumerate(self.blocs):
            demand = {product: self.draw.uniform(300, 1500) for product in self.products}
            self.exports = getattr(self, "exports", 0.0) + 0.9 * sum(demand.values())
            found[name] = {
                "title": name,
                "group": self.groups[position % len(self.groups)],
                "demand": {product: f"{tonnes:.3f} t/yr" for product, tonnes in demand.items()},
                "imports": {product: f"{0.9 * tonnes:.3f} t/yr" for product, tonnes in demand.items()},
                "growth": {product: self._rate(-0.02, 0.08) for product in self.products},
                "tiers": self._shares(self.tiers),
            }
            if self._some(0.3):
                found[name]["reserve"] = {"months": "1 month", "begins": "2025-03", "penalty": "1.5 USD/kg/month"}
            if self._some(0.3):
                found[name]["cover"] = {self.tiers[0]: "1.5 month"}
        return found

    def _leader(self) -> dict[str, Any]:
        rents = [0, 0.5] if self.full else self.draw.choice([[0, 0], [0, 1], [0.4, 0], [0.7, 0.5]])
        capacity = 1000 * len(self.blocs) * len(self.products)
        return {
            "title": "Leader", "discount_rate": self._rate(0.02, 0.1),
            "price": {name: self._between(40, 55, "USD/kg") for name in self.products},
            "unit_cost": {name: self._between(20, 39, "USD/kg") for name in self.products},
            "capacity": self._between(0.8 * capacity, 2 * capacity, "t/yr"), "capacity_growth": self._rate(0, 0.04),
            "idle_cost": self._between(0, 6, "USD/kg"), "buffer_cost": "0.2 USD/kg/month",
            "home_use": "500 t/yr", "home_growth": self._rate(0, 0.02), "public_funds": "30 %", "rents": {"licence": rents[0], "exporter": rents[1]},
        }  # fmt: skip

    def _rivals(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name in ["mine", "plant", "shop"][: 3 if self.full else self.draw.randint(1, 3)]:
            served = self.draw.sample(self.blocs, self.draw.randint(1, len(self.blocs)))
            found[name] = {
                "title": name, "owner": self._owner(), "product": self.draw.choice(self.products),
                "serves": {bloc: self._between(0, 8, "USD/kg") for bloc in served},
                "capacity": self._between(50, 300, "t/yr"), "unit_cost": self._between(35, 58, "USD/kg"),
            }  # fmt: skip
            if self._some(0.6):
                found[name]["expansion"] = {
                    "potential": self._between(100, 600, "t/yr"), "lead_time": self._lead(),
                    "capex": self._between(10, 120, "USD/(kg/yr)"), "life": "10 yr",
                }  # fmt: skip
            if self._some(0.3):
                found[name]["committed"] = [{"begins": "2025-02", "capacity": "60 t/yr"}]
            if self._some(0.3):
                found[name]["support"] = {"begins": "2025-03", "capital": "30 %"}
                if self._some():
                    found[name]["support"]["floor"] = "57 USD/kg"
            if self._some(0.3):
                found[name]["slip"] = {"share": "40 %", "by": "2.5 month"}
        self.growing = [name for name, rival in found.items() if "expansion" in rival][:1]
        return found

    def _owner(self) -> str:
        return self.draw.choice([*self.blocs, "outside"])

    def _lead(self) -> str:
        return self._between(0.5, self.tail_months, "month")

    def _options(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name in ["thrift", "recycle"][: 2 if self.full else self.draw.randint(0, 2)]:
            found[name] = {
                "title": name, "product": self.products[0], "lead_time": self._lead(), "life": "5 yr",
                "potential": {self.segments[-1]: 0.7, self.segments[0]: 0.2},
                "yearly_limit": self._between(20, 80, "%"), "cost": self._between(1, 20, "USD/(kg/yr)"),
                "running_cost": self._between(30, 60, "USD/kg"),
            }  # fmt: skip
            if name == "thrift" and len(self.products) > 1:
                found[name] |= {"moves_to": self.products[1], "running_cost": self._between(-2, 2, "USD/kg")}
        return found

    def _routes(self) -> dict[str, Any]:
        ends = [("west", "east"), ("east", "west")][: 2 if self.full else self.draw.randint(0, 2)]
        return {
            f"{source}_{to}": {"source": source, "destination": to, "owner": self._owner(),
                               "capacity": self._between(20, 120, "t/yr"), "cost": self._between(2, 10, "USD/kg")}
            for source, to in ends if len(self.blocs) > 1
        }  # fmt: skip

    def _postures(self) -> dict[str, Any]:
        half = {"licensed": self._between(20, 70, "%"), "hazard": self._between(2, 20, "%")}
        half["processing"] = self._between(0, 60, "day")
        tight = {"licensed": self._between(0, 20, "%"), "hazard": self._between(2, 30, "%"), "end_use_control": 0.5}
        steward = {"licensed": "120 %", "hazard": 0, "buffer": "1 month", "processing": "7 day"}
        if self._some():
            tight["leader_hazard"] = "1 %"
        broken = {"delivered": self._between(0, 50, "%"), "lasts": self._between(1, 4, "month")}
        free = {"licensed": "open", "hazard": self.draw.choice([0, "2 %"])}
        rows = {"open": free, "half": half, "tight": tight, "steward": steward}
        if self._some(0.4):
            half["buffer"] = "0.7 month"
        if self.has_quarter and self._some():
            half["release"] = steward["release"] = "quarter"
        if self.has_risk:
            steward["corridor"], half["corridor"] = "5 %", "20 %"
        if self.has_trust:
            for row, conduct in zip(rows.values(), ["calm", "harsh", "harsh", "kind"], strict=True):
                row["conduct"] = conduct
        return {name: {"title": name, "breakdown": broken} | row for name, row in rows.items()}

    def _play(self, calendar: dict[str, Any], phases: dict[str, Any]) -> dict[str, Any]:
        postures = ["open", "half", "tight"] if len(phases) * len(self.groups) < 4 else ["open", "half"]
        strategies: dict[str, Any] = {}
        for name in ("open", "half", "tight", "steward"):
            strategies[name] = {"title": name, "rules": [{"posture": name}]}
        one = [{"posture": "open"}, {"posture": "tight", "group": self.groups[0]}]
        strategies["target"] = {"title": "One group", "rules": one}
        if self.tail - month_index(START) >= 2 and self._some(0.3):
            strategies["fed"] = strategies["half"] | {"fed_volumes": {"2025-02": self._between(20, 120, "t")}}
        if self.has_types:
            strategies["tight"]["if_conceded"] = [{"posture": "steward"}]
        play: dict[str, Any] = {"strategies": strategies, "menu": {"postures": postures}}
        if self.has_types or self._some():
            play["concession"] = {"target": self.groups[0], "relief": "open", "begins": "1 month", "lasts": "1 yr"}
            play["concession"] |= {"value": "100 million USD/yr", "share": 0.5} | self._chance()
        return play

    def _reactions(self) -> dict[str, Any]:
        """What a strategy sets off, block by block."""
        found: dict[str, Any] = {}
        if self.has_trust:
            found["trust"] = self._trust()
        if self._some(0.4):
            found["countermeasures"] = {
                "duties": {
                    "title": "Duties", "bloc": self.blocs[0], "threshold": "80 %", "delay": "1 month",
                    "patience": self._between(0, 3, "month"), "lasts": "0.5 yr", "cost": "12 million USD/yr",
                    "funding": dict.fromkeys(self.growing, "40 %"),
                }
            }  # fmt: skip
        if self._some(0.4):
            found["firms"] = self._firms()
        if self._some(0.4):
            found["home"] = {"price": "30 USD/kg", "elasticity": 0.8, "adjustment": self._between(0, 4, "month"),
                             "dumped": "60 %/yr", "storage_cost": "0.1 USD/kg/month"}  # fmt: skip
        if self._some(0.4):
            found["downstream"] = {"share": "10 %/yr", "limit": "20 %", "value": "15 USD/kg"}
        return found

    def _trust(self) -> dict[str, Any]:
        lost = {"delivered": 0, "lasts": "3 month"}
        return {
            "initial": "doubted", "conducts": ["kind", "calm", "harsh"],
            "states": {
                "trusted": {"title": "Trusted", "fear": 0.5}, "doubted": {"title": "Doubted", "fear": 1},
                "lost": {"title": "Lost", "fear": self.draw.choice([2, 3]), "breakdown": lost},
            },
            "moves": {"doubted": {"kind": "trusted", "harsh": "lost"}, "trusted": {"harsh": "doubted"}},
        }  # fmt: skip

    def _firms(self) -> dict[str, Any]:
        """A class that is kept alive and one that is not; both earn a living while trade is open."""
        found = {}
        for name, share, rescue in (("major", 0.5, "support"), ("workshop", 0.3, "exit")):
            earned = share * self.exports * 10 / 1000 + 100 * 8 / 1000
            found[name] = {
                "title": name, "export_share": share, "export_margin": "10 USD/kg", "home_sales": "100 t/yr",
                "home_margin": "8 USD/kg", "price_exposure": 1 if name == "major" else -0.5,
                "fixed_cost": f"{0.75 * earned:.4f} million USD/yr", "rescue": rescue,
                "cash": f"{0.05 * earned:.4f} million USD",
            }  # fmt: skip
        return found

    def _chance(self) -> dict[str, Any]:
        if self.has_types:
            rows = [("soft", 0.3, 4), ("firm", 0.3, 60), ("hard", 0.4, 4000)]
            return {"types": {name: {"title": name, "weight": weight, "stake": f"{stake} million USD/yr"}
                              for name, weight, stake in rows}}  # fmt: skip
        if self.draw.random() < 0.5:
            return {"reference": "tight", "probability": "25 %", "cap": "60 %"}
        points = [("0 million USD", 0), ("100 million USD", 0.5)]
        return {"curve": [{"pressure": pressure, "probability": chance} for pressure, chance in points]}

    def _leverage(self, bounds: list[int]) -> dict[str, Any]:
        return {"lengths": ["0 month", "1 month", "2.5 month"], "until": month_name(bounds[-1]), "recovery": "2 month"}
