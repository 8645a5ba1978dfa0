"""``coercivity solve FILE``: from the file and the options to what is saved, printed and said by the exit code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from coercivity.engine.bilevel.formats import read
from coercivity.engine.bilevel.judge.guarantee import Guarantee
from coercivity.engine.bilevel.reformulations.pessimistic import against
from coercivity.engine.bilevel.solution import Status
from coercivity.engine.desk import delivery, terminal
from coercivity.engine.errors import BelowRequired, InfeasibleProgram, UsageError
from coercivity.engine.finite.game import read_finite
from coercivity.engine.proof.certificate import ProofLevel
from coercivity.models.program import finite, present
from coercivity.models.program.answer import Question, answer, fingerprint
from coercivity.models.program.files import declared, kind_of
from coercivity.models.program.values import GameAnswer, ProgramAnswer

# Options of a licensing game that say nothing about a program, and what to do instead.
FOREIGN = {
    "strategy": "a program has no named strategies",
    "sets": "edit the file instead",
    "variants": "a program has none",
    "charts": "a program from a file is not drawn",
}


def solve(path: str, run: Mapping[str, Any], is_quiet: bool) -> None:
    """Solve, save and print.

    Parameters
    ----------
    path : the file
    run : options ``aux``, ``method``, ``declare``, ``because``, ``pessimistic``, ``safe``, ``limit``, ``require`` and those of every run

    Raises
    ------
    CoercivityError
        The file or an option is wrong, the program has no optimum, or less is proved than was required.
    """
    for option, why in FOREIGN.items():
        if run[option]:
            raise UsageError(
                f"--{option.rstrip('s') if option != 'charts' else option}", f"not for {path}: {why}", "leave it out"
            )
    question = Question(run["method"], run["limit"], declared(run["declare"], run["because"]), run["safe"])
    page: delivery.SavedPage
    solved: Callable[[], ProgramAnswer | GameAnswer]
    if kind_of(path) == "game":
        _check_game_options(path, run)
        game = read_finite(path)
        name, mark, page = game.name, finite.fingerprint(game), finite
        solved = partial(finite.answer, game, run["method"])
    else:
        problem = against(read(path, run["aux"])) if run["pessimistic"] else read(path, run["aux"])
        for remark in problem.remarks if not is_quiet else ():
            terminal.note(remark)
        name, mark, page, solved = problem.name, fingerprint(problem), present, partial(answer, problem, question)

    def work(progress: Any) -> ProgramAnswer | GameAnswer:
        progress("solving", 0, 1)
        found = solved()
        progress("done", 1, 1)
        return found

    result = delivery.deliver("solve", mark, work, run, is_quiet, question.options(), page)
    if isinstance(result, ProgramAnswer) and result.value is None and result.status in ("INFEASIBLE", "UNBOUNDED"):
        raise InfeasibleProgram(name, result.says, "check the rows and the bounds of both levels")
    if (
        isinstance(result, ProgramAnswer)
        and (safe := result.certificate.safe)
        and safe.level == Guarantee.TOLERANCE.name
    ):
        raise BelowRequired(
            name, f"--safe: nothing survives rounding, as {safe.reason}", "give it more time, or leave it out"
        )
    if less := _shortfall(result, run["require"]):
        raise BelowRequired(name, less, "give it more time with --limit, or ask for less with --require")


def _check_game_options(path: str, run: Mapping[str, Any]) -> None:
    if run["pessimistic"]:
        raise UsageError("--pessimistic", f"{path} is a finite game, of which both readings are told", "leave it out")
    if run["safe"]:
        what = f"{path} is a finite game, which is decided in exact fractions wherever rounding leaves something open"
        raise UsageError("--safe", what, "leave it out")
    for option in ("aux", "declare", "limit"):
        if run[option]:
            raise UsageError(
                f"--{option}", f"not for {path}: it is a finite game, solved by a list of programs", "leave it out"
            )


def _shortfall(result: ProgramAnswer | GameAnswer, require: str | None) -> str | None:
    """In which way the result proves less than was asked for; None where it proves enough."""
    wanted = ProofLevel[require or "BILEVEL_FEASIBLE"]
    # Every reading that is printed counts.
    less = [f"{name} proves {proof}" for name, proof in result.proofs.items() if ProofLevel[proof] < wanted]
    if less:
        return f"{'; '.join(less)}, below {wanted.name}"
    if require is None and result.status in ("LIMIT", "UNPROVED"):
        return f"the optimum is not proved: {Status[result.status]}"
    return None


def refuse_options(run: Mapping[str, Any], instance: str) -> None:
    """Nothing, where no option of a program was given for an instance of the game.

    Raises
    ------
    UsageError
        One was given.
    """
    for option, default in (
        ("aux", None),
        ("method", "auto"),
        ("declare", ()),
        ("because", None),
        ("pessimistic", False),
        ("safe", False),
    ):
        if run[option] != default:
            what = f"not for {instance}: it belongs to bilevel programs (.mps, bilevel-neutral JSON)"
            raise UsageError(f"--{option}", what, "leave it out")
