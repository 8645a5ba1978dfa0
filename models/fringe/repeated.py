"""From the stages of the promise game to repeated play: the patience at which commitment is kept."""

from __future__ import annotations

from coercivity.engine.menu.repeated import CriticalDiscount, critical_discount
from coercivity.models.fringe.outcome import PromiseOutcome


def patience(stages: PromiseOutcome) -> CriticalDiscount:
    """The least discount factor per period that upholds commitment, from the stage payoffs and their lag.

    It is formed from differences of payoffs. Where the three payoffs agree to many digits (a price slope far below
    the fringe's cost slope), those differences are lost in rounding; :func:`coercivity.models.fringe.closed_form.promise` then
    still has the right one.
    """
    payoffs = stages.cheating.profit, stages.commitment.profit, stages.discretion.profit
    return critical_discount(*payoffs, stages.lag)
