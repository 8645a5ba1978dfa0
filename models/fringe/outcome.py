"""What an answer to each fringe game says: frozen figures, whichever method found them.

Prices are money per unit, profits money per period, quantities units per period.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


class Regime(Enum):
    """Who sells; each value is the sentence a user reads."""

    INTERIOR = "both sell"
    LIMIT = "the leader sells just enough to keep the followers out"
    MONOPOLY = "the leader sells alone, and the followers do not bind it"
    LEADER_OUT = "the followers serve the market alone; the leader stays out"
    NO_TRADE = "nobody can sell at a profit"


@dataclass(frozen=True)
class Outcome:
    """An answer, as figures."""

    def to_frame(self) -> pd.DataFrame:
        """One row; nested figures have dotted names."""
        import pandas as pd

        return pd.json_normalize(asdict(self))


@dataclass(frozen=True)
class DominantOutcome(Outcome):
    """A dominant firm's best price; ``lerner`` is (p − c) / p, None where the leader sells nothing."""

    price: float
    quantity: float
    fringe: float
    profit: float
    lerner: float | None
    regime: Regime


@dataclass(frozen=True)
class SqueezeOutcome(Outcome):
    """The best quantity while the fringe is stuck.

    Attributes
    ----------
    usual_profit : what the leader earns when the fringe answers the price
    break_even : the least quantity that earns the usual profit; None where no quantity does
    """

    quantity: float
    price: float
    profit: float
    usual_profit: float
    break_even: float | None


@dataclass(frozen=True)
class Stage(Outcome):
    """One period of the promise game: leader's and fringe's quantities, price, leader's profit."""

    quantity: float
    fringe: float
    price: float
    profit: float


@dataclass(frozen=True)
class PromiseOutcome(Outcome):
    """The three stages and the least discount factor per period that upholds the promise at a lag in periods."""

    commitment: Stage
    discretion: Stage
    cheating: Stage
    lag: float
    critical_discount: float


@dataclass(frozen=True)
class DuopolyOutcome(Outcome):
    """Quantities, price and profits of two firms."""

    leader: float
    follower: float
    price: float
    leader_profit: float
    follower_profit: float
    regime: Regime


@dataclass(frozen=True)
class BlockOutcome(Outcome):
    """The leader's best dispatch in a block market.

    Attributes
    ----------
    served, dispatched : what each block of demand consumes and each of the fringe sells, in the instance's order
    revenue : what the leader is paid, from the values and multipliers of the dispatch by strong duality
    """

    price: float
    quantity: float
    served: tuple[float, ...]
    dispatched: tuple[float, ...]
    revenue: float
    profit: float
