"""Cross-checks of rivals: what they make, whom they serve, and what ties them."""

from __future__ import annotations

from collections.abc import Iterator

from coercivity.models.licensing.data.faults import (
    TOLERANCE,
    Fault,
    Path,
    calendar_bounds,
    not_one,
    unknown,
    unknown_keys,
    within,
)
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.data.reactions import Line, Rival

OUTSIDE = "outside"


def owner(path: Path, name: str, instance: Instance) -> Iterator[Fault]:
    """Whether somebody of that name can own a plant or a route."""
    yield from unknown(path, "owner", name, [*instance.blocs, OUTSIDE])


def rivals(instance: Instance) -> Iterator[Fault]:
    """Products, owners and blocs that exist, costs that some use pays, additions within the calendar."""
    bounds = calendar_bounds(instance)
    top, worth = instance.dearest()
    for name, rival in instance.rivals.items():
        here: Path = ("rivals", name)
        yield from unknown((*here, "product"), "product", rival.product, instance.products)
        yield from owner((*here, "owner"), rival.owner, instance)
        yield from unknown_keys((*here, "serves"), "bloc", rival.serves, instance.blocs)
        for path, line in costs(name, rival):
            if line.unit_cost >= worth:
                what = f"{line.unit_cost:g} USD/kg is not below the value of '{top}', {worth:g}: it would never run"
                yield path, what, "lower it, or drop the rival" if rival.steps is None else "lower it, or drop the step"
        for number, addition in enumerate(rival.committed):
            yield from within((*here, "committed", number, "begins"), addition.begins, bounds[0], bounds[-1])


def costs(name: str, rival: Rival) -> list[tuple[Path, Line]]:
    """The lines of a rival, with the place of each one's cost."""
    here: Path = ("rivals", name)
    if rival.steps is None:
        return [((*here, "unit_cost"), line) for line in rival.lines]
    return [((*here, "steps", number, "unit_cost"), line) for number, line in enumerate(rival.lines)]


def steps(instance: Instance) -> Iterator[Fault]:
    """One way to write costs, steps that are all of a rival, and a price of capacity where some can be ordered."""
    for name, rival in instance.rivals.items():
        here: Path = ("rivals", name)
        order = rival.expansion
        if rival.steps is None:
            if rival.unit_cost is None:
                yield here, "nothing says what it costs", "add unit_cost: … USD/kg, or steps"
            if order is not None and order.capex is None:
                yield (*here, "expansion"), "nothing says what capacity costs", "add capex: … USD/(kg/yr)"
            continue
        yield from not_one((*here, "steps"), (step.share for step in rival.steps), "the steps' shares")
        if rival.unit_cost is not None:
            yield (*here, "unit_cost"), "a unit_cost beside steps", "write it in the steps alone"
        if order is not None and order.capex is not None:
            yield (*here, "expansion", "capex"), "a capex beside steps", "write it in the steps alone"
        for number, step in enumerate(rival.steps):
            if order is not None and step.capex is None:
                yield (*here, "steps", number), "nothing says what its capacity costs", "add capex: … USD/(kg/yr)"
            if order is None and step.capex is not None:
                yield (*here, "steps", number, "capex"), "nothing can be ordered", "remove it, or add an expansion"


def contracts(instance: Instance) -> Iterator[Fault]:
    """Contracts with blocs that are served; where all of them have one, all that is sold is promised to somebody."""
    for name, rival in instance.rivals.items():
        here: Path = ("rivals", name, "contract")
        if rival.contract is None:
            continue
        if not rival.contract:
            yield here, "no contract in it", "give a share by bloc, or remove it"
        for bloc, contract in rival.contract.items():
            if contract.share is None and contract.premium is None:
                yield (*here, bloc), "the contract says nothing", "give a share, a premium, or both"
            if bloc not in instance.blocs:
                yield from unknown((*here, bloc), "bloc", bloc, instance.blocs)
            elif bloc not in rival.serves:
                yield (
                    (*here, bloc),
                    f"'{name}' does not serve '{bloc}'",
                    f"add {bloc} to serves, or remove the contract",
                )
        limits = {bloc: contract.share for bloc, contract in rival.contract.items() if contract.share is not None}
        if rival.serves and set(rival.serves) <= set(limits):
            total = sum(float(limits[bloc]) for bloc in rival.serves)
            if total < 1.0 - TOLERANCE:
                what = f"the shares of all that it serves add up to {total:.6g}: nothing could be sold"
                yield here, what, "make them add up to 100 % or more, or leave one bloc out"


def feeds(instance: Instance) -> Iterator[Fault]:
    """Feed under the licences of a bloc that exists and imports the rival's product."""
    for name, rival in instance.rivals.items():
        if rival.feed is None:
            continue
        here: Path = ("rivals", name, "feed")
        bloc = rival.feed.bloc or rival.owner
        if rival.feed.bloc is None and rival.owner == OUTSIDE:
            yield (
                here,
                f"'{name}' belongs to no bloc, and nothing says under whose licences its feed comes",
                "add bloc: …",
            )
        elif bloc not in instance.blocs:
            yield from unknown((*here, "bloc"), "bloc", bloc, instance.blocs)
        elif rival.product in instance.products and not float(instance.blocs[bloc].imports.get(rival.product, 0.0)):
            what = f"'{bloc}' imports no {rival.product} from the leader, so no licence says how much feed comes"
            yield here, what, "name a bloc that does, or remove the feed"


def by_products(instance: Instance) -> Iterator[Fault]:
    """By-products of rivals that exist, and of no by-product of themselves."""
    for name, rival in instance.rivals.items():
        if rival.by_product is None:
            continue
        here: Path = ("rivals", name, "by_product", "of")
        yield from unknown(here, "rival", rival.by_product.of, instance.rivals)
        met, at = set[str](), rival.by_product.of
        while at in instance.rivals and at not in met and at != name:
            met.add(at)
            tie = instance.rivals[at].by_product
            at = at if tie is None else tie.of
        if at == name:
            yield here, f"'{name}' would be a by-product of itself", "name the rival whose product it comes with"
