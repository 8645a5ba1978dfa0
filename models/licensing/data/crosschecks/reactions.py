"""Cross-checks of what a strategy sets off: trust, countermeasures, public money, firms, corridors, releases, types."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from coercivity.models.licensing.data.crosschecks.play import SMALLEST_HAZARD
from coercivity.models.licensing.data.faults import (
    TOLERANCE,
    Fault,
    Path,
    calendar_bounds,
    not_one,
    unknown,
    unknown_keys,
)
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.data.quantity import month_index, month_name
from coercivity.models.licensing.data.reactions import Firm, Trust


def trust(instance: Instance) -> Iterator[Fault]:
    """States and conducts that exist, and a conduct for every posture; none without an automaton."""
    automaton = instance.trust
    for name, posture in instance.postures.items():
        here: Path = ("postures", name)
        if automaton is None and posture.conduct is not None:
            yield (*here, "conduct"), "a conduct, and no automaton of trust that reads it", "add trust, or remove it"
        elif automaton is not None and posture.conduct is None:
            known = ", ".join(automaton.conducts)
            yield here, "no conduct, so trust cannot read this posture", f"add conduct: … here, one of {known}"
        elif automaton is not None:
            yield from unknown((*here, "conduct"), "conduct", str(posture.conduct), automaton.conducts)
    if automaton is not None:
        yield from _moves(automaton)
        yield from _fears(instance, automaton)


def _moves(automaton: Trust) -> Iterator[Fault]:
    yield from unknown(("trust", "initial"), "state", automaton.initial, automaton.states)
    for number, conduct in enumerate(automaton.conducts):
        if conduct in automaton.conducts[:number]:
            yield ("trust", "conducts", number), f"'{conduct}' stands twice", "keep one"
    yield from unknown_keys(("trust", "moves"), "state", automaton.moves, automaton.states)
    for state, moves in automaton.moves.items():
        here: Path = ("trust", "moves", state)
        yield from unknown_keys(here, "conduct", moves, automaton.conducts)
        for conduct, following in moves.items():
            yield from unknown((*here, conduct), "state", following, automaton.states)


def _fears(instance: Instance, automaton: Trust) -> Iterator[Fault]:
    """Hazards that stay none or large enough whatever the fear, and none of the leader's that buyers rule out."""
    for name, state in automaton.states.items():
        path, fear = ("trust", "states", name, "fear"), float(state.fear)
        for other, posture in instance.postures.items():
            feared = fear * float(posture.hazard)
            leader = posture.hazard if posture.leader_hazard is None else posture.leader_hazard
            if 0 < feared < SMALLEST_HAZARD:
                what = f"with '{other}' this makes a hazard of {feared:g}, too small to be told from none"
                yield path, what, f"write 0, or at least {SMALLEST_HAZARD / float(posture.hazard):g}"
                break
            if fear == 0 and float(leader) > 0:
                what = f"in this state buyers rule out the breakdown that the leader expects of '{other}'"
                yield path, what, f"write a fear above 0, or give '{other}' no hazard"
                break


def countermeasures(instance: Instance) -> Iterator[Fault]:
    """A bloc that imports, a threshold that can be crossed, and rivals that can be funded."""
    for name, measure in instance.countermeasures.items():
        here: Path = ("countermeasures", name)
        yield from unknown((*here, "bloc"), "bloc", measure.bloc, instance.blocs)
        bloc = instance.blocs.get(measure.bloc)
        if bloc is not None and not any(float(tonnes) > 0 for tonnes in bloc.imports.values()):
            what = f"'{measure.bloc}' imports nothing from the leader, so there is no share to watch"
            yield (*here, "bloc"), what, "name a bloc that imports"
        if float(measure.threshold) == 0 and measure.tax is None:
            yield (
                (*here, "threshold"),
                "no share is below 0: it would never be set off",
                "raise it, or drop the measure",
            )
        yield from unknown_keys((*here, "funding"), "rival", measure.funding, instance.rivals)
        for rival in measure.funding:
            if rival in instance.rivals and instance.rivals[rival].expansion is None:
                what = f"'{rival}' has no expansion, so there is nothing to fund"
                yield (*here, "funding", rival), what, "remove it, or give the rival an expansion"


def public_money(instance: Instance) -> Iterator[Fault]:
    """Support that begins before the calendar ends."""
    end = calendar_bounds(instance)[-1]
    for name, rival in instance.rivals.items():
        if rival.support is not None and month_index(rival.support.begins) >= end:
            what = f"the support begins in {rival.support.begins}, when the calendar is over"
            yield ("rivals", name, "support", "begins"), what, f"a month up to {month_name(end - 1)}, or no support"


def firms(instance: Instance) -> Iterator[Fault]:
    """Classes that share the exports, and a price for the money that keeps them alive."""
    total = sum(float(firm.export_share) for firm in instance.firms.values())
    if total > 1 + TOLERANCE:
        yield ("firms",), f"the classes' shares of exports add up to {total:.6g}, more than 1", "lower some of them"
    for name, firm in instance.firms.items():
        if firm.rescue == "support" and instance.leader.public_funds is None:
            what = "the state keeps this class alive, and nothing says what public money costs"
            yield ("firms", name, "rescue"), what, "add leader.public_funds, or let the class exit"
    if instance.home is not None and float(instance.home.price) == 0:
        yield ("home", "price"), "a home price of 0 cannot fall", "give the price, or drop the home market"


def viable_firms(instance: Instance) -> Iterator[Fault]:
    """Classes that earn a living at rest."""
    for name, firm in instance.firms.items():
        loss = -_earned(instance, firm)
        if loss > TOLERANCE * max(1.0, float(firm.fixed_cost)):
            what = f"under open trade this class loses {loss:.4g} million USD a year: it would fail whatever is done"
            yield ("firms", name, "fixed_cost"), what, "lower it, or raise margins or sales"


def _earned(instance: Instance, firm: Firm) -> float:
    """What a class earns in a year of open trade at the start, million USD."""
    exports = sum(float(tonnes) for bloc in instance.blocs.values() for tonnes in bloc.imports.values())
    abroad = float(firm.export_share) * exports * float(firm.export_margin)
    return (abroad + float(firm.home_sales) * float(firm.home_margin)) / 1000.0 - float(firm.fixed_cost)


def promises(instance: Instance) -> Iterator[Fault]:
    """Corridors of a price whose risk is known, and quarterly releases where there are quarters of months."""
    has_quarter = _has_quarter(instance)
    for name, posture in instance.postures.items():
        if posture.corridor is not None and instance.buyers.price_risk is None:
            what = "a price corridor, and nothing says what buyers would pay for it"
            yield ("postures", name, "corridor"), what, "add buyers.price_risk, or remove it"
        if posture.release == "quarter" and not has_quarter:
            what = "no calendar quarter of three monthly periods lies in one phase: it would release by the month"
            yield ("postures", name, "release"), what, "give the calendar more months, or write month"


def _has_quarter(instance: Instance) -> bool:
    first, months = month_index(instance.calendar.start), instance.calendar.months
    begins = [month_index(phase.begins) for phase in instance.phases.values()]
    return any(
        max(first, here) <= month and month + 3 <= min(first + months, after)
        for here, after in zip(begins, [*begins[1:], month_index(instance.tail)], strict=True)
        for month in range(first, first + months)
        if month % 3 == 0
    )


def _window(begins: float, window: float, months: int) -> Iterator[Fault]:
    """A window of some length that ends within the calendar."""
    here: Path = ("concession", "window")
    if window == 0:
        yield here, "nothing can be spared in a window of no length", "give the months, or drop the key"
    elif math.ceil(begins) + math.ceil(window) > months:
        yield (
            here,
            f"it ends {begins + window:g} months after the announcement, when the calendar is over",
            "shorten it",
        )


def types(instance: Instance) -> Iterator[Fault]:
    """Weights that add up, a decision within the calendar, and conceded paths that name what exists."""
    wanted = instance.concession
    if wanted is not None and wanted.types:
        yield from not_one(("concession", "types"), (kind.weight for kind in wanted.types.values()), "the weights")
    if wanted is not None and wanted.is_conditional:
        bounds = calendar_bounds(instance)
        if float(wanted.begins) > bounds[-2] - bounds[0] + TOLERANCE:
            what = f"{float(wanted.begins):g} months after the announcement no period begins any more"
            yield ("concession", "begins"), what, f"at most {bounds[-2] - bounds[0]} months, or a longer calendar"
        elif wanted.window is not None:
            yield from _window(float(wanted.begins), float(wanted.window), bounds[-1] - bounds[0])
    for name, strategy in instance.strategies.items():
        here: Path = ("strategies", name, "if_conceded")
        if strategy.if_conceded and (wanted is None or not wanted.is_conditional):
            what = "a path after a concession, and no window or type that decides about one"
            yield here, what, "add concession.window, or concession.types"
        known: dict[str, Iterable[str]] = {
            "posture": instance.postures,
            "phase": instance.phases,
            "group": instance.groups,
            "product": instance.products,
        }
        for number, rule in enumerate(strategy.if_conceded):
            for key, names in known.items():
                written = getattr(rule, key)
                if written is not None:
                    yield from unknown((*here, number, key), key, written, names)
