"""The main jobs: solve one strategy or find the best, compare them all, verify a saved result."""

from __future__ import annotations

import difflib
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from coercivity.engine.errors import UsageError
from coercivity.engine.menu.enumeration import Best, Choice, Screening, resolve
from coercivity.engine.parallel import spread
from coercivity.engine.proof.certificate import Certificate
from coercivity.models.licensing.announcement.announce import Announcement, path_from_rules, path_if_conceded
from coercivity.models.licensing.announcement.licences import Path
from coercivity.models.licensing.answers.promises import promises
from coercivity.models.licensing.answers.results import Assessment, assess, path_rows, strategy_block
from coercivity.models.licensing.answers.verdict import verdict_of
from coercivity.models.licensing.audit.certify import Auditor, Figures
from coercivity.models.licensing.audit.recompute import Claim
from coercivity.models.licensing.audit.search import Looked
from coercivity.models.licensing.buyers.evaluate import Followers, Layout
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.data.load import effective
from coercivity.models.licensing.data.strategies import Rule, Strategy
from coercivity.models.licensing.leader.commit import Evaluation, Game, tolerance_of
from coercivity.models.licensing.market.arrays import Market
from coercivity.models.licensing.reading.leverage import CutOff

Progress = Callable[[str, int, int], None]
SCHEMA_VERSION = 1
OPTIMAL = "optimal"


def silent(stage: str, done: int, total: int) -> None:
    """No progress is wanted."""


def solve(
    instance: Instance,
    strategy: str | None = None,
    jobs: int = 1,
    limit: float | None = None,
    progress: Progress = silent,
) -> dict[str, Any]:
    """The best commitment on the menu, or a named strategy, evaluated and certified.

    Parameters
    ----------
    strategy : a strategy of the instance; None searches the menu
    jobs : worker processes of the search
    limit : seconds after which the search stops without a proof

    Raises
    ------
    UsageError
        The instance has no strategy of that name.
    InfeasibleProgram
        The buyers' program has no finite optimum.
    """
    progress("building", 0, 1)
    desk = Desk(instance)
    if strategy is None:
        block = desk.optimum(jobs, limit, progress)
    else:
        progress("evaluating", 0, 1)
        block = desk.named(strategy)
    progress("done", 1, 1)
    return {
        "schema_version": SCHEMA_VERSION,
        "command": "solve",
        "instance": described(instance),
        **block,
        "manifest": reproduced(instance),
    }


def compare(
    instance: Instance, jobs: int = 1, limit: float | None = None, progress: Progress = silent, leakage: bool = True
) -> dict[str, Any]:
    """Every named strategy and the optimum side by side, with a verdict.

    Parameters
    ----------
    leakage : also value each strategy with re-export switched off
    """
    progress("building", 0, 1)
    desk = Desk(instance)
    started = time.monotonic()
    optimum = desk.optimum(jobs, limit, progress)
    # What the optimum took beside the search is what a named strategy takes.
    each = time.monotonic() - started - optimum["search"]["seconds"]
    names = list(instance.strategies)
    blocks: dict[str, dict[str, Any]] = {}
    factory = partial(_named_blocks, instance, desk.game.market, desk.game.followers.layout, desk.bounds, leakage)
    for name, block in spread(factory, names, jobs, each * len(names)):
        blocks[name] = block
        progress("comparing", len(blocks), len(names))
    if leakage:
        optimum["leader"]["value_without_leakage_musd"] = desk.without_leakage(optimum)
    ordered = [blocks[name] for name in names] + [optimum]
    best = path_of_rows(instance, optimum["strategy"]["path"])
    kept = promises(desk.game, best, jobs, partial(progress, "breaking promises"))
    return {
        "schema_version": SCHEMA_VERSION,
        "command": "compare",
        "instance": described(instance),
        "strategies": ordered,
        "promises": kept,
        "verdict": verdict_of(instance, ordered, kept),
        "search": optimum.pop("search"),
        "manifest": reproduced(instance),
    }


def _named_blocks(
    instance: Instance, market: Market, layout: Layout, bounds: dict[Choice, float], leakage: bool
) -> Callable[[str], dict[str, Any]]:
    desk = Desk(instance, Followers(instance, market, layout))
    desk.bounds = bounds

    def block(name: str) -> dict[str, Any]:
        found = desk.named(name)
        if leakage:
            found["leader"]["value_without_leakage_musd"] = desk.game.evaluate(
                desk.game.announce(name, leakage=False)
            ).optimistic
        return found

    return block


def described(instance: Instance) -> dict[str, Any]:
    """What a result says of the instance that it is about."""
    return {
        "name": instance.name,
        "title": instance.title,
        "hash": instance.fingerprint(),
        "money": f"constant US dollars of {instance.money.year}",
    }


def reproduced(instance: Instance) -> dict[str, Any]:
    """What a later reader needs to check the result: the instance as it was solved."""
    return {"effective_instance": effective(instance)}


class Desk:
    """One instance with everything that its reports share: the game, the baseline, the cut-off program, the auditor."""

    def __init__(self, instance: Instance, followers: Followers | None = None) -> None:
        self.instance = instance
        self.game = Game(instance, followers)
        self.cutoff = CutOff(instance, self.game.market) if instance.leverage is not None else None
        self.auditor = Auditor(instance)
        self._base: Assessment | None = None
        self.bounds: dict[Choice, float] = {}

    @property
    def base(self) -> Assessment:
        """Open trade, against which pain is measured."""
        if self._base is None:
            self._base = assess(self.game, self.game.announce(self.instance.baseline), self.cutoff)
        return self._base

    def named(self, name: str) -> dict[str, Any]:
        """The report of a strategy of the instance."""
        if name not in self.instance.strategies:
            near = difflib.get_close_matches(name, list(self.instance.strategies), 1)
            known = ", ".join(self.instance.strategies)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise UsageError(
                "--strategy", f"{self.instance.name} has no strategy {name!r}", f"{hint}strategies: {known}"
            )
        announced = self.game.announce(name)
        assessment = self.base if name == self.instance.baseline else assess(self.game, announced, self.cutoff)
        gain, deviation = self.deviation(assessment.evaluation)
        certificate = self._certificate(assessment, deviation_gain=gain)
        return self._block(assessment, certificate, deviation, None)

    def optimum(self, jobs: int, limit: float | None, progress: Progress) -> dict[str, Any]:
        """The report of the best commitment on the menu."""
        _, best, screening = self.game.best_commitment(jobs, limit, partial(progress, "searching"))
        self.bounds = dict(
            zip(map(tuple, screening.choices.tolist()), self.game.upper_bounds(screening).tolist(), strict=True)
        )
        progress("certifying", 0, 1)
        announced = self.game.announcer.announce(self.game.menu.path(best.choice), OPTIMAL)
        assessment = assess(self.game, announced, self.cutoff)
        gain, deviation = self.deviation(assessment.evaluation)
        assumptions = self.assumptions(len(screening.choices), screening.complete)
        looked = looked_at(self.game, best, screening)
        certificate = self._certificate(assessment, best.bound, assumptions, gain, looked)
        return self._block(assessment, certificate, deviation, _search(self.game, best, screening))

    def assumptions(self, screened: int, is_complete: bool) -> tuple[str, ...]:
        """What a bound rests on that was found by looking at so many strategies, in a search that says whether it ended."""
        found = []
        if screened < len(self.game.menu) or not is_complete:
            found.append(
                f"the search was stopped after {screened:,} of {len(self.game.menu):,} strategies: "
                "the bound holds for those only"
            )
        if self.game.has_types:
            found.append(
                "the bound takes the chance of a concession from one best response to each strategy; buyers who are indifferent "
                "might make another type concede"
            )
        return tuple(found)

    def _block(
        self,
        assessment: Assessment,
        certificate: Certificate,
        deviation: list[dict[str, str]] | None,
        search: dict[str, Any] | None,
    ) -> dict[str, Any]:
        block = strategy_block(self.game, assessment, self.base, certificate)
        block["certificate"]["best_deviation"] = deviation
        return block | {"search": search}

    def deviation(self, evaluation: Evaluation) -> tuple[float | None, list[dict[str, str]] | None]:
        """What the best change of one slot would add, and that change; None for a path that is not on the menu."""
        # Volumes that were fed in belong to the record: a change of posture beside them has no meaning.
        choices = [] if evaluation.announced.fed else self.game.deviations(evaluation.announced.path)
        if not choices:
            return None, None
        known = [self.bounds.get(choice) for choice in choices]
        bounds = self.game.screened_bounds(choices) if None in known else np.array(known, dtype=float)
        best = resolve(np.array(choices), bounds, self.game.exact, tolerance_of(bounds))
        ours, other = (self.game.menu.path(best.choice), evaluation.announced.path)
        changed = [row for row in path_rows(self.game, ours) if row not in path_rows(self.game, other)]
        return best.value - evaluation.optimistic, changed

    def _certificate(
        self,
        assessment: Assessment,
        bound: float | None = None,
        assumptions: tuple[str, ...] = (),
        deviation_gain: float | None = None,
        looked: Looked | None = None,
    ) -> Certificate:
        announced = assessment.evaluation.announced
        return self.auditor.certify(
            claim_of(self.instance, announced),
            figures_of(self.game, assessment),
            bound,
            assumptions,
            deviation_gain,
            looked,
            announced.name if announced.name in self.instance.strategies else None,
        )

    def without_leakage(self, block: Mapping[str, Any]) -> float:
        """The optimistic value of a reported strategy when nothing is re-exported."""
        return self.game.evaluate(self._announced(block, leakage=False)).optimistic

    def assessed(self, block: Mapping[str, Any]) -> Assessment:
        """A saved report's strategy, assessed anew from its path alone."""
        announced = self._announced(block)
        is_base = announced.name == self.instance.baseline
        return self.base if is_base else assess(self.game, announced, self.cutoff)

    def again(
        self,
        block: Mapping[str, Any],
        assessment: Assessment,
        certificate: Certificate,
        deviation: list[dict[str, str]] | None,
    ) -> dict[str, Any]:
        """A saved report, made anew but for what it says of a search."""
        found = self._block(assessment, certificate, deviation, None)
        if "value_without_leakage_musd" in block["leader"]:
            found["leader"]["value_without_leakage_musd"] = self.without_leakage(block)
        return found

    def _announced(self, block: Mapping[str, Any], leakage: bool = True) -> Announcement:
        """The announcement of a reported strategy: its stated path, with the volumes fed in if it has any."""
        name = str(block["strategy"]["name"])
        path = path_of_rows(self.instance, block["strategy"]["path"])
        strategy = self.instance.strategies.get(name)
        fed = strategy.fed_volumes if strategy is not None and block["strategy"]["fed"] else None
        conceded = path_if_conceded(self.instance, strategy) if strategy is not None else None
        return self.game.announcer.announce(path, name, fed, leakage, conceded)


def looked_at(game: Game, best: Best, screening: Screening) -> Looked | None:
    """What a search says of itself, for the judge; None where it was not finished."""
    if not screening.complete:
        return None
    return Looked(screening.choices, game.upper_bounds(screening), best.resolved)


def _search(game: Game, best: Best, screening: Screening) -> dict[str, Any]:
    return {
        "menu": len(game.menu),
        "screened": len(screening.choices),
        "resolved": best.resolved,
        "seconds": screening.seconds,
        "complete": screening.complete,
    }


def claim_of(instance: Instance, announced: Announcement) -> Claim:
    """What an announcement claims, for the audit."""
    fed = instance.strategies[announced.name].fed_volumes if announced.fed else {}
    return Claim(announced.path, fed, announced.leakage, announced.conceded, announced.chance)


def figures_of(game: Game, assessment: Assessment) -> Figures:
    """What an assessment claims, in plain numbers."""
    evaluation, response = assessment.evaluation, assessment.response
    tree = game.market.tree
    nodes = np.array([tree.path(scenario) for scenario in range(tree.scenarios)])
    plan = {name: values[nodes] for name, values in response.plan.items()}
    return Figures(
        terms=evaluation.payoff.terms,
        value=evaluation.payoff.value,
        optimistic=evaluation.optimistic,
        pessimistic=evaluation.pessimistic,
        buyers_cost=response.cost / 1000.0,
        probability=evaluation.payoff.probability,
        pressure=evaluation.payoff.pressure,
        exports=plan["imports"].sum(axis=-1),
        captured_rent=evaluation.payoff.rents["captured_rent"][nodes],
        exporter_rent=evaluation.payoff.rents["exporter_rent"][nodes],
        plan=plan,
        reconciliation=(assessment.accounts.total - response.cost) / 1000.0,
    )


def path_of_rows(instance: Instance, rows: list[Mapping[str, str]]) -> Path:
    """The path that a saved result states.

    Raises
    ------
    UsageError
        A row names something that the instance does not have, or a posture is missing.
    """
    try:
        rules = tuple(
            Rule(posture=row["posture"], phase=row["phase"], group=row["group"], product=row.get("product"))
            for row in rows
        )
        path = path_from_rules(instance, Strategy(title="saved", rules=rules))
    except (KeyError, ValueError) as error:
        raise UsageError(
            "strategy.path", f"the saved path cannot be read: {error}", "save the result again with coercivity solve"
        ) from None
    for phase in path:
        for group in phase:
            for name in group:
                if name not in instance.postures:
                    raise UsageError(
                        "strategy.path", f"unknown posture {name!r}", "save the result again with coercivity solve"
                    )
    return path
