"""What a strategy sets off besides buying: trust, countermeasures, firms and the home market, the target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from coercivity.engine.data.values import sometimes
from coercivity.models.licensing.data.quantity import month_name

if TYPE_CHECKING:
    from coercivity.models.licensing.leader.commit import Evaluation, Game


@dataclass(frozen=True)
class Spell:
    """A time for which a countermeasure is in force."""

    begins: str  # month in which it begins
    ends: str  # month in which it ends


@dataclass(frozen=True)
class Countermeasure:
    """What a government does in answer."""

    title: str  # of the instrument
    spells: Sequence[Spell]  # when it is in force


@dataclass(frozen=True)
class Firms:
    """What becomes of a class of the leader's own firms, while licences hold."""

    title: str  # of the class
    rescue: str  # support or exit: what happens once their cash is gone
    weeks_to_insolvency: float | None  # week; from the announcement until their cash is gone; None if it never is
    support_musd: float  # million USD; paid by the state


@dataclass(frozen=True)
class Home:
    """The leader's home market while licences hold; empty without one."""

    firms: Mapping[str, Firms]  # by class of firms
    stored_t: Sequence[float]  # t; stored at home at the end of each period
    price_usd_per_kg: Sequence[float]  # USD/kg; price at home, by period


@dataclass(frozen=True)
class FixedPoint:
    """A chance of a concession that bears itself out if buyers expect it."""

    chance: float  # 1; of a concession
    spared_musd: float  # million USD; pain that conceding spares the buyers


@dataclass(frozen=True)
class Target:
    """What buyers expect of a target whose type decides; empty where none does."""

    chance: float | None = sometimes()  # 1; the least fixed point, which is used
    spared_musd: float | None = sometimes()  # million USD; pain that conceding spares the buyers
    other_fixed_points: Sequence[FixedPoint] | None = sometimes()  # what they might expect as well


@dataclass(frozen=True)
class Reactions:
    """Everything that an announcement sets off."""

    trust: Mapping[str, str]  # state of trust in which each phase begins; empty where trust is not modelled
    hazards: Mapping[str, float]  # 1; chance that licences break down as buyers see it, by phase
    leader_hazards: Mapping[str, float]  # 1; the same as the leader sees it
    countermeasures: Mapping[str, Countermeasure]  # by instrument
    home: Home  # what happens at home
    target: Target  # what buyers expect of the target


def reactions_of(game: Game, evaluation: Evaluation) -> Reactions:
    """Everything that the announcement sets off."""
    announced, phases = evaluation.announced, game.market.sets.phases
    answer = game.announcer.set_off(announced.licence, announced.tax)
    return Reactions(
        trust=dict(zip(phases, announced.trust, strict=False)),
        hazards=dict(zip(phases, announced.hazard.tolist(), strict=True)),
        leader_hazards=dict(zip(phases, announced.leader_hazard.tolist(), strict=True)),
        countermeasures={
            name: Countermeasure(
                title=game.instance.countermeasures[name].title,
                spells=[Spell(month_name(int(begins)), month_name(int(ends))) for begins, ends in spells],
            )
            for name, spells in answer.windows.items()
        },
        home=_home(game, evaluation),
        target=_target(evaluation),
    )


def _home(game: Game, evaluation: Evaluation) -> Home:
    instance, flows = game.instance, game.announcer.home_flows(evaluation.announced)
    return Home(
        firms={
            name: Firms(firm.title, firm.rescue, flows.weeks[name], flows.supported[name])
            for name, firm in instance.firms.items()
        },
        stored_t=flows.stored[0].tolist() if instance.home is not None else [],
        price_usd_per_kg=flows.price[0].tolist() if instance.home is not None else [],
    )


def _target(evaluation: Evaluation) -> Target:
    """The least fixed point of what buyers expect, and the others."""
    belief = evaluation.belief
    if belief is None:
        return Target()
    others = [FixedPoint(chance, spared) for chance, spared in belief.others]
    return Target(belief.chance, belief.spared, others)
