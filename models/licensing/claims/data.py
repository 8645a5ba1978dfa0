"""What a file of claims may say: each claim with its numbers, its formula, its rule and the verdict on record.

A number about the world is a :class:`Quantity` in whatever unit the file writes; what a formula gave when the file
was written is a plain text in the claim's unit, read by :func:`in_unit`.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, TypeAdapter, ValidationError, ValidationInfo, WithJsonSchema
from pydantic_core import PydanticCustomError

from coercivity.engine.data.units import NUMBER, UnitError, convert
from coercivity.models.licensing.claims.formula import normal
from coercivity.models.licensing.data.instance import Money, Source
from coercivity.models.licensing.data.quantity import Month, Name, Quantity, Table, quantity

SCHEMA = "coercivity/claims/1"

Kind = Literal["arithmetic", "model", "record", "assumption", "not_found"]
Verdict = Literal["confirmed", "arithmetic does not follow", "contradicted", "not found", "assumption"]
VERDICTS: tuple[Verdict, ...] = (
    "confirmed",
    "arithmetic does not follow",
    "contradicted",
    "not found",
    "assumption",
)
MeasureName = Literal[
    "payoff_change",
    "payoff_change_without_concession",
    "margin_change",
    "buyers_pain",
    "exports",
    "break_even_probability",
    "leader_foreign_share",
    "leader_world_share",
    "rivals_world_share",
]


def _fault(what: str, fix: str) -> PydanticCustomError:
    return PydanticCustomError("quantity", "{what}", {"what": what, "fix": fix})


@cache
def _reader(unit: str) -> TypeAdapter[Quantity]:
    return TypeAdapter(quantity(unit, None))


def _in_own_unit(raw: object, info: ValidationInfo) -> object:
    """A quantity in the unit that it is written in; refuses what is none, with the fix of a quantity."""
    if isinstance(raw, Quantity):
        return raw
    text = raw.get("value") if isinstance(raw, Mapping) else raw
    number = NUMBER.fullmatch(text) if isinstance(text, str) else None
    try:
        unit = normal(number[2] if number else "", (info.context or {}).get("rates", {}))
        return _reader("1" if unit == "%" else unit).validate_python(raw, context=info.context)
    except UnitError as error:
        raise _fault(error.what, error.fix) from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        context = first.get("ctx", {})
        where = ".".join(str(part) for part in first["loc"])
        what = context.get("what") or f"{where}: {first['msg'].lower()}"
        raise _fault(what, context.get("fix", "write {value: 12 t, source: ID, grade: B, year: 2025}")) from None


def _day(raw: object) -> object:
    try:
        datetime.date.fromisoformat(raw if isinstance(raw, str) else "")
    except ValueError:
        raise _fault(f"{raw!r} is not a day", "write YYYY-MM-DD, e.g. 2025-04-04") from None
    return raw


def _plain(raw: object) -> object:
    if isinstance(raw, bool) or not isinstance(raw, str | int | float):
        raise _fault(f"{raw!r} is not a number with a unit", 'write it in the unit of the claim, e.g. "1,238 t"')
    return raw


_NUMBER_SCHEMA = {"type": ["string", "number"], "description": "a number in the unit of the claim"}
_FACT_SCHEMA = {"type": "object", "description": "{value: 12 t, source: ID, grade: B, year: 2025}"}
_DAY_SCHEMA = {"type": "string", "description": "a day, YYYY-MM-DD", "examples": ["2025-04-04"]}

Fact = Annotated[Quantity, BeforeValidator(_in_own_unit), WithJsonSchema(_FACT_SCHEMA)]
Number = Annotated[Any, BeforeValidator(_plain), WithJsonSchema(_NUMBER_SCHEMA)]
DayText = Annotated[str, BeforeValidator(_day), WithJsonSchema(_DAY_SCHEMA)]


def in_unit(number: object, unit: str, rates: Mapping[str, float]) -> float:
    """The number of a text in the unit of a claim, where a share in ``%`` is counted in percent.

    Raises
    ------
    UnitError
        As :func:`coercivity.engine.data.units.convert`.

    Examples
    --------
    >>> in_unit("74.3 %", "%", {}), in_unit("1.2 kt", "t", {})
    (74.3, 1200.0)
    """
    if unit != "%":
        return convert(number, unit, rates)
    return round(100.0 * convert(number, "1", rates), 12)


class Day(Table):
    """A day on which something happened, and who says so."""

    date: DayText
    source: str | tuple[str, ...] = Field(description="a source's name, or several")
    note: str = ""

    @property
    def sources(self) -> tuple[str, ...]:
        """The sources by name."""
        return (self.source,) if isinstance(self.source, str) else self.source


class Measure(Table):
    """One question to the licensing model: an instance, a strategy, perhaps another one, perhaps a span of months."""

    instance: str = Field(description="a shipped instance, or a file")
    strategy: Name
    against: Name | None = Field(None, description="the strategy that it is held against")
    measure: MeasureName
    begins: Month | None = None
    ends: Month | None = Field(None, description="the last month, included")


class Figure(Table):
    """A figure made by a formula from numbers, and what it was when the file was written."""

    title: str = ""
    formula: str | None = Field(None, description="arithmetic over named numbers, e.g. (before - after) / before")
    unit: str = Field("1", description="the unit of the result; % counts shares in percent")
    value: Number | None = Field(None, description="what the formula gave when the file was written")
    tolerance: Number = Field("0.1 %", description="drift that is accepted, as a share of the recorded value")


class Said(Table):
    """What the text says, in its words, and as a number where it gives one."""

    text: str
    value: Number | None = None


class Rule(Table):
    """When the recomputed figure confirms the claim; otherwise the verdict is ``otherwise``.

    Exactly one way to say it: ``within`` a share of the article's value, within the ``rounding`` of its last digit, or
    between ``from`` and ``to``, one of which may be left out.
    """

    within: Number | None = Field(None, description="largest distance from the article's value, as a share of it")
    rounding: Number | None = Field(None, description="largest distance from the article's value, in the unit")
    low: Number | None = Field(None, alias="from", description="the least value that confirms the claim")
    high: Number | None = Field(None, alias="to", description="the largest value that confirms the claim")
    otherwise: Literal["contradicted", "arithmetic does not follow"]


class Claim(Figure):
    """One claim: what is said, what it is recomputed from, how it is judged, and what was found."""

    kind: Kind
    claim: str
    article: Said
    inputs: dict[Name, Fact] = Field(default_factory=dict, description="numbers of this claim alone")
    dates: dict[Name, Day] = Field(default_factory=dict, description="days of this claim alone")
    model: dict[Name, Measure] = Field(default_factory=dict, description="questions to the model")
    rule: Rule | None = None
    verdict: Verdict
    finding: str
    also: dict[Name, Figure] = Field(default_factory=dict, description="further figures from the same numbers")
    sources: tuple[str, ...] = Field((), description="what the verdict rests on beside the sources of its numbers")


class Claims(Table):
    """A file of claims: shared numbers and days, and the claims in the order in which they are recomputed."""

    schema_: Literal["coercivity/claims/1"] = Field(alias="schema")
    name: str
    title: str
    story: str = ""
    article: str = Field(description="the source that is audited")
    money: Money
    sources: dict[str, Source]
    facts: dict[Name, Fact] = Field(default_factory=dict, description="numbers that several claims use")
    dates: dict[Name, Day] = Field(default_factory=dict, description="days that several claims use")
    claims: dict[Name, Claim] = Field(min_length=1)

    @property
    def rates(self) -> dict[str, float]:
        """US dollars per unit of a currency."""
        return dict(self.money.exchange_rates)
