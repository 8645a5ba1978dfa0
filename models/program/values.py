"""What is answered to a bilevel program and to a finite game, part by part; figures are in the sense of the file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from coercivity.engine.data.values import sometimes
from coercivity.engine.errors import UsageError, check_name
from coercivity.engine.proof.check import Check
from coercivity.engine.proof.retelling import JudgedCheck
from coercivity.engine.report.notebook import Shown

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Size:
    """The size and the class of a program."""

    name: str  # as its file says
    hash: str  # of what the problem says, not of how its file is laid out
    sense: str  # max or min: what the leader does to its objective
    leader_columns: int  # variables of the leader
    leader_integers: int  # those of them that are whole numbers
    leader_rows: int  # the leader's constraints
    coupling_rows: int  # those of them that hold a variable of a follower
    followers: int  # followers, whether they meet or not
    follower_columns: int  # variables of all followers
    follower_integers: int  # those of them that are whole numbers
    follower_rows: int  # constraints of all followers
    quadratic: bool  # whether the leader's objective is quadratic
    follower_quadratic: bool  # whether the followers' objective is quadratic
    prices: int  # terms of the leader's objective that hold a multiplier of a follower's row


@dataclass(frozen=True)
class Safety:
    """How far a proved optimum survives rounding, by arithmetic that counts every rounding error."""

    level: str  # what is guaranteed: TOLERANCE of a solver, SAFE where the bound is, EXACT where the point is too
    says: str  # the level in words
    bound: float | None  # no commitment is worth more than this, in exact arithmetic; None where none was proved
    value: str | None  # of the exact point, as a fraction; None without one
    nodes: int  # of the search that proves the bound
    reason: str | None  # why not more is guaranteed; None where nothing is missing


@dataclass(frozen=True)
class Judgement:
    """What the judge makes of an answer, without the method that found it."""

    proof: str  # name of the level that is proved
    says: str  # the level in words
    value: float | None  # the leader's objective at the point, recomputed
    bound: float | None  # no commitment is worth more than this; None where none was found
    optimistic: float | None  # the leader's objective if ties are broken in its favour
    pessimistic: float | None  # the leader's objective if ties are broken against it
    coupling_violation: float | None  # by how much a best response may break the leader's rows; None where unbounded
    follower_gap: float | None  # the follower's regret as a share of its scale
    best_deviation_gain: float | None  # what a commitment that refutes the bound gains beyond it
    attained: bool  # whether the value is reached, not only approached
    confirmed: bool  # whether the judge proved the bound itself, without trust in the method's search
    assumptions: tuple[str, ...]  # what the bound rests on, a sentence each
    refutation: Mapping[str, float] | None  # a point that refutes the bound, by variable
    checks: tuple[Check, ...]  # recomputed from the problem alone
    notes: tuple[str, ...]  # what the judge adds, a sentence each
    safe: Safety | None = sometimes()  # how far it survives rounding; only where that was asked for


@dataclass(frozen=True, repr=False)
class ProgramAnswer(Shown):
    """The solution of a bilevel program and the judgement on it."""

    schema_version: int  # of this layout
    command: str  # the command that was asked
    program: Size  # what was solved
    status: str  # name of how the search ended
    says: str  # the status in words
    value: float | None  # the leader's objective; None where there is no optimum
    optimistic: float | None  # the leader's objective if ties are broken in its favour
    pessimistic: float | None  # the leader's objective if ties are broken against it
    attained: bool  # whether the value is reached, not only approached
    leader: Mapping[str, float] | None  # the leader's variables by name
    follower: Mapping[str, float] | None  # the follower's variables by name
    prices: Mapping[str, float] | None  # the follower's multipliers by row, where the method states them
    method: str  # that found it
    why: str  # this method was chosen
    seconds: float  # second; of the whole search
    solver_seconds: float | None  # second; of them in the solver; None where it was not timed
    nodes: int  # of the search
    notes: tuple[str, ...]  # what the method adds, a sentence each
    certificate: Judgement  # what is proved of it
    manifest: Mapping[str, Any]  # what a later reader needs to check the result

    @property
    def proofs(self) -> dict[str, str]:
        """The proof level of every reading that is printed, by its name."""
        return {"it": self.certificate.proof}

    def __getitem__(self, variable: object) -> float:
        """The value of a variable, or of a variable's name.

        Raises
        ------
        UsageError
            There is no solution, or no such variable.
        """
        values = {**(self.leader or {}), **(self.follower or {})}
        name = str(variable)
        if not values:
            raise UsageError(name, f"the program has no solution: {self.says}", "see its status")
        check_name("variable", name, values, "variables")
        return values[name]

    def to_frame(self) -> pd.DataFrame:
        """Every variable with its player and value."""
        import pandas as pd

        players = (("leader", self.leader), ("follower", self.follower))
        rows = [(player, name, value) for player, values in players for name, value in (values or {}).items()]
        return pd.DataFrame(rows, columns=["player", "variable", "value"])


@dataclass(frozen=True)
class GameSize:
    """The size of a finite game."""

    name: str  # as its file says
    kind: str  # finite-game, which tells it from a bilevel program
    hash: str  # of what the game says
    sense: str  # max: the leader maximises
    leader_actions: int  # actions of the leader
    types: int  # types of the follower
    answers: int  # ways in which all types together can answer


@dataclass(frozen=True)
class GameJudgement:
    """What the judge makes of a commitment, without the method that found it."""

    proof: str  # name of the level that is proved
    says: str  # the level in words
    value: float  # the leader's expected payoff under the mixture, as claimed
    bound: float | None  # no mixture is worth more than this under the same reading
    optimistic: float  # what the mixture is worth if ties are broken for the leader
    pessimistic: float  # what the mixture is worth if ties are broken against the leader
    follower_gap: float | None  # the largest regret of a type as a share of its scale
    attained: bool  # whether the mixture reaches the value
    assumptions: tuple[str, ...]  # what the bound rests on, a sentence each
    checks: tuple[Check, ...]  # recomputed from the game alone


@dataclass(frozen=True)
class Reading:
    """The best mixture with ties broken in one way."""

    value: float  # the leader's expected payoff, or its limit
    attained: bool  # whether the mixture reaches it
    leader: Mapping[str, float]  # share of each action
    follower: Mapping[str, str]  # the action with which each type answers
    method: str  # that found it
    programs: int  # solved on the way
    seconds: float  # second; time that it took
    certificate: GameJudgement  # what is proved of it


@dataclass(frozen=True)
class PureAction:
    """The best single action under one reading."""

    action: str  # of the leader
    value: float  # the leader's expected payoff
    proof: str  # name of the level that is proved


@dataclass(frozen=True, repr=False)
class GameAnswer(Shown):
    """The optimal commitments of a finite game: the one with ties broken for the leader, and beside it the others."""

    schema_version: int  # of this layout
    command: str  # the command that was asked
    program: GameSize  # what was solved
    status: str  # name of how the search ended
    value: float  # the leader's expected payoff, or its limit, with ties broken in its favour
    attained: bool  # whether the mixture reaches it
    leader: Mapping[str, float]  # share of each action
    follower: Mapping[str, str]  # the action with which each type answers
    method: str  # that found it
    programs: int  # solved on the way
    seconds: float  # second; time that it took
    certificate: GameJudgement  # what is proved of it
    optimistic: float  # the value with ties broken for the leader
    pessimistic: float | None  # the value with ties broken against it; None where the answers are too many to be listed
    against: Reading | None  # the best mixture with ties broken against the leader
    pure: Mapping[str, PureAction]  # the best single action, by reading
    manifest: Mapping[str, Any]  # what a later reader needs to check the result

    @property
    def proofs(self) -> dict[str, str]:
        """The proof level of every reading that is printed, by its name."""
        found = {"for the leader": self.certificate.proof}
        if self.against is not None:
            found["against the leader"] = self.against.certificate.proof
        return found | {f"the best single action, {reading}": one.proof for reading, one in self.pure.items()}


@dataclass(frozen=True, kw_only=True)
class ProgramVerification:
    """What judging a saved answer to a bilevel program or a finite game again came to."""

    schema_version: int  # of this layout
    command: str  # verify
    instance: Mapping[str, str]  # name of the program or the game
    proof: str | None = sometimes()  # name of the level that was proved again, of a program
    ok: bool  # whether every check holds
    checks: Sequence[JudgedCheck]  # all that was compared

    @property
    def sentence(self) -> str:
        """Nothing: what is proved stands in the answer's own certificate."""
        return ""
