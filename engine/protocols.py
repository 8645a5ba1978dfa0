"""The engine's interfaces, all on one page: whatever has these members can be used where one of them is asked for.

How to add one: a *method* is a module in ``engine/bilevel/methods`` and a line in ``selection.METHODS``; a *screen* is what a
game gives to :mod:`coercivity.engine.menu.enumeration`; an *executor* does the runs of a study; a *page* shows one kind of result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from coercivity.engine.bilevel.methods.big_m import Declared
    from coercivity.engine.bilevel.problem import BilevelProblem
    from coercivity.engine.bilevel.solution import BilevelSolution, Limits
    from coercivity.engine.report.text import Block
    from coercivity.engine.study.memory.outcome import Outcome
    from coercivity.engine.study.work.executors import Run


class Method(Protocol):
    """Solves bilevel programs of a class, or says why it does not; a claim, which the judge proves or does not."""

    METHOD: str

    def refuses(self, problem: BilevelProblem) -> str | None:
        """Why the method does not take a problem; None where it does."""

    def solve(self, problem: BilevelProblem, limits: Limits = ...) -> BilevelSolution:
        """The best commitment that was found and a bound; raises UsageError where the problem is refused."""


class LeaningMethod(Protocol):
    """A method whose proof can lean on bounds that a user declares, with a reason; it is then never called optimal."""

    METHOD: str

    def refuses(self, problem: BilevelProblem) -> str | None:
        """As of any method."""

    def solve(
        self, problem: BilevelProblem, limits: Limits = ..., *, declared: Declared | None = ...
    ) -> BilevelSolution:
        """As of any method, with these bounds on multipliers and slacks."""


class Screen(Protocol):
    """Screens commitments of a menu one by one; lives in a worker process and keeps its program hot."""

    def screen(self, choice: tuple[int, ...]) -> tuple[float, ...]:
        """Numbers from which the caller computes an upper bound of the commitment's value."""


class ForetellingScreen(Screen, Protocol):
    """A screen that tells something of a commitment before its program is solved."""

    def foretell(self, choice: tuple[int, ...]) -> tuple[float, ...]:
        """A part of the commitment's value, and traits in which the rest is nearly linear."""


class Executor(Protocol):
    """Does the runs of a study, in whatever order suits it."""

    def outcomes(
        self, runs: Sequence[Run], todo: Sequence[int], factory: Callable[[], Callable[[Any], dict[str, Any]]]
    ) -> Iterator[tuple[int, Outcome]]:
        """The positions in ``todo`` with what came out of these runs, as they are finished.

        Parameters
        ----------
        factory : called once in every process; returns the function that does a run
        """


class Page(Protocol):
    """Shows one kind of result: as letters, as rows of a spreadsheet, as pictures."""

    def blocks(self, result: Any) -> list[Block]:
        """The report."""

    def rows(self, result: Any) -> list[dict[str, Any]]:
        """The result as rows, for CSV."""

    def drawn(self, result: Any) -> Mapping[str, str]:
        """Pictures by file name."""
