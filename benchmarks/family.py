"""A generated family of licensing games, to see how cost grows. The numbers mean nothing about the world."""

from __future__ import annotations

import random
from typing import Any

from coercivity.models.licensing.data.instance import Instance


def game(
    blocs: int = 6,
    rivals: int = 14,
    months: int = 15,
    quarters: int = 10,
    years: int = 12,
    phases: int = 3,
    products: int = 2,
    strikes: int = 1,
    seed: int = 1,
) -> Instance:
    """A random but plausible game with so many blocs, rivals, periods, phases, products (two or more), and months of a phase

    in which licences may break down.
    """
    draw = random.Random(seed)
    made = {"heavy": ("60 USD/kg", "48 USD/kg"), "light": ("40 USD/kg", "33 USD/kg")}
    made |= {f"k{k}": ("30 USD/kg", "24 USD/kg") for k in range(2, products)}
    names = [f"b{b}" for b in range(blocs)]
    starts = _starts(months, quarters, years)
    strategic = starts[: max(phases + 1, int(len(starts) * 0.7))]
    begins = [strategic[len(strategic) * phase // phases] for phase in range(phases)]
    data: dict[str, Any] = {
        "schema": "coercivity/licensing/1", "name": "family", "title": "generated", "as_of": "2025-01", "assumed": "generated",
        "money": {"year": 2025},
        "calendar": {"start": "2025-01", "months": months, "quarters": quarters, "years": years},
        "phases": {f"p{phase}": part for phase, part in enumerate(_phases(begins, strategic, strikes))},
        "tail": starts[int(len(starts) * 0.8)],
        "products": {k: {"title": k, "segments": {"low": 0.2, "mid": 0.4, "top": 0.4}} for k in made},
        "segments": {e: {"title": e, "value": f"{v} USD/kg"} for e, v in (("low", 90), ("mid", 400), ("top", 2000))},
        "tiers": {"weeks": {"title": "weeks", "cover": "1 month"}, "months": {"title": "months", "cover": "6 month"}},
        "stocks": {"holding_cost": "0.4 USD/kg/month", "surplus_cost": "1 USD/kg/month",
                   "cover_steps": [{"share": 0.5, "penalty": "2 USD/kg/month"}, {"share": 0.5, "penalty": "8 USD/kg/month"}]},
        "groups": {"target": {"title": "t"}, "others": {"title": "o"}},
        "blocs": {name: _bloc(draw, position, list(made)) for position, name in enumerate(names)},
        "buyers": {"discount_rate": 0.07},
        "leader": {"title": "l", "discount_rate": 0.05, "price": {k: price for k, (price, _) in made.items()},
                   "unit_cost": {k: cost for k, (_, cost) in made.items()}, "capacity": f"{16 * blocs} kt/yr", "capacity_growth": 0.04,
                   "idle_cost": "2 USD/kg", "buffer_cost": "0.4 USD/kg/month", "home_use": "280 kt/yr", "home_growth": 0.04,
                   "rents": {"licence": 0, "exporter": 1}},
        "cost_of_capital": 0.1,
        "rivals": {f"j{j}": _rival(draw, j, names, list(made)) for j in range(rivals)},
        "options": {
            "thrift": {"title": "thrift", "product": "heavy", "moves_to": "light", "potential": {"low": 0.3, "mid": 0.3, "top": 0.3},
                       "yearly_limit": 0.1, "lead_time": "20 month", "cost": "60 USD/(kg/yr)", "life": "10 yr", "running_cost": "5 USD/kg"},
            "redesign": {"title": "redesign", "product": "light", "potential": {"low": 0.2, "mid": 0.2}, "yearly_limit": 0.05,
                         "lead_time": "24 month", "cost": "200 USD/(kg/yr)", "life": "10 yr", "running_cost": "30 USD/kg"}},
        "routes": {f"r{r}": {"source": names[-1], "destination": names[r], "capacity": "1 kt/yr", "cost": f"{8 + r} USD/kg",
                             "owner": names[-1]} for r in range(min(5, blocs - 1))},
        "postures": {
            "open": _posture("open", 0, 0.04, 0.3), "steward": _posture(1.02, 7, 0.01, 0.9), "slow": _posture(0.7, 63, 0.08, 0.2),
            "hard": _posture(0.3, 63, 0.15, 0.1), "embargo": _posture(0.0, 0, 0.25, 0.0)},
        "strategies": {"open": {"title": "open", "rules": [{"posture": "open"}]}},
        "menu": {"postures": ["open", "steward", "slow", "hard", "embargo"]},
        "concession": {"target": "target", "value": "6 billion USD/yr", "share": 1.0, "begins": "7 month", "lasts": "1 yr", "relief": "open",
                       "curve": [{"pressure": "0 million USD", "probability": 0}, {"pressure": "9 billion USD", "probability": 0.4}]},
    }  # fmt: skip
    return Instance.model_validate(data, context={"assumed": "generated", "rates": {}})


def _starts(months: int, quarters: int, years: int) -> list[str]:
    first, found = 0, []
    for length in [1] * months + [3] * quarters + [12] * years:
        found.append(f"{2025 + first // 12}-{first % 12 + 1:02d}")
        first += length
    return found


def _phases(begins: list[str], starts: list[str], strikes: int) -> list[dict[str, Any]]:
    """Phases that begin so; where licences may break down in several months of one, those are spread over it."""
    found = []
    for begin, end in zip(begins, [*begins[1:], "9999-12"], strict=True):
        months = [month for month in starts if begin <= month < end]
        several = [months[len(months) * at // strikes] for at in range(strikes)]
        found.append({"begins": begin} if strikes == 1 else {"begins": begin, "breakdowns": several})
    return found


def _bloc(draw: random.Random, position: int, products: list[str]) -> dict[str, Any]:
    tonnes = draw.uniform(2000, 15000)
    share = {k: {"heavy": 0.4, "light": 0.6}.get(k, 0.3) for k in products}
    return {
        "title": "b", "group": "target" if position == 0 else "others",
        "demand": {k: f"{part * tonnes} t/yr" for k, part in share.items()},
        "imports": {k: f"{(part - 0.1) * tonnes} t/yr" for k, part in share.items()},
        "growth": {k: draw.uniform(0.02, 0.06) if k == "heavy" else draw.uniform(0.01, 0.05) for k in products},
        "tiers": {"weeks": 0.8, "months": 0.2},
    }  # fmt: skip


def _rival(draw: random.Random, j: int, names: list[str], products: list[str]) -> dict[str, Any]:
    product = products[0] if j % 3 == 0 else products[1 + j % (len(products) - 1)]
    home = names[j % len(names)]
    served = {home: "0 USD/kg"} | {
        name: f"{draw.uniform(2, 5):.3f} USD/kg" for name in draw.sample(names, min(3, len(names)))
    }
    served[home] = "0 USD/kg"
    cost = {"heavy": 55, "light": 37}.get(product, 28) + draw.uniform(-3, 2)
    return {
        "title": "r", "owner": home, "product": product, "serves": served, "capacity": f"{draw.uniform(0, 1500):.1f} t/yr",
        "unit_cost": f"{cost:.3f} USD/kg",
        "expansion": {"potential": f"{draw.uniform(2000, 9000):.0f} t/yr", "lead_time": f"{draw.choice([18, 24, 36, 60])} month",
                      "capex": f"{draw.uniform(70, 250):.1f} USD/(kg/yr)", "life": "20 yr"},
    }  # fmt: skip


def _posture(licensed: object, days: int, hazard: float, delivered: float) -> dict[str, Any]:
    return {
        "title": "p", "licensed": licensed, "processing": f"{days} day", "end_use_control": 0.5 if licensed != "open" else 0,
        "hazard": hazard, "breakdown": {"delivered": delivered, "lasts": "3 month"},
    }  # fmt: skip
