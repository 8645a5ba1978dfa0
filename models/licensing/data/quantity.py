"""A number about the world: its value in a fixed unit, and where it comes from."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, WithJsonSchema
from pydantic_core import PydanticCustomError

from coercivity.engine.data.units import UnitError, convert

# As the units of a file have it: fifty-two weeks and twelve months to a year.
WEEKS_PER_MONTH = 52.0 / 12.0

Distribution = Literal["uniform", "triangular", "lognormal"]
Grade = Literal["A", "B", "C", "D"]


class Quantity(BaseModel):
    """One number with its unit and its provenance.

    Exactly one of ``source`` and ``assumption`` is given. ``low`` and ``high`` bound what the sources
    support; ``distribution`` says how a study samples between them (``lognormal``: they are the 5 and
    95 % points).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    value: float
    unit: str
    source: tuple[str, ...] = ()
    assumption: str | None = None
    grade: Grade | None = None
    year: int | None = None
    derivation: str | None = None
    low: float | None = None
    high: float | None = None
    distribution: Distribution | None = None
    overridden: bool = False

    def __float__(self) -> float:
        return self.value


_KEYS = ("value", "source", "assumption", "grade", "year", "derivation", "range", "distribution", "overridden")
LONGEST = 80
Limits = tuple[float | None, float | None]


def _fault(what: str, fix: str) -> PydanticCustomError:
    # Braces are escaped because pydantic formats the message template.
    return PydanticCustomError("quantity", "{what}", {"what": what, "fix": fix})


def _number(text: object, unit: str, info: ValidationInfo, limits: Limits) -> float:
    context: Mapping[str, Any] = info.context or {}
    if isinstance(text, str) and (len(text) > LONGEST or "**" in text or "^" in text):
        # No unit here has a power, and a tower of them would keep the parser of units busy for ever.
        raise _fault(f"{text[:LONGEST]!r} is not a number with a unit", f"write a quantity in {unit}, without powers")
    try:
        value = convert(text, unit, context.get("rates"))
    except UnitError as error:
        raise _fault(error.what, error.fix) from None
    except (ValueError, ArithmeticError):  # digits that are no number, or a unit too large to hold
        raise _fault(f"{text!r} is not a number that can be held", f"write a quantity in {unit}") from None
    if not math.isfinite(value):
        raise _fault(f"{text!r} is not a finite number", f"write a quantity in {unit}")
    low, high = limits
    if low is not None and value < low:
        raise _fault(f"{text!r} is below {_said(low, unit)}", f"give a value of at least {_said(low, unit)}")
    if high is not None and value > high:
        raise _fault(f"{text!r} is above {_said(high, unit)}", f"give a value of at most {_said(high, unit)}")
    return value


def _said(limit: float, unit: str) -> str:
    """A limit in words: shares as percentages."""
    return f"{100 * limit:g} %" if unit == "1" else f"{limit:g} {unit}"


def _read(raw: object, info: ValidationInfo, unit: str, limits: Limits) -> object:
    """Turn what the file says into the fields of a Quantity, or refuse with a fix."""
    if isinstance(raw, Quantity):
        return raw
    assumed = (info.context or {}).get("assumed")
    if not isinstance(raw, Mapping):
        value = _number(raw, unit, info, limits)
        if assumed is None:
            raise _fault(
                f"{raw!r} has neither a source nor an assumption",
                "write {value: …, source: ID, grade: B, year: 2025}, or {value: …, assumption: why}",
            )
        return {"value": value, "unit": unit, "assumption": assumed}
    unknown = [key for key in raw if key not in _KEYS]
    if unknown:
        near = difflib.get_close_matches(str(unknown[0]), _KEYS, 1, 0.6)
        fix = f"did you mean {near[0]!r}?" if near else f"keys of a quantity: {', '.join(_KEYS[:-1])}"
        raise _fault(f"unknown key {unknown[0]!r} in a quantity", fix)
    if "value" not in raw:
        raise _fault("a quantity without 'value'", f'add value: "… {unit}"')
    fields: dict[str, object] = {"value": _number(raw["value"], unit, info, limits), "unit": unit, **_origin(raw)}
    if raw.get("range") is not None:
        fields["low"], fields["high"] = _range(raw["range"], unit, info, limits)
        if not fields["low"] <= fields["value"] <= fields["high"]:  # type: ignore[operator]
            raise _fault("the value lies outside its own range", "widen the range or correct the value")
    elif raw.get("distribution") is not None:
        raise _fault("a distribution without a range", "add range: [low, high]")
    for key in ("assumption", "grade", "year", "derivation", "distribution", "overridden"):
        if key in raw:
            fields[key] = raw[key]
    return fields


def _origin(raw: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """The sources of a quantity, or nothing where it is an assumption; refuses what is neither."""
    if ("source" in raw) == ("assumption" in raw):
        raise _fault("a quantity needs either 'source' or 'assumption', and not both", "keep one of the two")
    if "assumption" in raw:
        if not str(raw["assumption"] or "").strip():
            raise _fault("an assumption without its reason", "write assumption: why this value")
        return {}
    named = raw["source"]
    names = tuple(named) if isinstance(named, list | tuple) else (named,)
    if not names or not all(isinstance(name, str) and name for name in names):
        raise _fault("a source without its name", "write source: ID, or source: [ID, ID]")
    for key, wanted in (("grade", "A, B, C or D"), ("year", "the year the figure is for")):
        if raw.get(key) is None:
            raise _fault(f"a sourced quantity without '{key}'", f"add {key}: {wanted}")
    return {"source": names}


def _range(raw: object, unit: str, info: ValidationInfo, limits: Limits) -> tuple[float, float]:
    if not isinstance(raw, list | tuple) or len(raw) != 2:
        raise _fault(f"a range is two quantities, not {raw!r}", "write range: [low, high]")
    low, high = (_number(end, unit, info, limits) for end in raw)
    if low > high:
        raise _fault("a range whose low end is above its high end", "write range: [low, high]")
    return low, high


def quantity(unit: str, low: float | None = 0.0, high: float | None = None) -> Any:
    """The annotated type of a quantity in ``unit``, between ``low`` and ``high`` where given."""
    text = f"a quantity in {unit}" if unit != "1" else "a share, e.g. '25 %'"
    scalar = {"type": ["string", "number"]}
    schema = {
        "description": text,
        "x-unit": unit,
        "oneOf": [
            scalar,
            {
                "type": "object",
                "additionalProperties": False,
                "required": ["value"],
                "properties": {
                    "value": scalar,
                    "source": {"oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
                    "assumption": {"type": "string"},
                    "grade": {"enum": ["A", "B", "C", "D"]},
                    "year": {"type": "integer"},
                    "derivation": {"type": "string"},
                    "range": {"type": "array", "items": scalar, "minItems": 2, "maxItems": 2},
                    "distribution": {"enum": ["uniform", "triangular", "lognormal"]},
                },
            },
        ],
    }
    return Annotated[
        Quantity,
        BeforeValidator(lambda raw, info: _read(raw, info, unit, (low, high))),
        WithJsonSchema(schema),
    ]


MONTH = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])")


def month_index(text: str) -> int:
    """Months since year 0 of a text ``YYYY-MM``.

    >>> month_index("2025-04") - month_index("2024-04")
    12
    """
    match = MONTH.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a month; write YYYY-MM")
    return 12 * int(match[1]) + int(match[2]) - 1


def month_name(index: int) -> str:
    """The text ``YYYY-MM`` of a month index.

    >>> month_name(month_index("2031-12"))
    '2031-12'
    """
    return f"{index // 12:04d}-{index % 12 + 1:02d}"


def _month(raw: object) -> object:
    if not isinstance(raw, str) or MONTH.fullmatch(raw) is None:
        what = {"what": f"{raw!r} is not a month", "fix": "write YYYY-MM, e.g. 2025-04"}
        raise PydanticCustomError("month", "{what}", what)
    return raw


MONTH_SCHEMA = {"type": "string", "pattern": f"^{MONTH.pattern}$", "examples": ["2025-04"]}
Month = Annotated[str, BeforeValidator(_month), WithJsonSchema(MONTH_SCHEMA)]


# Words that are no text to some reader of YAML: a file with such a name would mean one thing here and another there.
UNNAMEABLE = ("null", "true", "false", "yes", "no", "on", "off")


def _no_truth_value(name: str) -> str:
    if name in UNNAMEABLE:
        what = f"{name!r} cannot be a name: other readers take it for no text at all"
        raise PydanticCustomError(
            "name", "{what}", {"what": what, "fix": "call it otherwise, e.g. norway instead of no"}
        )
    return name


# The types of an instance's fields, by unit and limits.
Share = quantity("1", 0, 1)
Factor = quantity("1", 0.001, 1000)
Rate = quantity("1/yr", -0.5, 1)
DiscountRate = quantity("1/yr", 0, 1)
Tonnes = quantity("t")
TonnesPerYear = quantity("t/yr")
Price = quantity("USD/kg")
StockCost = quantity("USD/kg/month")
Capex = quantity("USD/(kg/yr)")
Months = quantity("month")
Years = quantity("yr", 0.01)
MillionUsd = quantity("million USD")
MillionUsdPerYear = quantity("million USD/yr")
OwnName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$"), AfterValidator(_no_truth_value)]
Whole = Annotated[int, Field(strict=True)]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$"), AfterValidator(_no_truth_value)]


class Table(BaseModel):
    """A block of an instance file: no unknown key, no change after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)
