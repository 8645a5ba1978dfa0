"""Quick games in which every mechanism of the model is on somewhere, for seeded faults to spoil."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from coercivity.engine.data.document import parse
from tests.rich_instance import TOY, reacting, rich

CURVE = [
    {"pressure": "0 million USD", "probability": "0 %"},
    {"pressure": "100 million USD", "probability": "20 %"},
    {"pressure": "400 million USD", "probability": "50 %"},
]
SPELL = {"delivered": "20 %", "lasts": "2.5 month"}
GENEROUS = {
    "title": "Generous", "licensed": "150 %", "hazard": "2 %", "leader_hazard": "1 %", "conduct": "kind",
    "buffer": "1 month", "corridor": "5 %", "end_use_control": "30 %", "breakdown": SPELL,
}  # fmt: skip


@dataclass(frozen=True)
class Play:
    """A question to one game: a named strategy, or the best of the menu if there is none; ``limit`` cuts a search short."""

    data: Callable[[], dict[str, Any]]
    strategy: str | None = None
    limit: float | None = None


def toy() -> dict[str, Any]:
    """One buyer, as it is shipped: an exporter's rent and a curve."""
    return parse(TOY.read_text("utf-8"), "toy").data


def tied() -> dict[str, Any]:
    """The toy with a rival as dear as the leader: buyers are indifferent, and the leader is not."""
    data = toy()
    data["rivals"]["mine"]["unit_cost"] = "50 USD/kg"
    return data


def fed() -> dict[str, Any]:
    """Volumes of the record, bundles, a chance in proportion to the pressure."""
    return _without_leverage(rich())


def everything() -> dict[str, Any]:
    """Every mechanism at once, with a curve."""
    data = _without_leverage(reacting())
    data["tiers"]["months"] = {"title": "Makers with two months of stock", "cover": "2 month"}
    for at, bloc in enumerate(data["blocs"].values()):
        bloc["tiers"] = {"weeks": "70 %", "months": "30 %"}
        bloc["growth"] = {"magnets": "4 %/yr", "light": f"{at + 1} %/yr"}
        bloc.get("reserve", {})["begins"] = "2025-03"
    data["options"]["recycle"] = data["options"]["thrift"] | {
        "title": "Recycling", "potential": {"cars": "99 %", "toys": "30 %"}, "yearly_limit": "99 %", "running_cost": "1 USD/kg",
    }  # fmt: skip
    del data["options"]["recycle"]["moves_to"]
    data["options"]["thrift"]["running_cost"] = "-20 USD/kg"
    data["countermeasures"]["duties"] |= {"delay": "2.5 month", "lasts": "0.4 yr"}
    data["downstream"]["limit"] = "2 %"
    data["leader"] |= {
        "discount_rate": "8 %/yr", "capacity": "4200 t/yr", "capacity_growth": "3 %/yr", "idle_cost": "3 USD/kg",
        "home_growth": "2 %/yr", "rents": {"licence": 0.4, "exporter": 0.7, "premium": "4 USD/kg"},
    }  # fmt: skip
    data["stocks"]["surplus_cost"] = "0.2 USD/kg/month"
    data["postures"]["half"] |= {
        "processing": "12 day", "end_use_control": "50 %", "leader_hazard": "5 %", "breakdown": SPELL,
    }  # fmt: skip
    data["postures"]["open"]["hazard"] = "3 %"
    data["postures"]["generous"] = copy.deepcopy(GENEROUS)
    data["strategies"]["mixed"] = {
        "title": "Generous in one product", "rules": [{"posture": "generous"}, {"posture": "half", "product": "magnets"}],
    }  # fmt: skip
    data["strategies"]["relent"] = {
        "title": "Half, then generous", "rules": [{"posture": "half"}, {"posture": "generous", "phase": "late"}],
    }  # fmt: skip
    data["concession"] |= {"value": "1800 million USD/yr", "begins": "2 month", "lasts": "0.5 yr"}
    data["menu"]["bundles"] = [["all", "far"]]
    del data["strategies"]["half"]["if_conceded"]
    _chance(data, curve=CURVE)
    return data


def typed() -> dict[str, Any]:
    """Everything, where the target's type decides."""
    data = everything()
    # Stakes on both sides of the pain that is spared, close to it, so that a wrong stake changes who concedes.
    types = {
        "soft": {"title": "Soft", "weight": "40 %", "stake": "286 million USD/yr"},
        "hard": {"title": "Hard", "weight": "60 %", "stake": "315 million USD/yr"},
    }
    _chance(data, types=types)
    data["concession"]["begins"] = "4 month"
    data["strategies"]["relent"]["if_conceded"] = [{"posture": "open"}]
    return data


def alike() -> dict[str, Any]:
    """Everything, where shortages fall on all alike, and a chance is held down by its cap."""
    data = everything()
    data["buyers"]["rationing"] = "pro_rata"
    rules = [{"posture": "generous"}, {"posture": "half", "product": "magnets", "phase": "squeeze"}]
    data["strategies"]["early"] = {"title": "Mixed at first", "rules": rules}
    _chance(data, reference="early", probability="30 %", cap="31 %")
    return data


def second() -> dict[str, Any]:
    """The second edition's mechanisms: taxes, fed shares, several months of a breakdown, fading fear, stocks ahead."""
    data = typed()
    data["phases"]["squeeze"] = {"begins": "2025-01", "breakdowns": ["2025-02", "2025-03", "2025-05"]}
    data["postures"]["half"]["export_tax"] = "6 USD/kg"
    data["postures"]["generous"]["export_duty"] = "8 %"
    data["leader"]["tax_passed_on"] = "70 %"
    data["countermeasures"]["duties"]["tax"] = "5 %"
    data["buyers"]["shared_shortage"] = "30 %"
    data["segments"] = {"idle": {"title": "A step of demand", "above": "9 %"}} | data["segments"]
    for product in data["products"].values():
        product["segments"] = {"idle": "10 %"} | {"toys": "10 %", "cars": "80 %"}
    data["stocks"]["raised"] = {"begins": "2025-02", "by": "80 %", "half_life": "0.5 yr"}
    data["blocs"]["west"]["opening"] = {"weeks": "2 month"}
    data["leader"] |= {
        "price_path": {"magnets": {"2025-02": "104 %", "2025-08": "108 %"}, "light": {"2026-05": "97 %"}},
        "unit_cost_path": {"magnets": {"2025-05": "97 %"}, "light": {"2025-11": "95 %"}},
    }
    del data["rivals"]["mine"]["unit_cost"], data["rivals"]["mine"]["expansion"]["capex"]
    data["rivals"]["mine"]["steps"] = [
        {"share": "60 %", "unit_cost": "45 USD/kg", "capex": "100 USD/(kg/yr)"},
        {"share": "40 %", "unit_cost": "52 USD/kg", "capex": "60 USD/(kg/yr)"},
    ]
    data["rivals"]["mine"] |= {
        "standing_cost": "12 USD/kg", "serves": {"west": "2 USD/kg", "east": "0 USD/kg"},
        "contract": {"east": {"share": "45 %", "premium": "5 USD/kg"}}, "feed": {"dependence": "70 %", "stock": "0.5 month"},
    }  # fmt: skip
    data["rivals"]["beside"] = {
        "title": "Comes with the mine", "owner": "outside", "product": "light", "serves": {"west": "1 USD/kg", "east": "0 USD/kg"},
        "capacity": "60 t/yr", "unit_cost": "2 USD/kg", "by_product": {"of": "mine", "ratio": "20 %"},
    }  # fmt: skip
    data["blocs"]["west"]["tariff"] = {"2025-02": "10 %", "2025-08": "3 %"}
    data["trust"]["fading"] = {"half_life": "0.5 yr", "full": "90 %"}
    data["strategies"]["half"]["fed_shares"] = {"2025-02": {"west": "70 %", "east": "30 %"}}
    data["strategies"]["relent"] |= {
        "fed_volumes": {"2025-02": "30 t", "2025-06": "40 t"}, "fed_shares": {"2025-02": {"west": "80 %", "east": "20 %"}},
        "if_conceded": [{"posture": "generous"}],
    }  # fmt: skip
    return data


def windowed() -> dict[str, Any]:
    """The second edition's mechanisms, where pressure is what conceding would spare over a window."""
    data = second()
    _chance(data, curve=CURVE, window="3 month", begins="2 month")
    data["strategies"]["relent"]["rules"] = [{"posture": "half"}]
    return data


def long() -> dict[str, Any]:
    """The toy with more on its menu than one run of the search."""
    data = toy()
    data["phases"] = {name: {"begins": f"2025-0{at}"} for at, name in enumerate(("one", "two", "three", "four"), 1)}
    data["postures"]["most"] = data["postures"]["half"] | {"title": "Most licensed", "licensed": "80 %"}
    data["menu"]["postures"] = ["open", "half", "most"]
    return data


def _without_leverage(data: dict[str, Any]) -> dict[str, Any]:
    """Leverage is reported beside an answer and takes long."""
    del data["leverage"]
    return data


def _chance(data: dict[str, Any], **stated: Any) -> None:
    for key in ("types", "curve", "reference", "probability", "cap"):
        data["concession"].pop(key, None)
    data["concession"] |= stated


# What shows most comes first: once the judge has refused two spoilt answers, the rest is not played.
PLAYS = {
    "types": Play(typed, "relent"),
    "second": Play(second, "relent"),
    "window": Play(windowed, "relent"),
    "alike": Play(alike, "mixed"),
    "toy": Play(toy),
    "tied": Play(tied),
    "everything": Play(everything),
    "fed": Play(fed, "half"),
    "menu": Play(fed),
    "cut short": Play(long, limit=0.0),
}
