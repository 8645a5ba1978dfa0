"""The limit price: an export tax in the whole game against the closed form of a dominant firm with a price-taking fringe.

Demand 100 − p, fringe 9·max(0, p − 30), cost 10: the leader asks 30, at which the fringe does not produce, and earns 1,400 a year
(a kink, not a tangency). The game has both curves in blocks, which are the curves at the levels of price that the taxes give.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from coercivity.engine.data.document import parse
from coercivity.models.fringe.closed_form import dominant
from coercivity.models.fringe.instance import DominantFirm
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.leader.commit import Game
from tests.rich_instance import TOY, loaded

COST, BLOCK = 10.0, 5.0
VALUES = np.arange(12.5, 100.0, BLOCK)
FRINGE = np.arange(32.5, 60.0, BLOCK)
PRICES = np.arange(10.0, 61.0, BLOCK)


def data() -> dict[str, Any]:
    """One bloc without stocks; a use for every block of demand, a rival for every block of the fringe, a tax for every price."""
    found = parse(TOY.read_text("utf-8"), "toy").data
    uses = {f"use_{at}": float(value) for at, value in enumerate(VALUES)}
    found["segments"] = {name: {"title": name, "value": f"{value} USD/kg"} for name, value in uses.items()}
    found["products"] = {"magnets": {"title": "Magnets", "segments": dict.fromkeys(uses, 1.0 / len(uses))}}
    tonnes = f"{BLOCK * len(VALUES)} t/yr"
    west = found["blocs"]["west"]
    west |= {"demand": {"magnets": tonnes}, "imports": {"magnets": tonnes}}
    found["tiers"]["weeks"]["cover"] = "0 month"
    found["leader"] |= {"price": {"magnets": f"{COST} USD/kg"}, "unit_cost": {"magnets": f"{COST} USD/kg"}}
    found["leader"]["rents"] = {"licence": 0, "exporter": 0}
    found["rivals"] = {
        f"fringe_{at}": {
            "title": "Fringe", "owner": "outside", "product": "magnets", "serves": {"west": "0 USD/kg"},
            "capacity": f"{9.0 * BLOCK} t/yr", "unit_cost": f"{cost} USD/kg",
        } for at, cost in enumerate(FRINGE)
    }  # fmt: skip
    free = {"licensed": "open", "hazard": 0, "breakdown": {"delivered": 0, "lasts": "1 month"}}
    names = {f"at_{price:g}": price - COST for price in PRICES}
    found["postures"] = {
        name: free | {"title": name, **({"export_tax": f"{tax} USD/kg"} if tax else {})} for name, tax in names.items()
    }
    found["postures"]["open"] = free | {"title": "Open"}
    found["strategies"] = {name: {"title": name, "rules": [{"posture": name}]} for name in found["postures"]}
    found["menu"] = {"postures": list(names)}
    del found["concession"]
    return found


def instance() -> Instance:
    return loaded(data())


def by_hand(price: float) -> float:
    """What a year at a price earns in thousand USD: residual demand of the blocks times price less cost."""
    wanted = BLOCK * float((price < VALUES).sum())
    offered = 9.0 * BLOCK * float((price > FRINGE).sum())
    return (price - COST) * max(0.0, wanted - offered)


def test_every_level_of_the_tax_earns_what_the_curves_say() -> None:
    game = Game(instance())
    strategic = float(game.books.discount[game.books.strategic] @ game.market.grid.years[game.books.strategic])
    for price in PRICES:
        found = game.evaluate(game.announce(f"at_{price:g}")).payoff.terms
        earned = found["export_tax"] + found["margin"]
        assert earned == pytest.approx(by_hand(price) * strategic / 1000.0, rel=1e-6, abs=1e-9), price


def test_the_best_tax_on_the_menu_is_the_limit_price_of_the_closed_form() -> None:
    game = Game(instance())
    best, proof, screening = game.best_commitment()
    assert screening.complete
    closed = dominant(DominantFirm(100.0, 1.0, 9.0, 30.0, COST))
    assert closed.price == 30.0 and closed.profit == pytest.approx(by_hand(closed.price)) == 1400.0
    assert {name for phase in best.announced.path for group in phase for name in group} == {f"at_{closed.price:g}"}
    assert proof.bound == pytest.approx(best.optimistic, rel=1e-6)
