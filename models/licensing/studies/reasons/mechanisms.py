"""Mechanisms switched off one at a time: the same world without fear, without rivals that build, without re-export."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from coercivity.models.licensing.buyers.evaluate import Followers
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.data.quantity import Quantity
from coercivity.models.licensing.studies.reasons.values import Mechanism
from coercivity.models.licensing.studies.worker import PointScreen, Question

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Off:
    """An instance without one mechanism."""

    name: str
    says: str
    instance: Instance


def _none(number: Quantity) -> Quantity:
    return number.model_copy(update={"value": 0.0})


def _without(instance: Instance, **changed: Any) -> Instance:
    return instance.model_copy(update=changed)


def switched_off(instance: Instance) -> Iterator[Off]:
    """The instance without each of the mechanisms that it has; the audit has no say in it, and no check of numbers."""
    postures = {
        name: posture.model_copy(update={"hazard": _none(posture.hazard), "leader_hazard": None})
        for name, posture in instance.postures.items()
    }
    if any(float(posture.hazard) for posture in instance.postures.values()):
        yield Off("fear", "no breakdown comes, and nobody fears one", _without(instance, postures=postures))
    if any(rival.expansion is not None for rival in instance.rivals.values()):
        rivals = {name: rival.model_copy(update={"expansion": None}) for name, rival in instance.rivals.items()}
        yield Off("rivals' answer", "rivals order no new plants", _without(instance, rivals=rivals))
    if instance.options:
        yield Off("redesign", "buyers neither thrift nor redesign", _without(instance, options={}))
    if instance.routes:
        yield Off("leakage", "nothing is re-exported", _without(instance, routes={}))
    concession = instance.concession
    if concession is not None and float(concession.value):
        worthless = concession.model_copy(update={"value": _none(concession.value)})
        yield Off("concession", "a concession is worth nothing", _without(instance, concession=worthless))
    rents = instance.leader.rents
    if float(rents.licence) or float(rents.exporter):
        nothing = rents.model_copy(update={"licence": _none(rents.licence), "exporter": _none(rents.exporter)})
        leader = instance.leader.model_copy(update={"rents": nothing})
        yield Off("rents", "the leader captures no rent of scarcity", _without(instance, leader=leader))
    if instance.countermeasures:
        yield Off("retaliation", "no government answers", _without(instance, countermeasures={}))
    if instance.downstream is not None:
        yield Off("industry", "no industry moves to the leader", _without(instance, downstream=None))


def mechanisms(instance: Instance, pair: tuple[str, str], progress: Progress) -> list[Mechanism]:
    """What the difference of two strategies would be without each mechanism, those that move most first.

    Raises
    ------
    InfeasibleProgram
        The buyers' program has no finite optimum without one of them.
    """
    one, other = pair
    followers = Followers(instance)
    worker = Question(instance, followers.market, followers.layout, (), pair)()
    stated = worker(())["payoff"]
    found, every = [], list(switched_off(instance))
    for at, off in enumerate(every):
        progress("switching off", at, len(every))
        screen = PointScreen(*worker.programs.followers(off.instance), {})
        values = {name: float(screen.measure(name)["payoff"]) for name in pair}
        gap = values[one] - values[other]
        found.append(Mechanism(off.name, off.says, values, gap, stated[one] - stated[other] - gap))
    progress("switching off", len(every), len(every))
    return sorted(found, key=lambda mechanism: -abs(mechanism.moves_musd))
