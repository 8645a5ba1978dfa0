"""Plays the games in copies of the tree; a process of its own for every fault.

Requests come as lines of JSON: the copy, a file with the outcomes of the tree without a fault (where there is none, all
games are played), the games, and how many seconds they may take. It must run where neither the engine nor the models are
imported yet.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from coercivity.models.licensing.answers.values import Answer, Search

PROOFS = ("NOTHING", "LEADER_FEASIBLE", "BILEVEL_FEASIBLE", "OPTIMAL")


def outcome(name: str) -> dict[str, Any]:
    """What a game gives: figures of the answer, figures of the bound, other figures, the proof, and what was refused."""
    from coercivity.models.licensing.answers.game import StrategyAnswers
    from coercivity.models.licensing.data.load import load_text
    from tests.mutants.games import PLAYS
    from tests.rich_instance import text_of

    play = PLAYS[name]
    try:
        answers, search = StrategyAnswers(load_text(text_of(play.data()), "game.yaml")), None
        if play.strategy:
            answer = answers.named(play.strategy)
        else:
            best = answers.optimum(1, play.limit, lambda *_: None)
            answer, search = best.answer, best.search
    except Exception as error:  # whatever a fault sets off is an answer to the question who caught it
        return {"error": f"{type(error).__name__}: {error}"[:200]}
    return told(answer, search, [bound for _, bound in sorted(answers.bounds.items())])


def told(answer: Answer, search: Search | None, bounds: list[float]) -> dict[str, Any]:
    """The figures of an answer by what they are, as plain data."""
    from coercivity.engine.data.values import to_plain

    leader, certificate = answer.leader, answer.certificate
    figures = {
        "answer": {
            "path": answer.strategy.path,
            "value": leader.value_musd,
            "probability": leader.probability,
            "pressure": leader.pressure_musd,
            "cost": answer.market.buyers_cost_musd,
            "optimistic": certificate.optimistic_musd,
            "pessimistic": certificate.pessimistic_musd,
            "hazards": answer.strategy.hazards,
            "terms": leader.terms_musd,
        },
        "bound": {
            "bound": certificate.bound_musd,
            "gain": certificate.best_deviation_gain_musd,
            # How long it took tells nothing.
            "search": search and replace(search, seconds=0.0),
            "all": bounds,
        },
        "report": {
            "by_year": leader.by_year,
            "market": answer.market,
            "blocs": {name: bloc.cost_musd for name, bloc in answer.blocs.items()},
        },
        "proof": certificate.proof,
        "refused": [check.name for check in certificate.checks if not check.ok],
    }
    found: dict[str, Any] = to_plain(figures)
    return found


def apart(mine: Any, other: Any, unit: float) -> bool:
    """Whether two figures, or anything made of figures, differ by more than a millionth."""
    if isinstance(mine, dict) and isinstance(other, dict):
        return mine.keys() != other.keys() or any(apart(mine[key], other[key], unit) for key in mine)
    if isinstance(mine, list) and isinstance(other, list):
        return len(mine) != len(other) or any(apart(*pair, unit) for pair in zip(mine, other, strict=True))
    if isinstance(mine, float) and isinstance(other, float):
        # A figure that is not a number is apart from every other.
        return not abs(mine - other) <= 1e-6 * max(abs(mine), abs(other), unit)
    return bool(mine != other)


def difference(found: dict[str, Any], baseline: dict[str, Any]) -> dict[str, Any]:
    """What a fault moved in one game, and how it was refused: a sentence, empty where the judge let it pass."""
    if "error" in found:
        return {"moved": ["answer"], "refused": found["error"]}
    unit = 1e-4 * max(abs(baseline["answer"]["cost"]), abs(baseline["answer"]["value"]))
    moved = [part for part in ("answer", "bound", "report") if apart(found[part], baseline[part], unit)]
    new = [name for name in found["refused"] if name not in baseline["refused"]]
    if PROOFS.index(found["proof"]) < PROOFS.index(baseline["proof"]) and not new:
        new = [f"{found['proof']} instead of {baseline['proof']}"]
    figures = {
        key: [baseline["answer"][key], value]
        for key, value in found["answer"].items()
        if isinstance(value, float) and apart(value, baseline["answer"][key], unit)
    }
    return {"moved": moved, "refused": "; ".join(new), "figures": figures}


def play(root: Path, file: Path, names: list[str]) -> None:
    """Play the games named in a copy and leave there their outcomes, or how these differ from a baseline."""
    os.chdir(root)
    sys.path[:0] = [str(root.parent), str(root)]
    import coercivity

    # The package as installed must not stand in for the copy that has the fault.
    assert coercivity.__file__ is not None
    assert Path(coercivity.__file__).resolve().is_relative_to(root.resolve()), f"{coercivity.__file__} is not in {root}"
    from tests.mutants.games import PLAYS

    baseline = json.loads(file.read_text("utf-8")) if file.exists() else None
    found: dict[str, Any] = {}
    for name in names or PLAYS:
        told = outcome(name)
        found[name] = told if baseline is None else difference(told, baseline[name])
        if baseline is not None and found[name]["refused"] and "answer" in found[name]["moved"]:
            break
    (root / "told.json").write_text(json.dumps(found), "utf-8")


def serve() -> None:
    """Answer requests, each a line of JSON, one after the other in a process of its own that has all libraries already."""
    for library in (
        "highspy",
        "pandas",
        "pint",
        "pydantic",
        "pyomo.environ",
        "ruamel.yaml",
        "scipy.integrate",
        "scipy.sparse",
    ):
        importlib.import_module(library)
    for line in sys.stdin:
        root, baseline, names, seconds = json.loads(line)
        child = os.fork()
        if not child:
            signal.alarm(seconds)
            try:
                play(Path(root), Path(baseline), names)
            except BaseException as error:  # the process ends here whatever a fault sets off
                (Path(root) / "error.txt").write_text(f"{type(error).__name__}: {error}", "utf-8")
                os._exit(1)
            os._exit(0)
        print(os.waitpid(child, 0)[1], flush=True)  # noqa: T201


if __name__ == "__main__":
    serve()
