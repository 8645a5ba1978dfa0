"""The Python door: the command line's verbs as functions that take instances or programs and return values."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from coercivity.engine.bilevel.formats import read
from coercivity.engine.bilevel.modelling.program import WrittenProgram
from coercivity.engine.bilevel.problem import BilevelProblem
from coercivity.engine.data.values import to_plain
from coercivity.engine.desk.terminal import Progress
from coercivity.engine.errors import UsageError, check_name
from coercivity.engine.finite.game import read_finite
from coercivity.engine.report.notebook import show_with
from coercivity.models.licensing.answers import commands
from coercivity.models.licensing.answers.backtest.values import Backtest, Cases
from coercivity.models.licensing.answers.commands import Comparison, Solution
from coercivity.models.licensing.answers.frontier.values import Frontier
from coercivity.models.licensing.answers.threshold.values import Threshold
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.data.load import load as load_instance
from coercivity.models.licensing.data.load import shipped as known
from coercivity.models.licensing.pages import backtest as backtest_page
from coercivity.models.licensing.pages import cases as cases_page
from coercivity.models.licensing.pages import files
from coercivity.models.licensing.pages import frontier as frontier_page
from coercivity.models.licensing.pages import threshold as threshold_page
from coercivity.models.licensing.pages.studies import discover as discover_page
from coercivity.models.licensing.pages.studies import montecarlo as montecarlo_page
from coercivity.models.licensing.pages.studies import sensitivity as sensitivity_page
from coercivity.models.licensing.pages.studies import sweep as sweep_page
from coercivity.models.licensing.studies.values import (
    Discovered,
    ElementaryEffects,
    GridSweep,
    MonteCarlo,
    Regions,
    SobolIndices,
    TornadoSweep,
    Wins,
)
from coercivity.models.program import finite
from coercivity.models.program import present as program_page
from coercivity.models.program.answer import Question, answer
from coercivity.models.program.files import kind_of, located
from coercivity.models.program.values import GameAnswer, ProgramAnswer

__all__ = [
    "backtest", "compare", "discover", "frontier", "load", "montecarlo", "sensitivity", "shipped", "solve", "sweep",
    "threshold", "to_plain", "verify",
]  # fmt: skip

Game = str | Path | Instance

show_with(program_page.blocks, program_page.drawn, ProgramAnswer)
show_with(finite.blocks, finite.drawn, GameAnswer)
show_with(files.blocks, files.drawn, Solution, Comparison)
show_with(frontier_page.blocks, frontier_page.drawn, Frontier)
show_with(threshold_page.blocks, threshold_page.drawn, Threshold)
show_with(backtest_page.blocks, None, Backtest)
show_with(cases_page.blocks, None, Cases)
# A study's pictures need its points, which its answer does not hold.
show_with(sweep_page.blocks, None, GridSweep, TornadoSweep)
show_with(montecarlo_page.blocks, None, MonteCarlo)
show_with(sensitivity_page.blocks, None, SobolIndices, ElementaryEffects)
show_with(discover_page.blocks, None, Discovered, Wins, Regions)


def shipped() -> dict[str, str]:
    """The shipped instances: title by name."""
    return {name: title for name, title, _ in known()}


def load(game: str | Path, overrides: Mapping[str, object] | None = None, variants: Sequence[str] = ()) -> Instance:
    """An instance: a file, or a shipped one by its name.

    Parameters
    ----------
    overrides : value by dotted path, with its unit where it has one: ``{"concession.value": "1 billion USD/yr"}``
    variants : names of variants of the file, applied in this order and before the overrides

    Raises
    ------
    UsageError
        There is no such file, variant or path.
    InvalidInstance
        The data cannot be accepted; all findings with their places.
    """
    return load_instance(str(game), [f"{path}={value}" for path, value in (overrides or {}).items()], variants)


def solve(
    what: Game | WrittenProgram | BilevelProblem,
    strategy: str | None = None,
    *,
    method: str = "auto",
    seconds: float | None = None,
    jobs: int | None = None,
    quiet: bool = False,
) -> Solution | ProgramAnswer | GameAnswer:
    """The best commitment with its certificate: on the menu of a game, or of any bilevel program.

    Parameters
    ----------
    what : an instance or its name, a program, or a file of one (MPS, ``bilevel-neutral``, a finite game)
    strategy : of a game: evaluate this one instead
    method : of a program: solve by this method
    seconds : stop the search after so many; what is proved then is said
    jobs : processes; all processors where None

    Raises
    ------
    UsageError
        No such strategy or method, or no method accepts the program.
    """
    if isinstance(what, WrittenProgram | BilevelProblem):
        problem = what.problem() if isinstance(what, WrittenProgram) else what
        return answer(problem, Question(method, seconds))
    kind = None if isinstance(what, Instance) else kind_of(located(str(what)))
    if kind == "game":
        return finite.answer(read_finite(located(str(what))), method)
    if kind == "program":
        return answer(read(located(str(what))), Question(method, seconds))
    game = _game(what)
    if strategy is not None:
        check_name("strategy", strategy, game.strategies, "strategies")
    with Progress(quiet) as progress:
        return commands.solve(game, strategy, _jobs(jobs), seconds, progress)


def compare(
    game: Game,
    *,
    seconds: float | None = None,
    hinges: float | None = 20.0,
    certify: int | None = None,
    ledger: str | Path | None = None,
    jobs: int | None = None,
    quiet: bool = False,
) -> Comparison:
    """All named strategies and the best one on the menu side by side, with a verdict; raises as :func:`solve`.

    Parameters
    ----------
    hinges : seconds for what stated ranges turn; None looks at all of them, 0 at none
    certify : answer the baseline and so many named strategies, the best at a first look; None all of them
    ledger : a file in which points are remembered, so that the next comparison finds them
    """
    from coercivity.models.licensing.desk.compare import compare as found

    asked = {"jobs": _jobs(jobs), "limit": seconds, "hinges": hinges, "memory": Path(ledger) if ledger else None}
    asked["certify"] = certify
    with Progress(quiet) as progress:
        return found(_game(game), asked, progress)


def frontier(
    game: Game, phase: str | None = None, *, seconds: float | None = None, jobs: int | None = None, quiet: bool = False
) -> Frontier:
    """Revenue, cost and leverage as three objectives: the Pareto set over the menu.

    Parameters
    ----------
    phase : leverage at the end of this phase only
    """
    from coercivity.models.licensing.answers.frontier.efficient import frontier as found

    with Progress(quiet) as progress:
        return found(_game(game), _jobs(jobs), seconds, phase, progress)


def threshold(
    game: Game,
    *parameters: str,
    strategy: str | None = None,
    against: str | None = None,
    grid: bool = False,
    jobs: int | None = None,
    quiet: bool = False,
) -> Threshold:
    """What would have to be true for one strategy to beat another.

    Parameters
    ----------
    parameters : dotted paths; ``*`` stands for a common factor on all that it matches; a list of them by default
    strategy, against : the pair; by default the two best
    grid : of two parameters, the second's break-even over the first
    """
    from coercivity.models.licensing.answers.threshold.crossing import threshold as found

    with Progress(quiet) as progress:
        return found(_game(game), parameters, strategy, against, grid, _jobs(jobs), progress)


def backtest(game: Game, *, refit: bool = False, quiet: bool = False) -> Backtest:
    """The model beside the record; ``refit`` repeats the searches that the calibration records."""
    from coercivity.models.licensing.answers.backtest.comparison import backtested

    with Progress(quiet) as progress:
        return backtested(_game(game), refit, progress)


def sweep(game: Game, *vary: str, jobs: int | None = None, ledger: str | Path | None = None, **asked: Any) -> Any:
    """Every strategy over a grid, or with nothing to vary a tornado over all stated ranges.

    Parameters
    ----------
    vary : ``PATH=low:high:points``, one text an axis
    ledger : a file in which points are remembered, so that the next study finds them
    asked : ``strategies``, ``strategy``, ``against``, ``what``, as on the command line
    """
    from coercivity.models.licensing.studies.sweep import sweep as study

    return _studied(study, game, jobs, ledger, {"vary": vary, **asked})


def montecarlo(game: Game, *vary: str, jobs: int | None = None, ledger: str | Path | None = None, **asked: Any) -> Any:
    """Payoff, chance of winning and regret over draws from the stated ranges.

    Parameters
    ----------
    vary, ledger : as in :func:`sweep`; by default all stated ranges vary
    asked : ``runs``, ``seed``, ``sampling``, ``unstated``, ``strategies``, ``what``
    """
    from coercivity.models.licensing.studies.montecarlo import montecarlo as study

    return _studied(study, game, jobs, ledger, {"vary": vary, **asked})


def sensitivity(game: Game, *vary: str, jobs: int | None = None, ledger: str | Path | None = None, **asked: Any) -> Any:
    """Which uncertain numbers a payoff varies with: Sobol' indices, or elementary effects.

    Parameters
    ----------
    vary, ledger : as in :func:`sweep`
    asked : ``method``, ``runs``, ``seed``, ``most``, ``strategy``, ``against``, ``unstated``, ``alone``
    """
    from coercivity.models.licensing.studies.sensitivity import sensitivity as study

    return _studied(study, game, jobs, ledger, {"vary": vary, **asked})


def discover(game: Game, *vary: str, jobs: int | None = None, ledger: str | Path | None = None, **asked: Any) -> Any:
    """In which region of the uncertainties a strategy wins.

    Parameters
    ----------
    vary, ledger : as in :func:`sweep`
    asked : ``strategy``, ``against``, ``runs``, ``seed``, ``sampling``, ``unstated``, ``density``, ``most``
    """
    from coercivity.models.licensing.studies.discover import discovered as study

    return _studied(study, game, jobs, ledger, {"vary": vary, **asked})


def verify(result: str | Path, *, search: bool | None = None, jobs: int | None = None, quiet: bool = False) -> Any:
    """A saved result judged again; ``ok`` says whether everything in it holds.

    Parameters
    ----------
    result : a ``result.json``, or the folder of a run
    search : whether to repeat the search; by default where an optimum is claimed

    Raises
    ------
    UsageError
        There is no such result.
    AuditFailed
        It cannot be read as one of ours.
    """
    from coercivity.engine.desk import runs
    from coercivity.models import verification

    with Progress(quiet) as progress:
        return verification.verify(runs.read(str(result)), runs.beside(str(result)), search, _jobs(jobs), progress)


def _game(game: Any) -> Instance:
    if isinstance(game, Instance):
        return game
    if not isinstance(game, str | Path):
        raise UsageError("game", f"a {type(game).__name__} is no game", 'name one, e.g. "april-2025", or load it first')
    return load(game)


def _jobs(jobs: int | None) -> int:
    if jobs is not None and jobs < 1:
        raise UsageError("jobs", f"{jobs} is not a number of processes", "write 1 or more, or leave it out")
    return jobs or os.cpu_count() or 1


def _studied(study: Any, game: Game, jobs: int | None, ledger: str | Path | None, asked: Mapping[str, Any]) -> Any:
    """A study done here, its points remembered in a ledger that lasts if one is named."""
    from coercivity.engine.study.memory.ledger import Ledger
    from coercivity.engine.study.work.executors import InProcess, Pool
    from coercivity.models.licensing.studies.session import Effort, Session

    count = _jobs(jobs)
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="coercivity-"))
        memory = stack.enter_context(Ledger(Path(ledger) if ledger is not None else Path(folder) / "ledger.sqlite"))
        progress = stack.enter_context(Progress())
        effort = Effort(Pool(count) if count > 1 else InProcess(), count, memory)
        session = Session(_game(game), effort, lambda stage, at: progress(stage, at.done, at.total))
        result, _, _ = study(session, **asked)
        return result
