"""What the leader may do and hope for: postures, strategies, the menu, the concession, and the leverage reported."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field

from coercivity.models.licensing.data.quantity import (
    MillionUsd,
    MillionUsdPerYear,
    Month,
    Months,
    Name,
    Price,
    Share,
    Table,
    Tonnes,
    Years,
    quantity,
)


class Breakdown(Table):
    """What is still delivered, and for how long, when licences break down."""

    delivered: Share = Field(description="share of what the posture would have licensed")
    lasts: Months = Field(description="from the month in which it strikes")


class Posture(Table):
    """A way to license exports."""

    title: str = Field(description="what reports call it")
    licensed: Literal["open"] | quantity(
        "1", 0, 3
    ) = Field(description="share of the forecast imports from the leader that is licensed; open: no cap")
    granted: dict[Name, Share] | None = Field(
        None,
        description="by bloc: its share of all that is licensed, wherever this posture is in force; default: by forecast imports",
    )
    processing: quantity("day", 0, 720) | None = Field(None, description="from application to delivery")
    end_use_control: Share | None = Field(None, description="share of re-export capacity that is closed")
    release: Literal["month", "quarter"] = Field(
        "month", description="licences are released for a month or a quarter; within a quarter buyers choose the month"
    )
    corridor: Share | None = Field(
        None,
        description="half-width of the price corridor that the leader defends; none: buyers bear the whole price risk",
    )
    export_tax: Price | None = Field(None, description="tax on every kilogram exported")
    export_duty: Share | None = Field(
        None, description="tax on every kilogram exported, as a share of the leader's price"
    )
    buffer: Months | None = Field(
        None,
        description="months of the group's forecast imports that the leader holds ready, delivered in a breakdown until used up",
    )
    conduct: Name | None = Field(None, description="how buyers read this posture: a conduct of the trust automaton")
    hazard: quantity("1", 0, 0.9) = Field(
        description="chance that licences break down in a phase under this posture, as buyers with full trust see it"
    )
    leader_hazard: quantity("1", 0, 0.9) | None = Field(
        None, description="the same as the leader sees it; default: the posture's hazard, whatever trust is left"
    )
    breakdown: Breakdown


class Rule(Table):
    """Sets a posture for a phase, a group and a product; what is left out means all of them."""

    posture: Name = Field(description="what is in force")
    phase: Name | None = Field(None, description="in which phase; default: in all")
    group: Name | None = Field(None, description="towards which group; default: towards all")
    product: Name | None = Field(None, description="for which product; default: for all")


@dataclass(frozen=True)
class Fed:
    """What was licensed in a month of the record: tonnes to all buyers, and the share of each bloc where it is known."""

    tonnes: float
    shares: tuple[tuple[str, float], ...] = ()


class Strategy(Table):
    """A path of postures: the rules are applied in order, a later one over an earlier one."""

    title: str = Field(description="what reports call it")
    story: str = Field("", description="who argued for it or played it, and when")
    rules: tuple[Rule, ...] = Field(min_length=1, description="applied in order, a later one over an earlier one")
    if_conceded: tuple[Rule, ...] = Field(
        (),
        description="applied over the rules from the concession on, while it lasts; default: the target gets the relief posture",
    )
    fed_volumes: dict[Month, Tonnes] = Field(
        default_factory=dict,
        description="tonnes licensed to all buyers together in a month, fed in from the record, split by forecast imports",
    )
    fed_shares: dict[Month, dict[Name, Share]] | None = Field(
        None,
        description="by fed month and bloc: the share of its tonnes, where the record tells blocs apart",
    )

    @property
    def fed(self) -> dict[str, Fed]:
        """What was fed in, by month."""
        return {
            month: Fed(
                float(tonnes), tuple((b, float(share)) for b, share in (self.fed_shares or {}).get(month, {}).items())
            )
            for month, tonnes in self.fed_volumes.items()
        }


class Menu(Table):
    """What the search ranges over: every posture listed, in every phase, for every bundle of groups.

    Groups in one bundle are always treated alike; without bundles each group is treated by itself.
    """

    postures: tuple[Name, ...] = Field(min_length=1, description="those that the search may choose from")
    bundles: tuple[tuple[Name, ...], ...] = Field(
        (), description="groups that are always treated alike; default: each by itself"
    )
    products: Literal["apart"] | None = Field(
        None,
        description="apart: a posture for every product by itself, as licences for some magnets alone; default: all alike",
    )


class CurvePoint(Table):
    """A point of the concession curve."""

    pressure: MillionUsd = Field(description="what the measures against the target cost buyers")
    probability: Share = Field(description="of a concession at that pressure; between points along a line")


class TargetType(Table):
    """What the target's controls are worth to it, if it is of this type."""

    title: str = Field(description="what reports call it")
    weight: Share = Field(description="probability of this type; all weights add up to 1")
    stake: MillionUsdPerYear = Field(description="worth of the whole concession to the target, while it lasts")


class Concession(Table):
    """What the leader hopes to be given by the target group.

    One of three ways to say how probable success is: ``types`` (the target concedes if its stake is less than the
    pain it is spared, buyers weigh both outcomes, the probability is the least fixed point), or ``probability`` (at
    the pressure of the ``reference`` strategy, scaled with pressure up to ``cap``), or a ``curve`` of probability over
    pressure. In the last two, pressure is the rise of the buyers' expected cost that the measures against the target
    cause: the followers' value under the strategy less that under the same strategy with the target relieved.
    """

    target: Name = Field(description="group whose governments may concede")
    value: MillionUsdPerYear = Field(description="worth of the whole concession to the leader, while it lasts")
    share: Share = Field(description="of that worth that is conceded")
    begins: Months = Field(description="after the announcement")
    lasts: Years = Field(description="from its beginning")
    relief: Name = Field(description="posture that the target group is given once it concedes")
    reference: Name | None = Field(None, description="strategy at whose pressure the stated probability holds")
    probability: Share | None = Field(None, description="of a concession at the pressure of the reference strategy")
    cap: Share | None = Field(None, description="highest probability that pressure can bring about")
    curve: tuple[CurvePoint, ...] = Field(
        (), description="probability over pressure, from the lowest pressure to the highest; in place of a probability"
    )
    types: dict[Name, TargetType] = Field(
        default_factory=dict,
        description="of target, by what its controls are worth to it; in place of a probability or a curve",
    )
    window: Months | None = Field(
        None,
        description="pressure is the pain that conceding would spare over these months from the decision on, nothing being "
        "built meanwhile; strategies are then conditional; default: the measures' whole cost, and with types what is spared to the end",
    )

    @property
    def is_conditional(self) -> bool:
        """Whether the leader's conduct waits for what the target does, so that buyers weigh both."""
        return bool(self.types) or self.window is not None


class Leverage(Table):
    """Lengths of the unannounced cut-offs whose cost is reported, and how far the curve runs."""

    lengths: tuple[Months, ...] = Field(
        min_length=1, description="of the cut-offs whose cost is reported, each by itself"
    )
    until: Month = Field(description="last month in which a cut-off is tried")
    recovery: Months = Field(description="months after the cut over which stocks are rebuilt")


class Variant(Table):
    """A named set of overrides, path by path."""

    title: str = Field(description="what reports call it")
    set: dict[str, Any] = Field(description="dotted path and value, as --set takes them")
