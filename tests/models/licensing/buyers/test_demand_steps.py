"""Steps of demand below the first exit: a price meets an answer, which is no shortage, in program, judge and studies alike."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

from coercivity.engine.errors import InvalidInstance
from coercivity.models.licensing.answers.backtest.measures import shortage
from coercivity.models.licensing.answers.game import StrategyAnswers, claim_of, figures_of
from coercivity.models.licensing.answers.results import assess
from coercivity.models.licensing.audit.certify import Auditor
from coercivity.models.licensing.leader.commit import Evaluation, Game
from coercivity.models.licensing.reading.accounts import accounts_of
from tests.models.licensing.buyers.test_rivals import assembled
from tests.rich_instance import loaded, reacting, rich

STEPS = {"first": (0.03, 0.02), "second": (0.07, 0.03)}


def quantity(share: Any) -> float:
    """A share as a number, written either way."""
    return float(share.rstrip("% ")) / 100.0 if isinstance(share, str) else float(share)


def roomy(data: dict[str, Any]) -> dict[str, Any]:
    """A copy of the data in which the leader can serve everybody."""
    found = copy.deepcopy(data)
    found["leader"]["capacity"] = "50000 t/yr"
    return found


def stepped(data: dict[str, Any], tax: str | None = None) -> dict[str, Any]:
    """The data with two steps of demand in every product, and a tax on open trade."""
    found = roomy(data)
    steps = {name: {"title": name, "above": above} for name, (above, _) in STEPS.items()}
    found["segments"] = steps | found["segments"]
    taken = sum(share for _, share in STEPS.values())
    for product in found["products"].values():
        shares = {name: quantity(share) for name, share in product["segments"].items()}
        whole = {name: share * (1.0 - taken) for name, share in shares.items()}
        product["segments"] = {name: share for name, (_, share) in STEPS.items()} | whole
    if tax is not None:
        found["postures"]["taxed"] = found["postures"]["open"] | {"title": "Taxed", "export_duty": tax}
        found["strategies"]["taxed"] = {"title": "Taxed", "rules": [{"posture": "taxed"}]}
    return found


def found(data: dict[str, Any], strategy: str) -> Evaluation:
    game = Game(loaded(data))
    return game.evaluate(game.announce(strategy))


def foregone(evaluation: Evaluation) -> float:
    """Share of the demand that is given up for its price while licences hold, in the periods of a tax if there are any."""
    market, taxed = evaluation.response.market, evaluation.announced.tax[: evaluation.response.market.tree.periods]
    periods = np.flatnonzero(taxed.any(axis=(1, 2))) if taxed.any() else np.arange(len(taxed))
    left = evaluation.response.plan["unmet"][periods][..., market.is_step].sum()
    return float(left / market.demand[periods].sum())


@pytest.mark.parametrize(("tax", "left"), [("2 %", 0.0), ("5 %", 0.02), ("8 %", 0.05)])
def test_a_tax_loses_the_steps_that_it_passes_and_no_more(tax: str, left: float) -> None:
    data = stepped(rich(), tax)
    data["rivals"] = {}
    data["options"] = {}
    evaluation = found(data, "taxed")
    # Stocks on the way to the end of the calendar blur a month or two; the steps themselves are exact.
    assert foregone(evaluation) == pytest.approx(left, abs=0.006)
    assert shortage(evaluation.response)[: evaluation.response.market.tree.periods].sum() == pytest.approx(
        0.0, abs=1e-6
    )


def test_steps_that_no_price_reaches_change_nothing_at_rest() -> None:
    with_steps, without = found(stepped(rich()), "open"), found(roomy(rich()), "open")
    assert foregone(with_steps) == pytest.approx(0.0, abs=1e-9)
    assert with_steps.payoff.terms == pytest.approx(without.payoff.terms, rel=1e-6, abs=1e-6)


def test_what_is_given_up_for_its_price_is_not_shared_out_among_all_uses() -> None:
    data = stepped(rich(), "8 %")
    data["rivals"], data["options"] = {}, {}
    free = foregone(found(data, "taxed"))
    data["buyers"]["shared_shortage"] = "40 %"
    assert foregone(found(data, "taxed")) == pytest.approx(free, rel=1e-9)


@pytest.mark.parametrize("buyers", [{"shared_shortage": "20 %"}, {"rationing": "pro_rata"}])
@pytest.mark.parametrize("strategy", ["taxed", "half"])
def test_the_judge_finds_the_same(strategy: str, buyers: dict[str, str]) -> None:
    data = stepped(reacting(), "8 %")
    data["buyers"] |= buyers
    answers = StrategyAnswers(loaded(data))
    report = assess(answers.game, answers.game.announce(strategy), None)
    claim, figures = claim_of(answers.game.instance, report.evaluation.announced), figures_of(answers.game, report)
    certificate = Auditor(answers.instance).certify(claim, figures)
    assert {check.name for check in certificate.checks if not check.ok} == set()
    split = accounts_of(answers.game.instance, answers.game.market, report.evaluation.response)
    assert split.total == pytest.approx(report.evaluation.response.cost, rel=1e-7)


def test_an_assembled_program_has_the_steps_too() -> None:
    other = stepped(rich())
    other["segments"]["first"]["above"] = 0.04
    other["leader"]["price"]["light"] = "53 USD/kg"
    assert assembled(stepped(rich()), other) < 1e-8


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"first": {"title": "Both", "above": 0.05, "value": "60 USD/kg"}}, "either a value or a step"),
        ({"first": {"title": "Neither"}}, "either a value or a step"),
        ({"second": {"title": "Below the first", "above": 0.02}}, "not above the segment before it"),
        ({"last": {"title": "A step at the end", "above": 0.9}}, "the last use is a step"),
    ],
)
def test_steps_that_make_no_sense_are_refused_at_their_place(change: dict[str, Any], words: str) -> None:
    data = stepped(rich())
    data["segments"] |= change
    with pytest.raises(InvalidInstance, match=words):
        loaded(data)


def test_a_step_is_given_up_where_shortages_fall_on_all_alike_too() -> None:
    data = stepped(rich(), "8 %")
    data["rivals"], data["options"] = {}, {}
    data["buyers"]["rationing"] = "pro_rata"
    assert foregone(found(data, "taxed")) == pytest.approx(0.05, abs=0.006)
