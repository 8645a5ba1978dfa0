"""Warnings about the play: a baseline that restricts, pressure that presses nobody, rules that never hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product as combinations

from coercivity.models.licensing.data.faults import TOLERANCE, Fault, Path
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.data.strategies import Posture, Rule

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


def restricts(instance: Instance, name: str) -> bool:
    """Whether a posture licenses less than is forecast, or so late that makers run out."""
    posture = instance.postures[name]
    shortest = min(float(tier.cover) for tier in instance.tiers.values())
    slow = posture.processing is not None and float(posture.processing) > DAYS * shortest
    return _withheld(posture) > TOLERANCE or slow


def baseline(instance: Instance) -> Iterator[Fault]:
    """A baseline without restrictions: pain is measured against it."""
    path = _path(instance, instance.strategies[instance.baseline].rules)
    tight = next((cell for cell, name in path.items() if restricts(instance, name)), None)
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
    if is_tightest and restricts(instance, wanted.relief):
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
        elif not any(restricts(instance, one) for (_, group, _), one in before.items() if group == wanted.target):
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
        fed = strategy.fed
        parts = (_path(instance, strategy.rules), after, fed)
        said = tuple(tuple(sorted(part.items())) for part in parts)
        if said in seen:
            yield (
                ("strategies", name),
                f"the same postures everywhere as '{seen[said]}'",
                "check its rules, or drop one",
            )
        seen.setdefault(said, name)
