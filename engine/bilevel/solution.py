"""Solutions of bilevel programs: what a method claims, how long it may search, and why it stopped."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import inf

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Status(StrEnum):
    """Why a search ended; each value is the sentence a user reads.

    A method claims one of the first five. The last two are the judge's, in place of a claim that it does not share; where it has
    proved what a method left open, its word is OPTIMAL as well.

    >>> print(Status.OPTIMAL)
    the search is finished: value and bound meet
    """

    OPTIMAL = "the search is finished: value and bound meet"
    LIMIT = "a limit of time or nodes was reached before the search was finished"
    INFEASIBLE = "no commitment of the leader has a best response that satisfies all of the leader's rows"
    UNBOUNDED = "the leader can improve without limit"
    NOT_ATTAINED = "the search is finished: the value is approached by commitments, and no commitment reaches it"
    ASSUMED = "the search is finished: value and bound meet, if what the bound rests on is true"
    UNPROVED = "the search is finished, and what it claims could not be proved"


@dataclass(frozen=True)
class Limits:
    """How long a method may search.

    Attributes
    ----------
    seconds : time on the clock
    nodes : nodes of a tree, or rounds of a loop
    gap : the search is finished when value − bound ≤ gap · max(1, |value|)
    """

    seconds: float = inf
    nodes: int = 10**7
    gap: float = 1e-6

    def is_closed(self, value: float, bound: float) -> bool:
        """Whether a bound is as near to a value as was asked for; never where nothing has been found.

        >>> Limits().is_closed(5.0, 5.0 - 1e-9), Limits().is_closed(5.0, 4.9), Limits().is_closed(inf, 0.0)
        (True, False, False)
        """
        return value < inf and value - bound <= self.gap * max(1.0, abs(value))


DEFAULT = Limits()


@dataclass(frozen=True)
class BilevelSolution:
    """A claim about a bilevel program, in the sense of a minimisation; nothing in it is proved until it is certified.

    Attributes
    ----------
    point : z = (x, y), shape (n + m,); None where no commitment with a best response is known. Where the value is
        not attained, a bilevel-feasible point near it
    value : the leader's value at the point, or the limit where it is not attained; +inf where there is no point
    bound : no commitment gives the leader less under the optimistic reading; −inf where nothing is claimed
    status : why the method stopped
    method : its name
    assumptions : what the bound rests on, a sentence each; empty where it rests on the problem alone
    attained : whether the value is reached, not only approached
    seconds, solver_seconds : time on the clock, and the part of it spent in the solver
    nodes, programs : nodes of the tree, and programs solved
    prices : the multipliers of the follower's rows that the value counts, shape (rows,); None where no price matters
    notes : what a reader should know, a sentence each
    """

    point: Floats | None
    value: float
    bound: float
    status: Status
    method: str
    assumptions: tuple[str, ...] = ()
    attained: bool = True
    seconds: float = 0.0
    nodes: int = 0
    programs: int = 0
    solver_seconds: float = 0.0
    prices: Floats | None = None
    notes: tuple[str, ...] = ()
