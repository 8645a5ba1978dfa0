"""Units of the formulation's constants: numbers to solve with, or Pyomo's units to check that every law is consistent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyomo.environ as pyo


@dataclass(frozen=True)
class UnitSystem:
    """What constants are multiplied by: 1.0 to solve, Pyomo units to check that every law is consistent."""

    tonne: Any = 1.0
    year: Any = 1.0
    thousand_usd: Any = 1.0

    @property
    def tonnes_per_year(self) -> Any:
        """The unit of capacity."""
        return self.tonne / self.year

    @property
    def price(self) -> Any:
        """USD/kg, which is thousand USD per tonne."""
        return self.thousand_usd / self.tonne


def unit_of(unit: Any) -> Any:
    """The unit of a variable; none where constants are plain numbers."""
    return None if isinstance(unit, float) else unit


def checked_units() -> UnitSystem:
    """The unit system for Pyomo's unit checker."""
    if "kUSD" not in dir(pyo.units._pint_registry):
        pyo.units.load_definitions_from_strings(["kUSD = [currency_thousand]"])
    return UnitSystem(pyo.units.metric_ton, pyo.units.year, pyo.units.kUSD)
