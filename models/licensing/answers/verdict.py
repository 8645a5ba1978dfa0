"""The verdict in words: what wins, by how much, and on which assumption it hinges.

For a fixed answer of the buyers the payoff is linear in what the leader's books multiply: the worth of the
concession, the margin, the cost of idle capacity and of the buffer. So the value at which two strategies tie is
exact, and it is set beside the range that the sources support.
"""

from __future__ import annotations

from typing import Any

from coercivity.models.licensing.answers.promises import sentences as promised
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.data.quantity import Quantity


def verdict_of(
    instance: Instance, blocks: list[dict[str, Any]], promises: dict[str, Any] | None = None
) -> dict[str, Any]:
    """The verdict over evaluated strategies, each a block of :mod:`coercivity.models.licensing.answers.results`.

    ``promises`` is what :mod:`coercivity.models.licensing.answers.promises` found about them.
    """
    # Of equals the proved optimum goes first.
    ranked = sorted(blocks, key=lambda block: (-round(_value(block), 6), not block["strategy"]["is_optimum"]))
    named = [block for block in ranked if not block["strategy"]["is_optimum"]]
    best, second = ranked[0], ranked[1] if len(ranked) > 1 else None
    rival = next((block for block in named if block is not best and not _same_path(block, best)), second)
    hinges = _hinges(instance, best, [block for block in ranked if not _same_path(block, best)])
    sentences = [_ranking(best, rival, named)]
    if named and named[0] is not best:
        sentences.append(_best_named(named))
    sentences += _pressure(instance, best, named)
    # The nearest turning point is always told; a further one only if the sources make it possible.
    told = hinges[:1] + [hinge for hinge in hinges[1:] if hinge["inside_range"]]
    sentences += [_hinge_sentence(best, hinge) for hinge in told]
    sentences += _leverage(best, named)
    if promises is not None:
        hoped = {_name(block): float(block["leader"]["terms_musd"]["concession"]) for block in blocks}
        sentences += promised(promises, hoped)
    sentences += [f"Read with care: {caveat}" for caveat in instance.caveats]
    return {
        "winner": best["strategy"]["name"],
        "runner_up": rival["strategy"]["name"] if rival else None,
        "margin_musd": _value(best) - _value(rival) if rival else None,
        "sentences": [sentence for sentence in sentences if sentence],
        "break_even": _break_evens(instance, named),
        "hinges": hinges,
    }


def _value(block: dict[str, Any]) -> float:
    return float(block["certificate"]["optimistic_musd"])


def _same_path(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return bool(
        one["strategy"]["path"] == other["strategy"]["path"] and one["strategy"]["fed"] == other["strategy"]["fed"]
    )


def _name(block: dict[str, Any]) -> str:
    return str(block["strategy"]["name"])


def _musd(value: float) -> str:
    return f"{value:,.0f} million USD" if abs(value) >= 10 else f"{value:,.1f} million USD"


def _ranking(best: dict[str, Any], rival: dict[str, Any] | None, named: list[dict[str, Any]]) -> str:
    proof = "proved best on the menu" if best["certificate"]["proof"] == "OPTIMAL" else "best of those compared"
    text = f"{_name(best)} pays the leader most: {_musd(_value(best))} in present value, {proof}"
    return text + (f"; {_name(rival)} follows, {_musd(_value(best) - _value(rival))} behind." if rival else ".")


def _best_named(named: list[dict[str, Any]]) -> str:
    text = f"Of the named strategies {_name(named[0])} comes first with {_musd(_value(named[0]))}"
    rest = ", ".join(f"{_name(block)} {_value(block) - _value(named[0]):+,.0f}" for block in named[1:])
    return text + (f"; the others against it, in million USD: {rest}." if rest else ".")


def _pressure(instance: Instance, best: dict[str, Any], named: list[dict[str, Any]]) -> list[str]:
    """What the concession contributes, and how the ranking looks without it."""
    if instance.concession is None:
        return []
    worth = best["leader"]["terms_musd"]["concession"]
    without = sorted([best, *named], key=lambda block: -(_value(block) - block["leader"]["terms_musd"]["concession"]))[
        0
    ]
    value = _value(without) - without["leader"]["terms_musd"]["concession"]
    return [
        f"Of the winner's payoff {_musd(worth)} is the expected concession (probability {best['leader']['probability']:.0%}). "
        f"If no concession is ever made, {_name(without)} is best with {_musd(value)}."
    ]


def _sensitivities(instance: Instance, block: dict[str, Any]) -> dict[str, tuple[Quantity, str, float]]:
    """What the payoff gains per unit of each parameter of the leader's books, with the parameter and its path."""
    terms = block["leader"]["terms_musd"]
    found: dict[str, tuple[Quantity, str, float]] = {}
    if instance.concession is not None and float(instance.concession.value) > 0:
        value = instance.concession.value
        found["value of the concession"] = (value, "concession.value", terms["concession"] / float(value))
    if float(instance.leader.buffer_cost) > 0:
        cost = instance.leader.buffer_cost
        found["cost of the buffer"] = (cost, "leader.buffer_cost", terms["buffer"] / float(cost))
    return found


def break_even(instance: Instance, one: dict[str, Any], other: dict[str, Any]) -> list[dict[str, Any]]:
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
        found.append({
            "parameter": label, "path": path, "unit": parameter.unit, "now": parameter.value, "break_even": at, "low": low, "high": high,
            "inside_range": bool(low <= at <= high), "reachable": at >= 0, "better_above": _name(one) if relative > 0 else _name(other),
        })  # fmt: skip
    return found


def _hinges(instance: Instance, best: dict[str, Any], others: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """For each parameter the value at which the winner is first overtaken, whoever does it; inside its range first."""
    nearest: dict[tuple[str, bool], dict[str, Any]] = {}
    for other in others:
        for hinge in break_even(instance, best, other):
            side = (hinge["parameter"], hinge["break_even"] > hinge["now"])
            if hinge["reachable"] and _distance(hinge) < _distance(nearest.get(side)):
                nearest[side] = hinge | {"overtaken_by": _name(other)}
    return sorted(nearest.values(), key=lambda hinge: (not hinge["inside_range"], _distance(hinge)))


def _distance(hinge: dict[str, Any] | None) -> float:
    """How far a break-even lies from the value assumed, relatively."""
    return float("inf") if hinge is None else abs(float(hinge["break_even"]) / float(hinge["now"]) - 1.0)


def _hinge_sentence(best: dict[str, Any], hinge: dict[str, Any]) -> str:
    inside = "inside" if hinge["inside_range"] else "outside"
    side = "below" if hinge["better_above"] == _name(best) else "above"
    at, now, low, high = (_plain(hinge[key]) for key in ("break_even", "now", "low", "high"))
    support = "no range is stated" if hinge["low"] == hinge["high"] else f"{inside} the range {low} to {high}"
    return (
        f"It hinges on the {hinge['parameter']}: {hinge['overtaken_by']} overtakes {_name(best)} {side} {at} {hinge['unit']} "
        f"(assumed {now}; {support})."
    )


def _plain(value: float) -> str:
    """A number without an exponent: whole from a hundred on, else with up to three significant digits."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _break_evens(instance: Instance, named: list[dict[str, Any]]) -> dict[str, Any]:
    """Break-even of the concession for every pair that contains the best named strategy."""
    if not named:
        return {}
    return {f"{_name(named[0])} against {_name(block)}": break_even(instance, named[0], block) for block in named[1:]}


def _leverage(best: dict[str, Any], named: list[dict[str, Any]]) -> list[str]:
    """How the loss from the shortest cut-off changes along each strategy, for the first and the last that say most."""
    curves = {}
    for block in [best, *named]:
        by_length = {name: curve for name, curve in block["all_blocs"]["leverage_musd"].items() if curve}
        lengths = sorted((float(name.split()[0]), name) for name in by_length if float(name.split()[0]) > 0)
        if lengths:
            curve = by_length[lengths[0][1]]
            periods = list(curve)
            curves[_name(block)] = (lengths[0][1], periods[0], curve[periods[0]], periods[-1], curve[periods[-1]])
    if not curves:
        return []
    length, _, _, last, _ = next(iter(curves.values()))
    ordered = sorted(curves.items(), key=lambda item: -item[1][4])
    (strongest, top), (weakest, bottom) = ordered[0], ordered[-1]
    return [
        f"Leverage at the end of {last}, as the cost to all buyers of an unannounced cut-off of {length}: most under {strongest} "
        f"({_musd(top[4])}), least under {weakest} ({_musd(bottom[4])})."
    ]
