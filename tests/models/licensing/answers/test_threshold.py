"""Break-evens between strategies: by hand on the toy, confirmed by loading the instance again, and what is refused."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest

from coercivity.engine.errors import UsageError
from coercivity.engine.report.text import text, to_csv, to_json
from coercivity.models.licensing.answers.threshold.crossing import threshold
from coercivity.models.licensing.answers.threshold.parameter import default_parameters, parameter_of
from coercivity.models.licensing.answers.threshold.values import BreakEven, Threshold
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.data.load import effective, load, load_text
from coercivity.models.licensing.leader.commit import Game
from coercivity.models.licensing.pages import threshold as page

# A probability of one half whatever the pressure, so that the toy's page gives every figure below.
FLAT = 'concession.curve=[{pressure: "0 million USD", probability: 0}, {pressure: "1 million USD", probability: 0.5}]'
# instances/toy/README.md: months × factor of 2025 and of the tail; half's margin and tail; a full concession.
OPEN = 0.9 * (11.711923 + 21.775185)
HALF = 5.136185 + 15.083299
FULL = 97.599354


@cache
def toy(*sets: str) -> Instance:
    return load("one-buyer", (FLAT, *sets))


def only(found: Threshold) -> BreakEven:
    (block,) = found.parameters
    (turn,) = block.break_evens
    return turn


def difference(instance: Instance, one: str = "half", other: str = "open") -> float:
    game = Game(instance)
    return game.evaluate(game.announce(one)).optimistic - game.evaluate(game.announce(other)).optimistic


@cache
def of_the_concession() -> Threshold:
    return threshold(toy(), ["concession.value"])


def test_the_break_even_of_the_concession_is_the_one_worked_out_by_hand() -> None:
    found = of_the_concession()
    assert (found.strategy, found.against) == ("half", "open")
    assert found.values_musd["open"] == pytest.approx(OPEN, abs=2e-6)
    assert found.values_musd["half"] == pytest.approx(HALF + 0.5 * FULL, abs=2e-6)
    turn = only(found)
    assert turn.value == pytest.approx(100 * (OPEN - HALF) / (0.5 * FULL), rel=1e-6)
    assert turn.kind == "AFFINE"
    assert turn.better_above == "half"
    assert turn.bracket[0] <= turn.value <= turn.bracket[1]
    assert turn.bracket[1] - turn.bracket[0] <= 1e-6 * 400
    assert abs(turn.residual_musd) < 1e-6
    assert turn.inside_range is None
    # The concession alone closes the gap, and all of it.
    assert list(turn.terms_moved_musd) == ["concession"]
    assert turn.terms_moved_musd["concession"] == pytest.approx(OPEN - HALF - 0.5 * FULL, abs=1e-5)
    assert not found.parameters[0].buyers_answer_anew


def test_a_cost_on_the_leaders_books_alone_is_affine_too() -> None:
    found = threshold(toy("concession.value=0 million USD/yr"), ["leader.unit_cost.*"], "half", "open")
    block = found.parameters[0]
    assert not block.buyers_answer_anew
    assert block.break_evens == ()
    assert block.searched[1] >= 1.0
    assert "open stays ahead" in found.sentences[1]
    # Twice as much margin doubles the difference: price 50, unit cost 40, so at three quarters of it margin is 20.
    assert difference(toy("concession.value=0 million USD/yr", "leader.unit_cost.magnets=30 USD/kg")) == pytest.approx(
        2 * (HALF - OPEN), abs=1e-5
    )


def test_what_moves_the_buyers_is_solved_anew_and_holds_when_loaded_again() -> None:
    instance = toy("concession.value=25 million USD/yr")
    found = threshold(instance, ["segments.cars.value"], "half", "open")
    block = found.parameters[0]
    assert block.buyers_answer_anew
    assert block.searched[0] >= 60.0, "a value below that of the toys is refused by the cross-checks"
    for point in block.scan:
        again = toy("concession.value=25 million USD/yr", f"segments.cars.value={point.at!r} USD/kg")
        assert difference(again) == pytest.approx(point.difference_musd, abs=1e-6)
    for turn in block.break_evens:
        ends = [
            difference(toy("concession.value=25 million USD/yr", f"segments.cars.value={at!r} USD/kg"))
            for at in turn.bracket
        ]
        assert ends[0] * ends[1] <= 0


def test_a_break_even_beyond_the_range_says_so() -> None:
    ranged = "{value: 100 million USD/yr, assumption: a guess, range: [80 million USD/yr, 120 million USD/yr]}"
    found = threshold(toy(f"concession.value={ranged}"), ["concession.value"])
    turn = only(found)
    assert turn.inside_range is False
    assert "outside the range 80 million USD/yr to 120 million USD/yr" in found.sentences[1]
    assert "open overtakes once it falls below 20.33 million USD/yr" in found.sentences[1]
    wide = ranged.replace("80", "10")
    assert only(threshold(toy(f"concession.value={wide}"), ["concession.value"])).inside_range is True


def test_a_line_over_two_parameters_agrees_with_each_alone() -> None:
    found = threshold(toy(), ["leader.unit_cost.magnets", "concession.value"], grid=True).grid
    rows = {row.at: row for row in found.rows}
    assert 40.0 in rows
    assert rows[40.0].break_evens[0].value == pytest.approx(only(of_the_concession()).value, rel=1e-5)
    for at, row in rows.items():
        # The gap of margin and tail grows with the margin per kilogram.
        wanted = 100 * (OPEN - HALF) * (50 - at) / 10 / (0.5 * FULL)
        if row.break_evens:
            assert row.break_evens[0].value == pytest.approx(wanted, rel=1e-5)
        else:
            assert wanted <= 0 or wanted > 400


def test_dates_move_by_whole_years() -> None:
    found = threshold(load("template"), ["horizon"], "open", "reliable")
    block = found.parameters[0]
    assert (block.kind, block.now) == ("years", 8.0)
    assert all(point.at == round(point.at) for point in block.scan)
    tail = parameter_of(load("template"), "tail")
    assert tail.changes(2.0) == (("tail", "2030-01"),)


def test_a_star_is_a_common_factor_that_keeps_every_number_in_its_range() -> None:
    text_of = effective(load("template"))
    sets = [
        'segments.ordinary.value={value: 80 USD/kg, assumption: a, range: ["40 USD/kg", "120 USD/kg"]}',
        'segments.critical.value={value: 900 USD/kg, assumption: a, range: ["810 USD/kg", "1800 USD/kg"]}',
    ]
    found = parameter_of(load_text(text_of, sets=sets), "segments.*.value")
    assert found.kind == "factor"
    assert (found.low, found.high) == pytest.approx((0.9, 1.5))
    assert dict(found.changes(1.5)) == {
        "segments.ordinary.value": "120.0 USD/kg",
        "segments.critical.value": "1350.0 USD/kg",
    }


@pytest.mark.parametrize("name", ["one-buyer", "template"])
def test_every_default_parameter_can_be_written_and_says_the_same_at_its_present_value(name: str) -> None:
    instance = load(name)
    found = list(default_parameters(instance))
    assert len(found) >= 10
    for parameter in found:
        sets = [f"{path}={json.dumps(value)}" for path, value in parameter.changes(parameter.now)]
        again = load_text(effective(instance), sets=sets)
        before, after = dict(instance.quantities()), dict(again.quantities())
        assert {path: number.value for path, number in after.items()} == {
            path: number.value for path, number in before.items()
        }


@pytest.mark.parametrize(
    ("parameters", "options", "what"),
    [
        (["concession.valeu"], {}, "did you mean 'concession.value'"),
        (["segments.*.valeu"], {}, r"did you mean 'segments\.\*\.value'"),
        (["rivals.*.nothing.at.all"], {}, "stands for one part"),
        (["calendar.months"], {}, "not a number about the world"),
        (["title"], {}, "not a number about the world"),
        (["postures.open.hazard.*"], {}, "no number"),
        (["blocs.*.growth.*"], {}, "zero"),
        ([], {"strategy": "hlaf"}, "did you mean 'half'"),
        ([], {"strategy": "half", "against": "half"}, "itself"),
        (["concession.value"], {"grid": True}, "takes two parameters"),
    ],
)
def test_what_is_not_there_is_refused(parameters: list[str], options: dict[str, Any], what: str) -> None:
    with pytest.raises(UsageError, match=what):
        threshold(toy(), parameters, **options)


def test_it_can_be_printed_saved_and_drawn() -> None:
    found = of_the_concession()
    assert max(map(len, text(page.blocks(found), 60).splitlines())) <= 60
    assert json.loads(to_json(found))["command"] == "threshold"
    assert to_csv(page.rows(found)).count("\n") == 2
    pytest.importorskip("altair")
    assert page.drawn(found)["threshold.svg"].startswith("<svg")
