"""What a ranking hinges on: every stated range, break-evens that other ways find too, a memory, a clock, and a judge."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from coercivity.engine.programs.hot import HotProgram
from coercivity.engine.report.text import lines
from coercivity.engine.study.memory.ledger import Ledger
from coercivity.models.licensing.answers.commands import Comparison, compare
from coercivity.models.licensing.answers.threshold.crossing import threshold
from coercivity.models.licensing.answers.verdict.first import first_page
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.data.load import load
from coercivity.models.licensing.desk.compare import hinged
from coercivity.models.licensing.market.arrays import market_of
from coercivity.models.licensing.pages.comparison.first import SCREEN, WIDTH, first
from coercivity.models.licensing.studies.reasons.hinges import Means, _ordered, hinges_of, with_optimum
from coercivity.models.licensing.studies.reasons.judge import hinges_judged
from coercivity.models.licensing.studies.vary import uncertain
from coercivity.models.licensing.studies.worker import PointScreen, PointWorker, Question

RANGES = [
    "concession.value={value: 300 million USD/yr, assumption: guess, range: [0 million USD/yr, 2000 million USD/yr]}",
    "leader.rents.licence={value: 0, assumption: guess, range: [0, 50 %]}",
    "blocs.north.demand.metal={value: 5 kt/yr, assumption: guess, range: [4.9 kt/yr, 5.1 kt/yr]}",
    "leader.unit_cost.metal={value: 38 USD/kg, assumption: guess, range: [37 USD/kg, 39 USD/kg]}",
]


@pytest.fixture(scope="module")
def instance() -> Instance:
    return load("template", RANGES)


@pytest.fixture(scope="module")
def compared(instance: Instance) -> Comparison:
    return compare(instance)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger(tmp_path / "ledger.sqlite") as memory:
        yield memory


def test_every_range_is_looked_at_and_break_evens_are_those_of_threshold(
    instance: Instance, compared: Comparison, ledger: Ledger
) -> None:
    found = hinges_of(instance, compared.strategies, Means(ledger))
    assert (found.ranges, found.looked, found.complete, found.leads) == (4, 4, True, "open")
    assert [hinge.within for hinge in found.turns] == sorted(hinge.within for hinge in found.turns)
    assert {hinge.parameter for hinge in found.turns} == {"concession.value", "leader.rents.licence"}
    for hinge in found.turns:
        told = threshold(instance, [hinge.parameter], strategy=hinge.leads, against=hinge.overtaken_by)
        assert told.parameters is not None
        nearest = min(abs(turn.value - hinge.break_even) for turn in told.parameters[0].break_evens)
        assert nearest <= 1e-3 * abs(hinge.break_even)
        assert hinge.low <= hinge.break_even <= hinge.high
        assert hinge.lead_musd > 0 > hinge.at_end_musd


def test_what_only_the_books_multiply_costs_no_program_and_says_the_same(
    instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    solved = []
    optimise = HotProgram.optimise
    monkeypatch.setattr(HotProgram, "optimise", lambda self: solved.append(1) or optimise(self))
    names = ("open", "coercion", "targeted")
    worker = PointWorker(Question(instance, market_of(instance), _layout(instance), (), names))
    worker(())
    dearer = load("template", [*RANGES, "concession.value=1500 million USD/yr", "leader.unit_cost.metal=39 USD/kg"])
    _, known = worker._screen_of(dearer, market_of(dearer), worker._stated)
    before = len(solved)
    booked = {name: known.measure(name) for name in names}
    assert before == len(solved)
    _, anew = worker._screen_of(dearer, market_of(dearer), {})
    for name in names:
        told = anew.measure(name)
        assert told["payoff"] == pytest.approx(booked[name]["payoff"], abs=0.1), "as exact as a study"
        assert told["share"] == pytest.approx(booked[name]["share"], abs=1e-3)
    assert len(solved) > before


def _layout(instance: Instance) -> Any:
    from coercivity.models.licensing.buyers.evaluate import Followers

    return Followers(instance).layout


def test_the_optimum_is_weighed_as_it_stands(instance: Instance, compared: Comparison, ledger: Ledger) -> None:
    game, names = with_optimum(instance, compared.strategies)
    worker = PointWorker(Question(game, market_of(game), _layout(game), (), (names["optimal"],)))
    best = compared.strategies[-1]
    assert worker(())["payoff"][names["optimal"]] == pytest.approx(best.leader.value_musd, rel=1e-5)
    assert "optimal" not in hinges_of(instance, compared.strategies, Means(ledger)).weighed, "it ties with open trade"


def test_the_second_time_everything_is_remembered(
    instance: Instance, compared: Comparison, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    once = hinges_of(instance, compared.strategies, Means(ledger))

    def refuse(*_: object) -> None:
        raise AssertionError("weighed again")

    monkeypatch.setattr(PointScreen, "measure", refuse)
    assert hinges_of(instance, compared.strategies, Means(ledger)) == once


def test_a_clock_ends_it_and_the_page_says_how_far_it_came(
    instance: Instance, compared: Comparison, ledger: Ledger
) -> None:
    started = time.monotonic()
    found = hinges_of(instance, compared.strategies, Means(ledger, seconds=1e-6))
    assert time.monotonic() - started < 5
    assert (found.looked, found.complete) == (0, False)
    page = first_page(instance, compared.strategies, compared.search, found)
    assert [one.says for one in page.hinges] == ["0 of 4 stated ranges looked at (--hinges: all)."]


def test_the_page_of_a_result_tells_the_hinges_and_fits_a_screen(instance: Instance, compared: Comparison) -> None:
    found = hinged(instance, compared, 1, None, None, lambda *_: None)
    assert found.first is not None
    assert [one.code for one in found.first.hinges] == ["hinge", "hinge", "hinges_looked"]
    written = [line.text for line in lines(first(found), WIDTH)]
    assert len(written) <= SCREEN
    assert max(map(len, written)) <= WIDTH
    many = replace(found.first, standings=[*found.first.standings] * 5)
    assert len(lines(first(replace(found, first=many)), WIDTH)) <= SCREEN
    long = replace(many, sure=[replace(one, says=f"{one.says} {'so ' * 60}") for one in many.sure[:2]])
    told = [line.text for line in lines(first(replace(found, first=long)), WIDTH)]
    assert len(told) <= SCREEN and any("more are worth less." in line for line in told)


def test_the_judge_finds_the_same_and_finds_out_a_forged_break_even(instance: Instance, compared: Comparison) -> None:
    found = hinged(instance, compared, 1, None, None, lambda *_: None)
    assert all(check.ok for check in hinges_judged(instance, found))
    assert found.hinges is not None
    forged = [replace(found.hinges.turns[0], break_even=1.01 * found.hinges.turns[0].break_even)]
    for touched in (
        replace(found.hinges, turns=[*forged, *found.hinges.turns[1:]]),
        replace(found.hinges, turns=found.hinges.turns[1:]),
        replace(found.hinges, looked=3),
        replace(found.hinges, complete=False),
    ):
        (check,) = hinges_judged(instance, replace(found, hinges=touched))
        assert not check.ok


def test_ties_turn_nothing(instance: Instance, ledger: Ledger) -> None:
    def answer(name: str, value: float) -> Any:
        strategy = SimpleNamespace(name=name, is_optimum=False, path=[], title=name)
        return SimpleNamespace(strategy=strategy, leader=SimpleNamespace(value_musd=value, terms_musd={}))

    found = hinges_of(instance, [answer("open", 693.7), answer("reliable", 693.6)], Means(ledger))
    assert found.turns == []
    assert found.note == "no strategy is worth clearly less than the first"


def test_a_search_that_was_cut_shows_no_best_below_a_named_strategy(instance: Instance, compared: Comparison) -> None:
    *named, best = compared.strategies
    low = replace(best, leader=replace(best.leader, value_musd=100.0))
    cut = replace(compared.search, screened=3, complete=False)
    page = first_page(instance, [*named, low], cut, None)
    titles = {one.strategy: one.title for one in page.standings}
    assert titles["optimal"] == "What the search has found"
    assert page.standings[0].strategy == "open"
    assert not any("Best on the menu" in one.says for one in (*page.answer, *page.why))
    assert page.answer[-1].says == "Looked at 3 of 81 strategies; time ended the search: it found nothing better."
    whole = first_page(instance, compared.strategies, compared.search, None)
    assert {one.strategy: one.title for one in whole.standings}["optimal"] == "Best on the menu"


def test_numbers_that_multiply_most_of_the_difference_are_looked_at_first() -> None:
    instance = load("gallium-2023")
    axes = uncertain(instance)
    names = [one.axis.name for one in axes]
    by_file = [one.axis.name for one in _ordered(axes, {})]
    assert sorted(by_file) == sorted(names)
    wanted = next(name for name in names if name.startswith("leader.price."))
    assert by_file[0] != wanted
    ordered = [one.axis.name for one in _ordered(axes, {"concession.*": 3.0, "leader.price.*": 500.0})]
    assert ordered[0] == wanted
    first = {
        name.partition(".")[0]
        for name in ordered[: sum(name.startswith(("leader.price.", "concession.")) for name in names)]
    }
    assert first <= {"leader", "concession"}
