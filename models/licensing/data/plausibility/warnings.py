"""What an instance may say and hardly means: legal, improbable, and worth a warning before anything is computed.

A check looks at one kind of slip and yields warnings as cross-checks yield faults: the path, what is odd, what to do.
Money, masses, rates, dates, the play and what is left empty stand in rooms of their own.
"""

from __future__ import annotations

from collections.abc import Iterable

from coercivity.models.licensing.data.faults import Fault, Path
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.data.plausibility import dates as dates
from coercivity.models.licensing.data.plausibility import idle as idle
from coercivity.models.licensing.data.plausibility import money as money
from coercivity.models.licensing.data.plausibility import play as play
from coercivity.models.licensing.data.plausibility import rates as rates
from coercivity.models.licensing.data.plausibility import sizes as sizes

BY_SET = "set by --set"

CHECKS = (
    money.exchange_rates,
    money.prices,
    money.taxes,
    money.margins,
    money.kinds_of_price,
    money.stock_costs,
    money.full_costs,
    money.concession_value,
    sizes.kinds_of_mass,
    sizes.ranges,
    sizes.leader_capacity,
    sizes.home_use,
    sizes.rest,
    sizes.rivals,
    sizes.routes,
    sizes.records,
    rates.discounts,
    rates.growth,
    rates.chances,
    rates.licensed,
    rates.covers,
    rates.durations,
    rates.orders,
    dates.known,
    dates.money_year,
    dates.sources,
    dates.concession,
    dates.begins,
    dates.countermeasures,
    play.baseline,
    play.pressure,
    play.relief,
    play.rules,
    play.twins,
)
# What a file leaves empty may be a slip; what a variant empties is what that variant is for.
EMPTY = (
    idle.groups,
    idle.blocs,
    idle.segments,
    idle.tiers,
    idle.products,
    idle.rivals,
    idle.potentials,
    idle.routes,
    idle.postures,
    idle.menu,
    idle.breakdowns,
    idle.concession,
    idle.firms,
    idle.trust,
    idle.words,
)


def implausible(instance: Instance) -> list[Fault]:
    """Every warning about an instance that has no fault: (path, what, fix), each place and sentence once."""
    found = [warning for check in CHECKS for warning in check(instance)]
    meant = [*_emptied(instance), *_touched(instance)]
    found += [warning for check in EMPTY for warning in check(instance) if not _is_meant(warning[0], meant)]
    return list(dict.fromkeys(found))


def _emptied(instance: Instance) -> list[Path]:
    """What a variant that is applied sets."""
    return [
        tuple(path.split("."))
        for path, number in instance.quantities()
        if number.overridden and not (number.assumption or "").startswith(BY_SET)
    ]


def _touched(instance: Instance) -> list[Path]:
    """What variants of the file set: a block that one of them fills is a place kept for it."""
    return [tuple(path.split(".")) for variant in instance.variants.values() for path in variant.set]


def _is_meant(path: Path, meant: Iterable[Path]) -> bool:
    """Whether ``path`` is one of ``meant``, or lies above or below one."""
    written = tuple(map(str, path))
    return any(written[: len(other)] == other or other[: len(written)] == written for other in meant)
