"""The answer to one strategy as a value: what it is worth, who pays, period by period, and what is proved of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from coercivity.engine.data.values import sometimes
from coercivity.engine.proof.check import Check
from coercivity.models.licensing.answers.backtest.values import Fact
from coercivity.models.licensing.answers.reactions import Reactions

if TYPE_CHECKING:
    import pandas as pd


def cut_off(months: float) -> str:
    """What a cut-off of so many months is called.

    >>> cut_off(3.0), cut_off(1.5)
    ('3 months', '1.5 months')
    """
    return f"{months:g} months"


@dataclass(frozen=True)
class PathRow:
    """One posture of a path: in a phase, towards a group."""

    phase: str  # name of the phase
    begins: str  # month in which the phase begins
    group: str  # name of the group of blocs
    posture: str  # name of the posture
    product: str | None = sometimes()  # name of the product, where postures differ by product


@dataclass(frozen=True)
class Commitment:
    """What the leader commits to."""

    name: str  # of the strategy, or optimal
    title: str  # of the strategy
    is_optimum: bool  # whether it was searched for
    fed: bool  # whether volumes of the record were fed in
    fed_volumes_t: Mapping[str, float]  # t; licensed according to the record, by month
    path: Sequence[PathRow]  # postures by phase and group
    hazards: Mapping[str, float]  # 1; chance that licences break down as buyers see it, by phase


@dataclass(frozen=True)
class LeaderPayoff:
    """What the leader has of it, in expectation."""

    value_musd: float  # million USD; present value of the payoff: the sum of its terms
    terms_musd: Mapping[str, float]  # million USD; present value, by term
    by_year: Mapping[str, Mapping[str, float]]  # million USD; undiscounted, by term and year
    probability: float  # 1; of a concession
    pressure_musd: float  # million USD; what refusing costs the target, on which the probability rests
    # 1; chance of a concession from which a conditional threat is worth as much as the baseline; none where it never is
    pays_from_probability: float | None = sometimes()
    # million USD; present value of the payoff if nothing were re-exported, in a comparison
    value_without_leakage_musd: float | None = sometimes()


@dataclass(frozen=True)
class MarketTotals:
    """What all buyers pay and to whom, expected present value."""

    buyers_cost_musd: float  # million USD; with the rents that the leader and outsiders earn
    market_pain_musd: float  # million USD; rise of the buyers' cost over open trade
    shortage_t: float  # t; expected, over all periods
    leader_rents_musd: float  # million USD; rents that go to the leader
    outside_musd: float  # million USD; rents that go to neither leader nor buyers
    public_money_musd: float  # million USD; what governments abroad pay for rivals' plants
    reconciliation_gap_musd: float  # million USD; by how much the accounts of all miss the buyers' cost


@dataclass(frozen=True)
class BlocTotals:
    """What one bloc of buyers bears."""

    title: str  # of the bloc
    group: str  # that it belongs to
    cost_musd: float  # million USD; expected present value, less the rents that the bloc earns
    pain_musd: float  # million USD; rise of the cost over open trade
    harm_musd: float  # million USD; what the measures against it cost all buyers together, which no tie moves
    shortage_t: float  # t; expected, over all periods
    leader_share: Mapping[str, float | None]  # 1; leader's share of what the bloc buys, by period; None of nothing
    leverage_musd: Mapping[str, Mapping[str, float]]  # million USD; loss in a cut-off of it alone, by length and period


@dataclass(frozen=True)
class AllBlocs:
    """What cutting off all blocs at once would cost."""

    leverage_musd: Mapping[str, Mapping[str, float]]  # million USD; the buyers' loss, by length and period
    asymmetry_musd: Mapping[str, Mapping[str, float]]  # million USD; by what it exceeds the leader's, likewise


@dataclass(frozen=True)
class Rents:
    """What the scarce things earn, by period."""

    licence: Mapping[str, Sequence[float]]  # USD/kg; the right to export, by bloc
    exporter: Sequence[float]  # USD/kg; exporters' capacity
    rival: Mapping[str, Sequence[float]]  # USD/kg; rivals' capacity, by rival
    leakage: Mapping[str, Sequence[float]]  # USD/kg; capacity of re-export, by route


@dataclass(frozen=True)
class Series:
    """The paths by period, while licences hold."""

    periods: Sequence[str]  # names of the periods
    months: Sequence[int]  # month; length of each period
    exports_t: Mapping[str, Sequence[float]]  # t; bought of the leader, by bloc
    shortage_t: Mapping[str, Sequence[float]]  # t; unmet demand, by bloc
    rivals_t: Sequence[float]  # t; bought of rivals
    stock_t: Sequence[float]  # t; buyers' stock at the end
    ordered_t_per_yr: Sequence[float]  # t/yr; rivals' capacity ordered
    price_usd_per_kg: Mapping[str, Sequence[float]]  # USD/kg; the buyers' market price, by bloc
    rents_usd_per_kg: Rents  # USD/kg; what the scarce things earn
    leader_share: Sequence[float | None]  # 1; leader's share of what is bought abroad; None of nothing
    log_power: Sequence[float | None]  # 1; the same share on a logarithmic scale; None of nothing and of all
    hhi: Sequence[float | None]  # 1; Herfindahl index of the buyers' sources; None of nothing

    def flows(self) -> Iterator[tuple[str, str, str | None, Sequence[Any]]]:
        """Every list over periods: the field, its part of the field, the bloc that it is of, and the list."""
        for entry in fields(self):
            value = getattr(self, entry.name)
            if isinstance(value, Rents):
                yield from ((entry.name, ".licence", bloc, flow) for bloc, flow in value.licence.items())
                yield entry.name, ".exporter", None, value.exporter
                yield from ((entry.name, f".rival.{rival}", None, flow) for rival, flow in value.rival.items())
                yield from ((entry.name, f".leakage.{route}", None, flow) for route, flow in value.leakage.items())
            elif isinstance(value, Mapping):
                yield from ((entry.name, "", bloc, flow) for bloc, flow in value.items())
            elif entry.name not in ("periods", "months"):
                yield entry.name, "", None, value

    def to_frame(self) -> pd.DataFrame:
        """One row a period, one column a figure and the bloc that it is of."""
        import pandas as pd

        columns = {(f"{field}{part}", bloc or ""): flow for field, part, bloc, flow in self.flows()}
        return pd.DataFrame(columns, index=pd.Index(self.periods, name="period"))


@dataclass(frozen=True)
class Shares:
    """Shares of the market at the turn of each decade, by year; None of nothing."""

    leader_foreign: Mapping[str, float | None]  # 1; the leader's, of what is bought abroad
    rivals_foreign: Mapping[str, float | None]  # 1; the rivals', of what is bought abroad
    rivals_world: Mapping[str, float | None]  # 1; the rivals', the leader's use at home included
    hhi: Mapping[str, float | None]  # 1; Herfindahl index of the buyers' sources
    log_power: Mapping[str, float | None]  # 1; the leader's foreign share on a logarithmic scale


@dataclass(frozen=True)
class Plan:
    """What the payoff is computed from, on the nodes of the tree."""

    exports_t: Sequence[Sequence[Sequence[float]]]  # t; exports by node, bloc and product
    captured_rent_kusd: Sequence[float]  # thousand USD; licence rent that the leader captures, by node
    exporter_rent_kusd: Sequence[float]  # thousand USD; exporters' rent that it captures, by node


@dataclass(frozen=True)
class CertificateBlock:
    """What is proved of an answer."""

    proof: str  # name of the level that is proved
    says: str  # the level in words
    value_musd: float  # million USD; the leader's payoff as claimed
    bound_musd: float | None  # million USD; no commitment that was searched is worth more; None without a search
    optimistic_musd: float  # million USD; payoff if indifferent buyers choose for the leader
    pessimistic_musd: float  # million USD; payoff if they choose against it
    follower_gap: float | None  # 1; buyers' cost above an independent optimum, as a share of its scale
    best_deviation_gain_musd: float | None  # million USD; what the best change of one posture adds; None off the menu
    attained: bool  # whether the value is reached, not only approached
    assumptions: Sequence[str]  # what the bound rests on, a sentence each
    checks: Sequence[Check]  # recomputed from the instance alone
    best_deviation: Sequence[PathRow] | None  # the postures that the best change puts in; None off the menu


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One strategy, evaluated and certified."""

    strategy: Commitment  # what the leader commits to
    leader: LeaderPayoff  # what the leader has of it
    market: MarketTotals  # what all buyers pay
    blocs: Mapping[str, BlocTotals]  # what each bloc bears
    all_blocs: AllBlocs  # what cutting off all of them would cost
    reactions: Reactions  # what the announcement sets off
    series: Series  # the paths by period
    shares: Shares  # shares of the market by year
    observations: Sequence[Fact]  # facts on record about the strategy, with the model's figure beside
    plan: Plan  # what the payoff is computed from
    certificate: CertificateBlock  # what is proved of it


@dataclass(frozen=True, kw_only=True)
class Named(Answer):
    """A strategy that was named, not searched for."""

    search: None  # there was none


@dataclass(frozen=True)
class BestFirst:
    """How far a search has looked that is no proof; its bound holds for what it has looked at."""

    neighbourhood: int  # no change of so many slots of the best is better: all of them were looked at
    sampled: int  # strategies drawn at random from the rest, none of them better
    better_share: float  # 1; most of the rest that may be better, with 95 % confidence
    model_error_musd: float  # million USD; mean error of the additive model that led it, on strategies it had not seen
    finished: bool  # whether it ended by itself, and not by a limit


@dataclass(frozen=True)
class Search:
    """How far the menu was searched."""

    menu: int  # commitments on the menu
    screened: int  # commitments for which a bound was found
    resolved: int  # commitments evaluated exactly
    seconds: float  # second; time that the search took
    complete: bool  # whether the whole menu was screened
    best_first: BestFirst | None = sometimes()  # of a search that does not look at the whole menu
