"""Values as plain data and back: what is written is read, what is wrong is refused with its place."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
import pytest

from coercivity.engine.data.values import from_plain, meanings, parts_of, schema_of, sometimes, to_plain
from coercivity.engine.errors import AuditFailed


class Level(Enum):
    LOW = "low"


@dataclass(frozen=True)
class Leg:
    """A part of a way."""

    km: float  # kilometres
    names: tuple[str, ...]  # places on it, in order


@dataclass(frozen=True)
class Way:
    """A way of several legs."""

    # million USD
    # at the prices of 2025
    toll_musd: float | None
    legs: dict[str, Leg]  # by name
    note: str | None = sometimes()  # only where there is something to say


WAY = Way(None, {"north": Leg(2.5, ("a", "b"))})
PLAIN = {"toll_musd": None, "legs": {"north": {"km": 2.5, "names": ["a", "b"]}}}


def test_values_are_written_and_read_back() -> None:
    assert to_plain(WAY) == PLAIN
    assert list(to_plain(WAY)) == list(PLAIN)
    assert from_plain(Way, PLAIN) == WAY
    assert to_plain(from_plain(Way, PLAIN | {"note": "steep"})) == PLAIN | {"note": "steep"}


def test_arrays_numbers_and_levels_are_plain() -> None:
    found = to_plain({1: np.arange(3), "level": Level.LOW, "is": np.bool_(True)})
    assert found == {"1": [0, 1, 2], "level": "LOW", "is": True}
    assert type(found["is"]) is bool


def test_what_has_no_plain_form_is_refused() -> None:
    with pytest.raises(TypeError, match="set has no plain form"):
        to_plain({"a": {1}})


def test_a_wrong_part_is_named_with_its_place() -> None:
    with pytest.raises(AuditFailed, match=r"result.legs.north.km"):
        from_plain(Way, {"toll_musd": 1.0, "legs": {"north": {"km": "far", "names": []}}})


def test_meanings_are_the_comments() -> None:
    assert meanings(Leg) == {"km": "kilometres", "names": "places on it, in order"}
    assert meanings(Way)["toll_musd"] == "million USD at the prices of 2025"
    assert parts_of(Way) == [Way, Leg]
    schema = schema_of(Way)
    assert schema["$defs"]["Leg"]["properties"]["km"]["description"] == "kilometres"
    assert schema["properties"]["legs"]["description"] == "by name"
