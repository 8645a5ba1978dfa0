"""What was recorded, to hold the model against: observations, and what was fitted to which of them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from coercivity.engine.data.units import convert
from coercivity.models.licensing.data.quantity import (
    MillionUsd,
    Month,
    Months,
    Name,
    Price,
    Quantity,
    Share,
    Table,
    Tonnes,
    quantity,
)

Measure = Literal[
    "exports",
    "exports_change",
    "export_gap",
    "recouped",
    "export_share",
    "leader_share",
    "rival_world_share",
    "rival_foreign_share",
    "rival_sales",
    "demand_change",
    "designed_out",
    "shortage",
    "first_stop",
    "export_value",
    "unit_value",
    "price",
    "price_ratio",
    "premium",
    "lost_output",
    "pain",
    "pressure",
    "leverage",
    "licence_use",
    "licensed_share",
    "concession_lag",
]
Window = Literal["fit", "judge", "fed", "beside"]

RECORDED_AS: dict[str, str] = {
    "exports": "tonnes", "export_gap": "tonnes", "rival_sales": "tonnes", "shortage": "tonnes",
    "exports_change": "share", "recouped": "share", "export_share": "share", "leader_share": "share",
    "rival_world_share": "share", "rival_foreign_share": "share", "demand_change": "share", "designed_out": "share",
    "price_ratio": "share", "licence_use": "share", "licensed_share": "share",
    "export_value": "money", "unit_value": "price", "price": "price", "first_stop": "weeks", "concession_lag": "weeks",
    "premium": "price", "lost_output": "money", "pain": "money", "pressure": "money", "leverage": "money",
}  # fmt: skip
"""The field that holds the recorded value of each measure."""

UNITS: dict[str, str] = {"share": "1", "tonnes": "t", "money": "million USD", "price": "USD/kg", "weeks": "week"}
"""The unit of each such field."""

NEEDS: dict[str, tuple[str, ...]] = {
    "exports_change": ("against",),
    "export_gap": ("against",),
    "demand_change": ("against",),
    "recouped": ("against", "of"),
    "export_share": ("bloc",),
    "first_stop": ("above",),
    "pain": ("bloc",),
    "leverage": ("cut",),
}
"""Keys without which a measure says nothing."""

BLOC_AND_PRODUCT = ("bloc", "product")
ALLOWS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(RECORDED_AS, BLOC_AND_PRODUCT),
    "exports": (*BLOC_AND_PRODUCT, "plus"),
    "exports_change": (*BLOC_AND_PRODUCT, "plus"),
    "export_gap": (*BLOC_AND_PRODUCT, "plus"),
    "shortage": (*BLOC_AND_PRODUCT, "segment"),
    "first_stop": (*BLOC_AND_PRODUCT, "segment"),
    "rival_sales": (*BLOC_AND_PRODUCT, "rival"),
    "rival_world_share": (),
    "concession_lag": (),
    "lost_output": (*BLOC_AND_PRODUCT, "segment"),
    "pain": ("bloc",),
    "pressure": (),
    "leverage": ("bloc",),
}
"""Further keys that mean something for a measure."""

KEYS = ("bloc", "product", "segment", "rival", "against", "plus", "of", "above", "cut")
"""All keys that some measure takes and another does not."""


class Observation(Table):
    """A fact to hold the model against: what is measured, the recorded value, and how near is near enough.

    ``fit``: some parameter was fitted to it, the calibration says which. ``judge``: no parameter has seen it.
    ``fed``: it is an input, or follows from one. ``beside``: somebody else's estimate, shown and not judged. ``tolerance`` is the
    largest error that counts as a hit, in the unit of the recorded value, ``factor`` one by which an estimate may be missed;
    without either the value's own range decides.
    """

    title: str = Field(description="what reports call it")
    strategy: Name = Field(description="under which the model is asked: what was played")
    measure: Measure = Field(description="what is measured")
    bloc: Name | None = Field(None, description="of which; default: of all")
    product: Name | None = Field(None, description="of which; default: of all")
    segment: Name | None = Field(None, description="of which end use; default: of all")
    rival: Name | None = Field(None, description="of which; default: of all")
    begins: Month = Field(description="the first month")
    ends: Month = Field(description="the last month, included")
    against: Tonnes | None = Field(None, description="tonnes of the record that the model's are compared with")
    plus: Tonnes | None = Field(
        None, description="tonnes of the record added to the model's: what was shipped before the calendar begins"
    )
    of: Name | None = Field(None, description="the export gap whose recovery is measured")
    above: Share | None = Field(None, description="share of demand beyond which a shortage counts as a stop")
    cut: Months | None = Field(
        None, description="length of the cut-off at the end of the last month whose cost is meant"
    )
    share: quantity("1", None) | None = Field(None, description="the recorded value, where it is a share or a ratio")
    tonnes: quantity("t", None) | None = Field(None, description="the recorded value, where it is a mass")
    money: MillionUsd | None = Field(None, description="the recorded value, where it is an amount of money")
    price: Price | None = Field(None, description="the recorded value, where it is a price")
    weeks: quantity("week") | None = Field(None, description="the recorded value, where it is a time")
    tolerance: str | None = Field(None, description="largest error that counts as a hit, e.g. '3 %' or '100 t'")
    factor: Annotated[float, Field(gt=1, allow_inf_nan=False)] | None = Field(
        None,
        description="by how many times an estimate may be missed, either way, and still count as hit, in place of a tolerance",
    )
    window: Window = Field(
        "judge", description="fit: used for calibration; judge: unseen; fed: an input; beside: an estimate, shown alone"
    )
    confounded: str = Field("", description="what else moved the record in these months and is not in the model")
    note: str = Field("", description="why the model meets or misses it")

    @property
    def unit(self) -> str:
        """The unit of the recorded value."""
        return UNITS[RECORDED_AS[self.measure]]

    @property
    def recorded(self) -> Quantity | None:
        """The recorded value; None where the file gives none in the measure's unit."""
        value: Quantity | None = getattr(self, RECORDED_AS[self.measure])
        return value

    @property
    def error_allowed(self) -> float | None:
        """Largest error that counts as a hit: the tolerance, or half the range; None where neither is given."""
        if self.tolerance is not None:
            return convert(self.tolerance, self.unit)
        fact = self.recorded
        if fact is not None and self.factor is not None:
            return abs(fact.value) * (self.factor - 1.0)
        return None if fact is None or fact.low is None or fact.high is None else (fact.high - fact.low) / 2.0

    @property
    def bounds(self) -> tuple[float, float] | None:
        """Lowest and highest value that count as a hit; None where neither tolerance nor range is given."""
        fact, allowed = self.recorded, self.error_allowed
        if fact is not None and self.factor is not None and self.tolerance is None:
            near, far = fact.value / self.factor, fact.value * self.factor
            return min(near, far), max(near, far)
        if fact is None or allowed is None:
            return None
        if self.tolerance is None and fact.low is not None and fact.high is not None:
            return fact.low, fact.high
        return fact.value - allowed, fact.value + allowed


class Fitted(Table):
    """One number of the instance and the search that found it: the point whose moments err least, the first of equals.

    The loss is the sum over the moments of (error / tolerance)²; all other numbers stay as the instance has them.
    """

    path: str = Field(description="dotted path of the number")
    also: tuple[str, ...] = Field((), description="paths of numbers that are always set to the same")
    moments: tuple[Name, ...] = Field(min_length=1, description="observations it was fitted to")
    points: tuple[str, ...] = Field(min_length=2, description="values tried, e.g. ['15 %', '30 %']")
    found: str = Field(description="the point chosen")
    loss: Annotated[float, Field(ge=0, allow_inf_nan=False)] = Field(description="loss at that point")
    note: str = Field("", description="what the search showed")


class Calibration(Table):
    """What was fitted, to what, and on which state of knowledge."""

    until: Month = Field(description="the last month whose facts were used")
    fitted: dict[Name, Fitted] = Field(min_length=1)
    note: str = Field("", description="how it was fitted")


class SharedNumber(Table):
    """A behavioural number that the record of the cases may choose for all of them, and among which points."""

    paths: tuple[str, ...] = Field(
        min_length=1, description="dotted paths in instances, * for any one part; set where a case has them"
    )
    apart: tuple[str, ...] = Field((), description="cases that argue it on another scale, and keep what they state")
    points: tuple[str, ...] = Field(min_length=2, description="values tried, from end to end of the number's range")
    evidence: str = Field(min_length=1, description="what is known of the number, and why it is among the few")
