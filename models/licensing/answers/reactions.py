"""What a strategy sets off besides buying, as plain data: trust, countermeasures, firms and the home market, the target."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from coercivity.models.licensing.data.quantity import month_name

if TYPE_CHECKING:
    from coercivity.models.licensing.answers.results import Assessment
    from coercivity.models.licensing.leader.commit import Game


def reactions_block(game: Game, assessment: Assessment) -> dict[str, Any]:
    """Everything that the announcement sets off."""
    announced = assessment.evaluation.announced
    answer = game.announcer.set_off(announced.licence)
    return {
        "trust": dict(zip(game.market.sets.phases, announced.trust, strict=False)),
        "hazards": dict(zip(game.market.sets.phases, announced.hazard.tolist(), strict=True)),
        "leader_hazards": dict(zip(game.market.sets.phases, announced.leader_hazard.tolist(), strict=True)),
        "countermeasures": {
            name: {
                "title": game.instance.countermeasures[name].title,
                "spells": [
                    {"begins": month_name(int(begins)), "ends": month_name(int(ends))} for begins, ends in spells
                ],
            }
            for name, spells in answer.windows.items()
        },
        "home": _home(game, assessment),
        "target": _target(assessment),
    }


def _home(game: Game, assessment: Assessment) -> dict[str, Any]:
    """Firms, stored output and the home price while licences hold."""
    instance, flows = game.instance, game.announcer.home_flows(assessment.evaluation.announced)
    return {
        "firms": {
            name: {
                "title": firm.title,
                "rescue": firm.rescue,
                "weeks_to_insolvency": flows.weeks[name],
                "support_musd": flows.supported[name],
            }
            for name, firm in instance.firms.items()
        },
        "stored_t": flows.stored[0].tolist() if instance.home is not None else [],
        "price_usd_per_kg": flows.price[0].tolist() if instance.home is not None else [],
    }


def _target(assessment: Assessment) -> dict[str, Any]:
    """Where the target's type decides: the least fixed point of what buyers expect, and the others."""
    belief = assessment.evaluation.belief
    if belief is None:
        return {}
    return {
        "chance": belief.chance,
        "spared_musd": belief.spared,
        "other_fixed_points": [{"chance": chance, "spared_musd": spared} for chance, spared in belief.others],
    }
