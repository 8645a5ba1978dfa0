"""Re-check a saved result without trusting it: only the instance in it is taken as given.

The buyers' optimum, the range of the leader's value over ties, the probability of the concession and every term
are recomputed by the audit from the instance and the stated path of postures, and compared with what the result
says. Everything else that the result holds is told again, from instance and paths alone, and compared entry by entry;
what is missing or not recognised fails. With another version of the solver an equally good answer of the buyers may be
found, and a figure that depends on it then differs. That no other strategy on the menu is better is proved again by
repeating the search, and a result that claims it does not pass without.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coercivity.engine.desk import runs
from coercivity.engine.errors import AuditFailed
from coercivity.engine.proof.certificate import Certificate, ProofLevel
from coercivity.engine.proof.check import Check, compare
from coercivity.engine.proof.retelling import compared, holds, plain
from coercivity.models.licensing.announcement.announce import path_from_rules, path_if_conceded
from coercivity.models.licensing.announcement.licences import Path
from coercivity.models.licensing.answers.commands import (
    OPTIMAL,
    SCHEMA_VERSION,
    Desk,
    described,
    figures_of,
    looked_at,
    path_of_rows,
    reproduced,
)
from coercivity.models.licensing.answers.promises import promises
from coercivity.models.licensing.answers.results import Assessment
from coercivity.models.licensing.answers.verdict import verdict_of
from coercivity.models.licensing.audit.certify import Auditor, Figures
from coercivity.models.licensing.audit.recompute import Claim
from coercivity.models.licensing.audit.search import SEARCHED, Looked
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.data.load import load_text
from coercivity.models.licensing.market.periods import conceded_from, grid_of, strikes_of, tree_of

Progress = Callable[[str, int, int], None]
TOLD = "the model says the same again"
AGAIN = "save it again with coercivity solve or compare"
# Of a strategy's report.
PARTS = frozenset(
    {
        "strategy", "leader", "market", "blocs", "all_blocs", "reactions", "series", "shares", "observations", "plan",
        "certificate", "search",
    }
)  # fmt: skip
# Of the manifest of a saved run; nothing but the seal can tell whether they are true.
OF_THE_RUN = frozenset({"versions", "system", "options", "started", "finished", "seconds", "seal"})


def verify(
    result: Mapping[str, Any], search: bool | None = None, jobs: int = 1, progress: Progress | None = None
) -> dict[str, Any]:
    """The checks that a saved result passes and fails.

    Parameters
    ----------
    result : what ``solve`` or ``compare`` returned, with its manifest
    search : repeat the search over the menu, to prove the bound again; None where the result claims an optimum
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
    auditor, desk = Auditor(instance), Desk(instance)
    try:
        is_searched = _was_finished(result, blocks) if search is None else search
        bound, looked = _search(desk, jobs, tell) if is_searched else (None, None)
        checks = [_same_hash(result, instance)]
        levels: dict[str, str] = {}
        proved = ProofLevel.OPTIMAL
        for position, block in enumerate(blocks):
            tell("verifying", position, len(blocks))
            found, level = _block(auditor, desk, block, bound, looked, result)
            checks += found
            proved = min(proved, level)
            levels[str(block["strategy"]["name"])] = level.name
        checks += _rest(desk, result, blocks, jobs, tell)
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
        "searched": is_searched,
        "checks": rows,
    }


def _was_finished(result: Mapping[str, Any], blocks: list[dict[str, Any]]) -> bool:
    """Whether a result rests on a search of the whole menu: it says so, or claims what only that can prove."""
    search = result.get("search")
    is_complete = isinstance(search, Mapping) and search.get("complete") is True
    return is_complete or any(block["certificate"]["proof"] == ProofLevel.OPTIMAL.name for block in blocks)


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


def _search(desk: Desk, jobs: int, tell: Progress) -> tuple[float, Looked | None]:
    """The bound, proved again, and what the search says of itself."""
    tell("searching", 0, 1)
    _, best, screening = desk.game.best_commitment(jobs, None, lambda done, total: tell("searching", done, total))
    return best.bound, looked_at(desk.game, best, screening)


def _rest(
    desk: Desk, result: Mapping[str, Any], blocks: list[dict[str, Any]], jobs: int, tell: Progress
) -> Iterator[tuple[str, Check]]:
    """What a result holds beside its strategies, told again; a comparison adds a verdict and what would be kept."""
    instance = desk.instance
    again: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION, "command": "compare" if "strategies" in result else "solve",
        "instance": described(instance),
        "manifest": reproduced(instance) | _run(result, instance),
    }  # fmt: skip
    apart = frozenset({"strategies", "promises", "search", "manifest"})
    if again["command"] == "compare":
        told = [str(block["strategy"]["name"]) for block in blocks]
        yield "comparison", holds("every strategy is there", told == [*instance.strategies, OPTIMAL])
        yield "comparison", holds("verdict and promises are there", {"verdict", "promises", "search"} <= set(result))
        again |= {"strategies": None, "promises": None, "search": None}
        again["verdict"] = verdict_of(instance, blocks, result.get("promises"))
        yield from (("promises", check) for check in _promises(desk, result, jobs, tell))
    else:
        # A solved strategy stands at the top; its own parts have been compared.
        apart |= PARTS
        again |= dict.fromkeys(PARTS & set(result))
    yield from (("result", check) for check in compared(result, again, TOLD, apart))
    kept = {key: value for key, value in result["manifest"].items() if key not in OF_THE_RUN}
    yield from (("manifest", check) for check in compared(kept, again["manifest"], TOLD))
    yield from (("search", check) for check in _looked(desk, result.get("search"), blocks))


def _run(result: Mapping[str, Any], instance: Instance) -> dict[str, Any]:
    """What the manifest of a saved run says of its result; nothing for one that was not saved."""
    if "instance_hash" not in result["manifest"]:
        return {}
    return {
        "instance_hash": instance.fingerprint(), "seed": None, "status": runs.status(result), "gap_musd": runs.gap(result),
    }  # fmt: skip


def _looked(desk: Desk, search: Any, blocks: list[dict[str, Any]]) -> Iterator[Check]:
    """What a search says of itself: how many strategies there are, and whether it looked at them all."""
    has_optimum = any(block["strategy"]["is_optimum"] for block in blocks)
    yield holds("a search is told where something was searched for", (search is not None) == has_optimum)
    if search is None:
        return
    keys = {"menu", "screened", "resolved", "seconds", "complete"}
    yield holds("the search says what it should", set(search) == keys)
    yield holds("the menu has so many strategies", search["menu"] == len(desk.game.menu))
    is_count = all(type(search[key]) is int for key in ("menu", "screened", "resolved"))
    yield holds("as many were screened as there are", is_count and 0 < search["screened"] <= search["menu"])
    yield holds("complete says that all were", search["complete"] is (search["screened"] == search["menu"]))
    yield holds("ties were resolved among the screened", is_count and 0 < search["resolved"] <= search["screened"])
    yield holds("it took some time", float(search["seconds"]) >= 0.0)


def _promises(desk: Desk, result: Mapping[str, Any], jobs: int, tell: Progress) -> Iterator[Check]:
    """What would be kept: every entry told again; figures to 1e-4 of what commitment is worth, as plants are sunk."""
    stated = result["promises"]
    optimum = next((b for b in result["strategies"] if b["strategy"]["is_optimum"]), None)
    best = None if optimum is None else path_of_rows(desk.instance, optimum["strategy"]["path"])
    again = plain(promises(desk.game, best, jobs, lambda done, total: tell("breaking promises", done, total)))
    worth = stated["commitment_musd"] - stated["discretion"]["value_musd"]
    yield compare("value of commitment", stated["value_of_commitment_musd"], worth)
    scale = max(1.0, abs(again["commitment_musd"]))
    for name, one, other in _figures_apart(plain(stated), again):
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
    auditor: Auditor,
    desk: Desk,
    block: Mapping[str, Any],
    bound: float | None,
    looked: Looked | None,
    result: Mapping[str, Any],
) -> tuple[list[tuple[str, Check]], ProofLevel]:
    instance, certificate = desk.instance, block["certificate"]
    name = str(block["strategy"]["name"])
    path = path_of_rows(instance, block["strategy"]["path"])
    strategy = instance.strategies.get(name)
    fed = strategy.fed_volumes if strategy is not None and block["strategy"]["fed"] else {}
    conceded = path_if_conceded(instance, strategy) if strategy is not None else ()
    chance = float(block["reactions"]["target"].get("chance", 0.0))
    claim = Claim(path, fed, conceded=conceded, chance=chance)
    assessment = desk.assessed(block)
    figures = _figures(desk, instance, block, assessment)
    is_optimum = block["strategy"]["is_optimum"] is True
    search = block.get("search") or result.get("search")
    assumptions = desk.assumptions(int(search["screened"]), search["complete"] is True) if is_optimum and search else ()
    # Where no search was made the stated bound is only compared with what it should bound.
    limit = None if not is_optimum else bound if bound is not None else certificate["bound_musd"]
    gain, deviation = desk.deviation(assessment.evaluation)
    seen = looked if is_optimum else None
    judged = auditor.certify(claim, figures, limit, assumptions, gain, seen, None if strategy is None else name)
    again = desk.again(block, assessment, judged, deviation)
    if is_optimum and looked is None:
        # Without a new search nothing can be said of what the last one saw.
        again["certificate"]["checks"] += [row for row in certificate["checks"] if row["name"] in SEARCHED]
    checks = [(name, check) for check in judged.checks]
    checks += [(name, check) for check in _claims(instance, block, path, judged, bound)]
    checks.append((name, compare("certificate repeats the value", certificate["value_musd"], figures.value)))
    stated = {key: block[key] for key in PARTS if key in block} if block is result else block
    told = {key: value for key, value in again.items() if key != "search" or not is_optimum or block is result}
    told |= {"search": block["search"]} if is_optimum and block is result else {}
    checks += [(name, check) for check in compared(stated, told, TOLD)]
    if bound is None:
        return checks, min(judged.proof, ProofLevel.BILEVEL_FEASIBLE)
    return checks, judged.proof


def _claims(
    instance: Instance, block: Mapping[str, Any], path: Path, judged: Certificate, bound: float | None
) -> Iterator[Check]:
    """What a result says of itself: that its path is the named strategy's, and how much is proved."""
    name, certificate = block["strategy"]["name"], block["certificate"]
    strategy = instance.strategies.get(name)
    is_optimum = block["strategy"]["is_optimum"] is True and strategy is None and name == OPTIMAL
    is_itself = is_optimum or (
        strategy is not None
        and path == path_from_rules(instance, strategy)
        and bool(block["strategy"]["fed"]) == bool(strategy.fed_volumes)
    )
    yield holds("the path is that of the strategy named", is_itself)
    claimed = ProofLevel[certificate["proof"]]
    proved = judged.proof if bound is not None and is_optimum else min(judged.proof, ProofLevel.BILEVEL_FEASIBLE)
    yield holds("no more is claimed than was proved again", claimed <= proved)
    if claimed is ProofLevel.OPTIMAL:
        yield compare("stated bound is reached by the value", certificate["bound_musd"], judged.optimistic)
        yield holds("a bound that proves rests on no assumption", not certificate["assumptions"])
        if bound is not None:
            yield compare("stated bound is the one found again", certificate["bound_musd"], bound)


def _figures(desk: Desk, instance: Instance, block: Mapping[str, Any], assessment: Assessment) -> Figures:
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
        plan=figures_of(desk.game, assessment).plan,
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
    by_leaf: NDArray[Any] = values[np.array([tree.path(scenario) for scenario in range(tree.scenarios)])]
    return by_leaf
