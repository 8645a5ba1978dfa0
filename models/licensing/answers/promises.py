"""Whether promises and threats would be kept: discretion, credibility and repeated play, as figures and in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from coercivity.engine.parallel import Crew
from coercivity.models.licensing.announcement.announce import path_from_rules, path_if_conceded, relieved
from coercivity.models.licensing.announcement.licences import Path
from coercivity.models.licensing.leader.commit import Game
from coercivity.models.licensing.leader.discretion import Move, Play, build_lag, play

OPTIMAL = "optimal"
# A licence that is a week late is no threat.
A_LITTLE = 0.02
LARGEST = 200
"""Every pair costs a linear program, so a longer menu is cut: named strategies first, then the optimum and its neighbours."""


@dataclass(frozen=True)
class Discretion:
    """What is played once buyers have invested in the belief that it will be."""

    strategy: str  # name of the strategy
    path: Sequence[Sequence[Sequence[str]]]  # its postures, by phase, group and product
    value_musd: float  # million USD; the leader's payoff if it is believed and played
    is_stable: bool  # whether nothing tempts the leader away from it
    regret_musd: float  # million USD; what breaking it would gain


@dataclass(frozen=True)
class Kept:
    """What becomes of the promise and of the threat that a strategy is."""

    kept_musd: float  # million USD; the leader's payoff if it is believed and kept
    regret_musd: float  # million USD; what breaking it would gain
    tempted_by: str | None  # the strategy for which it would be broken; None if for none
    is_credible: bool  # whether the threat would be carried out after a refusal
    carrying_on_musd: float  # million USD; payoff of carrying on after a refusal, without a concession
    giving_in_musd: float  # million USD; payoff of relieving the target then
    # 1; least discount factor a year at which the promise enforces itself; None at none, or if nothing can be built
    critical_discount: float | None
    critical_discount_by_lag: Mapping[str, float | None]  # 1; the same, by years that rivals take to build
    is_threat: bool  # whether the target is licensed less than it needs


@dataclass(frozen=True)
class Promises:
    """What survives once buyers have invested, and what keeps a promise."""

    small_menu: int  # strategies between which the leader may choose then
    commitment_musd: float  # million USD; payoff of the best of them if the leader can commit
    discretion: Discretion  # what is played if it cannot
    value_of_commitment_musd: float  # million USD; what being able to commit is worth
    build_lag_years: float | None  # year; mean time that rivals take to build; None where nothing can be built
    leader_discount_factor: float  # 1; the leader's own, a year
    least_feared: str  # the named strategy under which buyers fear least
    strategies: Mapping[str, Kept]  # the named strategies, and the best on the menu


def small_menu(game: Game, best: Path | None) -> list[Move]:
    """The named strategies, the optimum, and what differs from it in one slot."""
    instance = game.instance
    moves = [
        Move(
            name,
            path_from_rules(instance, strategy),
            path_if_conceded(instance, strategy),
            name if strategy.fed else None,
        )
        for name, strategy in instance.strategies.items()
    ]
    if best is not None:
        paths = [best, *(game.menu.path(choice) for choice in game.deviations(best))]
        for number, path in enumerate(paths):
            freed = relieved(instance, path) if instance.concession is not None else path
            moves.append(Move(OPTIMAL if number == 0 else f"optimal, change {number}", path, freed))
    return moves[:LARGEST]


def promises(
    game: Game, best: Path | None, jobs: int | Crew, progress: Callable[[int, int], None] | None = None
) -> Promises:
    """What survives once buyers have invested, and what keeps a promise."""
    moves = small_menu(game, best)
    found = play(game.instance, game.market, game.followers.layout, moves, game.reference_pressure, jobs, progress)
    lag, chosen = build_lag(game.instance), found.found.chosen
    told = {*game.instance.strategies, OPTIMAL}
    return Promises(
        small_menu=len(moves),
        commitment_musd=found.found.commitment,
        discretion=Discretion(
            strategy=moves[chosen].name,
            path=moves[chosen].path,
            value_musd=found.found.value,
            is_stable=bool(found.found.stable),
            regret_musd=float(found.found.regret[chosen]),
        ),
        value_of_commitment_musd=found.found.value_of_commitment,
        build_lag_years=lag,
        leader_discount_factor=1.0 / (1.0 + float(game.instance.leader.discount_rate)),
        least_feared=_least_feared(game),
        strategies={
            move.name: _kept(game, found, number, lag) for number, move in enumerate(moves) if move.name in told
        },
    )


def _is_threat(game: Game, move: Move) -> bool:
    """Whether the target is licensed less than it is forecast to need, by more than a week of delay."""
    concession = game.instance.concession
    if concession is None:
        return False
    blocs = game.announcer.members[list(game.instance.groups).index(concession.target)]
    fed = {} if move.record is None else game.instance.strategies[move.record].fed
    licence = game.announcer.announce(move.path, move.name, fed).licence[: len(game.market.grid)][:, blocs]
    needed = game.market.forecast[:, blocs]
    return bool(np.minimum(licence, needed).sum() < (1.0 - A_LITTLE) * needed.sum())


def _least_feared(game: Game) -> str:
    """The named strategy that promises most: the one under which buyers fear least, the first of equals."""
    return min(game.instance.strategies, key=lambda name: float(game.announce(name).hazard.sum()))


def _kept(game: Game, found: Play, number: int, lag: float | None) -> Kept:
    """One strategy: kept, broken, carried out, and how patient it takes to keep it."""
    tempted = found.found.temptation[number]
    return Kept(
        kept_musd=float(found.payoffs[number, number]),
        regret_musd=float(found.found.regret[number]),
        tempted_by=found.moves[tempted].name if found.found.regret[number] > 0 else None,
        is_credible=found.is_credible(number),
        carrying_on_musd=float(found.carrying_on[number]),
        giving_in_musd=float(found.giving_in[number]),
        critical_discount=None if lag is None else found.repeated(number, lag).value,
        critical_discount_by_lag={f"{years:g}": value for years, value in found.by_lag(number).items()},
        is_threat=_is_threat(game, found.moves[number]),
    )


def sentences(told: Promises, concessions: Mapping[str, float]) -> list[str]:
    """The same in words; ``concessions`` is what each strategy's payoff counts on, million USD."""
    return [_discretion(told), *_patience(told), *_threats(told, concessions)]


def _discretion(told: Promises) -> str:
    chosen = told.discretion
    where = f"worth {chosen.value_musd:,.0f} million USD (over {told.small_menu} strategies)"
    start = (
        f"Without a promise, once buyers have invested, the leader plays {chosen.strategy} as they expect, {where}"
        if chosen.is_stable
        else f"No strategy is still best once buyers have invested; {chosen.strategy} tempts least to break it "
        f"({chosen.regret_musd:,.0f} million USD to gain), {where}"
    )
    return f"{start}. Being able to commit is worth {told.value_of_commitment_musd:,.0f} million USD."


def _patience(told: Promises) -> list[str]:
    """Whether the strategy that promises most enforces itself."""
    name, lag, own = told.least_feared, told.build_lag_years, told.leader_discount_factor
    kept = told.strategies[name]
    if kept.tempted_by is None:
        return [f"A trusted promise of {name} tempts nobody to break it."]
    gain = f"Once {name} is trusted, breaking it for {kept.tempted_by} would gain {kept.regret_musd:,.0f} million USD"
    if lag is None:
        return [f"{gain}, and buyers can build nothing to punish it."]
    needed = kept.critical_discount
    if needed is None:
        return [
            f"{gain}; losing trust for ever would cost no more, so it does not enforce itself at any discount rate."
        ]
    verdict = "so it enforces itself" if own >= needed else "so it does not enforce itself without a bond"
    return [
        f"{gain}; rivals' plants take {lag:.1f} years to answer, so a leader must weigh a year ahead with at least "
        f"{needed:.2f} of this year ({1 / needed - 1:.0%} interest), and this one does with {own:.2f}, {verdict}."
        if needed > 0
        else f"{gain}, and less than what trust is worth."
    ]


def _threats(told: Promises, concessions: Mapping[str, float]) -> list[str]:
    hollow = [
        name
        for name, kept in told.strategies.items()
        if kept.is_threat and concessions.get(name, 0.0) > 1.0 and not kept.is_credible
    ]
    if not hollow:
        return []
    return [
        "Once the target has refused, relieving it would pay the leader more than carrying the threat out under "
        f"{', '.join(hollow)}: the concession counted there rests on a commitment, not on a credible threat."
    ]
