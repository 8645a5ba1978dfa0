"""Why one strategy is worth more than another: by term, bloc and year, mechanism by mechanism, number by number."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from coercivity.engine.report.text import number
from coercivity.models.licensing.answers.commands import reproduced
from coercivity.models.licensing.answers.game import StrategyAnswers
from coercivity.models.licensing.answers.subject import subject_of
from coercivity.models.licensing.answers.values import Answer
from coercivity.models.licensing.answers.verdict.first import Statement, hinge_told, titled
from coercivity.models.licensing.answers.verdict.hinges import TIE
from coercivity.models.licensing.answers.verdict.wording import MONEY, TERMS, musd
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.studies.reasons.hinges import Means, hinges_of
from coercivity.models.licensing.studies.reasons.mechanisms import mechanisms
from coercivity.models.licensing.studies.reasons.prices import prices_of
from coercivity.models.licensing.studies.reasons.values import Why
from coercivity.models.licensing.studies.session import check_pair

Progress = Callable[[str, int, int], None]


def pair_of(answers: StrategyAnswers, strategy: str | None, against: str | None) -> tuple[str, str]:
    """The two strategies: those named, else the best named one and the best that is worth clearly less.

    Raises
    ------
    UsageError
        No such strategy, both are the same, or there is no second one.
    """
    check_pair(answers.instance, strategy, against, "name another one")
    if strategy is not None and against is not None:
        return strategy, against
    worth = answers.first_look()
    one = strategy or next(name for name in worth if name != against)
    rest = [name for name in worth if name != one]
    clearly = [name for name in rest if abs(worth[one] - worth[name]) > TIE * abs(worth[one])]
    return one, against or (clearly or rest)[0]


def why(instance: Instance, strategy: str | None, against: str | None, means: Means, progress: Progress) -> Why:
    """Why ``strategy`` is worth more than ``against``, or less; both are evaluated with their certificates.

    Raises
    ------
    UsageError
        As :func:`pair_of`.
    InfeasibleProgram
        A program of the buyers has no finite optimum.
    """
    progress("evaluating", 0, 2)
    answers = StrategyAnswers(instance)
    pair = pair_of(answers, strategy, against)
    one, other = (answers.named(name) for name in pair)
    progress("evaluating", 2, 2)
    game = answers.game
    prices = [price for name in pair for price in prices_of(game, game.evaluate(game.announce(name)))]
    found = Why(
        schema_version=1,
        command="why",
        instance=subject_of(instance),
        strategy=pair[0],
        against=pair[1],
        titles={name: titled(answer) for name, answer in zip(pair, (one, other), strict=True)},
        values_musd={name: answer.leader.value_musd for name, answer in zip(pair, (one, other), strict=True)},
        difference_musd=one.leader.value_musd - other.leader.value_musd,
        terms_musd=_difference(one.leader.terms_musd, other.leader.terms_musd),
        years_musd=_difference(_yearly(one), _yearly(other)),
        blocs_musd={name: bloc.pain_musd - other.blocs[name].pain_musd for name, bloc in one.blocs.items()},
        mechanisms=mechanisms(instance, pair, progress),
        hinges=hinges_of(instance, (one, other), means),
        prices=prices,
        sentences=(),
        manifest=reproduced(instance),
    )
    return replace(found, sentences=list(_sentences(found)))


def _difference(one: dict[str, float] | object, other: dict[str, float] | object) -> dict[str, float]:
    assert isinstance(one, dict) and isinstance(other, dict)
    return {key: one.get(key, 0.0) - other.get(key, 0.0) for key in dict.fromkeys([*one, *other])}


def _yearly(answer: Answer) -> dict[str, float]:
    found: dict[str, float] = {}
    for flow in answer.leader.by_year.values():
        for year, value in flow.items():
            found[year] = found.get(year, 0.0) + value
    return found


def _sentences(found: Why) -> Iterator[Statement]:
    one, other = (found.titles[name] for name in (found.strategy, found.against))
    gap = found.difference_musd
    pair = [found.strategy, found.against]
    what = "more" if gap >= 0 else "less"
    yield Statement("difference", f"{one} is worth {musd(abs(gap))} {what} than {other}.", {"difference": gap}, pair)
    terms = sorted(((term, value) for term, value in found.terms_musd.items() if value), key=lambda one: -abs(one[1]))
    terms = [(term, value) for term, value in terms if abs(value) >= 0.01 * abs(terms[0][1])]
    told = ", ".join(
        f"{TERMS.get(term, term)} {number(value, 0 if abs(value) >= 10 else 1, sign=True)}" for term, value in terms[:4]
    )
    if told:
        yield Statement("terms", f"In {MONEY}: {told}.", dict(terms[:4]), pair)
    years = [(year, value) for year, value in found.years_musd.items() if value]
    if years:
        year, value = max(years, key=lambda item: abs(item[1]))
        says = f"The year that counts most is {year}: {number(value, 0 if abs(value) >= 10 else 1, sign=True)} {MONEY}."
        yield Statement("year", says, {"value": value}, pair)
    blocs = sorted(found.blocs_musd.items(), key=lambda item: -abs(item[1]))[:2]
    said = ", ".join(
        f"{bloc} {number(value, 0 if abs(value) >= 10 else 1, sign=True)}" for bloc, value in blocs if value
    )
    if said:
        yield Statement("blocs", f"What buyers bear, against {other}, {MONEY}: {said}.", dict(blocs), pair)
    yield from _of_mechanisms(found, one, other)
    for hinge in found.hinges.turns[:3]:
        yield hinge_told(hinge, found.titles)
    looked = found.hinges.note or found.hinges.looked_at
    yield Statement("hinges_looked", f"{looked[:1].upper()}{looked[1:]}.", {"looked": found.hinges.looked})


def _of_mechanisms(found: Why, one: str, other: str) -> Iterator[Statement]:
    """The mechanisms that turn the order, or else the one that moves most."""
    moving = [one for one in found.mechanisms if abs(one.moves_musd) > TIE * abs(found.difference_musd)]
    turning = [mechanism for mechanism in moving if mechanism.difference_musd * found.difference_musd < 0]
    for mechanism in turning[:2] or moving[:1]:
        gap = mechanism.difference_musd
        ahead, behind = (one, other) if gap >= 0 else (other, one)
        says = f"If {mechanism.says}, {ahead} is {musd(abs(gap))} ahead of {behind}."
        yield Statement(f"without {mechanism.mechanism}", says, {"difference": gap}, [found.strategy, found.against])
