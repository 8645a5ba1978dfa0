"""Re-check a saved result without trusting it: only the instance in it is taken as given.

The buyers' optimum, the range of the leader's value over ties, the probability of the concession and every term
are recomputed by the audit from the instance and the stated path of postures, and compared with what the result
says. Everything else that the result holds is told again, from instance and paths alone, and compared entry by entry;
what is missing or not recognised fails. With another version of the solver an equally good answer of the buyers may be
found, and a figure that depends on it then differs. That no other strategy on the menu is better is proved again by
repeating the search, and a result that claims it does not pass without.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coercivity.engine.data.values import from_plain, to_plain
from coercivity.engine.errors import AuditFailed
from coercivity.engine.proof.certificate import Certificate, ProofLevel
from coercivity.engine.proof.check import Check, compare
from coercivity.engine.proof.retelling import JudgedCheck, compared, differs, holds, judged, plain
from coercivity.models.licensing.announcement.announce import path_from_rules, path_if_conceded
from coercivity.models.licensing.announcement.licences import Path
from coercivity.models.licensing.answers.commands import (
    SCHEMA_VERSION,
    Comparison,
    Solution,
    gap,
    reproduced,
    status,
)
from coercivity.models.licensing.answers.game import StrategyAnswers, figures_of, looked_at, path_of_rows
from coercivity.models.licensing.answers.promises import OPTIMAL, Promises, promises
from coercivity.models.licensing.answers.results import Assessment
from coercivity.models.licensing.answers.subject import subject_of
from coercivity.models.licensing.answers.values import Answer, Named
from coercivity.models.licensing.answers.verdict.first import first_page
from coercivity.models.licensing.answers.verdict.verdict import verdict_of
from coercivity.models.licensing.audit.certify import Figures
from coercivity.models.licensing.audit.recompute import Claim
from coercivity.models.licensing.audit.search import SEARCHED, Looked
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.data.load import load_text
from coercivity.models.licensing.market.periods import fishbone, grid_of

Progress = Callable[[str, int, int], None]
TOLD = "the model says the same again"
AGAIN = "save it again with coercivity solve or compare"
# Of a strategy's answer.
PARTS = frozenset(entry.name for entry in fields(Named))
# Of the manifest of a saved run; nothing but the seal can tell whether they are true.
OF_THE_RUN = frozenset({"versions", "system", "options", "started", "finished", "seconds", "seal"})


@dataclass(frozen=True)
class Verification:
    """What judging a saved result again came to."""

    schema_version: int  # of this layout
    command: str  # verify
    ok: bool  # whether every check holds
    proved: str  # name of the level that was proved again for every strategy
    proved_by_strategy: Mapping[str, str]  # name of the level that was proved again, by strategy
    says: str  # the level in words
    searched: bool  # whether the search was repeated
    checks: Sequence[JudgedCheck]  # all that was compared

    @property
    def sentence(self) -> str:
        """How much was proved again."""
        return f"Proved again: {self.proved}, {self.says}."


@dataclass(frozen=True)
class Saved:
    """A saved result: as it was read, and what it states."""

    data: Mapping[str, Any]
    told: Solution | Comparison
    instance: Instance

    @property
    def parts(self) -> list[tuple[Mapping[str, Any], Answer]]:
        """The strategies as they were read, with what they state."""
        if isinstance(self.told, Comparison):
            return list(zip(self.data["strategies"], self.told.strategies, strict=True))
        return [({key: self.data[key] for key in PARTS if key in self.data}, self.told)]


def verify(
    result: Mapping[str, Any], search: bool | None = None, jobs: int = 1, progress: Progress | None = None
) -> Verification:
    """The checks that a saved result passes and fails.

    Parameters
    ----------
    result : what ``solve`` or ``compare`` saved, with its manifest
    search : repeat the search over the menu, to prove the bound again; None where the result claims an optimum
    jobs : worker processes of the search

    Raises
    ------
    AuditFailed
        The result cannot be read as one of ours.
    """
    tell = progress or (lambda stage, done, total: None)
    saved = opened(result)
    answers = StrategyAnswers(saved.instance)
    try:
        is_searched = _was_finished(saved.told) if search is None else search
        bound, looked = _search(answers, jobs, tell) if is_searched else (None, None)
        checks = [("instance", _same_hash(saved))]
        levels: dict[str, ProofLevel] = {}
        parts = saved.parts
        for position, (data, stated) in enumerate(parts):
            tell("verifying", position, len(parts))
            found, level = _answer(answers, saved, data, stated, bound, looked)
            checks += [(stated.strategy.name, check) for check in found]
            levels[stated.strategy.name] = min(level, levels.get(stated.strategy.name, level))
        checks += _rest(answers, saved, jobs, tell)
    except (KeyError, TypeError, IndexError, ValueError, AttributeError) as error:
        raise AuditFailed("result", f"a figure is missing or malformed: {error!r}", AGAIN) from None
    proved = min(levels.values())
    return Verification(
        schema_version=1,
        command="verify",
        ok=all(check.ok for _, check in checks),
        proved=proved.name,
        proved_by_strategy={name: level.name for name, level in levels.items()},
        says=proved.sentence,
        searched=is_searched,
        checks=[judged(name, check) for name, check in checks],
    )


def _was_finished(told: Solution | Comparison) -> bool:
    """Whether a result rests on a search of the whole menu: it says so, or claims what only that can prove."""
    is_complete = told.search is not None and told.search.complete
    return is_complete or any(answer.certificate.proof == ProofLevel.OPTIMAL.name for answer in told.answers)


def opened(result: Mapping[str, Any]) -> Saved:
    """A saved result with the instance that it carries.

    Raises
    ------
    AuditFailed
        It is none of ours, or a part is missing.
    """
    told: Solution | Comparison
    data = _of_today(result)
    told = from_plain(Comparison, data) if "strategies" in result else from_plain(Solution, data)
    text = told.manifest.get("effective_instance")
    if not isinstance(text, str):
        raise AuditFailed("manifest.effective_instance", "the result carries no instance", AGAIN)
    if not told.answers:
        raise AuditFailed("strategies", "the result has no strategy to check", AGAIN)
    return Saved(result, told, load_text(text, "manifest.effective_instance"))


def _of_today(result: Mapping[str, Any]) -> dict[str, Any]:
    """A result with what one of 0.4.0 did not say: which of its strategies was searched for."""
    found = dict(result)
    if isinstance(told := found.get("strategy"), Mapping):
        found["strategy"] = {"is_optimum": "search" in result, **told}
    if isinstance(several := found.get("strategies"), list):
        found["strategies"] = [_of_today(one) if isinstance(one, Mapping) else one for one in several]
    return found


def _search(answers: StrategyAnswers, jobs: int, tell: Progress) -> tuple[float, Looked | None]:
    """The bound, proved again, and what the search says of itself."""
    tell("searching", 0, 1)
    _, best, screening = answers.game.best_commitment(jobs, None, lambda done, total: tell("searching", done, total))
    return best.bound, looked_at(answers.game, best, screening)


def _rest(answers: StrategyAnswers, saved: Saved, jobs: int, tell: Progress) -> Iterator[tuple[str, Check]]:
    """What a result holds beside its strategies, told again; a comparison adds a verdict and what would be kept."""
    instance, data, told = saved.instance, saved.data, saved.told
    again: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "command": "solve",
        "instance": to_plain(subject_of(instance)),
    }
    # A solved strategy stands at the top; its own parts have been compared.
    apart = PARTS | {"manifest", "interrupted"}
    if isinstance(told, Comparison):
        apart = frozenset({"strategies", "promises", "search", "manifest", "hinges", "uncertified", "interrupted"})
        names = [answer.strategy.name for answer in told.strategies]
        left = told.uncertified or {}
        yield (
            "comparison",
            holds(
                "every strategy is there, or told uncertified",
                names == [*(name for name in instance.strategies if name not in left), OPTIMAL]
                and set(left) <= set(instance.strategies),
            ),
        )
        yield from (("comparison", check) for check in _first_look(answers, left))
        verdict = verdict_of(instance, told.strategies, told.promises, told.search)
        again |= {"command": "compare", "verdict": to_plain(verdict)}
        if told.first is not None:
            again["first"] = to_plain(first_page(instance, told.strategies, told.search, told.hinges, told.uncertified))
        if told.promises is not None:
            yield from (
                ("promises", check) for check in _promises(answers, data["promises"], told, told.promises, jobs, tell)
            )
        else:
            yield "promises", holds("none are told", data["promises"] is None)
    yield from (("result", check) for check in compared(data, again, TOLD, apart))
    kept = {key: value for key, value in data["manifest"].items() if key not in OF_THE_RUN}
    yield from (("manifest", check) for check in compared(kept, _manifest(saved), TOLD))
    yield from (("search", check) for check in _looked(answers, data["search"], told))


def _first_look(answers: StrategyAnswers, stated: Mapping[str, float]) -> Iterator[Check]:
    """Values of a first look, taken again: they are bounds from one hot program, and close to what an answer would be."""
    again = answers.first_look() if stated else {}
    scale = max(map(abs, again.values()), default=1.0)
    for name, value in stated.items():
        yield compare(f"{name} at a first look", value, again.get(name, float("nan")), unit=scale, tolerance=1e-3)


def _manifest(saved: Saved) -> dict[str, Any]:
    """What the manifest says of its result; less for one that was not saved."""
    found = reproduced(saved.instance)
    if "instance_hash" in saved.told.manifest:
        found |= {"instance_hash": saved.instance.fingerprint(), "seed": None}
        found |= {"status": status(saved.told), "gap_musd": gap(saved.told)}
    return found


def _looked(answers: StrategyAnswers, data: Any, told: Solution | Comparison) -> Iterator[Check]:
    """What a search says of itself: how many strategies there are, and whether it looked at them all."""
    search, has_optimum = told.search, any(answer.strategy.is_optimum for answer in told.answers)
    yield holds("a search is told where something was searched for", (search is not None) == has_optimum)
    if search is None:
        return
    yield holds("the search says what it should", differs(plain(data), to_plain(search)) is None)
    yield holds("the menu has so many strategies", search.menu == len(answers.game.menu))
    yield holds("as many were screened as there are", 0 < search.screened <= search.menu)
    yield holds("complete says that all were", search.complete is (search.screened == search.menu))
    yield holds("ties were resolved among the screened", 0 < search.resolved <= search.screened)
    yield holds("it took some time", search.seconds >= 0.0)


def _promises(
    answers: StrategyAnswers, data: Any, told: Comparison, stated: Promises, jobs: int, tell: Progress
) -> Iterator[Check]:
    """What would be kept: every entry told again; figures to 1e-4 of what commitment is worth, as plants are sunk."""
    optimum = next((answer for answer in told.strategies if answer.strategy.is_optimum), None)
    best = None if optimum is None else path_of_rows(answers.instance, optimum.strategy.path)
    again = promises(answers.game, best, jobs, lambda done, total: tell("breaking promises", done, total))
    worth = stated.commitment_musd - stated.discretion.value_musd
    yield compare("value of commitment", stated.value_of_commitment_musd, worth)
    scale = max(1.0, abs(again.commitment_musd))
    for name, one, other in _figures_apart(plain(data), plain(to_plain(again))):
        if isinstance(other, float) and isinstance(one, float):
            yield compare(f"{TOLD}: {name}", one, other, unit=scale, tolerance=1e-4)
        else:
            yield holds(f"{TOLD}: {name}", type(one) is type(other) and one == other)


def _figures_apart(stated: Any, again: Any, name: str = "promises") -> Iterator[tuple[str, Any, Any]]:
    """Entries of two tellings by their place; a table with other keys, or a list of another length, is one entry."""
    if isinstance(stated, dict) and isinstance(again, dict) and set(stated) == set(again):
        for key in again:
            yield from _figures_apart(stated[key], again[key], f"{name}.{key}")
    else:
        yield name, stated, again


def _same_hash(saved: Saved) -> Check:
    is_same = saved.told.instance.hash == saved.instance.fingerprint()
    return holds("the instance is the one whose hash is stated", is_same)


def _answer(
    answers: StrategyAnswers,
    saved: Saved,
    data: Mapping[str, Any],
    stated: Answer,
    bound: float | None,
    looked: Looked | None,
) -> tuple[list[Check], ProofLevel]:
    """The checks of one strategy, read as ``data`` and ``stated``, and how much of it is proved again."""
    instance, certificate, is_optimum = saved.instance, stated.certificate, stated.strategy.is_optimum
    path = path_of_rows(instance, stated.strategy.path)
    strategy = instance.strategies.get(stated.strategy.name)
    fed = strategy.fed if strategy is not None and stated.strategy.fed else {}
    conceded = path_if_conceded(instance, strategy) if strategy is not None else ()
    claim = Claim(path, fed, conceded=conceded, chance=stated.reactions.target.chance or 0.0)
    assessment = answers.assessed(stated.strategy, path)
    figures = _figures(answers, stated, assessment)
    search = saved.told.search if is_optimum else None
    assumptions = answers.assumptions(search.screened, search.complete, search.best_first) if search else ()
    # Where no search was made the stated bound is only compared with what it should bound.
    limit = None if not is_optimum else bound if bound is not None else certificate.bound_musd
    is_asked = is_optimum or certificate.best_deviation_gain_musd is not None or _asks_deviations(saved.told)
    gain, deviation = answers.deviation(assessment.evaluation) if is_asked else (None, None)
    seen = looked if is_optimum else None
    name = None if strategy is None else stated.strategy.name
    found = answers.auditor.certify(claim, figures, limit, assumptions, gain, seen, name)
    again = answers.answer(assessment, found, deviation)
    if stated.leader.value_without_leakage_musd is not None:
        again = answers.without_leakage(again, path)
    if is_optimum and looked is None:
        # Without a new search nothing can be said of what the last one saw.
        rows = [*again.certificate.checks, *(check for check in certificate.checks if check.name in SEARCHED)]
        again = replace(again, certificate=replace(again.certificate, checks=rows))
    told = to_plain(again)
    if not is_optimum:
        told["search"] = None
    elif isinstance(saved.told, Solution):
        # It is judged by checks of its own.
        told["search"] = data["search"]
    checks = [*found.checks, *_claims(instance, stated, path, found, bound)]
    checks.append(compare("certificate repeats the value", certificate.value_musd, figures.value))
    checks += compared(data, told, TOLD)
    return checks, found.proof if bound is not None else min(found.proof, ProofLevel.BILEVEL_FEASIBLE)


def _asks_deviations(told: Solution | Comparison) -> bool:
    """Whether a result says of named strategies what changing one slot would add; a comparison of a large menu need not."""
    named = [one for one in told.answers if isinstance(one, Named)]
    return isinstance(told, Solution) or any(one.certificate.best_deviation_gain_musd is not None for one in named)


def _claims(instance: Instance, stated: Answer, path: Path, found: Certificate, bound: float | None) -> Iterator[Check]:
    """What a result says of itself: that its path is the named strategy's, and how much is proved."""
    name, certificate = stated.strategy.name, stated.certificate
    strategy = instance.strategies.get(name)
    is_optimum = stated.strategy.is_optimum and strategy is None and name == OPTIMAL
    is_itself = is_optimum or (
        strategy is not None
        and path == path_from_rules(instance, strategy)
        and stated.strategy.fed == bool(strategy.fed)
    )
    yield holds("the path is that of the strategy named", is_itself)
    claimed = ProofLevel[certificate.proof]
    proved = found.proof if bound is not None and is_optimum else min(found.proof, ProofLevel.BILEVEL_FEASIBLE)
    yield holds("no more is claimed than was proved again", claimed <= proved)
    if claimed is ProofLevel.OPTIMAL:
        stated_bound = math.nan if certificate.bound_musd is None else certificate.bound_musd
        yield compare("stated bound is reached by the value", stated_bound, found.optimistic)
        yield holds("a bound that proves rests on no assumption", not certificate.assumptions)
        if bound is not None:
            yield compare("stated bound is the one found again", stated_bound, bound)


def _figures(answers: StrategyAnswers, stated: Answer, assessment: Assessment) -> Figures:
    leader, market, certificate, plan = stated.leader, stated.market, stated.certificate, stated.plan
    instance = answers.instance
    blocs = sum(bloc.cost_musd for bloc in stated.blocs.values())
    total = blocs + market.leader_rents_musd + market.outside_musd
    return Figures(
        terms=dict(leader.terms_musd),
        value=leader.value_musd,
        optimistic=certificate.optimistic_musd,
        pessimistic=certificate.pessimistic_musd,
        buyers_cost=market.buyers_cost_musd,
        probability=leader.probability,
        pressure=leader.pressure_musd,
        exports=_by_scenario(instance, np.array(plan.exports_t, dtype=float)),
        captured_rent=_by_scenario(instance, np.array(plan.captured_rent_kusd, dtype=float)),
        exporter_rent=_by_scenario(instance, np.array(plan.exporter_rent_kusd, dtype=float)),
        plan=figures_of(answers.game, assessment).plan,
        reconciliation=total - market.buyers_cost_musd,
    )


def _by_scenario(instance: Instance, values: np.ndarray) -> np.ndarray:
    """Figures on the nodes of the tree, [n] or [n,b,k], by scenario and period, [w,t] or [w,t,b,k]."""
    grid = grid_of(instance.calendar)
    tree = fishbone(instance, grid)
    shape = (len(tree), len(instance.blocs), len(instance.products))
    if values.shape not in (shape, shape[:1]):
        raise AuditFailed(
            "plan", f"a figure has shape {values.shape}, not {shape}", "save the result again with coercivity solve"
        )
    by_leaf: NDArray[Any] = values[np.array([tree.path(scenario) for scenario in range(tree.scenarios)])]
    return by_leaf
