"""Leave one case out: what the others choose by hand, the case that no part of the choice has seen, few evaluations."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from click.testing import CliRunner

from coercivity.cli import main_group
from coercivity.engine.data.document import parse
from coercivity.engine.errors import ExitCode, InvalidInstance, UsageError
from coercivity.engine.report.text import text
from coercivity.models.licensing.answers.backtest.left_out import left_out
from coercivity.models.licensing.answers.backtest.values import LeftOut, LeftOutCase
from coercivity.models.licensing.data import load as loading
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.data.load import build, load, shared_numbers
from coercivity.models.licensing.data.record import SharedNumber
from coercivity.models.licensing.pages import cases as present
from tests.models.licensing.answers.test_backtest import row, toy

# The licensed share of the toy is 50 %, 45 t a month. Two records say 25 %, the third 75 %.
RECORDED = {"one": 22.5, "two": 23.5, "three": 67.5}
NUMBERS = {
    "pace": SharedNumber(paths=("postures.half.licensed",), points=("25 %", "50 %", "75 %"), evidence="a test"),
    "elsewhere": SharedNumber(paths=("options.*.life",), points=("5 yr", "9 yr"), evidence="no toy has it"),
}


def case(name: str, sets: Sequence[str]) -> Instance:
    record: dict[str, Any] = {"march": row("exports", RECORDED[name], tolerance="5 t")}
    return build(parse(json.dumps(toy(observations=record)), name), list(sets))


@pytest.fixture(scope="module")
def found() -> LeftOut:
    return left_out(names=list(RECORDED), loaded=case, numbers=NUMBERS)


def of(found: LeftOut, name: str) -> LeftOutCase:
    return next(one for one in found.cases if one.name == name)


def test_the_others_choose_and_the_case_is_judged_on_what_they_chose(found: LeftOut) -> None:
    assert {one.name: one.chosen["pace"] for one in found.cases} == {"one": "75 %", "two": "75 %", "three": "25 %"}
    three = of(found, "three")
    assert three.stated.error == pytest.approx((67.5 - 45.0) / 5.0)
    assert three.out_of_sample.error == pytest.approx((67.5 - 22.5) / 5.0)
    assert three.best.error == pytest.approx(0.0)
    assert three.best.hits == 1
    # Errors count in units of open trade's, 13.5, 13.3 and 4.5: 25 % costs 0.0 + 0.0 + 2.0, 50 % 0.3 + 0.3 + 1.0, and
    # 75 % 0.7 + 0.7 + 0.0, which is least; so the third is hit in sample and missed out of it.
    assert found.numbers[0].chosen == "75 %"
    assert (three.in_sample.hits, three.out_of_sample.hits) == (1, 0)


def test_combinations_that_leave_a_case_alike_are_evaluated_once(found: LeftOut) -> None:
    assert (found.combinations, found.evaluations) == (6, 3 * 4)
    assert all(one.has == ("pace",) for one in found.cases)


def test_a_case_on_another_scale_keeps_what_it_states() -> None:
    apart = {"pace": NUMBERS["pace"].model_copy(update={"apart": ("one-buyer",)})}
    # All toys are called one-buyer, so that none has the number any more.
    told = left_out(names=list(RECORDED), loaded=case, numbers=apart)
    assert told.evaluations == len(RECORDED)
    assert all(one.out_of_sample == one.stated for one in told.cases)


def test_the_page_says_what_was_chosen_and_how_much_was_tried(found: LeftOut) -> None:
    said = text(present.left_out(found), 100)
    assert "6 combinations of 2 numbers, 12 evaluations" in " ".join(said.split())
    assert max(map(len, said.splitlines())) <= 100
    rows = present.left_out_rows(found)
    assert len(rows) == 4 * len(found.cases)
    assert rows[2]["chosen_by_others"] == "pace=75 %; elsewhere=5 yr"


def test_two_cases_and_a_number_are_needed() -> None:
    with pytest.raises(UsageError, match="two are needed"):
        left_out(names=["one"], loaded=case, numbers=NUMBERS)
    with pytest.raises(UsageError, match="no shared number"):
        left_out(names=list(RECORDED), loaded=case, numbers={})


def test_every_declared_number_has_points_in_its_range_and_cases_that_have_it() -> None:
    numbers = shared_numbers()
    assert 2 <= len(numbers) <= 5
    worlds = [load(name) for name in ("april-2025", "cobalt-2025", "gallium-2023", "japan-2010")]
    for name, number in numbers.items():
        held = [
            world for world in worlds if world.name not in number.apart and number.paths[0] in dict(world.quantities())
        ]
        assert len(held) >= 2, name
        for world in held:
            stated = dict(world.quantities())[number.paths[0]]
            for point in number.points:
                value = dict(load(world.name, [f"{number.paths[0]}={point}"]).quantities())[number.paths[0]].value
                assert (stated.low or 0.0) <= value <= (stated.high or 0.0), f"{name} {point} in {world.name}"


def test_a_slip_in_what_is_declared_is_told_with_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = parse("schema: coercivity/behaviour/1\nfitted:\n  pace: {paths: [a.b], points: ['1']}\n", "behaviour.yaml")
    monkeypatch.setattr(loading, "_shipped", lambda _: wrong)
    with pytest.raises(InvalidInstance, match=r"behaviour\.yaml:3:3: fitted\.pace\.points"):
        shared_numbers()


@pytest.mark.parametrize("arguments", [["cobalt-2025", "--leave-one-out"], ["--leave-one-out"]])
def test_it_is_asked_for_with_all(arguments: list[str]) -> None:
    assert CliRunner().invoke(main_group, ["backtest", *arguments]).exit_code == ExitCode.USAGE
