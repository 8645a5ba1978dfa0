"""The audit of the fringe games: every check is seen to fail once, and it has seen neither method."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from coercivity.engine.proof.check import Check
from coercivity.models.fringe import audit, closed_form
from coercivity.models.fringe.instance import DominantFirm, Duopoly, Promise, Squeeze, equal_blocks
from coercivity.models.fringe.outcome import Regime

HOUSE = Path(__file__).parents[3]
FIRM = DominantFirm(100, 1, 1, 20, 10)
KINKED = DominantFirm(100, 1, 9, 30, 10)
STUCK = Squeeze(FIRM, 15)
GAME = Promise(100, 1, 1)
PAIR = Duopoly(100, 1, 10, 10)
GAMES = {
    "dominant": FIRM,
    "squeeze": STUCK,
    "promise": GAME,
    "stackelberg": PAIR,
    "cournot": PAIR,
    "blocks": equal_blocks(FIRM, 20),
}
OUT, NONE = DominantFirm(100, 1, 1, 20, 60), DominantFirm(100, 1, 1, 120, 100)
MARKET = GAMES["blocks"]


def stage(**changes: float) -> Callable[[Any], Any]:
    """A falsification of one figure of one stage, named stage__figure."""
    ((name, value),) = changes.items()
    which, _, figure = name.partition("__")
    return lambda found: replace(found, **{which: replace(getattr(found, which), **{figure: value})})


def but(**changes: Any) -> Callable[[Any], Any]:
    return lambda found: replace(found, **changes)


def first(field: str, value: float) -> Callable[[Any], Any]:
    return lambda found: replace(found, **{field: (value, *getattr(found, field)[1:])})


FALSE: list[tuple[str, Any, str, Callable[[Any], Any]]] = [
    ("dominant", FIRM, "market clears", but(quantity=49.0)),
    ("dominant", FIRM, "fringe takes the price", but(fringe=16.0, quantity=49.0)),
    ("dominant", FIRM, "quantities are not negative", but(quantity=-1.0)),
    ("dominant", FIRM, "leader's profit", but(profit=1250.1)),
    ("dominant", FIRM, "leader would not sell more", but(price=36.0, fringe=16.0, quantity=48.0)),
    ("dominant", FIRM, "leader would not sell less", but(price=34.0, fringe=14.0, quantity=52.0)),
    ("dominant", FIRM, "no price pays more", but(price=36.0, fringe=16.0, quantity=48.0, profit=1248.0)),
    ("dominant", FIRM, "Lerner index", but(lerner=0.72)),
    ("dominant", FIRM, "Lerner index", but(lerner=None)),
    ("dominant", OUT, "Lerner index", but(lerner=0.0)),
    ("dominant", FIRM, "regime", but(regime=Regime.LIMIT)),
    ("dominant", FIRM, "regime", but(regime=Regime.MONOPOLY)),
    ("dominant", FIRM, "regime", but(regime=Regime.LEADER_OUT)),
    ("dominant", KINKED, "regime", but(regime=Regime.INTERIOR)),
    ("dominant", KINKED, "regime", but(regime=Regime.MONOPOLY)),
    ("dominant", OUT, "regime", but(regime=Regime.NO_TRADE)),
    ("dominant", NONE, "regime", but(regime=Regime.LEADER_OUT)),
    ("squeeze", STUCK, "market clears", but(price=47.0)),
    ("squeeze", STUCK, "leader's profit", but(profit=1407.0)),
    ("squeeze", STUCK, "leader would not sell more", but(quantity=36.0)),
    ("squeeze", STUCK, "leader would not sell less", but(quantity=39.0)),
    ("squeeze", STUCK, "usual profit", but(usual_profit=1251.0)),
    ("squeeze", STUCK, "break-even earns the usual profit", but(break_even=26.0)),
    ("squeeze", STUCK, "break-even is the smaller quantity", but(break_even=50.0)),
    ("squeeze", STUCK, "no quantity earns the usual profit", but(break_even=None)),
    ("promise", GAME, "discretion pays no more than commitment", stage(discretion__profit=1260.0)),
    ("promise", GAME, "commitment pays no more than cheating", stage(cheating__profit=1240.0)),
    ("promise", GAME, "cheating meets the fringe of commitment", stage(cheating__fringe=26.0)),
    ("promise", GAME, "indifferent at the critical discount factor", but(critical_discount=0.53)),
    ("promise", GAME, "commitment: fringe builds to its margin", stage(commitment__fringe=24.0)),
    ("promise", GAME, "discretion: fringe builds to its margin", stage(discretion__fringe=30.0)),
    *(
        ("promise", GAME, f"{name}: {law}", stage(**{f"{name}__{figure}": value}))
        for name in ("commitment", "discretion", "cheating")
        for law, figure, value in (
            ("market clears", "price", 30.0),
            ("leader's profit", "profit", 1300.0),
            ("leader's first-order condition", "quantity", 40.0),
        )
    ),
    ("stackelberg", PAIR, "market clears", but(price=33.0)),
    ("stackelberg", PAIR, "leader's profit", but(leader_profit=1013.0)),
    ("stackelberg", PAIR, "follower's profit", but(follower_profit=507.0)),
    ("stackelberg", PAIR, "quantities are not negative", but(leader=-1.0)),
    ("stackelberg", PAIR, "follower answers best", but(follower=22.0)),
    ("stackelberg", PAIR, "leader would not sell more", but(leader=44.0, follower=23.0, price=33.0)),
    ("stackelberg", PAIR, "leader would not sell less", but(leader=46.0, follower=22.0, price=32.0)),
    ("stackelberg", PAIR, "regime", but(regime=Regime.LIMIT)),
    ("cournot", PAIR, "market clears", but(price=41.0)),
    ("cournot", PAIR, "leader's profit", but(leader_profit=901.0)),
    ("cournot", PAIR, "follower's profit", but(follower_profit=901.0)),
    ("cournot", PAIR, "quantities are not negative", but(follower=-1.0)),
    ("cournot", PAIR, "follower answers best", but(follower=31.0)),
    ("cournot", PAIR, "leader answers best", but(leader=29.0)),
    ("cournot", PAIR, "regime", but(regime=Regime.NO_TRADE)),
    ("blocks", MARKET, "one figure for every block", but(served=(1.0,))),
    ("blocks", MARKET, "market clears", but(quantity=48.0)),
    ("blocks", MARKET, "quantities are not negative", but(quantity=-1.0)),
    ("blocks", MARKET, "blocks within their size", first("dispatched", 5.0)),
    ("blocks", MARKET, "no duality gap in the dispatch", first("served", 1.0)),
    ("blocks", MARKET, "revenue is price times quantity", but(revenue=1838.0)),
    ("blocks", MARKET, "leader's profit", but(profit=1348.0)),
    ("blocks", MARKET, "no price pays more", but(profit=1340.0)),
]


@pytest.mark.parametrize(("name", "game", "check", "falsify"), FALSE, ids=[f"{row[0]}: {row[2]}" for row in FALSE])
def test_a_falsified_answer_is_found_out(name: str, game: Any, check: str, falsify: Callable[[Any], Any]) -> None:
    def failed(found: Any) -> list[str]:
        checks: tuple[Check, ...] = getattr(audit, name)(game, found)
        return [one.name for one in checks if not one.ok]

    honest = getattr(closed_form, name)(game)
    assert failed(honest) == []
    assert check in failed(falsify(honest))


@pytest.mark.parametrize("name", GAMES)
def test_every_check_of_the_audit_has_been_seen_to_fail(name: str) -> None:
    found = getattr(closed_form, name)(GAMES[name])
    checks = {check.name for check in getattr(audit, name)(GAMES[name], found)}
    assert checks <= {row[2] for row in FALSE if row[0] == name}


def test_the_audit_has_seen_neither_method() -> None:
    code = "import sys, coercivity.models.fringe.audit, coercivity.models.fringe.instance; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], cwd=HOUSE, capture_output=True, text=True, check=True)
    loaded = set(run.stdout.split())
    assert not {"coercivity.models.fringe.closed_form", "coercivity.models.fringe.numeric", "pyomo", "highspy"} & loaded
    assert not {name for name in loaded if name.startswith("coercivity.engine.methods")}
