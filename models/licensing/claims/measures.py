"""What a claim may ask the licensing model: a small closed set of measures, each evaluation made once.

The model is imported when the first question is asked, so that a file of claims can be checked without it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from coercivity.engine.errors import check_name

if TYPE_CHECKING:
    from coercivity.models.licensing.claims.data import Measure, MeasureName
    from coercivity.models.licensing.leader.commit import Evaluation, Game

UNITS: dict[MeasureName, str] = {
    "payoff_change": "million USD",
    "payoff_change_without_concession": "million USD",
    "margin_change": "million USD",
    "buyers_pain": "million USD",
    "exports": "t",
    "break_even_probability": "1",
    "leader_foreign_share": "1",
    "leader_world_share": "1",
    "rivals_world_share": "1",
}
"""The unit of each measure."""

AGAINST = (
    "payoff_change",
    "payoff_change_without_concession",
    "margin_change",
    "buyers_pain",
    "break_even_probability",
)
"""Measures that hold a strategy against another one."""

MONTHS = ("exports", "leader_foreign_share", "leader_world_share", "rivals_world_share", "margin_change")
"""Measures over a span of months; the margin's must be whole calendar years."""


@dataclass
class Models:
    """The games that were asked, and their answers, kept for the next question.

    Parameters
    ----------
    progress : called with (stage, evaluations done, all)
    total : evaluations that will be asked for, for the progress
    """

    progress: Callable[[str, int, int], None]
    total: int = 0
    _games: dict[str, Game] = field(default_factory=dict)
    _evaluations: dict[tuple[str, str], Evaluation] = field(default_factory=dict)

    def value(self, asked: Measure) -> float:
        """The measure's value, in the unit of :data:`UNITS`.

        Raises
        ------
        UsageError
            No such instance or strategy.
        InvalidInstance
            The instance cannot be accepted.
        """
        game, ours = self._evaluation(asked.instance, asked.strategy)
        other = self._evaluation(asked.instance, asked.against)[1] if asked.against else ours
        return float(_FUNCTIONS[asked.measure](game, ours, other, asked))

    def _evaluation(self, instance: str, strategy: str) -> tuple[Game, Evaluation]:
        from coercivity.models.licensing.data.load import load
        from coercivity.models.licensing.leader.commit import Game

        if instance not in self._games:
            self.progress("building", len(self._games), len(self._games) + 1)
            self._games[instance] = Game(load(instance))
        game = self._games[instance]
        check_name(f"{instance}:", strategy, game.instance.strategies, "strategies")
        if (instance, strategy) not in self._evaluations:
            self.progress("evaluating", len(self._evaluations), max(self.total, len(self._evaluations) + 1))
            self._evaluations[instance, strategy] = game.evaluate(game.announce(strategy))
            self.progress("evaluating", len(self._evaluations), max(self.total, len(self._evaluations)))
        return game, self._evaluations[instance, strategy]


def _without_concession(found: Evaluation) -> float:
    return found.optimistic - found.payoff.terms["concession"]


def _payoff_change(game: Game, ours: Evaluation, other: Evaluation, asked: Measure) -> float:
    """The leader's payoff less that under the other strategy, present value."""
    return ours.optimistic - other.optimistic


def _payoff_change_without_concession(game: Game, ours: Evaluation, other: Evaluation, asked: Measure) -> float:
    """The same, if nothing is ever conceded."""
    return _without_concession(ours) - _without_concession(other)


def _margin_change(game: Game, ours: Evaluation, other: Evaluation, asked: Measure) -> float:
    """The leader's margin on exports less that under the other strategy, undiscounted, over calendar years."""
    assert asked.begins is not None and asked.ends is not None
    years = range(int(asked.begins[:4]), int(asked.ends[:4]) + 1)
    margins = [found.payoff.by_year["margin"] for found in (ours, other)]
    return sum(margins[0].get(year, 0.0) - margins[1].get(year, 0.0) for year in years)


def _buyers_pain(game: Game, ours: Evaluation, other: Evaluation, asked: Measure) -> float:
    """Rise of all buyers' expected cost over the other strategy, present value."""
    return (ours.response.cost - other.response.cost) / 1000.0


def _break_even_probability(game: Game, ours: Evaluation, other: Evaluation, asked: Measure) -> float:
    """Probability of the concession at which the two strategies pay the same; above 1 where none is enough."""
    from coercivity.engine.errors import UsageError
    from coercivity.models.licensing.leader.payoff import concession_value

    worth = concession_value(game.books)[0]
    if worth <= 0:
        raise UsageError(asked.instance, "has no concession of any worth", "ask an instance that has one")
    return (other.optimistic - _without_concession(ours)) / worth


def _tonnes(game: Game, found: Evaluation, asked: Measure) -> tuple[float, float, float]:
    """Exports, rivals' sales and the leader's use at home in the months asked for, while licences hold; tonnes."""
    import numpy as np

    from coercivity.models.licensing.data.quantity import month_index

    assert asked.begins is not None and asked.ends is not None
    grid, plan, leader = game.market.grid, found.response.plan, game.instance.leader
    window = grid.overlap(month_index(asked.begins), month_index(asked.ends) + 1) / grid.length
    exports, rivals = (
        plan[name][: len(grid)].reshape(len(grid), -1).sum(axis=1) for name in ("imports", "rival_sales")
    )
    home = float(leader.home_use) * grid.years * np.power(1.0 + float(leader.home_growth), grid.middle)
    return float(window @ exports), float(window @ rivals), float(window @ home)


def _exports(game: Game, ours: Evaluation, other: Evaluation, asked: Measure) -> float:
    """The leader's exports in the months asked for."""
    return _tonnes(game, ours, asked)[0]


def _leader_foreign_share(game: Game, ours: Evaluation, other: Evaluation, asked: Measure) -> float:
    """The leader's share of what the buyers buy."""
    exports, rivals, _ = _tonnes(game, ours, asked)
    return exports / max(exports + rivals, 1e-9)


def _rivals_world_share(game: Game, ours: Evaluation, other: Evaluation, asked: Measure) -> float:
    """The rivals' share of all output, the leader's use at home included."""
    exports, rivals, home = _tonnes(game, ours, asked)
    return rivals / max(exports + rivals + home, 1e-9)


def _leader_world_share(game: Game, ours: Evaluation, other: Evaluation, asked: Measure) -> float:
    """The leader's share of all output, its use at home included."""
    return 1.0 - _rivals_world_share(game, ours, other, asked)


_FUNCTIONS: dict[MeasureName, Callable[..., Any]] = {
    "payoff_change": _payoff_change,
    "payoff_change_without_concession": _payoff_change_without_concession,
    "margin_change": _margin_change,
    "buyers_pain": _buyers_pain,
    "exports": _exports,
    "break_even_probability": _break_even_probability,
    "leader_foreign_share": _leader_foreign_share,
    "leader_world_share": _leader_world_share,
    "rivals_world_share": _rivals_world_share,
}
