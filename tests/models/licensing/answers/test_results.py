"""Results as values: what they lack, what they say of their search, their tables, and the way to plain data and back."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from functools import cache

import pytest

from coercivity.engine.data.values import from_plain, meanings, parts_of, schema_of, to_plain
from coercivity.engine.report.text import to_json
from coercivity.models.licensing.answers.commands import (
    Comparison,
    Solution,
    compare,
    gap,
    shortfall,
    solve,
    status,
)
from coercivity.models.licensing.answers.values import Answer, Named
from coercivity.models.licensing.answers.verify import Verification
from coercivity.models.licensing.data.load import load
from coercivity.models.licensing.pages.frames import long_rows
from coercivity.models.licensing.pages.listing import Instances, Sources, Validation
from tests.rich_instance import loaded, reacting


@cache
def solved() -> Solution:
    return solve(load("one-buyer"))


@cache
def compared() -> Comparison:
    return compare(load("one-buyer"))


def proving(proof: str, is_complete: bool = True) -> Solution:
    """The solution with another proof, of a search that was stopped after one strategy or was not."""
    found = solved()
    assert found.search is not None
    screened = found.search.menu if is_complete else 1
    search = replace(found.search, screened=screened, complete=is_complete)
    return replace(found, certificate=replace(found.certificate, proof=proof), search=search)


@pytest.mark.parametrize(
    ("proof", "is_complete", "require", "says"),
    [
        ("OPTIMAL", True, None, None),
        ("OPTIMAL", True, "OPTIMAL", None),
        ("BILEVEL_FEASIBLE", True, "OPTIMAL", "optimal proves BILEVEL_FEASIBLE, below OPTIMAL"),
        ("LEADER_FEASIBLE", True, None, "optimal proves LEADER_FEASIBLE, below BILEVEL_FEASIBLE"),
        ("NOTHING", True, "NOTHING", None),
        ("BILEVEL_FEASIBLE", False, None, "the limit was reached after 1 of 2"),
        ("BILEVEL_FEASIBLE", False, "BILEVEL_FEASIBLE", None),
    ],
)
def test_what_a_result_lacks(proof: str, is_complete: bool, require: str | None, says: str | None) -> None:
    found = shortfall(proving(proof, is_complete), require)
    assert (found is None) if says is None else (found is not None and found.startswith(says))


def test_a_named_strategy_in_a_comparison_need_not_be_optimal() -> None:
    found = compared()
    assert shortfall(found, "OPTIMAL") is None
    first, *rest = found.strategies
    below = replace(first, certificate=replace(first.certificate, proof="LEADER_FEASIBLE"))
    assert shortfall(replace(found, strategies=[below, *rest]), "OPTIMAL") == (
        "open proves LEADER_FEASIBLE, below BILEVEL_FEASIBLE"
    )


def test_a_result_says_why_it_ended_and_how_near_its_bound_it_is() -> None:
    assert (status(solved()), gap(solved())) == ("finished", pytest.approx(0.0, abs=1e-6))
    assert status(proving("BILEVEL_FEASIBLE", is_complete=False)).startswith("stopped by its limit")
    assert gap(solve(load("one-buyer"), "half")) is None


def test_results_are_read_back_from_their_json() -> None:
    for kind, result in ((Solution, solved()), (Comparison, compared())):
        data = json.loads(to_json(result))
        assert to_plain(from_plain(kind, data)) == data
    again = from_plain(Comparison, json.loads(to_json(compared())))
    assert [type(answer) for answer in again.strategies] == [Named, Named, Answer]
    reacted = solve(loaded(reacting()), "half")
    assert to_plain(from_plain(Solution, json.loads(to_json(reacted)))) == json.loads(to_json(reacted))


@pytest.mark.parametrize("kind", [Solution, Comparison, Verification, Validation, Instances, Sources])
def test_every_field_says_what_it_is(kind: type) -> None:
    told = {part: meanings(part) for part in parts_of(kind)}
    assert [(part, entry.name) for part in told for entry in fields(part) if not told[part].get(entry.name)] == []
    assert all("description" in part for part in schema_of(kind)["properties"].values())


def test_a_result_is_told_in_a_line_at_a_prompt() -> None:
    assert [repr(result).partition(":")[0] for result in (solved(), compared())] == ["<Solution", "<Comparison"]


def test_results_are_tables() -> None:
    table = compared().to_frame()
    assert list(table.index) == ["open", "half", "optimal"]
    assert table.loc["optimal", "value_musd"] == solved().leader.value_musd
    series = solved().series
    frame = series.to_frame()
    assert list(frame.index) == list(series.periods)
    assert frame["exports_t", "west"].tolist() == series.exports_t["west"]
    assert ("rents_usd_per_kg.rival.mine", "") in frame.columns


def test_the_unit_of_a_figure_stands_beside_its_field() -> None:
    units = {(row["figure"], row["bloc"]): row["unit"] for row in long_rows(compared())}
    assert units["leader.value", None] == "million USD"
    assert units["leader.probability", None] == units["certificate.follower_gap", None] == "1"
    assert units["series.price", "west"] == units["series.rents.licence", "west"] == "USD/kg"
    assert units["series.ordered", None] == "t/yr"
    assert units["certificate.proof", None] == ""
