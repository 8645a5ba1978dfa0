"""The toy instance against figures worked out by hand; the derivation is instances/toy/README.md.

Nothing here asks the model for what it should say: every expected figure is arithmetic on the numbers of the page.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from coercivity.models.licensing.answers.commands import solve
from coercivity.models.licensing.data.load import load
from coercivity.models.licensing.leader.commit import Evaluation, Game
from coercivity.models.licensing.reading.accounts import accounts_of

PAGE = (Path(__file__).parents[3] / "instances/toy/README.md").read_text("utf-8")

# The middle of each period in years: six months, two quarters, two years.
MIDDLES = [0.5 / 12, 1.5 / 12, 2.5 / 12, 3.5 / 12, 4.5 / 12, 5.5 / 12, 7.5 / 12, 10.5 / 12, 1.5, 2.5]
MONTHS = [1, 1, 1, 1, 1, 1, 3, 3, 12, 12]
FACTOR = [1.05**-years for years in MIDDLES]
SQUEEZE, TAIL = slice(0, 8), slice(8, 10)


def present(flow: list[float], periods: slice = slice(0, 10)) -> float:
    """A flow by period, discounted."""
    return sum(value * factor for value, factor in zip(flow[periods], FACTOR[periods], strict=True))


MONTHS_SQUEEZE = present([float(m) for m in MONTHS], SQUEEZE)  # 11.711923
MONTHS_TAIL = present([float(m) for m in MONTHS], TAIL)  # 21.775185

# Open trade: 90 t a month from the leader at 50, 10 t from the mine at 45, 100 t of stock at 0.5, thousand USD.
OPEN_COST = (90 * 50 + 10 * 45 + 100 * 0.5) * (MONTHS_SQUEEZE + MONTHS_TAIL)
OPEN_MARGIN = 90 * (50 - 40) / 1000 * MONTHS_SQUEEZE  # million USD
OPEN_TAIL = 90 * (50 - 40) / 1000 * MONTHS_TAIL

# The plant: 300 t/yr ordered in January, in service from July.
ANNUITY = 100 * 0.10 / (1 - 1.10**-10)
YEARS_SERVED = 0.25 * FACTOR[6] + 0.25 * FACTOR[7] + FACTOR[8] + FACTOR[9]
PLANT = 300 * ANNUITY * YEARS_SERVED

# Half licensed, licences hold: leader, mine, toys without, cars without, holding, penalties of both steps.
HOLD = [
    45 * 50 + 10 * 45 + 20 * 60 + 75 * 0.5 + 25 * 2,
    45 * 50 + 10 * 45 + 20 * 60 + 50 * 0.5 + 50 * 2,
    45 * 50 + 10 * 45 + 20 * 60 + 25 * 1000 + 50 * 0.5 + 50 * 2,
    45 * 50 + 10 * 45 + 20 * 60 + 25 * 1000 + 50 * 0.5 + 50 * 2,
    45 * 50 + 10 * 45 + 20 * 60 + 25 * 0.5 + 50 * 2 + 25 * 6,
    45 * 50 + 10 * 45 + 20 * 60 + 50 * 2 + 50 * 6,
    135 * 50 + 105 * 45 + 60 * 60 + 3 * (50 * 2 + 50 * 6),
    135 * 50 + 105 * 45 + 60 * 60 + 3 * (50 * 2 + 50 * 6),
    880 * 50 + 420 * 45 + 12 * 100 * 0.5,
    780 * 50 + 420 * 45 + 12 * 100 * 0.5,
]
# Half licensed, licences break down in January: nothing from the leader for three months.
BREAK = [
    10 * 45 + 20 * 60 + 20 * 1000 + 50 * 0.5 + 50 * 2,
    10 * 45 + 20 * 60 + 70 * 1000 + 50 * 0.5 + 50 * 2,
    10 * 45 + 20 * 60 + 70 * 1000 + 50 * 0.5 + 50 * 2,
    *HOLD[3:],
]
HALF_COST = 0.9 * present(HOLD) + 0.1 * present(BREAK) + PLANT

# The target relieved, but the breakdown feared as before: open trade, or three months of nothing and then open trade.
RELIEVED_BREAK = [
    10 * 45 + 20 * 60 + 20 * 1000 + 50 * 0.5 + 50 * 2,
    10 * 45 + 20 * 60 + 70 * 1000 + 50 * 0.5 + 50 * 2,
    10 * 45 + 20 * 60 + 20 * 1000 + 50 * 2 + 50 * 6,
    190 * 50 + 10 * 45 + 100 * 0.5,
    *(5000.0 * m for m in MONTHS[4:]),
]
RELIEVED_COST = 0.9 * OPEN_COST + 0.1 * present(RELIEVED_BREAK)
PRESSURE = (HALF_COST - RELIEVED_COST) / 1000
PROBABILITY = 0.5 * PRESSURE / 100
CONCESSION = PROBABILITY * 100 * MONTHS_SQUEEZE / 12
EXPORTS_HOLD = [45.0, 45, 45, 45, 45, 45, 135, 135, 880, 780]
EXPORTS_BREAK = [0.0, 0, 0, 45, 45, 45, 135, 135, 880, 780]
HALF_MARGIN = 10 / 1000 * (0.9 * present(EXPORTS_HOLD, SQUEEZE) + 0.1 * present(EXPORTS_BREAK, SQUEEZE))
HALF_TAIL = 10 / 1000 * (880 * FACTOR[8] + 780 * FACTOR[9])

close = pytest.approx


@cache
def game() -> Game:
    return Game(load("one-buyer"))


@cache
def evaluation(name: str) -> Evaluation:
    return game().evaluate(game().announce(name))


def trunk(values: np.ndarray) -> list[float]:
    """The periods while licences hold."""
    return list(values[:10])


def branch(values: np.ndarray) -> list[float]:
    """The periods once licences have broken down."""
    return list(values[10:])


def test_open_trade_is_stationary() -> None:
    response = evaluation("open").response
    for world in (trunk, branch):
        assert world(response.plan["imports"].sum(axis=(1, 2, 3))) == close([90 * m for m in MONTHS])
        assert world(response.plan["rival_sales"].sum(axis=(1, 2, 3))) == close([10 * m for m in MONTHS])
        assert world(response.stock.sum(axis=(1, 2, 3))) == close([100] * 10)
    assert response.plan["unmet"].max() == close(0, abs=1e-9)
    assert response.plan["expansion"].max() == close(0, abs=1e-9)


def test_value_and_prices_of_open_trade() -> None:
    response = evaluation("open").response
    assert response.cost == close(OPEN_COST)
    assert close(167_435.54, abs=0.005) == OPEN_COST
    assert trunk(response.price("demand_balance")[:, 0, 0, 0]) == close([50] * 10)
    assert trunk(response.price("rival_capacity")[:, 0]) == close([50 - 45] * 10)
    assert response.price("export_licence").max() == close(0, abs=1e-9)


def test_payoff_of_open_trade() -> None:
    payoff = evaluation("open").payoff
    assert payoff.terms["margin"] == close(OPEN_MARGIN)
    assert payoff.terms["tail"] == close(OPEN_TAIL)
    assert payoff.value == close(OPEN_MARGIN + OPEN_TAIL) == close(30.138397, abs=5e-7)
    assert (payoff.pressure, payoff.probability) == (0, 0)


def test_answer_to_half_while_licences_hold() -> None:
    response = evaluation("half").response
    unmet = response.plan["unmet"].sum(axis=(1, 2, 3))
    assert trunk(response.plan["imports"].sum(axis=(1, 2, 3))) == close(EXPORTS_HOLD)
    assert trunk(response.plan["rival_sales"].sum(axis=(1, 2, 3))) == close([10] * 6 + [105, 105, 420, 420])
    assert trunk(response.stock.sum(axis=(1, 2, 3))) == close([75, 50, 50, 50, 25, 0, 0, 0, 100, 100], abs=1e-7)
    assert trunk(unmet[:, 0]) == close([20] * 6 + [60, 60, 0, 0], abs=1e-7)
    assert trunk(unmet[:, 1]) == close([0, 0, 25, 25, 0, 0, 0, 0, 0, 0], abs=1e-7)
    assert trunk(response.plan["ordered"][:, 0]) == close([300] * 10)


def test_answer_to_half_after_a_breakdown() -> None:
    response = evaluation("half").response
    unmet = response.plan["unmet"].sum(axis=(1, 2, 3))
    assert branch(response.plan["imports"].sum(axis=(1, 2, 3))) == close(EXPORTS_BREAK, abs=1e-7)
    assert branch(response.stock.sum(axis=(1, 2, 3))) == close([50, 50, 50, 50, 25, 0, 0, 0, 100, 100], abs=1e-7)
    assert branch(unmet[:, 1]) == close([20, 70, 70, 25, 0, 0, 0, 0, 0, 0], abs=1e-7)
    assert branch(response.plan["ordered"][:, 0]) == close([300] * 10)


def test_a_plant_beyond_the_need_of_cars_does_not_pay() -> None:
    tail = 5 * (FACTOR[8] + FACTOR[9])
    in_q3 = (6 - 0.5) * 3 * (FACTOR[6] + FACTOR[7]) + 50 * FACTOR[8] - 45 * FACTOR[6]
    in_q4 = (6 - 0.5) * 3 * FACTOR[7] + 50 * FACTOR[8] - 45 * FACTOR[7]
    best = 0.25 * (in_q3 + in_q4) + tail
    assert best == close(22.523, abs=5e-4)
    assert best < ANNUITY * YEARS_SERVED < 0.25 * (1000 - 45) * (FACTOR[6] + FACTOR[7]) + tail


def test_value_and_prices_of_half() -> None:
    response = evaluation("half").response
    assert response.cost == close(HALF_COST)
    assert close(239_754.17, abs=0.005) == HALF_COST
    price, rent = response.price("demand_balance")[:, 0, 0, 0], response.price("export_licence")[:, 0, 0, 0]
    assert list(price[2:4]) == close([1000, 1000])
    assert list(rent[2:4]) == close([1000 - 50, 1000 - 50])
    assert list(response.price("rival_capacity")[2:4, 0]) == close([1000 - 45, 1000 - 45])
    assert list(price[8:10]) == close([50, 50])
    # Two prices tie, but together they pay for the plant.
    quarters = 0.25 * (FACTOR[6] * (price[6] - 45) + FACTOR[7] * (price[7] - 45))
    assert quarters + 5 * (FACTOR[8] + FACTOR[9]) == close(ANNUITY * YEARS_SERVED)
    assert price[7] >= 16.5 + 50 * FACTOR[8] / FACTOR[7] - 1e-6


def test_payoff_of_half() -> None:
    found = evaluation("half")
    assert found.payoff.pressure == close(PRESSURE) == close(61.826944, abs=5e-7)
    assert found.payoff.probability == close(PROBABILITY)
    assert found.payoff.terms == close(
        {
            "margin": HALF_MARGIN,
            "captured_rent": 0,
            "exporter_rent": 0,
            "idle": 0,
            "buffer": 0,
            "support": 0,
            "glut": 0,
            "downstream": 0,
            "concession": CONCESSION,
            "retaliation": 0,
            "tail": HALF_TAIL,
        },
        abs=1e-9,
    )
    value = HALF_MARGIN + CONCESSION + HALF_TAIL
    assert value == close(50.390833, abs=5e-7)
    assert [found.payoff.value, found.optimistic, found.pessimistic] == close([value] * 3)


@pytest.mark.parametrize(("name", "cost"), [("open", OPEN_COST), ("half", HALF_COST)])
def test_one_buyer_bears_everything(name: str, cost: float) -> None:
    accounts = accounts_of(game().instance, game().market, evaluation(name).response)
    assert accounts.blocs[0] == close(cost)
    assert (accounts.leader, accounts.outside) == (0, 0)


def test_half_is_the_proved_optimum() -> None:
    result = solve(load("one-buyer"))
    assert [row.posture for row in result.strategy.path] == ["half"]
    assert result.certificate.proof == "OPTIMAL"
    assert result.certificate.bound_musd == close(HALF_MARGIN + CONCESSION + HALF_TAIL)
    gain = OPEN_MARGIN + OPEN_TAIL - (HALF_MARGIN + CONCESSION + HALF_TAIL)
    assert result.certificate.best_deviation_gain_musd == close(gain)


def test_at_the_break_even_the_two_are_worth_the_same() -> None:
    tie = 100 * (OPEN_MARGIN + OPEN_TAIL - HALF_MARGIN - HALF_TAIL) / CONCESSION
    assert tie == close(32.9, abs=0.05)
    tied = Game(load("one-buyer", [f"concession.value={tie!r} million USD/yr"]))
    half, free = (tied.evaluate(tied.announce(name)).payoff.value for name in ("half", "open"))
    assert half == close(free)


@pytest.mark.parametrize(
    "figure",
    [
        f"{OPEN_COST:,.2f}",
        f"{HALF_COST:,.2f}",
        f"{present(HOLD):,.2f}",
        f"{present(HOLD) + PLANT:,.2f}",
        f"{present(BREAK):,.2f}",
        f"{present(BREAK) + PLANT:,.2f}",
        f"{PLANT:,.2f}",
        f"{MONTHS_SQUEEZE:.6f}",
        f"{MONTHS_TAIL:.6f}",
        f"{present(RELIEVED_BREAK):,.2f}",
        f"{RELIEVED_COST:,.2f}",
        f"{PRESSURE:.6f}",
        f"{PROBABILITY:.4%}".replace("%", " %"),
        f"{OPEN_MARGIN + OPEN_TAIL:.6f}",
        f"{HALF_MARGIN:.6f}",
        f"{CONCESSION:.6f}",
        f"{HALF_TAIL:.6f}",
        f"{HALF_MARGIN + HALF_TAIL:.6f}",
        f"{HALF_MARGIN + CONCESSION + HALF_TAIL:.6f}",
        *(f"{factor:.6f}" for factor in FACTOR),
        *(f"{cost:,.1f}".removesuffix(".0") for cost in [*HOLD, *BREAK]),
    ],
)
def test_the_page_states_the_figure(figure: str) -> None:
    assert figure in PAGE
