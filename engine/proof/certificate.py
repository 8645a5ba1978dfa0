"""Certificates: what a solution is worth, judged by checks that have never seen the method.

A certificate has two halves, the follower's rationality and a bound for the leader. Re-solving the follower
alone does not catch a wrong bound, so OPTIMAL needs both, and a bound that rests on no assumption.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from coercivity.engine.proof.check import Check


class ProofLevel(IntEnum):
    """How much is proved, each level with what it says."""

    NOTHING = 0
    LEADER_FEASIBLE = 1
    BILEVEL_FEASIBLE = 2
    OPTIMAL = 3

    @property
    def sentence(self) -> str:
        """What the level means."""
        return {
            ProofLevel.NOTHING: "nothing is proved",
            ProofLevel.LEADER_FEASIBLE: "the leader may play this; the follower's answer is not proved to be a best response",
            ProofLevel.BILEVEL_FEASIBLE: "the follower's answer is a best response, recomputed independently",
            ProofLevel.OPTIMAL: "no commitment on the menu is worth more to the leader, and the bound rests on no assumption",
        }[self]


@dataclass(frozen=True)
class Certificate:
    """The judgement on one solution; the leader maximises, so the bound is an upper one.

    Attributes
    ----------
    value, optimistic, pessimistic : leader's payoff as claimed and its range over the follower's best responses
    bound : no commitment of the class searched is worth more; None where none was searched
    assumptions : what the bound rests on
    leader_checks, follower_checks, bound_checks : the recomputations
    deviation_gain : what the best deviation found would add; negative where every deviation loses
    attained : whether the value is reached, not only approached
    """

    value: float
    optimistic: float
    pessimistic: float
    leader_checks: tuple[Check, ...]
    follower_checks: tuple[Check, ...]
    bound_checks: tuple[Check, ...] = ()
    bound: float | None = None
    assumptions: tuple[str, ...] = ()
    deviation_gain: float | None = None
    attained: bool = True

    @property
    def checks(self) -> tuple[Check, ...]:
        """All checks."""
        return self.leader_checks + self.follower_checks + self.bound_checks

    @property
    def proof(self) -> ProofLevel:
        """The level that the checks support."""
        is_bounded = self.bound is not None and not self.assumptions
        return level(self.leader_checks, self.follower_checks, self.bound_checks if is_bounded else ())


def all_ok(checks: Sequence[Check]) -> bool:
    """Whether there are checks and every one holds: no check at all proves nothing."""
    return bool(checks) and all(check.ok for check in checks)


def level(leader: Sequence[Check], follower: Sequence[Check], bound: Sequence[Check]) -> ProofLevel:
    """The level that checks support; pass no checks of the bound where it rests on an assumption.

    >>> fine, broken = Check("a", 0.0, 1.0), Check("b", 1.0, 1.0)
    >>> level([fine], [fine], []).name, level([fine], [fine], [fine]).name, level([broken], [fine], [fine]).name
    ('BILEVEL_FEASIBLE', 'OPTIMAL', 'NOTHING')
    """
    if not all_ok(leader):
        return ProofLevel.NOTHING
    if not all_ok(follower):
        return ProofLevel.LEADER_FEASIBLE
    return ProofLevel.OPTIMAL if all_ok(bound) else ProofLevel.BILEVEL_FEASIBLE
