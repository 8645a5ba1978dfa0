"""What studies answer, part by part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from coercivity.engine.data.values import sometimes
from coercivity.engine.report.notebook import Shown
from coercivity.engine.study.discovery import Score
from coercivity.engine.study.indices import Interval
from coercivity.engine.study.regret import Estimate
from coercivity.models.licensing.answers.subject import Subject
from coercivity.models.licensing.answers.threshold.parameter import Form, ParameterFacts

if TYPE_CHECKING:
    import pandas as pd


# -- what every study says of itself --------------------------------------------------------------------------------


@dataclass(frozen=True)
class VariedFacts(ParameterFacts):
    """A parameter as a study varies it."""

    low: float  # in its unit; lower limit of its values
    high: float  # in its unit; upper limit of its values
    distribution: str  # between the limits


@dataclass(frozen=True)
class DesignFacts:
    """The points at which a study asked its question."""

    kind: str  # how the points were chosen
    points: int  # how many
    seed: int | None  # of the random numbers; None without any
    parameters: tuple[VariedFacts, ...]  # what varies

    def parameter(self, name: str) -> VariedFacts | None:
        """What varies under a name; None for what does not."""
        return next((one for one in self.parameters if one.parameter == name), None)


@dataclass(frozen=True)
class PointFailure:
    """A point that has no answer."""

    point: int  # row of the design
    status: str  # how it ended
    message: str  # why
    values: Mapping[str, float]  # in the units of the parameters; the values of the point, by parameter


@dataclass(frozen=True, repr=False)
class StudyAnswer(Shown):
    """What every study says of itself; of a shard it is all that is said."""

    schema_version: int  # of this layout
    command: str  # the command that was asked
    instance: Subject  # what was asked about
    what: str  # evaluate: named strategies alone; solve: the best one on the menu too
    strategies: tuple[str, ...]  # that have a payoff at every point
    design: DesignFacts  # the points
    runs: Mapping[str, int]  # points in total, known before, and by how they ended
    failures: tuple[PointFailure, ...]  # points without an answer, the first of them
    shard: tuple[int, int] | None  # which of how many shares was run; None for all
    caveats: tuple[str, ...]  # what the instance warns of
    precision: str  # how exact the payoffs are
    manifest: Mapping[str, Any]  # what a later reader needs to check the result


# -- sweep ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, repr=False)
class Sweep(StudyAnswer):
    """The strategies at the points of a grid, or at both ends of every range."""

    strategy: str  # the one of the pair whose difference is told
    against: tuple[str, ...]  # the others of it


@dataclass(frozen=True)
class GridPoint:
    """A point of a grid."""

    values: tuple[float, ...]  # in the units of the parameters; in their order
    payoff_musd: Mapping[str, float] | None  # million USD, present value; by strategy; None where it has no answer
    best: str | None  # the named strategy that is worth most
    difference_musd: float | None  # million USD, present value; payoff of the one less that of the best of the others


@dataclass(frozen=True, repr=False)
class GridSweep(Sweep):
    """The strategies at the points of a grid."""

    points: tuple[GridPoint, ...]  # the first of them
    left_out: int  # points that are only in the tables
    best_share: Mapping[str, float]  # 1; share of the points at which a strategy is worth most, by strategy
    crossings: tuple[float, ...]  # in the unit of the parameter; where the difference is zero along a line

    def to_frame(self) -> pd.DataFrame:
        """One row a point: its values by parameter, the payoff of every strategy in million USD, and the best one."""
        import pandas as pd

        names = [one.parameter for one in self.design.parameters]
        return pd.DataFrame(
            [
                dict(zip(names, point.values, strict=True)) | dict(point.payoff_musd or {}) | {"best": point.best}
                for point in self.points
            ]
        )


@dataclass(frozen=True)
class Bar:
    """What one number moves, alone."""

    parameter: str  # its name
    unit: str  # of its limits
    low: float  # in its unit; lower end of its range
    high: float  # in its unit; upper end of its range
    at_low_musd: float  # million USD, present value; the difference at the lower end
    at_high_musd: float  # million USD, present value; the difference at the upper end
    swing_musd: float  # million USD, present value; how far the two lie apart
    turns: bool  # whether the difference changes its sign at an end


@dataclass(frozen=True, repr=False)
class TornadoSweep(Sweep):
    """The strategies at both ends of every range, with all else as stated."""

    bars: tuple[Bar, ...]  # by falling swing
    base_musd: float  # million USD, present value; the difference as stated
    missing: tuple[str, ...]  # numbers an end of whose range could not be weighed

    def to_frame(self) -> pd.DataFrame:
        """One row a number: its limits, and the difference there in million USD."""
        import pandas as pd

        return pd.DataFrame([vars(bar) for bar in self.bars])


# -- Monte-Carlo ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Quantiles:
    """Values that a share of the draws does not exceed; infinite ones are None."""

    p5: float | None  # of 5 % of the draws
    p25: float | None  # of 25 %
    p50: float | None  # of half of them
    p75: float | None  # of 75 %
    p95: float | None  # of 95 %


@dataclass(frozen=True)
class StrategySummary:
    """What a strategy is worth over the draws."""

    strategy: str  # its name
    mean_musd: float  # million USD, present value; average payoff
    standard_error_musd: float  # million USD, present value; of the average
    quantiles_musd: Quantiles  # million USD, present value; of the payoff
    wins: float  # 1; share of the draws in which it is worth most, ties shared
    ties: float  # 1; share of the draws in which it is worth as much as the best other one
    largest_regret_musd: float  # million USD, present value; by which it falls short of the best of a draw at most
    expected_regret_musd: float  # million USD, present value; by which it falls short on average


@dataclass(frozen=True)
class Choice:
    """What to choose; several where they are equal."""

    expected: tuple[str, ...]  # highest average payoff
    robust: tuple[str, ...]  # least largest regret


@dataclass(frozen=True)
class PairDifference:
    """What one strategy is worth more than another, over the same draws."""

    first: str  # the one
    second: str  # the other
    mean_musd: float  # million USD, present value; on average
    low_musd: float  # million USD, present value; lower end of the interval that holds it with 95 %
    high_musd: float  # million USD, present value; upper end
    ahead: float  # 1; share of the draws in which the first is worth more


@dataclass(frozen=True)
class Dominance:
    """Pairs of strategies whose first has the better distribution."""

    first_order: tuple[tuple[str, str], ...]  # for whoever prefers more to less
    second_order: tuple[tuple[str, str], ...]  # for whoever also dislikes risk


@dataclass(frozen=True)
class YearPower:
    """The leader's market power under a strategy in a year."""

    strategy: str  # its name
    year: int  # calendar year
    share: Quantiles  # 1; of the leader's share of what is bought abroad
    power: Quantiles  # 1; of −ln(1 − share)


@dataclass(frozen=True)
class Reoptimised:
    """What it would be worth to choose anew from the menu in every draw."""

    mean_musd: float  # million USD, present value; average payoff of the best strategy of each draw
    gain_musd: Estimate  # million USD, present value; over the strategy with the highest average


@dataclass(frozen=True, repr=False)
class MonteCarlo(StudyAnswer):
    """The strategies over the same draws."""

    summaries: tuple[StrategySummary, ...]  # of each strategy
    choice: Choice  # what to choose
    perfect_information_musd: Estimate  # million USD, present value; worth of knowing the numbers before choosing
    differences: tuple[PairDifference, ...]  # of every pair
    dominance: Dominance  # who has the better distribution
    power: tuple[YearPower, ...]  # of each strategy in each year
    reoptimised: Reoptimised | None = sometimes()  # only where the best strategy was found in every draw

    def summary(self, strategy: str) -> StrategySummary:
        """The summary of a strategy."""
        return next(row for row in self.summaries if row.strategy == strategy)

    def to_frame(self) -> pd.DataFrame:
        """One row a strategy: its summary, figures in million USD."""
        import pandas as pd

        rows = [{**vars(row), "quantiles_musd": None} | vars(row.quantiles_musd) for row in self.summaries]
        return pd.DataFrame(rows).drop(columns="quantiles_musd").set_index("strategy")


# -- sensitivity ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, repr=False)
class Sensitivity(StudyAnswer):
    """How much of the variation of an outcome each uncertain number answers for."""

    method: str  # sobol or morris
    strategy: str  # whose payoff is the outcome
    against: tuple[str, ...]  # less that of the best of these; its own payoff where empty
    of: int  # numbers with a range, of which those that move the outcome farthest alone were varied


@dataclass(frozen=True)
class OutcomeFacts:
    """The outcome over the points."""

    mean_musd: float  # million USD, present value; on average
    deviation_musd: float  # million USD, present value; standard deviation
    positive: float  # 1; share of the points where it is positive


@dataclass(frozen=True)
class SobolIndex:
    """What a number answers for."""

    parameter: str  # its name
    first_order: Interval  # 1; share of the variance, alone
    total: Interval  # 1; share of the variance, with its interactions
    unit: str  # of the number


@dataclass(frozen=True, repr=False)
class SobolIndices(Sensitivity):
    """Shares of the variance of an outcome."""

    indices: tuple[SobolIndex, ...]  # by falling total
    alone: Interval  # 1; share of the variance that the numbers explain without interactions
    outcome: OutcomeFacts  # what varies


@dataclass(frozen=True)
class ElementaryEffect:
    """What the whole range of a number moves."""

    parameter: str  # its name
    mu_musd: float  # million USD, present value; mean effect
    mu_star_musd: Interval  # million USD, present value; mean size of the effect
    sigma_musd: float  # million USD, present value; deviation, large where it is not linear or interacts
    unit: str  # of the number


@dataclass(frozen=True, repr=False)
class ElementaryEffects(Sensitivity):
    """Effects of whole ranges on an outcome."""

    indices: tuple[ElementaryEffect, ...]  # by falling mean size
    outcome: OutcomeFacts  # what varies


# -- discovery ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, repr=False)
class Discovered(StudyAnswer):
    """In which region of the uncertainties a strategy wins."""

    strategy: str  # whose wins were looked for
    against: tuple[str, ...]  # over all of which it has to win
    density: float  # 1; share of wins that a box must reach


@dataclass(frozen=True)
class Limit:
    """What a box allows one number."""

    parameter: str  # its name
    unit: str  # of its limits
    kind: Form  # as of any parameter
    low: float | None  # in its unit; None without a lower limit
    high: float | None  # in its unit; None without an upper limit
    range: tuple[float, float]  # in its unit; between which values it was drawn
    p_low: float | None  # 1; how likely so many wins were without the lower limit
    p_high: float | None  # 1; how likely so many wins were without the upper limit


@dataclass(frozen=True)
class WinningBox:
    """A region in which the strategy wins."""

    restrictions: tuple[Limit, ...]  # what it allows the numbers that it restricts
    score: Score  # on the draws that it was found with
    held_out: Score | None  # on draws that were kept back; None without any


@dataclass(frozen=True, repr=False)
class Wins(Discovered):
    """Wins over the draws; nothing more where no region is to be told apart."""

    draws: int  # that have an answer
    wins: int  # of them won
    boxes: tuple[WinningBox, ...]  # one after the other, each on what the ones before leave
    coverage: None  # nothing; the score says it
    win_share: float  # 1; the second of the first


@dataclass(frozen=True, repr=False)
class Regions(Wins):
    """The regions in which a strategy wins."""

    score: Score  # of all boxes together, on the draws that they were found with
    held_out: Score | None  # on draws that were kept back; None without any
    ending: str  # why the search ended
    densest: float | None  # 1; density of the best box that was not dense enough; None without one
