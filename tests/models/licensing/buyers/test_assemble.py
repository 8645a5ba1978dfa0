"""The assembled program against the one that Pyomo writes, and the strategies weighed on it against the whole evaluation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coercivity.engine.errors import InvalidInstance
from coercivity.engine.programs.hot import LinearProgram
from coercivity.models.licensing.answers.threshold.parameter import parameter_of
from coercivity.models.licensing.buyers.assemble import Assembler, structure_of
from coercivity.models.licensing.buyers.evaluate import Followers, Layout
from coercivity.models.licensing.buyers.programs import KEPT, Programs
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.data.load import load, shipped
from coercivity.models.licensing.leader.commit import Game
from coercivity.models.licensing.market.arrays import market_of
from coercivity.models.licensing.studies.substitution import Writer
from coercivity.models.licensing.studies.vary import uncertain
from coercivity.models.licensing.studies.worker import PointWorker, Question
from tests.rich_instance import loaded, reacting

NAMES = [name for name, _, _ in shipped()]
FAST = [name for name in NAMES if name not in ("april-2025", "gallium-2023", "japan-2010", "november-2026")]


def difference(one: LinearProgram, other: LinearProgram) -> float:
    """The largest difference of two programs, relative where numbers are large."""
    worst = 0.0
    for part in ("cost", "row_lower", "row_upper", "col_lower", "col_upper"):
        first, second = getattr(one, part), getattr(other, part)
        assert np.array_equal(np.isfinite(first), np.isfinite(second)), part
        finite = np.isfinite(first)
        gap = np.abs(first[finite] - second[finite]) / np.maximum(1.0, np.abs(first[finite]))
        worst = max(worst, float(gap.max(initial=0.0)))
    entries = abs(one.matrix - other.matrix)
    return max(
        worst, float(entries.max()) if entries.nnz else 0.0, abs(one.offset - other.offset) / max(1.0, abs(one.offset))
    )


def compiled(instance: Instance) -> Followers:
    """The followers as Pyomo writes their program."""
    return Followers(instance)


def apart(assembled: Layout, followers: Followers) -> float:
    """How far the program of every named strategy is from the one on the compiled layout."""
    strategies = [followers.announcer.named(name) for name in followers.instance.strategies]
    return max(
        difference(assembled.announced_program(one), followers.layout.announced_program(one)) for one in strategies
    )


def test_the_assembled_program_is_the_compiled_one_on_every_shipped_instance() -> None:
    for name in NAMES:
        if name in ("april-2025", "november-2026"):
            continue  # below, at changed values
        followers = compiled(load(name))
        again = Assembler(followers.layout, followers.market).layout_for(followers.market)
        assert apart(again, followers) < 1e-9, name


@pytest.mark.parametrize("name", ["april-2025", "cobalt-2025", "gallium-2023", "japan-2010", "november-2026"])
def test_the_assembled_program_is_the_compiled_one_at_drawn_values(name: str) -> None:
    stated = load(name)
    axes = uncertain(stated)

    def drawn(seed: int) -> Instance:
        draw = np.random.default_rng(seed).random(len(axes))
        values = [float(one.axis.at(u)) for one, u in zip(axes, draw, strict=True)]
        return Writer(stated, [one.parameter for one in axes]).instance(values)

    # From draw to draw: a number that is stated as nothing, like a shared part of a shortage, adds its law once.
    followers, instance = compiled(drawn(6)), drawn(5)
    market = market_of(instance)
    if structure_of(market) != structure_of(followers.market):
        pytest.fail("drawn values change the structure of the program; the study would compile at every point")
    changed = compiled(instance)
    again = Assembler(followers.layout, followers.market).layout_for(market)
    assert apart(again, changed) < 1e-8
    for part in ("unit_cost", "licence_share", "release_share", "discount"):
        assert np.allclose(getattr(again, part), getattr(changed.layout, part), rtol=1e-10, atol=1e-9), part


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.floats(0.5, 60.0), st.floats(0.5, 60.0), st.floats(0.2, 3.0), st.floats(0.0, 0.2), st.floats(0.1, 5.0))
def test_lead_times_demand_and_prices_are_assembled(
    build: float, design: float, demand: float, rate: float, value: float
) -> None:
    stated = loaded(reacting())
    paths = [
        "rivals.*.expansion.lead_time",
        "options.*.lead_time",
        "blocs.*.demand.*",
        "buyers.discount_rate",
        "segments.*.value",
    ]
    parameters = [parameter_of(stated, path) for path in paths]
    factors = [build / parameters[0].values[0], design / parameters[1].values[0], demand, rate, value]
    writer = Writer(stated, parameters)
    try:
        instance = writer.instance(factors)
    except InvalidInstance:
        return  # demand below imports, and the like
    followers, market = compiled(stated), market_of(instance)
    assembler = Assembler(followers.layout, followers.market)
    if structure_of(market) == assembler.structure:
        assert apart(assembler.layout_for(market), compiled(instance)) < 1e-8


def test_a_wrong_coefficient_would_be_seen() -> None:
    followers = compiled(load("template"))
    again = Assembler(followers.layout, followers.market).layout_for(followers.market)
    again.program.matrix.data[0] *= 1.0 + 1e-6
    assert apart(again, followers) > 1e-7


def test_programs_compile_once_for_a_structure_and_forget_the_one_used_longest_ago() -> None:
    stated = load("template")
    followers = compiled(stated)
    programs = Programs(followers.market, followers.layout)
    dearer = Writer(stated, [parameter_of(stated, "segments.*.value")])
    for factor in (1.0, 1.1, 0.9):
        programs.followers(dearer.instance([factor]))
    assert programs.compiled == 0
    horizon = Writer(stated, [parameter_of(stated, "horizon")])
    years = round(parameter_of(stated, "horizon").now)
    for more in range(1, KEPT + 1):
        programs.followers(horizon.instance([float(years + more)]))
    assert programs.compiled == KEPT
    programs.followers(stated)
    assert programs.compiled == KEPT + 1


@pytest.mark.parametrize("name", FAST)
def test_a_point_is_worth_what_the_whole_evaluation_says(name: str) -> None:
    stated = load(name)
    parameters = (parameter_of(stated, "segments.*.value"), parameter_of(stated, "leader.discount_rate"))
    followers = compiled(stated)
    worker = PointWorker(Question(stated, followers.market, followers.layout, parameters, tuple(stated.strategies)))
    for values in ([1.0, parameters[1].now], [1.3, 0.03], [0.95, 0.15], [1.0, parameters[1].now]):
        found = worker(values)
        game = Game(worker.writer.instance(values))
        for strategy in stated.strategies:
            exact = game.evaluate(game.announce(strategy))
            assert found["payoff"][strategy] == pytest.approx(exact.optimistic, rel=1e-6, abs=1e-2)
            assert found["payoff"][strategy] >= exact.optimistic - 1e-5 * max(1.0, abs(exact.optimistic))
            assert found["probability"][strategy] == pytest.approx(exact.payoff.probability, abs=1e-4)


def test_solve_at_a_point_is_the_search() -> None:
    stated = load("one-buyer")
    parameter = parameter_of(stated, "segments.*.value")
    followers = compiled(stated)
    worker = PointWorker(Question(stated, followers.market, followers.layout, (parameter,), ("open",), "solve"))
    found = worker([1.2])
    best = Game(worker.writer.instance([1.2])).best_commitment()[0]
    assert found["payoff"]["optimal"] == pytest.approx(best.optimistic, abs=1e-6)
    assert found["payoff"]["optimal"] >= found["payoff"]["open"] - 1e-2


def test_shares_are_those_of_the_report() -> None:
    from coercivity.models.licensing.answers.results import shares_of

    stated = load("template")
    followers = compiled(stated)
    worker = PointWorker(Question(stated, followers.market, followers.layout, (), tuple(stated.strategies)))
    found = worker([])
    game = Game(stated)
    for strategy in stated.strategies:
        told = shares_of(game, game.evaluate(game.announce(strategy)).response).leader_foreign
        for year, share in told.items():
            mine = found["share"][strategy][int(year) - found["first_year"]]
            assert mine == pytest.approx(share, abs=2e-3), (strategy, year)
