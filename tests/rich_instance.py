"""The toy instance with every optional block filled in, as data to be mutated."""

from __future__ import annotations

import copy
import json
from pathlib import Path as File
from typing import Any

from coercivity.engine.data.document import parse
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.data.load import load_text

TOY = File(__file__).parents[1] / "instances" / "toy" / "one-buyer.yaml"
DELETE = object()

OBSERVATION = {
    "title": "Exports in the squeeze",
    "strategy": "half",
    "measure": "exports",
    "begins": "2025-02",
    "ends": "2025-04",
    "tonnes": "100 t",
}
EXTRAS: dict[str, Any] = {
    "money": {"year": 2025, "exchange_rates": {"EUR": 1.1}},
    "sources": {"survey": {"publisher": "Bureau", "title": "Survey", "date": "2024-01", "url": "urn:survey"}},
    "options": {
        "thrift": {
            "title": "Thrifting",
            "product": "magnets",
            "moves_to": "light",
            "potential": {"cars": "10 %"},
            "yearly_limit": "5 %",
            "lead_time": "6 month",
            "cost": "2 EUR/(kg/yr)",
            "life": "5 yr",
            "running_cost": "-1 USD/kg",
        }
    },
    "routes": {
        "back_door": {
            "source": "west",
            "destination": "east",
            "capacity": "50 t/yr",
            "cost": "5 USD/kg",
            "owner": "outside",
        }
    },
    "concession": {
        "target": "all",
        "value": "6 billion USD/yr",
        "share": "50 %",
        "begins": "6 month",
        "lasts": "2 yr",
        "relief": "open",
        "reference": "half",
        "probability": "25 %",
        "cap": "50 %",
    },
    "leverage": {"lengths": ["1 month", "3 month"], "until": "2026-01", "recovery": "6 month"},
    "observations": {"exports": OBSERVATION},
    "variants": {
        "low_rate": {"title": "Patient leader", "set": {"leader.discount_rate": "2 %/yr"}},
        "closed": {"title": "No leakage", "set": {"routes.back_door.capacity": "0 t/yr", "leader.rents.licence": 1}},
    },
}
CURVE = [
    {"pressure": "0 million USD", "probability": "0 %"},
    {"pressure": "10 million USD", "probability": "20 %"},
    {"pressure": "20 million USD", "probability": "40 %"},
]


def rich() -> dict[str, Any]:
    """A fresh copy of the data."""
    data = parse(TOY.read_text("utf-8"), "toy").data | copy.deepcopy(EXTRAS)
    data["products"]["light"] = {"title": "Light magnets", "segments": {"toys": 0.5, "cars": 0.5}}
    data["leader"]["price"]["light"] = "55 USD/kg"
    data["leader"]["unit_cost"]["light"] = "40 USD/kg"
    data["phases"] = {"squeeze": {"begins": "2025-01", "breakdown": "2025-03"}, "late": {"begins": "2025-07"}}
    data["groups"]["far"] = {"title": "Far buyers"}
    data["menu"]["bundles"] = [["all"], ["far"]]
    data["strategies"]["half"]["fed_volumes"] = {"2025-02": "30 t"}
    data["rivals"]["mine"]["committed"] = [{"begins": "2025-06", "capacity": "10 t/yr"}]
    west = data["blocs"]["west"]
    for key in ("demand", "imports", "growth"):
        west[key]["light"] = west[key]["magnets"]
    west["demand"]["magnets"] = {"value": "1200 t/yr", "source": "survey", "grade": "B", "year": 2020,
                                 "range": ["1 kt/yr", "2 kt/yr"], "distribution": "triangular"}  # fmt: skip
    west["reserve"] = {"months": "1 month", "begins": "2025-06", "penalty": "1 USD/kg/month"}
    data["blocs"]["east"] = copy.deepcopy(west) | {"title": "East", "group": "far", "cover": {"weeks": "2 month"}}
    return data


REACTIONS: dict[str, Any] = {
    "trust": {
        "initial": "calm",
        "conducts": ["kind", "harsh"],
        "states": {
            "calm": {"title": "Calm", "fear": 1},
            "wary": {"title": "Wary", "fear": 3, "breakdown": {"delivered": 0, "lasts": "4 month"}},
        },
        "moves": {"calm": {"harsh": "wary"}, "wary": {"kind": "calm"}},
    },
    "countermeasures": {
        "duties": {
            "title": "Duties", "bloc": "west", "threshold": "80 %", "patience": "1 month", "delay": "2 month",
            "lasts": "1 yr", "cost": "20 million USD/yr", "funding": {"mine": "50 %"},
        }
    },
    "firms": {
        "major": {
            "title": "Major", "export_share": "60 %", "export_margin": "10 USD/kg", "home_sales": "200 t/yr",
            "home_margin": "8 USD/kg", "price_exposure": 1, "fixed_cost": "20 million USD/yr",
            "cash": "2 million USD", "rescue": "support",
        },
        "workshop": {
            "title": "Workshop", "export_share": "30 %", "export_margin": "8 USD/kg", "home_sales": "100 t/yr",
            "home_margin": "8 USD/kg", "price_exposure": -0.5, "fixed_cost": "9 million USD/yr",
            "cash": "1 million USD", "rescue": "exit",
        },
    },
    "home": {
        "price": "30 USD/kg", "elasticity": 0.8, "adjustment": "3 month", "dumped": "60 %/yr",
        "storage_cost": "0.1 USD/kg/month",
    },
    "downstream": {"share": "10 %/yr", "limit": "20 %", "value": "15 USD/kg"},
}  # fmt: skip


def reacting() -> dict[str, Any]:
    """The data with everything that a strategy sets off, too."""
    data = rich() | copy.deepcopy(REACTIONS)
    data["postures"]["open"]["conduct"] = "kind"
    data["postures"]["half"] |= {"conduct": "harsh", "corridor": "10 %", "release": "quarter", "buffer": "0.5 month"}
    data["buyers"]["price_risk"] = {"volatility": "25 %", "premium": "30 %", "absorption": "5 %"}
    data["leader"] |= {"public_funds": "30 %", "home_use": "500 t/yr"}
    data["rivals"]["mine"] |= {
        "support": {"begins": "2025-06", "capital": "20 %", "floor": "60 USD/kg"},
        "slip": {"share": "30 %", "by": "3 month"},
    }
    for key in ("reference", "probability", "cap"):
        del data["concession"][key]
    data["concession"]["types"] = {
        "soft": {"title": "Soft", "weight": "40 %", "stake": "10 million USD/yr"},
        "hard": {"title": "Hard", "weight": "60 %", "stake": "9000 million USD/yr"},
    }
    data["strategies"]["half"]["if_conceded"] = [{"posture": "open"}]
    return data


def changed(data: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """The data with the node at a dotted path replaced, added or deleted."""
    data = copy.deepcopy(data)
    node: Any = data
    *above, last = (int(part) if part.isdecimal() else part for part in path.split("."))
    for part in above:
        node = node[part]
    if value is DELETE:
        del node[last]
    else:
        node[last] = copy.deepcopy(value)
    return data


def text_of(data: Any) -> str:
    """The data as a document of many lines; JSON is YAML."""
    return json.dumps(data, indent=1)


def loaded(data: dict[str, Any], **options: Any) -> Instance:
    """The instance that the data give."""
    return load_text(text_of(data), "rich.yaml", **options)
