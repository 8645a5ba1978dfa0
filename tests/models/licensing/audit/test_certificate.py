"""Every check is seen to fail: a figure is tampered with, and the certificate says so and proves less."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from coercivity.engine.proof.certificate import Certificate, ProofLevel
from coercivity.engine.proof.check import Check, at_most, compare
from coercivity.models.licensing.answers.commands import solve
from coercivity.models.licensing.answers.game import StrategyAnswers, claim_of, figures_of
from coercivity.models.licensing.answers.results import assess
from coercivity.models.licensing.audit.certify import Auditor, Figures
from coercivity.models.licensing.leader.belief import spared_by, with_chance
from coercivity.models.licensing.leader.payoff import TERMS, stakes
from tests.rich_instance import rich
from tests.small_games import POOL, altered, full_data, instance_of, small_data

NOTHING, LEADER, BILEVEL, OPTIMAL = ProofLevel
Change = Callable[[Any], Any]


@cache
def answers() -> StrategyAnswers:
    """A game with every feature, in which the leader takes half of every rent and a tax."""
    rents = {"licence": 0.5, "exporter": 0.5}
    return StrategyAnswers(
        instance_of(altered(full_data(), leader__rents=rents, postures__half__export_tax="1 USD/kg"))
    )


@cache
def honest() -> tuple[Any, Figures]:
    game = answers().game
    found = assess(game, game.announce("half"), None)
    return claim_of(game.instance, found.evaluation.announced), figures_of(game, found)


def judged(figures: Figures, claim: Any = None, **bound: Any) -> Certificate:
    return Auditor(answers().instance).certify(claim or honest()[0], figures, **bound)


def failing(certificate: Certificate) -> set[str]:
    return {check.name for check in certificate.checks if not check.ok}


def with_term(name: str) -> Change:
    return lambda f: replace(f, terms=dict(f.terms) | {name: f.terms[name] + 0.5})


def with_plan(name: str, tonnes: float) -> Change:
    def change(figures: Figures) -> Figures:
        plan = {key: value.copy() for key, value in (figures.plan or {}).items()}
        plan[name].flat[0] += tonnes
        return replace(figures, plan=plan)

    return change


def with_rent(name: str, thousand_usd: float) -> Change:
    """A rent of the first month that is higher by so much in every scenario."""

    def change(figures: Figures) -> Figures:
        rent = getattr(figures, name).copy()
        rent[:, 0] += thousand_usd
        return replace(figures, **{name: rent})

    return change


def shifted(figures: Figures) -> Figures:
    """The same plan with more sold, paid for at the same price, and the wrong bill."""
    return with_plan("imports", 50.0)(replace(figures, exports=figures.exports + 5.0))


GAP = "follower gap: the buyers' cost against an independent optimum"
SPLIT = "blocs, leader and outside add up to the buyers' cost"
COST = "cost of the plan, by arithmetic"
LAWS = "the plan obeys every law"
RANGE = {"optimistic value", "pessimistic value"}
IS_OPTIMISTIC, AT_LEAST = "the plan is an optimistic one", "pessimistic at most value"
SUM = "terms sum to the payoff"
FIXED, LEAST = "the chance of a concession is a fixed point", "no smaller chance is a fixed point"
RENT = "rents at {} what the multipliers allow"
TAMPERED: list[tuple[str, Change, set[str], ProofLevel]] = [
    # the check that must fail, what is done to the figures, every check that then fails, and what is still proved
    (SUM, lambda f: replace(f, value=f.value + 1, optimistic=f.optimistic + 1), {SUM, "optimistic value"}, NOTHING),
    ("pressure", lambda f: replace(f, pressure=f.pressure * 1.01), {"pressure"}, NOTHING),
    (FIXED, lambda f: replace(f, pressure=0.0), {FIXED, "pressure"}, NOTHING),
    ("probability of the concession", lambda f: replace(f, probability=f.probability + 0.01),
     {"probability of the concession", *RANGE}, NOTHING),
    *((f"term {name}", with_term(name), {f"term {name}", SUM}, NOTHING) for name in TERMS),
    (IS_OPTIMISTIC, lambda f: replace(f, value=f.value + 1), {SUM, IS_OPTIMISTIC}, NOTHING),
    (AT_LEAST, lambda f: replace(f, value=f.value - 1), {SUM, AT_LEAST, IS_OPTIMISTIC}, NOTHING),
    (GAP, lambda f: replace(f, buyers_cost=f.buyers_cost * 1.001),
     {GAP, COST}, LEADER),
    ("optimistic value", lambda f: replace(f, optimistic=f.optimistic + 1), {"optimistic value", IS_OPTIMISTIC}, NOTHING),
    ("pessimistic value", lambda f: replace(f, pessimistic=f.pessimistic - 1), {"pessimistic value"}, LEADER),
    (SPLIT, lambda f: replace(f, reconciliation=1.0), {SPLIT}, LEADER),
    (SPLIT, lambda f: replace(f, reconciliation=float("nan")), {SPLIT}, LEADER),
    (COST, with_plan("imports", 50.0), {COST, LAWS}, LEADER),
    (LAWS, with_plan("surplus", -5.0), {LAWS, COST}, LEADER),
    (RENT.format("most"), with_rent("captured_rent", 2000.0), {RENT.format("most"), "term captured_rent"}, NOTHING),
    (RENT.format("least"), with_rent("exporter_rent", -2000.0), {RENT.format("least"), "term exporter_rent"}, NOTHING),
    ("term margin", shifted, {"term margin", "term export_tax", "term idle", "term tail", COST, LAWS}, NOTHING),
]  # fmt: skip


def test_honest_figures_pass() -> None:
    figures = honest()[1]
    plain = judged(figures)
    assert failing(plain) == set()
    assert plain.proof is BILEVEL
    bounded = judged(figures, bound=figures.optimistic, deviation_gain=-1.0)
    assert failing(bounded) == set()
    assert bounded.proof is OPTIMAL


@pytest.mark.parametrize(("name", "change", "fail", "level"), TAMPERED, ids=[row[0] for row in TAMPERED])
def test_a_tampered_figure_is_found(name: str, change: Change, fail: set[str], level: ProofLevel) -> None:
    figures = honest()[1]
    found = judged(change(figures), bound=figures.optimistic)
    bounds = {"optimistic value within the bound", "bound reached by the value"}
    assert name in failing(found)
    assert failing(found) - bounds == fail
    assert found.proof is level


BOUNDS: list[tuple[str, float, float | None]] = [
    ("optimistic value within the bound", -0.1, None),
    ("bound reached by the value", 0.1, None),
    ("no deviation beats the bound", 0.0, 0.1),
]


@pytest.mark.parametrize(("name", "off", "gain"), BOUNDS)
def test_a_wrong_bound_is_found(name: str, off: float, gain: float | None) -> None:
    figures = honest()[1]
    found = judged(figures, bound=figures.optimistic + off, deviation_gain=gain)
    assert failing(found) == {name}
    assert found.proof is BILEVEL


def test_every_check_has_been_seen_to_fail() -> None:
    figures = honest()[1]
    every = {check.name for check in judged(figures, bound=figures.optimistic, deviation_gain=0.0).checks}
    assert every == {row[0] for row in TAMPERED} | {row[0] for row in BOUNDS} | {LEAST}


def test_a_chance_that_is_not_the_least_fixed_point_is_found() -> None:
    """Whoever counts on a concession is hurt more without one, so that a second chance may bear itself out."""
    data = altered(full_data(), concession__types={"only": {"title": "", "weight": 1, "stake": "1 million USD/yr"}})
    game = StrategyAnswers(instance_of(data)).game
    spared = []
    for chance in (0.0, 1.0):
        heard = with_chance(game.announce("half"), game.market, chance)
        response = game.followers.respond(heard)
        spared.append(spared_by(response, game.followers.layout.node_unit_cost(heard, response.solution.primal)))
    assert spared[1] > spared[0] > 0
    unit = stakes(game.books)[0][0]
    data["concession"]["types"]["only"]["stake"] = f"{sum(spared) / 2 / unit:.6f} million USD/yr"
    settled = StrategyAnswers(instance_of(data))
    found = assess(settled.game, settled.game.announce("half"), None)
    assert found.evaluation.belief is not None
    assert found.evaluation.belief.chance == 0.0
    assert [chance for chance, _ in found.evaluation.belief.others] == [1.0]
    claim = claim_of(settled.instance, found.evaluation.announced)
    assert failing(settled.auditor.certify(claim, figures_of(settled.game, found))) == set()
    figures = replace(figures_of(settled.game, found), pressure=spared[1])
    hopeful = settled.auditor.certify(replace(claim, chance=1.0), figures)
    assert LEAST in failing(hopeful)
    assert not failing(hopeful) & {FIXED, "pressure"}
    assert hopeful.proof is NOTHING


def test_a_declared_bound_never_proves_optimality() -> None:
    figures = honest()[1]
    assert judged(figures, bound=figures.optimistic, assumptions=("the bound was declared",)).proof is BILEVEL
    assert judged(figures, bound=figures.optimistic).proof is OPTIMAL
    assert judged(figures, bound=float("nan")).proof is BILEVEL
    assert judged(figures, bound=float("inf")).proof is BILEVEL


def test_no_check_proves_nothing() -> None:
    good, bad = Check("", 0.0, 1.0), Check("", 1.0, 1.0)
    cases = [
        ((), (), (), NOTHING),
        ((), (good,), (good,), NOTHING),
        ((good,), (), (good,), LEADER),
        ((good,), (good,), (), BILEVEL),
        ((good,), (good,), (good,), OPTIMAL),
        ((good, bad), (good,), (good,), NOTHING),
        ((good,), (bad,), (good,), LEADER),
        ((good,), (good,), (good, bad), BILEVEL),
    ]
    for leader, follower, bound, level in cases:
        assert Certificate(1.0, 1.0, 1.0, leader, follower, bound, bound=1.0).proof is level
    assert Certificate(1.0, 1.0, 1.0, (good,), (good,), (good,), bound=None).proof is BILEVEL
    assert len({level.sentence for level in ProofLevel}) == len(ProofLevel)


def test_tolerances_scale_and_what_is_no_number_passes_nothing() -> None:
    inf, nan = float("inf"), float("nan")
    passed = [compare("", 1e6, 1e6 + 0.5), at_most("", 1e6 + 0.5, 1e6), compare("", 5e-7, 0.0)]
    failed = [compare("", 1e6, 1e6 + 5), at_most("", 1e6 + 5, 1e6), compare("", 5e-6, 0.0), at_most("", nan, 1.0)]
    failed += [compare("", inf, 1.0), compare("", inf, inf), at_most("", 1.0, -inf)]
    assert all(check.ok for check in passed)
    assert not any(check.ok for check in failed)


@pytest.mark.parametrize("seed", range(0, POOL, 3))
def test_random_games_are_solved_with_a_full_proof(seed: int) -> None:
    instance = instance_of(small_data(seed))
    # Where the target's type decides, the bound rests on an assumption, and no optimum is proved.
    has_types = instance.concession is not None and bool(instance.concession.types)
    best = "BILEVEL_FEASIBLE" if has_types else "OPTIMAL"
    for strategy, proof in ((None, best), ("steward", "BILEVEL_FEASIBLE"), ("target", "BILEVEL_FEASIBLE")):
        certificate = solve(instance, strategy).certificate
        assert [check.name for check in certificate.checks if not check.ok] == []
        assert certificate.proof == proof
        assert bool(certificate.assumptions) == (has_types and strategy is None)


def test_an_interrupted_search_keeps_a_result_and_proves_no_optimum() -> None:
    data = rich()
    data["menu"]["postures"] = ["half", "open", "closed"]
    data["postures"]["closed"] = data["postures"]["half"] | {"licensed": 0}
    found = solve(instance_of(data), limit=0)
    search, certificate = found.search, found.certificate
    assert search is not None
    # A run of fifty, and the one named strategy that was not among them.
    assert (search.menu, search.screened, search.complete) == (81, 51, False)
    named = StrategyAnswers(instance_of(data)).first_look()
    assert certificate.optimistic_musd >= max(named.values()) - 1e-3 * max(map(abs, named.values()))
    assert certificate.proof == "BILEVEL_FEASIBLE"
    assert "51 of 81" in certificate.assumptions[0]
    # The exporters' rent ranges widely here: what is reported term by term is the optimistic end.
    assert certificate.value_musd == pytest.approx(certificate.optimistic_musd)
    assert certificate.value_musd > certificate.pessimistic_musd + 0.1
    assert certificate.optimistic_musd <= solve(instance_of(data)).certificate.optimistic_musd + 1e-6


def test_nan_in_the_plan_does_not_pass() -> None:
    plan = {key: value.copy() for key, value in (honest()[1].plan or {}).items()}
    plan["imports"][:] = np.nan
    assert judged(replace(honest()[1], plan=plan)).proof is LEADER
