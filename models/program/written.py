"""Bilevel programs written in Python: with operators, or as two blocks of a Pyomo model; solved and certified in one step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from coercivity.engine.bilevel.formats import write
from coercivity.engine.bilevel.modelling.program import WrittenProgram
from coercivity.engine.bilevel.modelling.pyomo_blocks import write_from
from coercivity.engine.bilevel.reformulations.pessimistic import against
from coercivity.models.program.answer import Question, answer
from coercivity.models.program.values import ProgramAnswer


class Program(WrittenProgram):
    """A leader's program over a follower's best response.

    Examples
    --------
    Moore and Bard (1990): the leader would rather have y large, the follower small.

    >>> program = Program("moore_bard")
    >>> x = program.leader.variable("x", upper=10, integer=True)
    >>> y = program.follower.variable("y", upper=5, integer=True)
    >>> program.leader.minimise(-x - 10 * y)
    >>> program.follower.minimise(y)
    >>> for row in (-25 * x + 20 * y <= 30, x + 2 * y <= 10, 2 * x - y <= 15, 2 * x + 10 * y >= 15):
    ...     _ = program.follower.subject_to(row)
    >>> found = program.solve()
    >>> found.value, found[x], found[y], found.certificate.proof
    (-22.0, 2.0, 2.0, 'OPTIMAL')
    """

    @classmethod
    def from_pyomo(cls, model: Any, follower: Any) -> Program:
        """The program of a Pyomo model of which one block is the follower's; variables keep their names.

        Parameters
        ----------
        model : a Pyomo model
        follower : the block of it that holds the follower's variables, constraints and objective

        Raises
        ------
        UsageError
            It says something that two levels of matrices cannot hold.
        """
        program = cls(str(model.name))
        write_from(program, model, follower)
        return program

    def solve(
        self, method: str = "auto", seconds: float | None = None, *, pessimistic: bool = False, safe: bool = False
    ) -> ProgramAnswer:
        """The solution and what is proved of it.

        Parameters
        ----------
        method : the name of a method, or ``auto``
        seconds : how long the method may search
        pessimistic : the best commitment where the follower breaks ties against the leader; its leader has one more variable,
            the cost that the follower is allowed
        safe : prove a bound that survives rounding besides, and look for an exact point: ``certificate.safe``

        Raises
        ------
        UsageError
            The program is not complete, or no method accepts it; or its pessimistic reading is not known, or no bound that survives rounding.
        """
        problem = against(self.problem()) if pessimistic else self.problem()
        return answer(problem, Question(method, seconds, is_safe=safe))

    def export(self, path: str | Path) -> tuple[Path, ...]:
        """Write the program as .mps with its .aux, or as .json; the files written. A file is never written over.

        Raises
        ------
        UsageError
            The name asks for no known format, the file is there already, or the format cannot say the program.
        """
        return write(self.problem(), path)
