"""The verdict in words: what wins, by how much, and on which assumption it hinges.

For a fixed answer of the buyers the payoff is linear in what the leader's books multiply: the worth of the
concession, the margin, the cost of idle capacity and of the buffer. So the value at which two strategies tie is
exact, and it is set beside the range that the sources support.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from coercivity.engine.data.values import sometimes
from coercivity.models.licensing.answers.promises import Promises
from coercivity.models.licensing.answers.promises import sentences as promised
from coercivity.models.licensing.answers.values import Answer, Search, cut_off
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.data.quantity import Quantity


@dataclass(frozen=True)
class Turn:
    """The value of a parameter at which two strategies are worth the same, buyers' answers held."""

    parameter: str  # in words
    path: str  # where the parameter stands in the instance
    unit: str  # of the parameter and of the figures that follow
    now: float  # value that is assumed
    break_even: float  # value at which the two are worth the same
    low: float  # least value that the sources support
    high: float  # largest value that the sources support
    inside_range: bool  # whether the break-even lies between them
    reachable: bool  # whether the parameter can have that value
    better_above: str  # the strategy that is worth more above it
    overtaken_by: str | None = sometimes()  # the strategy that overtakes the winner there


@dataclass(frozen=True)
class Verdict:
    """What wins, by how much, and on which assumption it hinges."""

    winner: str  # name of the strategy that is worth most
    runner_up: str | None  # name of the first that follows another path; None where there is none
    margin_musd: float | None  # million USD; by what the winner is worth more than the runner-up
    sentences: Sequence[str]  # the verdict in words
    break_even: Mapping[str, Sequence[Turn]]  # between the best named strategy and each other, by pair
    hinges: Sequence[Turn]  # where the winner is first overtaken, inside a range first


def verdict_of(
    instance: Instance, answers: Sequence[Answer], promises: Promises | None = None, search: Search | None = None
) -> Verdict:
    """The verdict over evaluated strategies; ``promises`` is what was found about them, ``search`` how the menu was searched."""
    # Of equals the proved optimum goes first.
    ranked = sorted(answers, key=lambda answer: (-round(_value(answer), 6), not answer.strategy.is_optimum))
    named = [answer for answer in ranked if not answer.strategy.is_optimum]
    best, second = ranked[0], ranked[1] if len(ranked) > 1 else None
    rival = next((answer for answer in named if answer is not best and not _same_path(answer, best)), second)
    hinges = _hinges(instance, best, [answer for answer in ranked if not _same_path(answer, best)])
    sentences = [_ranking(best, rival), *searched(search)]
    if named and named[0] is not best:
        sentences.append(_best_named(named))
    sentences += _pressure(instance, best, named)
    # The nearest turning point is always told; a further one only if the sources make it possible.
    told = hinges[:1] + [hinge for hinge in hinges[1:] if hinge.inside_range]
    sentences += [_hinge_sentence(best, hinge) for hinge in told]
    sentences += _leverage(instance, best, named)
    if promises is not None:
        hoped = {_name(answer): answer.leader.terms_musd["concession"] for answer in answers}
        sentences += promised(promises, hoped)
    sentences += [f"Read with care: {caveat}" for caveat in instance.caveats]
    return Verdict(
        winner=_name(best),
        runner_up=_name(rival) if rival else None,
        margin_musd=_value(best) - _value(rival) if rival else None,
        sentences=[sentence for sentence in sentences if sentence],
        break_even=_break_evens(instance, named),
        hinges=hinges,
    )


def searched(search: Search | None) -> list[str]:
    """What a search that did not look at the whole menu says of the best that it has found."""
    told = None if search is None else search.best_first
    if search is None or told is None:
        return []
    looked = f"Looked at: {search.screened:,} of {search.menu:,} strategies on the menu"
    near = {
        0: "",
        1: "; no change of one slot of the best is better",
        2: "; no change of one or two slots of the best is better",
    }
    sample = (
        f"; of {told.sampled} drawn from the rest none is, so that at most {told.better_share:.0%} of them are (95 % confidence)"
        if told.sampled else ""
    )  # fmt: skip
    end = "" if told.finished else "; the limit ended the search"
    further = "" if told.sampled else "--wide looks further, "
    return [
        f"{looked}{near[told.neighbourhood]}{sample}{end}. That is no proof: {further}--prove looks at all of them."
    ]


def _value(answer: Answer) -> float:
    return answer.certificate.optimistic_musd


def _same_path(one: Answer, other: Answer) -> bool:
    return one.strategy.path == other.strategy.path and one.strategy.fed == other.strategy.fed


def _name(answer: Answer) -> str:
    return answer.strategy.name


def _musd(value: float) -> str:
    return f"{value:,.0f} million USD" if abs(value) >= 10 else f"{value:,.1f} million USD"


def _ranking(best: Answer, rival: Answer | None) -> str:
    proof = "proved best on the menu" if best.certificate.proof == "OPTIMAL" else "best of those compared"
    text = f"{_name(best)} pays the leader most: {_musd(_value(best))} in present value, {proof}"
    return text + (f"; {_name(rival)} follows, {_musd(_value(best) - _value(rival))} behind." if rival else ".")


def _best_named(named: Sequence[Answer]) -> str:
    text = f"Of the named strategies {_name(named[0])} comes first with {_musd(_value(named[0]))}"
    rest = ", ".join(f"{_name(answer)} {_value(answer) - _value(named[0]):+,.0f}" for answer in named[1:])
    return text + (f"; the others against it, in million USD: {rest}." if rest else ".")


def _pressure(instance: Instance, best: Answer, named: Sequence[Answer]) -> list[str]:
    """What the concession contributes, and how the ranking looks without it."""
    if instance.concession is None:
        return []
    worth = best.leader.terms_musd["concession"]
    without = min([best, *named], key=lambda answer: -(_value(answer) - answer.leader.terms_musd["concession"]))
    value = _value(without) - without.leader.terms_musd["concession"]
    said = [
        f"Of the winner's payoff {_musd(worth)} is the expected concession (probability {best.leader.probability:.0%}). "
        f"If no concession is ever made, {_name(without)} is best with {_musd(value)}."
    ]
    threats = [answer for answer in named if answer.leader.pressure_musd > 0]
    if instance.concession.window is not None and threats:
        said.append(
            f"Chance of a concession from which a threat pays as much as {instance.baseline}: "
            + ", ".join(map(_pays_from, threats)) + "."
        )  # fmt: skip
    return said


def _pays_from(answer: Answer) -> str:
    needed, given = answer.leader.pays_from_probability, f"{answer.leader.probability:.0%}"
    return f"{_name(answer)} {'not even a certain one' if needed is None else f'{needed:.0%}'} ({given} expected)"


def _sensitivities(instance: Instance, answer: Answer) -> dict[str, tuple[Quantity, str, float]]:
    """What the payoff gains per unit of each parameter of the leader's books, with the parameter and its path."""
    terms = answer.leader.terms_musd
    found: dict[str, tuple[Quantity, str, float]] = {}
    if instance.concession is not None and float(instance.concession.value) > 0:
        value = instance.concession.value
        found["value of the concession"] = (value, "concession.value", terms["concession"] / float(value))
    if float(instance.leader.buffer_cost) > 0:
        cost = instance.leader.buffer_cost
        found["cost of the buffer"] = (cost, "leader.buffer_cost", terms["buffer"] / float(cost))
    return found


def break_even(instance: Instance, one: Answer, other: Answer) -> list[Turn]:
    """For each parameter, the value at which the two strategies are worth the same, others held, buyers' answers fixed."""
    found = []
    difference = _value(one) - _value(other)
    theirs = _sensitivities(instance, other)
    for label, (parameter, path, slope) in _sensitivities(instance, one).items():
        relative = slope - theirs[label][2]
        if abs(relative) < 1e-12:
            continue
        at = float(parameter) - difference / relative
        low = parameter.low if parameter.low is not None else parameter.value
        high = parameter.high if parameter.high is not None else parameter.value
        found.append(
            Turn(
                parameter=label,
                path=path,
                unit=parameter.unit,
                now=parameter.value,
                break_even=at,
                low=low,
                high=high,
                inside_range=bool(low <= at <= high),
                reachable=at >= 0,
                better_above=_name(one) if relative > 0 else _name(other),
            )
        )
    return found


def _hinges(instance: Instance, best: Answer, others: Sequence[Answer]) -> list[Turn]:
    """For each parameter the value at which the winner is first overtaken, whoever does it; inside its range first."""
    nearest: dict[tuple[str, bool], Turn] = {}
    for other in others:
        for turn in break_even(instance, best, other):
            side = (turn.parameter, turn.break_even > turn.now)
            if turn.reachable and _distance(turn) < _distance(nearest.get(side)):
                nearest[side] = replace(turn, overtaken_by=_name(other))
    return sorted(nearest.values(), key=lambda turn: (not turn.inside_range, _distance(turn)))


def _distance(turn: Turn | None) -> float:
    """How far a break-even lies from the value assumed, relatively."""
    return float("inf") if turn is None else abs(turn.break_even / turn.now - 1.0)


def _hinge_sentence(best: Answer, hinge: Turn) -> str:
    inside = "inside" if hinge.inside_range else "outside"
    side = "below" if hinge.better_above == _name(best) else "above"
    at, now, low, high = map(_plain, (hinge.break_even, hinge.now, hinge.low, hinge.high))
    support = "no range is stated" if hinge.low == hinge.high else f"{inside} the range {low} to {high}"
    return (
        f"It hinges on the {hinge.parameter}: {hinge.overtaken_by} overtakes {_name(best)} {side} {at} {hinge.unit} "
        f"(assumed {now}; {support})."
    )


def _plain(value: float) -> str:
    """A number without an exponent: whole from a hundred on, else with up to three significant digits."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _break_evens(instance: Instance, named: Sequence[Answer]) -> dict[str, list[Turn]]:
    """Break-even of the concession for every pair that contains the best named strategy."""
    if not named:
        return {}
    return {f"{_name(named[0])} against {_name(other)}": break_even(instance, named[0], other) for other in named[1:]}


def _leverage(instance: Instance, best: Answer, named: Sequence[Answer]) -> list[str]:
    """Under which strategies the loss from the shortest cut-off is largest and smallest in the end."""
    lengths = [] if instance.leverage is None else [float(length) for length in instance.leverage.lengths]
    length = cut_off(min((length for length in lengths if length > 0), default=0.0))
    curves = {_name(answer): answer.all_blocs.leverage_musd.get(length, {}) for answer in (best, *named)}
    ends = {name: list(curve.items())[-1] for name, curve in curves.items() if curve}
    if not ends:
        return []
    last, _ = next(iter(ends.values()))
    ordered = sorted(ends.items(), key=lambda end: -end[1][1])
    (strongest, (_, top)), (weakest, (_, bottom)) = ordered[0], ordered[-1]
    return [
        f"Leverage at the end of {last}, as the cost to all buyers of an unannounced cut-off of {length}: most under {strongest} "
        f"({_musd(top)}), least under {weakest} ({_musd(bottom)})."
    ]
