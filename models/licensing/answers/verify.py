"""Re-check a saved result without trusting it: only the instance in it is taken as given.

The buyers' optimum, the range of the leader's value over ties, the probability of the concession and every term
are recomputed by the audit from the instance and the stated path of postures, and compared with what the result
says; every other figure is asked of the model again. With another version of the solver an equally good answer of
the buyers may be found there, and a figure that depends on it then differs. That no other strategy on the menu is
better is proved again only when the search is repeated.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from engine.certificate import Certificate, ProofLevel
from engine.check import Check, compare, same
from engine.errors import AuditFailed
from models.licensing.announcement import path_from_rules, path_if_conceded
from models.licensing.answers.commands import OPTIMAL, Desk, path_of_rows
from models.licensing.answers.promises import promises
from models.licensing.answers.verdict import verdict_of
from models.licensing.audit import Claim
from models.licensing.certify import Auditor, Figures
from models.licensing.files.load import load_text
from models.licensing.instance import Instance
from models.licensing.licences import Path
from models.licensing.periods import conceded_from, grid_of, strikes_of, tree_of

Progress = Callable[[str, int, int], None]
RETOLD = ("strategy", "leader", "market", "blocs", "all_blocs", "reactions", "series", "shares", "observations", "plan")
AGAIN = "save it again with coercivity solve or compare"


def verify(
    result: Mapping[str, Any], search: bool = False, jobs: int = 1, progress: Progress | None = None
) -> dict[str, Any]:
    """The checks that a saved result passes and fails.

    Parameters
    ----------
    result : what ``solve`` or ``compare`` returned, with its manifest
    search : repeat the search over the menu, to prove the bound again
    jobs : worker processes of the search

    Returns
    -------
    dict with ``ok``, ``proved`` and ``checks``: name, gap, scale, ok, detail

    Raises
    ------
    AuditFailed
        The result cannot be read as one of ours.
    """
    tell = progress or (lambda stage, done, total: None)
    instance, blocks = _opened(result)
    checks = [_same_hash(result, instance)]
    auditor, desk = Auditor(instance), Desk(instance)
    proved = ProofLevel.OPTIMAL
    levels: dict[str, str] = {}
    bound = _search(instance, jobs, tell) if search else None
    for position, block in enumerate(blocks):
        tell("verifying", position, len(blocks))
        try:
            found, level = _block(auditor, desk, block, bound)
        except (KeyError, TypeError, IndexError, ValueError, AttributeError) as error:
            raise AuditFailed("result", f"a figure is missing or malformed: {error!r}", AGAIN) from None
        checks += found
        proved = min(proved, level)
        levels[str(block["strategy"]["name"])] = level.name
    try:
        checks += _comparison(desk, result, blocks, jobs if search else 0, tell)
    except (KeyError, TypeError, IndexError, ValueError, AttributeError) as error:
        raise AuditFailed("result", f"a figure is missing or malformed: {error!r}", AGAIN) from None
    rows = [_row(name, check) for name, check in checks]
    return {
        "schema_version": 1,
        "command": "verify",
        "ok": all(row["ok"] for row in rows),
        "proved": proved.name,
        "proved_by_strategy": levels,
        "says": proved.sentence,
        "searched": search,
        "checks": rows,
    }


def _opened(result: Mapping[str, Any]) -> tuple[Instance, list[dict[str, Any]]]:
    """The instance that a result carries, and its strategies."""
    manifest = result.get("manifest")
    text = manifest.get("effective_instance") if isinstance(manifest, Mapping) else None
    if not isinstance(text, str):
        raise AuditFailed("manifest.effective_instance", "the result carries no instance", AGAIN)
    blocks = [block for block in result.get("strategies", [result]) if isinstance(block, dict)]
    if not blocks:
        raise AuditFailed("strategies", "the result has no strategy to check", AGAIN)
    return load_text(text, "manifest.effective_instance"), blocks


def _search(instance: Instance, jobs: int, tell: Progress) -> float:
    """The bound, proved again."""
    return Desk(instance).game.best_commitment(jobs, None, lambda done, total: tell("searching", done, total))[1].bound


def _comparison(
    desk: Desk, result: Mapping[str, Any], blocks: list[dict[str, Any]], jobs: int, tell: Progress
) -> Iterator[tuple[str, Check]]:
    """What a comparison adds to its strategies: that all are there, the verdict, and what would be kept."""
    instance = desk.instance
    if "strategies" in result:
        told = sorted(str(block["strategy"]["name"]) for block in blocks)
        yield "comparison", _true("every strategy is there", told == sorted([*instance.strategies, OPTIMAL]))
    if result.get("command") == "compare":
        yield "comparison", _true("verdict and promises are there", "verdict" in result and "promises" in result)
    if "verdict" in result:
        again = json.loads(json.dumps(verdict_of(instance, blocks, result.get("promises"))))
        yield "verdict", same("the verdict follows from the strategies", result["verdict"], again)
    if "promises" in result:
        yield from (("promises", check) for check in _promises(desk, result, jobs, tell))


def _promises(desk: Desk, result: Mapping[str, Any], jobs: int, tell: Progress) -> Iterator[Check]:
    """What would be kept: that it adds up, and with ``jobs`` that the model says the same again."""
    stated = result["promises"]
    worth = stated["commitment_musd"] - stated["discretion"]["value_musd"]
    yield compare("value of commitment", stated["value_of_commitment_musd"], worth)
    if not jobs:
        return
    optimum = next((b for b in result["strategies"] if b["strategy"]["name"] == OPTIMAL), None)
    best = None if optimum is None else path_of_rows(desk.instance, optimum["strategy"]["path"])
    again = promises(desk.game, best, jobs, lambda done, total: tell("breaking promises", done, total))
    scale = max(1.0, abs(stated["commitment_musd"]))
    chosen, anew = stated["discretion"], again["discretion"]
    yield _true("discretion: the same strategy", chosen["strategy"] == anew["strategy"])
    yield _true("discretion: as stable as stated", chosen["is_stable"] == anew["is_stable"])
    yield compare("discretion: value", chosen["value_musd"], anew["value_musd"], unit=scale, tolerance=1e-4)
    for name, kept in stated["strategies"].items():
        for key in ("kept_musd", "regret_musd", "carrying_on_musd", "giving_in_musd"):
            found = again["strategies"][name][key]
            yield compare(f"{key.removesuffix('_musd')}: {name}", kept[key], found, unit=scale, tolerance=1e-4)


def _same_hash(result: Mapping[str, Any], instance: Instance) -> tuple[str, Check]:
    about = result.get("instance")
    stated = str(about.get("hash")) if isinstance(about, Mapping) else ""
    return "instance", Check(
        "the instance is the one whose hash is stated", 0.0 if stated == instance.fingerprint() else 1.0, 1.0
    )


def _row(strategy: str, check: Check) -> dict[str, Any]:
    return {
        "strategy": strategy, "name": check.name, "gap": check.gap, "scale": check.scale, "ok": check.ok,
        "detail": f"gap {check.gap:.3g} on a scale of {check.scale:.6g}",
    }  # fmt: skip


def _block(
    auditor: Auditor, desk: Desk, block: Mapping[str, Any], bound: float | None
) -> tuple[list[tuple[str, Check]], ProofLevel]:
    instance = desk.instance
    name = str(block["strategy"]["name"])
    path = path_of_rows(instance, block["strategy"]["path"])
    strategy = instance.strategies.get(name)
    fed = strategy.fed_volumes if strategy is not None and block["strategy"]["fed"] else {}
    certificate = block["certificate"]
    claims_optimum = certificate["proof"] == ProofLevel.OPTIMAL.name
    figures = _figures(auditor, instance, block)
    conceded = path_if_conceded(instance, strategy) if strategy is not None else ()
    chance = float(block["reactions"]["target"].get("chance", 0.0))
    claim = Claim(path, fed, conceded=conceded, chance=chance)
    judged = auditor.certify(claim, figures, bound if claims_optimum else None)
    checks = [(name, check) for check in judged.checks]
    checks += [(name, check) for check in _claims(instance, block, path, judged, bound)]
    checks.append((name, compare("certificate repeats the value", certificate["value_musd"], figures.value)))
    # The audit covers what the payoff rests on; for every other figure the model is asked again.
    again = json.loads(json.dumps(desk.again(block, judged)))
    checks += [(name, same(f"the model says the same again: {part}", block[part], again[part])) for part in RETOLD]
    return checks, judged.proof


def _claims(
    instance: Instance, block: Mapping[str, Any], path: Path, judged: Certificate, bound: float | None
) -> Iterator[Check]:
    """What a result says of itself: that its path is the named strategy's, and how much is proved."""
    name, certificate = block["strategy"]["name"], block["certificate"]
    strategy = instance.strategies.get(name)
    is_optimum = strategy is None and name == OPTIMAL
    is_itself = is_optimum or (
        strategy is not None
        and path == path_from_rules(instance, strategy)
        and bool(block["strategy"]["fed"]) == bool(strategy.fed_volumes)
    )
    yield _true("the path is that of the strategy named", is_itself)
    claimed = ProofLevel[certificate["proof"]]
    # Without a new search the claim of the optimum stands unproved; any other claim must be what is proved.
    yield _true("no more is claimed than is proved", claimed <= judged.proof or (is_optimum and bound is None))
    if claimed is ProofLevel.OPTIMAL:
        yield compare("stated bound is reached by the value", certificate["bound_musd"], judged.optimistic, unit=100.0)
        yield _true("a bound that proves rests on no assumption", not certificate["assumptions"])
        if bound is not None:
            yield compare("stated bound is the one found again", certificate["bound_musd"], bound, unit=100.0)


def _true(name: str, holds: bool) -> Check:
    return Check(name, 0.0 if holds else 1.0, 1.0)


def _figures(auditor: Auditor, instance: Instance, block: Mapping[str, Any]) -> Figures:
    leader, market, certificate = block["leader"], block["market"], block["certificate"]
    blocs = sum(bloc["cost_musd"] for bloc in block["blocs"].values())
    total = blocs + market["leader_rents_musd"] + market["outside_musd"]
    return Figures(
        terms=leader["terms_musd"],
        value=leader["value_musd"],
        optimistic=certificate["optimistic_musd"],
        pessimistic=certificate["pessimistic_musd"],
        buyers_cost=market["buyers_cost_musd"],
        probability=leader["probability"],
        pressure=leader["pressure_musd"],
        exports=_by_scenario(instance, np.array(block["plan"]["exports_t"], dtype=float)),
        captured_rent=_by_scenario(instance, np.array(block["plan"]["captured_rent_kusd"], dtype=float)),
        exporter_rent=_by_scenario(instance, np.array(block["plan"]["exporter_rent_kusd"], dtype=float)),
        plan=None,
        reconciliation=total - market["buyers_cost_musd"],
    )


def _by_scenario(instance: Instance, values: np.ndarray) -> np.ndarray:
    """Figures on the nodes of the tree, [n] or [n,b,k], by scenario and period, [w,t] or [w,t,b,k]."""
    grid = grid_of(instance.calendar)
    tree = tree_of(len(grid), strikes_of(instance, grid), conceded_from(instance, grid))
    shape = (len(tree), len(instance.blocs), len(instance.products))
    if values.shape not in (shape, shape[:1]):
        raise AuditFailed(
            "plan", f"a figure has shape {values.shape}, not {shape}", "save the result again with coercivity solve"
        )
    return values[np.array([tree.path(scenario) for scenario in range(tree.scenarios)])]
