"""What differs between two instances, number by number, and between two saved results, strategy by strategy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from coercivity.engine.data.values import sometimes
from coercivity.models.licensing.answers.subject import Subject, subject_of
from coercivity.models.licensing.answers.values import Answer
from coercivity.models.licensing.answers.verify import Saved
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.data.quantity import Quantity

SCHEMA_VERSION = 1
Place = tuple[str, ...]
Leaf = Quantity | str | int | float | bool | tuple[Any, ...]


@dataclass(frozen=True)
class Stated:
    """What one instance says at a path."""

    text: str  # as it is read; of a block how many entries it has
    value: float | None  # in the unit of the change; None for what is no number about the world
    low: float | None  # in the same unit; least value that the sources support
    high: float | None  # in the same unit; largest value that they support
    sources: Sequence[str]  # names of the sources
    grade: str | None  # of the sources
    reason: str  # the derivation or the assumption


@dataclass(frozen=True)
class Change:
    """One path at which two instances differ."""

    path: str  # where it stands
    what: Sequence[str]  # value, range, origin, entry; or added, removed
    unit: str | None  # of the numbers; None for what is no number
    before: Stated | None  # in the first; None for what was added
    after: Stated | None  # in the second; None for what was removed


@dataclass(frozen=True)
class Effect:
    """What one changed entry moves by itself, in the first instance."""

    path: str  # where it stands
    moves_musd: Mapping[str, float]  # million USD; change of the payoff, by strategy; empty where there is no answer
    best: str | None  # strategy that is then worth most; None where there is no answer
    message: str  # why there is no answer; else empty


@dataclass(frozen=True)
class Effects:
    """What the changed entries do to the payoffs, one at a time and all together."""

    before_musd: Mapping[str, float]  # million USD; payoff in the first instance, by strategy
    after_musd: Mapping[str, float]  # million USD; payoff in the second
    alone: Sequence[Effect]  # one entry at a time, what moves most first
    rest_musd: Mapping[str, float]  # million USD; what they do only together, and what was added or removed


@dataclass(frozen=True)
class InstanceDifference:
    """What differs between two instances."""

    schema_version: int  # of this layout
    command: str  # diff
    before: Subject  # the first
    after: Subject  # the second
    changed_by: Sequence[str]  # options that were laid over the second; empty for none
    same: int  # numbers about the world that both have alike, origin and range included
    changes: Sequence[Change]  # in the order of the first, what was added last
    effects: Effects | None = sometimes()  # what the changed entries move; only where it was asked for


@dataclass(frozen=True)
class Rank:
    """How one strategy stands in a result."""

    rank: int  # 1 for the best
    value_musd: float  # million USD; expected present value of the leader's payoff
    probability: float  # 1; of a concession
    market_pain_musd: float  # million USD; rise of the buyers' cost over open trade
    proof: str  # name of the level that is proved


@dataclass(frozen=True)
class Moved:
    """One strategy in two results."""

    strategy: str  # its name
    title: str  # in words
    before: Rank | None  # in the first; None where it has no such strategy
    after: Rank | None  # in the second; likewise
    moves_musd: float | None  # million USD; change of the payoff; None where one is missing
    terms_musd: Mapping[str, float]  # million USD; change of each term that moves
    path_changed: bool  # whether it commits to another path


@dataclass(frozen=True)
class ResultDifference:
    """What differs between two saved results."""

    schema_version: int  # of this layout
    command: str  # diff
    before: Subject  # instance of the first
    after: Subject  # instance of the second
    best_before: str  # strategy that is worth most in the first
    best_after: str  # in the second
    strategies: Sequence[Moved]  # by their rank in the second, what is missing there last
    changes: Sequence[Change]  # between the instances that were solved
    versions: Mapping[str, Sequence[str | None]]  # that differ, of the first and the second, by package


# -- instances -----------------------------------------------------------------------------------------------------


def instances_differ(
    one: Instance, other: Instance, effects: Effects | None = None, changed_by: Sequence[str] = ()
) -> InstanceDifference:
    """Every path at which two instances differ; ``changed_by`` are options that were laid over the second."""
    changes = list(changed(one, other))
    touched = {change.path for change in changes}
    theirs = dict(other.quantities())
    same = sum(path in theirs and path not in touched for path, _ in one.quantities())
    subjects = subject_of(one), subject_of(other)
    return InstanceDifference(SCHEMA_VERSION, "diff", *subjects, changed_by, same, changes, effects)


def changed(one: Instance, other: Instance) -> Iterator[Change]:
    """The differences; a block that only one of them has is told once, as a whole."""
    before, after = dict(_leaves(one, ())), dict(_leaves(other, ()))
    blocks = _blocks(before), _blocks(after)
    whole: dict[tuple[str, Place], int] = {}
    for place, leaf in before.items():
        if place not in after:
            _count(whole, "removed", _root(place, blocks[1]))
        elif _differ(leaf, after[place]):
            yield _change(place, leaf, after[place])
    for place in after:
        if place not in before:
            _count(whole, "added", _root(place, blocks[0]))
    for (what, place), entries in whole.items():
        single = (before if what == "removed" else after).get(place)
        told = _entries(entries) if single is None else _stated(single)
        unit = single.unit if isinstance(single, Quantity) else None
        sides = (told, None) if what == "removed" else (None, told)
        yield Change(".".join(place), [what], unit, *sides)


def _leaves(node: object, place: Place) -> Iterator[tuple[Place, Leaf]]:
    """Quantities, texts, and lists of nothing else, each with its place."""
    if isinstance(node, Quantity):
        yield place, node
    elif isinstance(node, BaseModel):
        for key, field in type(node).model_fields.items():
            yield from _leaves(getattr(node, key), (*place, field.alias or key))
    elif isinstance(node, dict):
        for key, value in node.items():
            yield from _leaves(value, (*place, str(key)))
    elif isinstance(node, list | tuple):
        if any(isinstance(item, BaseModel | dict | list | tuple) for item in node):
            for position, item in enumerate(node):
                yield from _leaves(item, (*place, str(position)))
        elif node:
            yield place, tuple(node)
    elif node is not None:
        assert isinstance(node, str | int | float | bool)
        yield place, node


def _blocks(leaves: Mapping[Place, Leaf]) -> set[Place]:
    return {place[:end] for place in leaves for end in range(1, len(place) + 1)}


def _root(place: Place, blocks: set[Place]) -> Place:
    """The largest block around a place that the other instance has nothing of."""
    return next(place[:end] for end in range(1, len(place) + 1) if place[:end] not in blocks)


def _count(whole: dict[tuple[str, Place], int], what: str, place: Place) -> None:
    whole[what, place] = whole.get((what, place), 0) + 1


def _differ(one: Leaf, other: Leaf) -> bool:
    if isinstance(one, Quantity) and isinstance(other, Quantity):
        return bool(_what(one, other))
    return one != other


def _what(one: Quantity, other: Quantity) -> list[str]:
    """In what two numbers differ; that one of them was set from outside is no difference by itself."""
    found = ["value"] if (one.value, one.unit) != (other.value, other.unit) else []
    spans = ((one.low, one.high, one.distribution), (other.low, other.high, other.distribution))
    found += ["range"] if spans[0] != spans[1] else []
    origins = [(each.source, each.grade, each.year, each.derivation, each.assumption) for each in (one, other)]
    return found + (["origin"] if origins[0] != origins[1] else [])


def _change(place: Place, one: Leaf, other: Leaf) -> Change:
    is_number = isinstance(one, Quantity) and isinstance(other, Quantity)
    what = _what(one, other) if isinstance(one, Quantity) and isinstance(other, Quantity) else ["entry"]
    unit = one.unit if is_number and isinstance(one, Quantity) else None
    return Change(".".join(place), what, unit, _stated(one), _stated(other))


def _stated(leaf: Leaf) -> Stated:
    if isinstance(leaf, Quantity):
        reason = "; ".join(text for text in (leaf.derivation, leaf.assumption) if text)
        text = f"{leaf.value!r} {leaf.unit}" if leaf.unit != "1" else repr(leaf.value)
        return Stated(text, leaf.value, leaf.low, leaf.high, leaf.source, leaf.grade, reason)
    return Stated(", ".join(map(str, leaf)) if isinstance(leaf, tuple) else str(leaf), None, None, None, (), None, "")


def _entries(count: int) -> Stated:
    return Stated(f"{count} entr{'y' if count == 1 else 'ies'}", None, None, None, (), None, "")


# -- results -------------------------------------------------------------------------------------------------------


def results_differ(one: Saved, other: Saved) -> ResultDifference:
    """How the strategies of two saved results stand, and what differs between the instances that were solved."""
    before, after = _ranked(one), _ranked(other)
    names = [*after, *(name for name in before if name not in after)]
    made = [saved.told.manifest.get("versions") or {} for saved in (one, other)]
    packages = dict.fromkeys([*made[0], *made[1]])
    return ResultDifference(
        schema_version=SCHEMA_VERSION,
        command="diff",
        before=one.told.instance,
        after=other.told.instance,
        best_before=next(iter(before)),
        best_after=next(iter(after)),
        strategies=[_moved(name, before.get(name), after.get(name)) for name in names],
        changes=list(changed(one.instance, other.instance)),
        versions={
            name: [made[0].get(name), made[1].get(name)] for name in packages if made[0].get(name) != made[1].get(name)
        },
    )


def _ranked(saved: Saved) -> dict[str, tuple[int, Answer]]:
    """The strategies of a result with their rank; of equals the optimum goes first."""
    ranked = sorted(saved.told.answers, key=lambda one: (-round(one.leader.value_musd, 6), not one.strategy.is_optimum))
    return {answer.strategy.name: (rank, answer) for rank, answer in enumerate(ranked, start=1)}


def _moved(name: str, before: tuple[int, Answer] | None, after: tuple[int, Answer] | None) -> Moved:
    (_, known) = after or before or (0, None)
    assert known is not None
    title, terms, moves, is_other = known.strategy.title, {}, None, False
    if before is not None and after is not None:
        one, other = before[1], after[1]
        moves = other.leader.value_musd - one.leader.value_musd
        keys = dict.fromkeys([*one.leader.terms_musd, *other.leader.terms_musd])
        deltas = {key: other.leader.terms_musd.get(key, 0.0) - one.leader.terms_musd.get(key, 0.0) for key in keys}
        terms = {key: delta for key, delta in deltas.items() if delta}
        is_other = one.strategy.path != other.strategy.path
    return Moved(name, title, _placed(before), _placed(after), moves, terms, is_other)


def _placed(ranked: tuple[int, Answer] | None) -> Rank | None:
    if ranked is None:
        return None
    rank, answer = ranked
    leader, proof = answer.leader, answer.certificate.proof
    return Rank(rank, leader.value_musd, leader.probability, answer.market.market_pain_musd, proof)
