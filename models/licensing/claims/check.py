"""Checks of a file of claims that need more than one field: names, formulas, units, rules, sources; all faults at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from coercivity.engine.data.units import UnitError
from coercivity.models.licensing.claims.data import Claim, Claims, Day, Figure, Measure, Rule, in_unit
from coercivity.models.licensing.claims.formula import FormulaError, NoValue, evaluate, names, normal, quantity_amount
from coercivity.models.licensing.claims.measures import AGAINST, MONTHS, UNITS
from coercivity.models.licensing.claims.recompute import Amounts, figures, own_amounts, shared_amounts
from coercivity.models.licensing.data.faults import Fault, Path, unknown
from coercivity.models.licensing.data.quantity import Quantity, month_index

OF_KIND = {"assumption": "assumption", "not_found": "not found"}


def faults(claims: Claims) -> Iterator[Fault]:
    """Everything that cannot be accepted, in the order of the file."""
    yield from unknown(("article",), "source", claims.article, claims.sources)
    yield from _cited(claims, (), claims.facts, claims.dates)
    scope = _Scope(shared_amounts(claims), set(), claims.rates)
    for name, claim in claims.claims.items():
        path: Path = ("claims", name)
        yield from _cited(claims, path, claim.inputs, claim.dates)
        for position, source in enumerate(claim.sources):
            yield from unknown((*path, "sources", position), "source", source, claims.sources)
        for block in ("inputs", "dates", "model", "also"):
            for own in getattr(claim, block):
                if own in scope.known or own in claims.claims:
                    yield (*path, block, own), f"'{own}' is the name of something else", "use another name"
        if name in scope.known:
            yield path, f"'{name}' is the name of something else", "use another name"
        yield from _of_kind(path, claim)
        yield from _formulas(path, name, claim, scope)


def _cited(claims: Claims, path: Path, facts: Mapping[str, Quantity], days: Mapping[str, Day]) -> Iterator[Fault]:
    """Sources that are not in the table."""
    written: list[tuple[str, Mapping[str, Quantity | Day]]] = [("inputs" if path else "facts", facts), ("dates", days)]
    for block, rows in written:
        for name, row in rows.items():
            for source in row.sources if isinstance(row, Day) else row.source:
                yield from unknown((*path, block, name), "source", source, claims.sources)


def _of_kind(path: Path, claim: Claim) -> Iterator[Fault]:
    """What a claim of its kind must have."""
    if claim.kind in ("arithmetic", "model"):
        for key, value in (("formula", claim.formula), ("rule", claim.rule)):
            if value is None:
                yield path, f"a claim of kind '{claim.kind}' without '{key}'", f"add {key}: …"
    if claim.kind == "model" and not claim.model:
        yield path, "a claim of kind 'model' that asks the model nothing", "add model: {name: {instance: …}}"
    wanted = OF_KIND.get(claim.kind)
    if (claim.verdict == wanted) is not (wanted is not None) and (wanted or claim.verdict == "assumption"):
        yield (
            (*path, "verdict"),
            f"'{claim.verdict}' for a claim of kind '{claim.kind}'",
            f"write {wanted or 'another'}",
        )
    if claim.rule is not None:
        yield from _rule((*path, "rule"), claim, claim.rule)


def _rule(path: Path, claim: Claim, rule: Rule) -> Iterator[Fault]:
    ways = [rule.within is not None, rule.rounding is not None, rule.low is not None or rule.high is not None]
    if sum(ways) != 1:
        yield path, "a rule needs exactly one of within, rounding, and from or to", "keep one of the three"
    if claim.formula is None:
        yield path, "a rule without a formula to judge", "add a formula, or remove the rule"
    if (ways[0] or ways[1]) and claim.article.value is None:
        yield (*path[:-1], "article"), "a rule of distance, but the article's value is no number", "add value: …"


@dataclass
class _Scope:
    """What formulas may name so far; ``modelled`` are names that stand for what the model will say."""

    known: Amounts
    modelled: set[str]
    rates: Mapping[str, float]

    def within(self, claim: Claim) -> _Scope:
        """What the formulas of one claim may name."""
        asked: Amounts = {
            name: quantity_amount(1.0, UNITS[one.measure], self.rates) for name, one in claim.model.items()
        }
        return _Scope(self.known | own_amounts(claim, self.rates) | asked, self.modelled | set(asked), self.rates)


def _formulas(path: Path, name: str, claim: Claim, shared: _Scope) -> Iterator[Fault]:
    """Faults of formulas and of the numbers beside them; ``shared`` learns the claim's own figure."""
    own = shared.within(claim)
    for asked_name, asked in claim.model.items():
        yield from _measure((*path, "model", asked_name), asked)
    for further, figure in figures(claim).items():
        place = (*path, "also", further) if further else path
        known_as = further or name
        refused = list(_numbers(place, figure, shared.rates))
        yield from refused
        if refused:
            own.known[known_as] = None
        elif figure.formula is not None:
            yield from _formula((*place, "formula"), known_as, figure, own)
        elif further:
            yield place, "a further figure without a formula", "add formula: …"
        if not further and known_as in own.known:
            shared.known[name] = own.known[name]
            shared.modelled |= own.modelled & {name}


def _formula(path: Path, name: str, figure: Figure, scope: _Scope) -> Iterator[Fault]:
    """The faults of a formula; the scope learns its value, or None, which stands for what was refused."""
    assert figure.formula is not None
    scope.known[name] = None
    try:
        used = names(figure.formula)
        if scope.modelled & set(used):
            scope.modelled.add(name)
        missing = [fault for one in used for fault in unknown(path, "name in a formula:", one, scope.known)]
        yield from missing
        present = {one: amount for one in used if (amount := scope.known.get(one)) is not None}
        if missing or len(present) < len(used):
            return
        value = evaluate(figure.formula, present, figure.unit, scope.rates)
    except NoValue as error:
        # Placeholders for the model's answers may cancel out; numbers of the file may not.
        if name not in scope.modelled:
            yield path, error.what, error.fix
            return
        value = 1.0
    except FormulaError as error:
        yield path, error.what, error.fix
        return
    scope.known[name] = quantity_amount(value, figure.unit, scope.rates)


def _numbers(path: Path, figure: Figure, rates: Mapping[str, float]) -> Iterator[Fault]:
    """Numbers that are not in the unit of their figure."""
    try:
        normal(figure.unit, rates)
    except UnitError as error:
        yield (*path, "unit"), error.what, error.fix
        return
    written: list[tuple[Path, object, str]] = [
        ((*path, "value"), figure.value, figure.unit),
        ((*path, "tolerance"), figure.tolerance, "1"),
    ]
    if isinstance(figure, Claim):
        written.append(((*path, "article", "value"), figure.article.value, figure.unit))
        if figure.rule is not None:
            rule, place = figure.rule, (*path, "rule")
            written += [((*place, "within"), rule.within, "1"), ((*place, "rounding"), rule.rounding, figure.unit)]
            written += [((*place, "from"), rule.low, figure.unit), ((*place, "to"), rule.high, figure.unit)]
    for place, number, unit in written:
        try:
            if number is not None:
                in_unit(number, unit, rates)
        except UnitError as error:
            yield place, error.what, error.fix


def _measure(path: Path, asked: Measure) -> Iterator[Fault]:
    """Keys that a measure needs or cannot use."""
    if (asked.against is not None) is not (asked.measure in AGAINST):
        have = "needs" if asked.measure in AGAINST else "does not use"
        fix = "add against: …" if have == "needs" else "remove against"
        yield path, f"measure '{asked.measure}' {have} another strategy", fix
    months = [asked.begins, asked.ends]
    if asked.measure in MONTHS and None in months:
        yield path, f"measure '{asked.measure}' needs its months", "add begins: 2030-01 and ends: 2030-12"
    if asked.measure not in MONTHS and months != [None, None]:
        yield path, f"measure '{asked.measure}' does not use months", "remove begins and ends"
    if asked.begins and asked.ends:
        if month_index(asked.begins) > month_index(asked.ends):
            yield path, "the span ends before it begins", "exchange begins and ends"
        elif asked.measure == "margin_change" and (asked.begins[5:], asked.ends[5:]) != ("01", "12"):
            yield path, "the margin is known by calendar year", "let begins be a January and ends a December"
