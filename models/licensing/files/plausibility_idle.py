"""Warnings about what says nothing: groups without blocs, pressure that presses nobody, rules that never hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import product as combinations

from models.licensing.files.faults import TOLERANCE, Fault, Path
from models.licensing.instance import Instance
from models.licensing.moves import Posture, Rule

Cell = tuple[str, str, str]
# Days from application to delivery beyond which a full licence is felt: longer than makers' shortest stock lasts.
DAYS = 365.0 / 12.0


def _cells(instance: Instance) -> list[Cell]:
    """Phase, group and product, in every combination; groups without a bloc left out."""
    peopled = {bloc.group for bloc in instance.blocs.values()}
    groups = [name for name in instance.groups if name in peopled]
    return list(combinations(instance.phases, groups, instance.products))


def _holds(rule: Rule, cell: Cell) -> bool:
    return all(
        written in (None, name) for written, name in zip((rule.phase, rule.group, rule.product), cell, strict=True)
    )


def _path(instance: Instance, rules: Sequence[Rule]) -> dict[Cell, str]:
    """The posture in every cell, a later rule over an earlier one."""
    return {cell: rule.posture for cell in _cells(instance) for rule in rules if _holds(rule, cell)}


def _withheld(posture: Posture) -> float:
    """Share of forecast imports that is not licensed."""
    return 0.0 if posture.licensed == "open" else max(0.0, 1.0 - float(posture.licensed))


def _is_tighter(instance: Instance, one: str, other: str) -> bool:
    """Whether a posture gives less than another, or gives it later than makers can wait."""
    here, there = instance.postures[one], instance.postures[other]
    if abs(_withheld(here) - _withheld(there)) > TOLERANCE:
        return _withheld(here) > _withheld(there)
    days = [0.0 if posture.processing is None else float(posture.processing) for posture in (here, there)]
    shortest = min(float(tier.cover) for tier in instance.tiers.values())
    return days[0] > days[1] + DAYS * shortest


def _restricts(instance: Instance, name: str) -> bool:
    posture = instance.postures[name]
    shortest = min(float(tier.cover) for tier in instance.tiers.values())
    slow = posture.processing is not None and float(posture.processing) > DAYS * shortest
    return _withheld(posture) > TOLERANCE or slow


def baseline(instance: Instance) -> Iterator[Fault]:
    """A baseline without restrictions: pain is measured against it."""
    path = _path(instance, instance.strategies[instance.baseline].rules)
    tight = next((cell for cell, name in path.items() if _restricts(instance, name)), None)
    if tight is not None:
        what = f"pain is measured against strategy '{instance.baseline}', which restricts licences ('{path[tight]}')"
        # Where the file does not name a baseline, the strategy that is taken for one is shown.
        is_named = "baseline" in instance.model_fields_set
        where: Path = ("baseline",) if is_named else ("strategies", instance.baseline, "rules")
        yield where, what, "name a strategy of open trade as baseline"


def pressure(instance: Instance) -> Iterator[Fault]:
    """A reference strategy that gives the target less than the relief would."""
    wanted = instance.concession
    if wanted is None or wanted.reference is None:
        return
    path = _path(instance, instance.strategies[wanted.reference].rules)
    on_target = {name for (_, group, _), name in path.items() if group == wanted.target}
    if on_target and not any(_is_tighter(instance, name, wanted.relief) for name in on_target):
        what = f"'{wanted.reference}' never gives the target less than '{wanted.relief}' would: there is no pressure"
        yield ("concession", "reference"), what, "name a strategy that restricts licences to the target"


def relief(instance: Instance) -> Iterator[Fault]:
    """A relief that is not the tightest thing on offer, and strategies with something to relieve."""
    wanted = instance.concession
    if wanted is None:
        return
    is_tightest = not any(_is_tighter(instance, name, wanted.relief) for name in instance.postures)
    if is_tightest and _restricts(instance, wanted.relief):
        what = f"no posture is tighter than '{wanted.relief}', which the target is given once it concedes"
        yield ("concession", "relief"), what, "name a posture of open trade"
    for name, strategy in instance.strategies.items():
        if not strategy.if_conceded:
            continue
        before = _path(instance, strategy.rules)
        after = _path(instance, (*strategy.rules, *strategy.if_conceded))
        here: Path = ("strategies", name, "if_conceded")
        if before == after:
            yield here, "nothing changes once the target concedes", "check the rules, or remove it"
        elif not any(_restricts(instance, one) for (_, group, _), one in before.items() if group == wanted.target):
            yield here, "the strategy never restricts the target, so there is nothing to concede to", "check its rules"


def rules(instance: Instance) -> Iterator[Fault]:
    """Rules that hold somewhere in the end."""
    for name, strategy in instance.strategies.items():
        for key in ("rules", "if_conceded"):
            listed: Sequence[Rule] = getattr(strategy, key)
            for number, rule in enumerate(listed):
                later = listed[number + 1 :]
                cells = [cell for cell in _cells(instance) if _holds(rule, cell)]
                if cells and all(any(_holds(one, cell) for one in later) for cell in cells):
                    what = f"later rules replace '{rule.posture}' everywhere: this rule says nothing"
                    yield ("strategies", name, key, number), what, "put general rules first, exceptions after them"


def twins(instance: Instance) -> Iterator[Fault]:
    """Strategies that differ in something."""
    seen: dict[object, str] = {}
    for name, strategy in instance.strategies.items():
        after = _path(instance, (*strategy.rules, *strategy.if_conceded)) if strategy.if_conceded else {}
        fed = {month: float(tonnes) for month, tonnes in strategy.fed_volumes.items()}
        parts = (_path(instance, strategy.rules), after, fed)
        said = tuple(tuple(sorted(part.items())) for part in parts)
        if said in seen:
            yield (
                ("strategies", name),
                f"the same postures everywhere as '{seen[said]}'",
                "check its rules, or drop one",
            )
        seen.setdefault(said, name)


def groups(instance: Instance) -> Iterator[Fault]:
    """Groups with somebody in them."""
    peopled = {bloc.group for bloc in instance.blocs.values()}
    target = instance.concession.target if instance.concession is not None else None
    for name in instance.groups:
        if name not in peopled:
            what = f"no bloc is in group '{name}'" + (", the target of the concession" if name == target else "")
            yield ("groups", name), what, "give it a bloc, or drop it"
    imports = sum(
        float(tonnes) for bloc in instance.blocs.values() if bloc.group == target for tonnes in bloc.imports.values()
    )
    if target in peopled and imports == 0:
        yield ("concession", "target"), f"'{target}' imports nothing from the leader", "name a group that does"


def blocs(instance: Instance) -> Iterator[Fault]:
    """Blocs that use something."""
    for name, bloc in instance.blocs.items():
        if not any(map(float, bloc.demand.values())):
            yield ("blocs", name, "demand"), f"'{name}' uses nothing at all", "give its demand, or drop it"


def segments(instance: Instance) -> Iterator[Fault]:
    """Segments with a share of something."""
    for name in instance.segments:
        if not any(float(one.segments.get(name, 0.0)) for one in instance.products.values()):
            yield ("segments", name), f"no product has a share in '{name}'", "give it a share, or drop it"


def tiers(instance: Instance) -> Iterator[Fault]:
    """Tiers with a share of somebody's makers."""
    for name in instance.tiers:
        if not any(float(bloc.tiers.get(name, 0.0)) for bloc in instance.blocs.values()):
            yield ("tiers", name), f"no bloc has makers in '{name}'", "give it a share, or drop it"


def products(instance: Instance) -> Iterator[Fault]:
    """Products that somebody uses and imports."""
    for name in instance.products:
        for key, verb in (("demand", "uses"), ("imports", "imports")):
            if not any(float(getattr(bloc, key)[name]) for bloc in instance.blocs.values()):
                yield ("products", name), f"no bloc {verb} '{name}'", "check the blocs, or drop it"
                break


def rivals(instance: Instance) -> Iterator[Fault]:
    """Rivals that can make something, and sell it to somebody."""
    for name, rival in instance.rivals.items():
        here: Path = ("rivals", name)
        added = sum(float(one.capacity) for one in rival.committed)
        potential = 0.0 if rival.expansion is None else float(rival.expansion.potential)
        if float(rival.capacity) + added + potential == 0:
            yield here, f"'{name}' has neither capacity nor anything to order", "give it some, or drop it"
        if not rival.serves:
            yield (*here, "serves"), f"'{name}' serves nobody", "name the blocs it serves, or drop it"
        for bloc in rival.serves:
            if float(instance.blocs[bloc].demand[rival.product]) == 0:
                yield (*here, "serves", bloc), f"'{bloc}' uses no '{rival.product}'", "check its demand, or drop it"
        for number, one in enumerate(rival.committed):
            if float(one.capacity) == 0:
                yield (*here, "committed", number), "an addition of nothing", "give its capacity, or drop it"


def potentials(instance: Instance) -> Iterator[Fault]:
    """Orders of which there is something to order."""
    for name, rival in instance.rivals.items():
        if rival.expansion is not None and float(rival.expansion.potential) == 0:
            yield ("rivals", name, "expansion", "potential"), "nothing can be ordered", "give it, or drop the expansion"
        if rival.slip is not None and not (float(rival.slip.share) and float(rival.slip.by)):
            yield ("rivals", name, "slip"), "nothing comes late", "give share and delay, or drop it"
    for name, option in instance.options.items():
        here: Path = ("options", name)
        if not any(map(float, option.potential.values())):
            yield (*here, "potential"), "no demand can be designed out", "give a share by segment, or drop the option"
        if float(option.yearly_limit) == 0:
            yield (
                (*here, "yearly_limit"),
                "no demand can be designed out in any year",
                "give a share, or drop the option",
            )
        for segment in option.potential:
            if not float(instance.products[option.product].segments.get(segment, 0.0)):
                yield (*here, "potential", segment), f"'{option.product}' has no share in '{segment}'", "remove it"


def routes(instance: Instance) -> Iterator[Fault]:
    """Routes with a capacity."""
    for name, route in instance.routes.items():
        if float(route.capacity) == 0:
            yield ("routes", name, "capacity"), "nothing can be re-exported", "give a capacity, or drop the route"


def postures(instance: Instance) -> Iterator[Fault]:
    """Postures that are used or searched."""
    used = set(instance.menu.postures)
    used |= {rule.posture for one in instance.strategies.values() for rule in (*one.rules, *one.if_conceded)}
    used |= {instance.concession.relief} if instance.concession is not None else set()
    for name in instance.postures:
        if name not in used:
            yield ("postures", name), "no strategy uses this posture, and it is not on the menu", "use it, or drop it"


def menu(instance: Instance) -> Iterator[Fault]:
    """A menu with a choice on it."""
    if len(instance.menu.postures) == 1:
        yield ("menu", "postures"), "one posture leaves nothing to search", "add others"
    elif not any(_restricts(instance, name) for name in instance.menu.postures):
        yield ("menu", "postures"), "no posture on the menu restricts anything", "add one that does"


def breakdowns(instance: Instance) -> Iterator[Fault]:
    """Breakdowns that take something away."""
    for name, posture in instance.postures.items():
        here: Path = ("postures", name, "breakdown")
        if float(posture.hazard) > 0 and float(posture.breakdown.delivered) == 1:
            yield (*here, "delivered"), "a breakdown in which everything is delivered", "check the share"
        if float(posture.hazard) > 0 and float(posture.breakdown.lasts) == 0:
            yield (*here, "lasts"), "a breakdown of no length", "check the months"


def concession(instance: Instance) -> Iterator[Fault]:
    """A concession that is worth something, can be had, and is made by somebody who has something at stake."""
    wanted = instance.concession
    if wanted is None:
        return
    for key in ("value", "share", "lasts", "cap"):
        number = getattr(wanted, key)
        if number is not None and float(number) == 0:
            yield ("concession", key), "a concession that comes to nothing", "give it, or drop the concession"
    yield from _certain(wanted.types.items())


def _certain(types: Iterable[tuple[str, object]]) -> Iterator[Fault]:
    for name, kind in types:
        if float(getattr(kind, "weight", 1.0)) == 0:
            yield ("concession", "types", name, "weight"), "a type that nobody is", "give a weight, or drop it"


def firms(instance: Instance) -> Iterator[Fault]:
    """Firms that sell something."""
    for name, firm in instance.firms.items():
        if float(firm.export_share) == 0 and float(firm.home_sales) == 0:
            yield ("firms", name), "a class of firms that sells nothing", "give its sales, or drop it"


def trust(instance: Instance) -> Iterator[Fault]:
    """States of trust that can be reached."""
    automaton = instance.trust
    if automaton is None:
        return
    reached, fresh = {automaton.initial}, [automaton.initial]
    while fresh:
        following = set(automaton.moves.get(fresh.pop(), {}).values()) - reached
        reached |= following
        fresh += following
    for name in automaton.states:
        if name not in reached:
            yield ("trust", "states", name), f"no conduct leads from '{automaton.initial}' to this state", "add a move"


def words(instance: Instance) -> Iterator[Fault]:
    """Titles that say something."""
    tables = (
        "products",
        "segments",
        "tiers",
        "groups",
        "blocs",
        "rivals",
        "options",
        "postures",
        "strategies",
        "firms",
    )
    for table in tables:
        for name, row in getattr(instance, table).items():
            if not row.title.strip():
                yield (table, name, "title"), "a title without words", "write what readers of a report should see"
    if not instance.title.strip():
        yield ("title",), "a title without words", "write what readers of a report should see"
