"""What the entries that differ between two instances move of the payoffs: one at a time on hot programs, then together.

Numbers go straight into their place; another entry (a date, a state, a posture of a rule) is written into the document, and the
whole read again. A block that only one of the two has is not tried alone: it belongs to the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from coercivity.engine.data import document as documents
from coercivity.engine.errors import CoercivityError, UsageError
from coercivity.models.licensing.answers.threshold.parameter import Parameter
from coercivity.models.licensing.buyers.evaluate import Followers
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.data.load import build, effective
from coercivity.models.licensing.data.quantity import Quantity
from coercivity.models.licensing.data.schema import shape
from coercivity.models.licensing.studies.changes.difference import Effect, Effects, changed
from coercivity.models.licensing.studies.worker import PointScreen, PointWorker, Question

Progress = Callable[[str, int, int], None]
# Parts of an instance that say something about it and that no payoff rests on.
TELLING = frozenset({
    "schema", "name", "title", "story", "caveats", "as_of", "stale_after", "assumed", "sources", "money", "observations",
    "calibration", "variants",
})  # fmt: skip


def effects_of(one: Instance, other: Instance, strategies: Sequence[str], progress: Progress) -> Effects:
    """The effects of the entries in which ``other`` differs from ``one``.

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
    tried = {**_numbers(worker, parameters, other), **_entries(one, other)}
    alone: list[Effect] = []
    for path, changed_one in tried.items():
        progress("changing", len(alone), len(tried))
        alone.append(_alone(worker, path, changed_one, before))
    progress("changing", len(tried), len(tried))
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


def _numbers(
    worker: PointWorker, parameters: Sequence[Parameter], other: Instance
) -> dict[str, Callable[[], Instance]]:
    """For each number the first instance with that one as in the other."""
    stated = [parameter.now for parameter in parameters]
    theirs = dict(other.quantities())
    return {
        parameter.name: partial(worker.writer.instance, [*stated[:at], theirs[parameter.name].value, *stated[at + 1 :]])
        for at, parameter in enumerate(parameters)
    }


def _entries(one: Instance, other: Instance) -> dict[str, Callable[[], Instance]]:
    """The same for what is no number about the world, titles and provenance left out."""
    mine, theirs = (documents.parse(effective(each), each.name) for each in (one, other))

    def with_entry(path: str) -> Instance:
        value = documents.at(theirs.data, documents.locate(theirs, path, "diff", shape()))
        return build(documents.replace(mine, path, value, "diff", shape()))

    paths = [change.path for change in changed(one, other) if change.what == ["entry"]]
    return {path: partial(with_entry, path) for path in paths if _matters(path.split("."))}


def _matters(place: Sequence[str]) -> bool:
    return place[0] not in TELLING and place[-1] not in ("title", "note")


def _alone(worker: PointWorker, path: str, changed_one: Callable[[], Instance], before: Mapping[str, float]) -> Effect:
    """One entry changed; that it does not fit by itself is told and no failure."""
    try:
        screen = PointScreen(*worker.programs.followers(changed_one()), {})
        payoff = {name: float(screen.measure(name)["payoff"]) for name in before}
    except CoercivityError as error:
        return Effect(path, {}, None, " ".join(str(error).split()))
    moves = {name: payoff[name] - before[name] for name in before}
    return Effect(path, moves, max(payoff, key=lambda name: payoff[name]), "")
