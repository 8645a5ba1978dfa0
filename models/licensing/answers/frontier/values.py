"""What is answered about the Pareto set of a menu, part by part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from coercivity.engine.report.notebook import Shown
from coercivity.models.licensing.answers.subject import Subject

if TYPE_CHECKING:
    import pandas as pd

# USD of payoff or revenue for a dollar of leverage: from, to; None for no upper end.
Rates = tuple[float, float | None]


@dataclass(frozen=True)
class CutOffAsked:
    """The cut-off that leverage is the loss from."""

    months: float  # month; how long it lasts
    after: str  # period at whose end it begins
    of: str  # who is cut off


@dataclass(frozen=True)
class Covered:
    """How far the menu was searched."""

    menu: int  # strategies on the menu
    covered: int  # strategies that were read
    share: float  # 1; the second of the first
    complete: bool  # whether it is the whole menu
    seconds: float  # second; time that it took
    programs: int  # linear programs solved


@dataclass(frozen=True)
class Exact:
    """The figures of a strategy, evaluated exactly with ties in the leader's favour."""

    revenue_musd: float  # million USD, present value; what the leader receives
    cost_musd: float  # million USD, present value; what it spends or forgoes
    payoff_musd: float  # million USD, present value; the first less the second
    pessimistic_musd: float  # million USD, present value; payoff with ties against the leader
    leverage_musd: Mapping[str, float]  # million USD; loss of all buyers, by phase at whose end the cut-off begins


@dataclass(frozen=True)
class Read:
    """The figures of a strategy as they were read in the search."""

    label: str  # name of the strategy, or a number on the menu
    revenue_musd: float  # million USD, present value; what the leader receives
    cost_musd: float  # million USD, present value; what it spends or forgoes
    payoff_musd: float  # million USD, present value; the first less the second
    leverage_musd: Mapping[str, float]  # million USD; loss of all buyers, by phase at whose end the cut-off begins


@dataclass(frozen=True)
class Weights:
    """Weights for which a strategy is best, on objectives scaled by their range over the set."""

    revenue: float  # 1; of revenue
    cost: float  # 1; of cost
    leverage: float  # 1; of leverage


@dataclass(frozen=True)
class Member(Read):
    """A strategy of the Pareto set."""

    path: Mapping[str, Mapping[str, str]]  # posture by phase and bundle of groups
    is_efficient_in_three: bool  # whether in revenue, cost and leverage at the end of the last phase alone
    weights: Weights | None  # inside those for which it is best; None for one that never is
    worth_in_revenue: Rates | None  # USD/USD; revenue for leverage at which it is best for some weight of cost
    worth_in_payoff: Rates | None  # USD/USD; payoff for leverage at which it is best of those evaluated exactly
    exact: Exact | None  # its figures, if it was evaluated exactly

    @property
    def rate(self) -> Rates | None:
        """At which rates of exchange between payoff and leverage it is best."""
        return self.worth_in_payoff


@dataclass(frozen=True)
class Placed(Read):
    """A named strategy beside the Pareto set."""

    is_efficient: bool  # whether nothing on the menu is better in all of revenue, cost and leverage
    dominated_by: str | None  # the member that is best of those that are better in all three
    dominated_by_named: tuple[str, ...]  # the named strategies that are better in all three
    distance: float  # 1; how far it falls short of the set, as a share of its ranges
    worth_in_payoff_among_named: Rates | None  # USD/USD; payoff for leverage at which it is best of the named ones
    exact: Exact | None  # its figures, evaluated exactly

    @property
    def rate(self) -> Rates | None:
        """At which rates of exchange between payoff and leverage it is best."""
        return self.worth_in_payoff_among_named


@dataclass(frozen=True)
class Differences:
    """How far the exact evaluations lie from the reading of the search."""

    evaluated: int  # strategies that were evaluated exactly
    largest_difference_payoff_musd: float  # million USD, present value; of the payoff
    largest_difference_leverage_musd: float  # million USD; of leverage at the end of any phase


@dataclass(frozen=True, repr=False)
class Frontier(Shown):
    """The Pareto set of the menu over revenue, cost and leverage, with the named strategies placed on it."""

    schema_version: int  # of this layout
    command: str  # the command that was asked
    instance: Subject  # what was asked about
    phase: str  # at whose end leverage counts for weights and rates
    phases: tuple[str, ...]  # at whose ends leverage counts for the set
    cut_off: CutOffAsked  # that leverage is the loss from
    reading: str  # which answer of the buyers the search reads
    search: Covered  # how far the menu was searched
    efficient: int  # strategies of the set
    efficient_in_three: int  # those of them that are efficient with leverage at the end of the last phase alone
    supported: int  # those of them that are best for some weights
    members: tuple[Member, ...]  # the set, by falling payoff
    named: tuple[Placed, ...]  # the named strategies
    exact: Differences  # of the exact evaluations from the search
    sentences: tuple[str, ...]  # what the set comes to, in words
    manifest: Mapping[str, Any]  # what a later reader needs to check the result

    @property
    def inner(self) -> list[Member]:
        """The members that are efficient in revenue, cost and leverage at the end of the last phase."""
        return [member for member in self.members if member.is_efficient_in_three]

    def to_frame(self) -> pd.DataFrame:
        """One row a member of the set, with its figures of the search."""
        import pandas as pd

        rows = [
            {"revenue_musd": one.revenue_musd, "cost_musd": one.cost_musd, "payoff_musd": one.payoff_musd}
            | {f"leverage_{phase}_musd": value for phase, value in one.leverage_musd.items()}
            for one in self.members
        ]
        return pd.DataFrame(rows, index=pd.Index([one.label for one in self.members], name="strategy"))


def figures(block: Member | Placed) -> Exact | Read:
    """The figures of a strategy: those evaluated exactly where there are any, else those of the search."""
    return block.exact or block


def rungs(blocks: Sequence[Member] | Sequence[Placed]) -> list[Member | Placed]:
    """The strategies that are best for some rate of exchange between payoff and leverage, by rising rate."""
    ranked = [(block.rate[0], block) for block in blocks if block.rate is not None]
    return [block for _, block in sorted(ranked, key=lambda pair: pair[0])]
