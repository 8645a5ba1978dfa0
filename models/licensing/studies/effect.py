"""What the numbers that differ between two instances move of the payoffs: one at a time on a hot program, then together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from coercivity.engine.errors import CoercivityError, UsageError
from coercivity.models.licensing.answers.threshold.parameter import Parameter
from coercivity.models.licensing.buyers.evaluate import Followers
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.data.quantity import Quantity
from coercivity.models.licensing.studies.difference import Effect, Effects
from coercivity.models.licensing.studies.worker import PointWorker, Question

Progress = Callable[[str, int, int], None]


def effects_of(one: Instance, other: Instance, strategies: Sequence[str], progress: Progress) -> Effects:
    """The effects of the numbers in which ``other`` differs from ``one``.

    Parameters
    ----------
    strategies : names that both instances have; all of those where empty

    Raises
    ------
    UsageError
        The two have no strategy in common.
    InfeasibleProgram
        One of the two has no answer as it stands.
    """
    shared = [name for name in one.strategies if name in other.strategies]
    names = tuple(name for name in shared if not strategies or name in strategies)
    if not names:
        raise UsageError("--effect", "the two instances have no strategy in common", "compare them without --effect")
    parameters = _parameters(one, other)
    progress("building", 0, 1)
    worker, before = _asked(one, parameters, names)
    _, after = _asked(other, (), names)
    stated = [parameter.now for parameter in parameters]
    theirs = dict(other.quantities())
    alone = []
    for at, parameter in enumerate(parameters):
        progress("changing", at, len(parameters))
        values = [*stated[:at], theirs[parameter.name].value, *stated[at + 1 :]]
        alone.append(_alone(worker, parameter.name, values, before))
    progress("changing", len(parameters), len(parameters))
    summed = {name: sum(effect.moves_musd.get(name, 0.0) for effect in alone) for name in names}
    rest = {name: after[name] - before[name] - summed[name] for name in names}
    ordered = sorted(alone, key=lambda effect: -max(map(abs, effect.moves_musd.values()), default=0.0))
    return Effects(before, after, ordered, rest)


def _parameters(one: Instance, other: Instance) -> tuple[Parameter, ...]:
    """The numbers that both have, in one unit, with different values."""
    theirs = dict(other.quantities())
    return tuple(
        _parameter(path, number)
        for path, number in one.quantities()
        if path in theirs and theirs[path].unit == number.unit and theirs[path].value != number.value
    )


def _parameter(path: str, number: Quantity) -> Parameter:
    value, unit = number.value, number.unit
    return Parameter(path, "value", unit, (path,), (unit,), (value,), value, number.low, number.high)


def _asked(
    instance: Instance, parameters: tuple[Parameter, ...], names: tuple[str, ...]
) -> tuple[PointWorker, dict[str, float]]:
    """A worker for an instance, and the payoffs as it stands."""
    followers = Followers(instance)
    worker = Question(instance, followers.market, followers.layout, parameters, names)()
    return worker, dict(worker([parameter.now for parameter in parameters])["payoff"])


def _alone(worker: PointWorker, path: str, values: Sequence[float], before: Mapping[str, float]) -> Effect:
    """One number changed; that it does not fit by itself is told and no failure."""
    try:
        payoff = worker(values)["payoff"]
    except CoercivityError as error:
        return Effect(path, {}, None, " ".join(str(error).split()))
    moves = {name: payoff[name] - before[name] for name in before}
    return Effect(path, moves, max(payoff, key=lambda name: payoff[name]), "")
