"""Warnings about what is empty: groups without blocs, rivals without plants, options without a potential."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from coercivity.models.licensing.data.faults import Fault, Path
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.data.plausibility.play import restricts


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
        if rival.by_product is not None and float(rival.by_product.ratio) == 0:
            what = f"nothing of '{name}' comes with '{rival.by_product.of}'"
            yield (*here, "by_product", "ratio"), what, "give a ratio, or drop the rival"
        for number, step in enumerate(rival.steps or ()):
            if float(step.share) == 0:
                yield (*here, "steps", number, "share"), "a step of nothing", "give its share, or drop it"


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
    elif not any(restricts(instance, name) for name in instance.menu.postures):
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
