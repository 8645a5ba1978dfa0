"""Every claim recomputed in the order of the file: from its numbers, from earlier claims, or by the model; then judged.

Nothing stored is trusted: the recorded value and verdict are read only to say where the recomputed ones differ.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from coercivity.engine.errors import AuditFailed
from coercivity.models.licensing.claims.data import Claim, Claims, Figure, Measure, Rule, in_unit
from coercivity.models.licensing.claims.formula import (
    Amount,
    FormulaError,
    day_amount,
    evaluate,
    names,
    quantity_amount,
    shown,
    with_numbers,
)
from coercivity.models.licensing.claims.measures import UNITS

# A distance is compared with a limit that was written in decimals: their last binary digit must not decide.
SLACK = 1e-9


@dataclass(frozen=True)
class Recomputed:
    """One figure, recomputed.

    Attributes
    ----------
    value : None where it has no formula, or where the model was left out
    recorded : what it was when the file was written
    worked : the formula with its numbers
    drift : how the two differ, or nothing
    skipped : whether the model was left out
    """

    value: float | None
    recorded: float | None
    worked: str = ""
    drift: str = ""
    skipped: bool = False


@dataclass(frozen=True)
class Judged:
    """One claim, recomputed and judged; ``drifts`` are all differences from what is on record."""

    claim: Claim
    figure: Recomputed
    also: dict[str, Recomputed]
    verdict: str
    drifts: tuple[str, ...]


Ask = Callable[[Measure], float | None]


def recomputed(claims: Claims, ask: Ask, only: str | None = None) -> dict[str, Judged]:
    """All claims, or one with those that it rests on, by name.

    Parameters
    ----------
    ask : the model's answer to a question; None where it is left out

    Raises
    ------
    AuditFailed
        A formula has no value with what the model answers.
    """
    wanted = needed(claims, only) if only else set(claims.claims)
    shared = shared_amounts(claims)
    found: dict[str, Judged] = {}
    for name, claim in claims.claims.items():
        if name not in wanted:
            continue
        known = shared | own_amounts(claim, claims.rates) | asked_amounts(claim, claims.rates, ask)
        figure = _figure(name, claim, known, claims.rates)
        also = {}
        _remember(known, name, claim, figure, claims.rates)
        for other, further in claim.also.items():
            also[other] = _figure(f"{name}.{other}", further, known, claims.rates)
            _remember(known, other, further, also[other], claims.rates)
        verdict = verdict_of(claim, figure.value, claims.rates)
        drifts = [one.drift for one in (figure, *also.values()) if one.drift]
        if verdict != claim.verdict:
            drifts.append(f"{name}: the verdict comes out as '{verdict}', on record is '{claim.verdict}'")
        found[name] = Judged(claim, figure, also, verdict, tuple(drifts))
        _remember(shared, name, claim, figure, claims.rates)
    return found


def needed(claims: Claims, name: str) -> set[str]:
    """A claim and all earlier ones that its formulas name."""
    found, waiting = set(), [name]
    while waiting:
        now = waiting.pop()
        found.add(now)
        formulas = [figure.formula for figure in figures(claims.claims[now]).values() if figure.formula]
        used = {used for formula in formulas for used in names(formula)}
        waiting.extend(used & set(claims.claims) - found)
    return found


def figures(claim: Claim) -> dict[str, Figure]:
    """The claim's own figure, under an empty name, and its further ones."""
    return {"": claim, **claim.also}


def questions(claims: Claims, wanted: Iterable[str]) -> list[Measure]:
    """What some claims ask the model."""
    return [asked for name in wanted for asked in claims.claims[name].model.values()]


Amounts = dict[str, Amount | None]


def shared_amounts(claims: Claims) -> Amounts:
    """The numbers and days that several claims use."""
    found: Amounts = {name: quantity_amount(x.value, x.unit, claims.rates) for name, x in claims.facts.items()}
    return found | {name: day_amount(day.date) for name, day in claims.dates.items()}


def own_amounts(claim: Claim, rates: Mapping[str, float]) -> Amounts:
    """The numbers and days of one claim."""
    found: Amounts = {name: quantity_amount(x.value, x.unit, rates) for name, x in claim.inputs.items()}
    return found | {name: day_amount(day.date) for name, day in claim.dates.items()}


def asked_amounts(claim: Claim, rates: Mapping[str, float], ask: Ask) -> Amounts:
    """The model's answers for one claim; None where the model is left out."""
    found: Amounts = {}
    for name, asked in claim.model.items():
        value = ask(asked)
        found[name] = None if value is None else quantity_amount(value, UNITS[asked.measure], rates)
    return found


def _remember(known: Amounts, name: str, figure: Figure, found: Recomputed, rates: Mapping[str, float]) -> None:
    """Let later formulas name a figure."""
    if found.skipped:
        known[name] = None
    elif found.value is not None:
        known[name] = quantity_amount(found.value, figure.unit, rates)


def _figure(name: str, figure: Figure, known: Amounts, rates: Mapping[str, float]) -> Recomputed:
    recorded = None if figure.value is None else in_unit(figure.value, figure.unit, rates)
    if figure.formula is None:
        return Recomputed(None, recorded)
    used = {one: known[one] for one in names(figure.formula)}
    present = {one: value for one, value in used.items() if value is not None}
    if len(present) < len(used):
        return Recomputed(None, recorded, skipped=True)
    try:
        value = evaluate(figure.formula, present, figure.unit, rates)
    except FormulaError as error:
        raise AuditFailed(name, error.what, error.fix) from None
    return Recomputed(
        value, recorded, with_numbers(figure.formula, present), _drift(name, figure, value, recorded, rates)
    )


def _drift(name: str, figure: Figure, value: float, recorded: float | None, rates: Mapping[str, float]) -> str:
    """How far a value has moved from the one on record, or nothing where that is near enough."""
    if recorded is None:
        return ""
    tolerance = in_unit(figure.tolerance, "1", rates)
    if abs(value - recorded) <= tolerance * abs(recorded) + SLACK:
        return ""
    now, then = shown(value, figure.unit), shown(recorded, figure.unit)
    return f"{name}: recomputed {now}, on record {then}, more than {shown(100.0 * tolerance, '%', 3)} apart"


def verdict_of(claim: Claim, value: float | None, rates: Mapping[str, float]) -> str:
    """The verdict that the rule gives to a recomputed value; the one on record where there is no rule or no value."""
    if claim.rule is None or value is None:
        return claim.verdict
    return "confirmed" if _holds(claim, claim.rule, value, rates) else claim.rule.otherwise


def _holds(claim: Claim, rule: Rule, value: float, rates: Mapping[str, float]) -> bool:
    slack = SLACK * max(1.0, abs(value))
    if rule.low is not None and value < in_unit(rule.low, claim.unit, rates) - slack:
        return False
    if rule.high is not None and value > in_unit(rule.high, claim.unit, rates) + slack:
        return False
    if claim.article.value is None or (rule.within is None and rule.rounding is None):
        return True
    said = in_unit(claim.article.value, claim.unit, rates)
    limit = in_unit(rule.rounding, claim.unit, rates) if rule.rounding is not None else 0.0
    if rule.within is not None:
        limit = in_unit(rule.within, "1", rates) * abs(said)
    return abs(value - said) <= limit + slack
