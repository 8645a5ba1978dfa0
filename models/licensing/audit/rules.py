"""Rules of the game a second time, for the audit: plain functions of the instance and of what was announced.

Trust, countermeasures, the price corridor, quarterly releases and the types of the target, written month by month
from the words of the model's page, without the modules that the followers' program is built from.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from scipy.integrate import quad

from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.data.quantity import Quantity, month_index
from coercivity.models.licensing.data.reactions import Countermeasure, Rival, TrustState
from coercivity.models.licensing.data.strategies import Concession, Strategy

Postures = tuple[tuple[tuple[str, ...], ...], ...]
CEILING = 0.9  # of a hazard, whatever the fear


def path_of(instance: Instance, strategy: Strategy) -> Postures:
    """The postures that a strategy's rules give: of the rules that speak of a phase, group and product the last one counts.

    Raises
    ------
    ValueError
        No rule speaks of some phase, group and product.
    """
    found = []
    for phase in instance.phases:
        groups = []
        for group in instance.groups:
            names = []
            for product in instance.products:
                speaking = [
                    rule.posture
                    for rule in strategy.rules
                    if rule.phase in (None, phase) and rule.group in (None, group) and rule.product in (None, product)
                ]
                if not speaking:
                    raise ValueError(f"no rule speaks of {phase}, {group}, {product}")
                names.append(speaking[-1])
            groups.append(tuple(names))
        found.append(tuple(groups))
    return tuple(found)


def path_if_conceded(instance: Instance, strategy: Strategy) -> Postures:
    """The postures once the target has conceded: by the strategy's further rules, or else with the target relieved."""
    if not strategy.if_conceded:
        return relieved(instance, path_of(instance, strategy))
    return path_of(instance, strategy.model_copy(update={"rules": (*strategy.rules, *strategy.if_conceded)}))


def chance(concession: Concession | None, pressure: float, reference: float) -> float:
    """Probability that the target concedes at a pressure, where no type decides; pressures in million USD.

    By a curve its points are joined by straight lines and its ends go on; otherwise it is in proportion to the pressure,
    stated at the reference, and has a cap.
    """
    if concession is None or not pressure > 0.0:
        return 0.0
    points = [(float(point.pressure), float(point.probability)) for point in concession.curve or ()]
    if points:
        before = [point for point in points if point[0] <= pressure]
        after = [point for point in points if point[0] > pressure]
        if not before or not after:
            return (before[-1] if before else after[0])[1]
        (left, low), (right, high) = before[-1], after[0]
        return low + (high - low) * (pressure - left) / (right - left)
    if reference <= 0.0 or concession.probability is None or concession.cap is None:
        return 0.0
    return min(float(concession.cap), pressure / reference * float(concession.probability))


def bundles(instance: Instance) -> list[list[int]]:
    """The groups that the menu treats alike, by number."""
    names = list(instance.groups)
    if not instance.menu.bundles:
        return [[at] for at in range(len(names))]
    return [[names.index(group) for group in bundle] for bundle in instance.menu.bundles]


def on_menu(instance: Instance, choice: Sequence[int]) -> Postures:
    """The postures of a joint strategy on the menu: phase by phase, bundle by bundle, the number of a posture.

    Where products are apart a bundle has a number for each of them.
    """
    alike, left = bundles(instance), list(choice)
    apart, products = instance.menu.products == "apart", len(instance.products)
    found = []
    for _ in instance.phases:
        groups: list[tuple[str, ...]] = [()] * len(instance.groups)
        for members in alike:
            numbers = [left.pop(0) for _ in range(products)] if apart else [left.pop(0)] * products
            for group in members:
                groups[group] = tuple(instance.menu.postures[number] for number in numbers)
        found.append(tuple(groups))
    return tuple(found)


def slots(instance: Instance) -> int:
    """Decisions in a joint strategy of the menu."""
    lots = len(instance.products) if instance.menu.products == "apart" else 1
    return len(instance.phases) * len(bundles(instance)) * lots


def trust_states(instance: Instance, path: Postures) -> list[TrustState | None]:
    """The state of trust at the beginning of every phase; None without an automaton."""
    trust = instance.trust
    if trust is None:
        return [None] * len(path)
    state = trust.initial
    found: list[TrustState | None] = []
    for phase in path:
        found.append(trust.states[state])
        used = {instance.postures[name].conduct for group in phase for name in group}
        worst = next(conduct for conduct in reversed(trust.conducts) if conduct in used)
        state = trust.moves[state].get(worst, state) if state in trust.moves else state
    return found


def hazards(instance: Instance, path: Postures, leader: bool, fear: float | None = None) -> list[float]:
    """Hazard of each phase, the greatest among the postures in force: the buyers' with their fear, or the leader's.

    Parameters
    ----------
    fear : take this factor in place of the states' own
    """
    found = []
    for phase, state in zip(path, trust_states(instance, path), strict=True):
        rows = [instance.postures[name] for group in phase for name in group]
        if leader:
            found.append(max(float(row.hazard if row.leader_hazard is None else row.leader_hazard) for row in rows))
            continue
        worst = max(float(row.hazard) for row in rows)
        factor = fear if fear is not None else 1.0 if state is None else float(state.fear)
        found.append(min(CEILING, factor * worst) if state is not None else worst)
    return found


def relieved(instance: Instance, path: Postures) -> Postures:
    """The path with the target's group under the relief posture."""
    wanted = instance.concession
    if wanted is None:
        return path
    return tuple(
        tuple(
            tuple(wanted.relief if group == wanted.target else name for name in names)
            for group, names in zip(instance.groups, phase, strict=True)
        )
        for phase in path
    )


def windows(measure: Countermeasure, below: Sequence[bool]) -> Iterator[tuple[float, float]]:
    """Spells in which a countermeasure bites, in months from the start.

    Parameters
    ----------
    below : month by month, whether the licensed share is below the threshold
    """
    free, since = -math.inf, None
    for month, is_below in enumerate([*below, False]):
        if is_below:
            since = month if since is None else since
            continue
        if since is not None:
            fires = max(float(since), free) + float(measure.patience)
            if fires <= month:
                begins, length = fires + float(measure.delay), 12.0 * float(measure.lasts)
                # Renewed by whole terms until the cause is gone.
                free = begins + length * max(1, math.ceil((month - begins) / length - 1e-12))
                yield begins, free
        since = None


def shared(first: float, last: float, begins: float, ends: float) -> float:
    """Months that two spells have in common."""
    return max(0.0, min(last, ends) - max(first, begins))


def swing(volatility: float, width: float) -> float:
    """Expected swing beyond a corridor as a share of the price: the integral of the chance to be further out."""
    scale = volatility * math.sqrt(2.0)
    return float(quad(lambda x: math.erfc(x / scale), width, width + 12.0 * volatility, epsabs=1e-13, limit=200)[0])


def parts(rival: Rival) -> list[tuple[float, float, float]]:
    """Parts of a rival's capacity: share, cost of a kilogram, price of new capacity."""
    if rival.steps is None:
        price = None if rival.expansion is None else rival.expansion.capex
        return [(1.0, float(rival.unit_cost or 0.0), float(price or 0.0))]
    return [(float(step.share), float(step.unit_cost), float(step.capex or 0.0)) for step in rival.steps]


def in_force(stated: float, path: Mapping[str, Quantity] | None, first: int, last: int) -> float:
    """A price or a cost on average over the months from ``first`` to before ``last``: what was named last counts."""
    if not path:
        return stated
    named = {month_index(month): float(factor) for month, factor in path.items()}
    months = [max((at for at in named if at <= month), default=None) for month in range(first, last)]
    return stated * math.fsum(1.0 if at is None else named[at] for at in months) / len(months)


def asked(instance: Instance, product: str, first: int, last: int) -> float:
    """The leader's price in the months from ``first`` to before ``last``, USD/kg."""
    leader = instance.leader
    return in_force(float(leader.price[product]), (leader.price_path or {}).get(product), first, last)


def borne(instance: Instance, product: str, first: int, last: int) -> float:
    """The leader's variable cost in those months, USD/kg."""
    leader = instance.leader
    return in_force(float(leader.unit_cost[product]), (leader.unit_cost_path or {}).get(product), first, last)


def guaranteed(instance: Instance, rival: Rival, cost: float, first: int, last: int) -> float:
    """What a treasury takes off a cost of a rival in the months from ``first`` to before ``last``, USD/kg."""
    if rival.support is None or rival.support.floor is None:
        return 0.0
    short = max(0.0, float(rival.support.floor) - asked(instance, rival.product, first, last))
    part = shared(first, last, month_index(rival.support.begins), math.inf) / (last - first)
    return part * min(short, cost)


def paid_by_treasury(rival: Rival, first: int) -> float:
    """Share of the capital cost of an order placed in a period that begins in ``first``, whatever the leader does."""
    if rival.support is None or first < month_index(rival.support.begins):
        return 0.0
    return float(rival.support.capital)


def coming(rival: Rival) -> tuple[tuple[float, float], ...]:
    """Shares of new capacity and how many months later than planned each comes."""
    if rival.slip is None:
        return ((1.0, 0.0),)
    return ((1.0 - float(rival.slip.share), 0.0), (float(rival.slip.share), float(rival.slip.by)))


def annuity(price: float, rate: float, life: float) -> float:
    """What repays a price every year over a life, with interest."""
    return price / life if rate == 0 else price * rate / (1.0 - (1.0 + rate) ** -life)


def willing(kinds: Sequence[tuple[float, float]], spared: float) -> float:
    """Probability of the types (stake, weight) that would rather concede than suffer."""
    return math.fsum(weight for stake, weight in kinds if spared > stake)
