"""The judge of the search and of ties: what is wrong is found out, what is right agrees with the other writing."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from coercivity.engine.programs.ties import multiplier_range, quantity_range
from coercivity.models.licensing.announcement.announce import path_from_rules
from coercivity.models.licensing.announcement.menu import menu_of
from coercivity.models.licensing.answers.game import looked_at
from coercivity.models.licensing.audit.certify import Auditor
from coercivity.models.licensing.audit.recompute import Audit, Claim
from coercivity.models.licensing.audit.rents import rent_weight
from coercivity.models.licensing.audit.rules import chance, on_menu, path_of
from coercivity.models.licensing.audit.search import SEARCHED, Looked, search_checks
from coercivity.models.licensing.audit.ties import Pair
from coercivity.models.licensing.data.load import load_text
from coercivity.models.licensing.leader.commit import Game
from coercivity.models.licensing.leader.payoff import probability_of
from tests.rich_instance import TOY, loaded, rich


@cache
def searched() -> tuple[Any, Looked, float]:
    """The toy, what its search says, and the bound."""
    game = Game(load_text(TOY.read_text("utf-8")))
    _, best, screening = game.best_commitment()
    looked = looked_at(game, best, screening)
    assert looked is not None
    return game.instance, looked, best.bound


def failing(looked: Looked, bound: float) -> set[str]:
    instance, _, _ = searched()
    return {
        check.name for check in search_checks(instance, looked, bound, 1e-3, Auditor(instance).worth) if not check.ok
    }


def test_an_honest_search_passes_and_every_check_fails_once() -> None:
    _, looked, bound = searched()
    assert failing(looked, bound) == set()
    short = replace(looked, choices=looked.choices[:-1], bounds=looked.bounds[:-1])
    twice = replace(looked, choices=np.vstack([looked.choices[:-1], looked.choices[:1]]))
    low = replace(looked, bounds=looked.bounds - 10.0)
    seen = {
        *failing(short, bound), *failing(twice, bound), *failing(low, bound), *failing(looked, bound - 10.0),
        *failing(replace(looked, resolved=0), bound - 10.0),
    }  # fmt: skip
    assert seen == SEARCHED
    assert "every strategy on the menu was screened" in failing(short, bound) & failing(twice, bound)
    assert "no strategy of a sample is worth more than its bound" in failing(low, bound)


def test_choices_of_another_menu_are_refused() -> None:
    _, looked, bound = searched()
    assert "every strategy on the menu was screened" in failing(replace(looked, choices=looked.choices + 7), bound)


@pytest.mark.parametrize("text", [TOY.read_text("utf-8"), None], ids=["toy", "rich"])
def test_rules_written_twice_agree(text: str | None) -> None:
    instance = loaded(rich()) if text is None else load_text(text)
    for strategy in instance.strategies.values():
        assert path_of(instance, strategy) == path_from_rules(instance, strategy)
    menu = menu_of(instance)
    for seed in range(20):
        choice = np.random.default_rng(seed).integers(0, len(menu.postures), menu.slots).tolist()
        assert on_menu(instance, choice) == menu.path(choice)
    for pressure in (-1.0, 0.0, 0.3, 1.0, 5.0, 400.0):
        for reference in (0.0, 1.0, 30.0):
            ours, theirs = (rule(instance.concession, pressure, reference) for rule in (chance, probability_of))
            assert ours == pytest.approx(theirs)


@pytest.mark.parametrize("rents", [None, {"licence": 0.3, "exporter": 1.0}], ids=["without rents", "with rents"])
def test_ties_written_twice_agree(rents: dict[str, float] | None) -> None:
    data = rich()
    if rents is not None:
        data["leader"]["rents"] = rents
    instance = loaded(data)
    for strategy in instance.strategies.values():
        audit = Audit(instance, Claim(path_of(instance, strategy), strategy.fed))
        program, solution = audit.followers.program, audit.solution
        pair, gain, weight = (
            Pair(program, solution),
            audit.followers.column_gain(audit.gain),
            -rent_weight(audit.followers),
        )
        quantities = quantity_range(program, solution, gain)
        assert (pair.least(gain), pair.most(gain)) == pytest.approx((quantities.low, quantities.high), rel=1e-7)
        if weight.any():
            prices = multiplier_range(program, solution, weight)
            found = (pair.least_priced(weight), pair.most_priced(weight))
            assert found == pytest.approx((prices.low, prices.high), rel=1e-6, abs=1e-3)


def test_a_path_that_is_not_the_named_strategys_is_found_out() -> None:
    from coercivity.models.licensing.answers.game import StrategyAnswers, claim_of, figures_of
    from coercivity.models.licensing.answers.results import assess

    instance = load_text(TOY.read_text("utf-8"))
    answers = StrategyAnswers(instance)
    announced = answers.game.announce("half")
    claim, figures = claim_of(instance, announced), figures_of(answers.game, assess(answers.game, announced, None))
    name = "the path follows the strategy's rules"
    month = next(iter(loaded(rich()).strategies["half"].fed))
    fed = replace(claim, fed={month: next(iter(loaded(rich()).strategies["half"].fed.values()))})
    checks = answers.auditor.certify(fed, figures, name="half").leader_checks
    assert [check.ok for check in checks if check.name == "the volumes on record are fed in"] == [False]
    for told, is_ok in (("half", True), ("open", False)):
        checks = answers.auditor.certify(claim, figures, name=told).leader_checks
        assert [check.ok for check in checks if check.name == name] == [is_ok]


def test_the_path_after_a_concession_is_written_twice() -> None:
    from coercivity.models.licensing.announcement.announce import path_if_conceded as theirs
    from coercivity.models.licensing.audit.rules import path_if_conceded as ours

    instance = loaded(rich())
    for strategy in instance.strategies.values():
        assert ours(instance, strategy) == theirs(instance, strategy)
