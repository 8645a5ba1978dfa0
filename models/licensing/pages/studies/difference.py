"""The difference of two instances or of two results, as sentences and tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from coercivity.engine.report.text import Block, Column, Prose, Table, amount, number
from coercivity.models.licensing.pages.words import MONEY, TERMS, decimals, musd, texts
from coercivity.models.licensing.studies.changes.difference import (
    Change,
    Effects,
    InstanceDifference,
    Moved,
    ResultDifference,
    Stated,
)

# Letters of a text that a table shows; the JSON holds all of them.
LONGEST = 70


def blocks(found: InstanceDifference | ResultDifference) -> list[Block]:
    """The report of either."""
    told = _of_results(found) if isinstance(found, ResultDifference) else _of_instances(found)
    return list(told)


def rows(found: InstanceDifference | ResultDifference) -> list[dict[str, Any]]:
    """One row a change, or one a strategy of two results, for CSV."""
    if isinstance(found, ResultDifference):
        return [_moved_row(one) for one in found.strategies]
    effects = {} if found.effects is None else {one.path: one for one in found.effects.alone}
    names = [] if found.effects is None else list(found.effects.before_musd)
    return [
        _change_row(one)
        | {f"moves {name} [{MONEY}]": effects[one.path].moves_musd.get(name) if one.path in effects else None for name in names}
        for one in found.changes
    ]  # fmt: skip


def _change_row(one: Change) -> dict[str, Any]:
    found: dict[str, Any] = {"path": one.path, "what": one.what, "unit": one.unit}
    for side, stated in (("before", one.before), ("after", one.after)):
        found |= {
            side: stated and (stated.text if stated.value is None else stated.value),
            f"{side}_low": stated and stated.low,
            f"{side}_high": stated and stated.high,
            f"{side}_sources": stated.sources if stated else None,
            f"{side}_reason": stated and stated.reason,
        }
    return found


def _moved_row(one: Moved) -> dict[str, Any]:
    found: dict[str, Any] = {"strategy": one.strategy, "title": one.title, "moves_musd": one.moves_musd}
    for side, rank in (("before", one.before), ("after", one.after)):
        found |= {
            f"{key}_{side}": rank and getattr(rank, key) for key in ("rank", "value_musd", "probability", "proof")
        }
    return found


# -- instances -----------------------------------------------------------------------------------------------------


def _of_instances(found: InstanceDifference) -> Iterator[Block]:
    by = f", with {' '.join(found.changed_by)}" if found.changed_by else ""
    says = [f"From {found.before.heading}", f"to {found.after.heading}{by}:", _counted(found.changes, found.same)]
    if found.effects is not None:
        says += _effect_sentences(found.effects)
    yield Prose("", says)
    if found.effects is not None:
        yield from _effects(found.effects)
    yield from _changes(found.changes)


def _counted(changes: Sequence[Change], same: int | None = None) -> str:
    if not changes:
        return "They say the same."
    numbers = [one for one in changes if one.unit is not None and not {"added", "removed"} & set(one.what)]
    values = sum("value" in one.what for one in numbers)
    added, removed = (sum(what in one.what for one in changes) for what in ("added", "removed"))
    others = len(changes) - len(numbers) - added - removed
    parts = [
        (values, "number{s} of another value"),
        (len(numbers) - values, "of another range or origin"),
        (others, "other entr{ies}"),
        (added, "added"),
        (removed, "removed"),
    ]
    told = ", ".join(_plural(count, words) for count, words in parts if count)
    return f"{told}." + ("" if same is None else f" {same} numbers are the same.")


def _plural(count: int, words: str) -> str:
    return f"{count} " + words.format(s="" if count == 1 else "s", ies="y" if count == 1 else "ies")


def _changes(changes: Sequence[Change]) -> Iterator[Table]:
    numbers = [one for one in changes if one.unit is not None]
    if numbers:
        columns = texts("path", "what", "before", "after", "change", "range before", "range after", "origin before")
        told = [_number_row(one) for one in numbers]
        yield Table("Numbers that differ", [*columns, *texts("origin after")], told, stacks=True)
    others = [one for one in changes if one.unit is None]
    if others:
        told = [[one.path, one.what[0], _short(one.before), _short(one.after)] for one in others]
        yield Table("Other entries that differ", texts("path", "what", "before", "after"), told, stacks=True)


def _number_row(one: Change) -> list[Any]:
    before, after, unit = one.before, one.after, one.unit or ""
    ratio = None
    if before and after and before.value and after.value is not None and "value" in one.what:
        ratio = f"{number(100.0 * (after.value / before.value - 1.0), 1, sign=True)} %"
    spans = [_span(side, unit) if "range" in one.what else None for side in (before, after)]
    origins = [_origin(side) if "origin" in one.what else None for side in (before, after)]
    return [one.path, ", ".join(one.what), _figure(before, unit), _figure(after, unit), ratio, *spans, *origins]


def _figure(stated: Stated | None, unit: str) -> str | None:
    if stated is None or stated.value is None:
        return None
    return f"{amount(100.0 * stated.value)} %" if unit == "1" else f"{amount(stated.value)} {unit}"


def _span(stated: Stated | None, unit: str) -> str:
    if stated is None or stated.low is None or stated.high is None:
        return "none"
    times, mark = (100.0, " %") if unit == "1" else (1.0, "")
    return f"{amount(times * stated.low)} to {amount(times * stated.high)}{mark}"


def _origin(stated: Stated | None) -> str:
    if stated is None:
        return ""
    graded = f" ({stated.grade})" if stated.grade else ""
    parts = [f"{', '.join(stated.sources)}{graded}" if stated.sources else "", stated.reason]
    return _clipped("; ".join(part for part in parts if part))


def _short(stated: Stated | None) -> str:
    return "" if stated is None else _clipped(stated.text)


def _clipped(words: str) -> str:
    return words if len(words) <= LONGEST else f"{words[: LONGEST - 1]}…"


def _effect_sentences(effects: Effects) -> Iterator[str]:
    best = [max(payoffs, key=lambda name: payoffs[name]) for payoffs in (effects.before_musd, effects.after_musd)]
    if best[0] == best[1]:
        yield f"{best[0]} is worth most of the named strategies before and after."
    else:
        yield f"{best[0]} is worth most of the named strategies before, {best[1]} after."
    turning = [one.path for one in effects.alone if one.best not in (best[0], None)]
    if turning:
        yield f"By itself the ranking's top is turned by: {', '.join(turning)}."
    largest = next((one for one in effects.alone if one.moves_musd), None)
    if largest is not None:
        name = max(largest.moves_musd, key=lambda key: abs(largest.moves_musd[key]))
        yield f"What moves most by itself is {largest.path}: {name} by {musd(largest.moves_musd[name])}."


def _effects(effects: Effects) -> Iterator[Table]:
    names = list(effects.before_musd)
    told = [effects.before_musd, *(one.moves_musd for one in effects.alone), effects.rest_musd, effects.after_musd]
    heads = ["payoff before", *(one.path for one in effects.alone), "together, and the rest", "payoff after"]
    cells = [[head, *(part.get(name) for name in names)] for head, part in zip(heads, told, strict=True)]
    columns = [*texts("changed alone"), *(Column(name, "signed") for name in names)]
    failed = "; ".join(f"{one.path}: {one.message}" for one in effects.alone if one.message)
    note = "Each line moves the payoffs of the first instance; they add up to those of the second."
    note += f" Does not stand alone: {failed}." if failed else ""
    yield Table(f"What moves the payoffs, {MONEY}", columns, cells, decimals=decimals(cells), note=note)


# -- results -------------------------------------------------------------------------------------------------------


def _of_results(found: ResultDifference) -> Iterator[Block]:
    says = [f"From {found.before.heading}", f"to {found.after.heading}:"]
    if found.best_before == found.best_after:
        says.append(f"{found.best_after} is best in both.")
    else:
        says.append(f"{found.best_before} is best in the first, {found.best_after} in the second.")
    says += [_moved_sentence(one) for one in found.strategies if one.moves_musd is not None and one.terms_musd][:1]
    says.append(f"The instances: {_counted(found.changes)}")
    if found.versions:
        told = ", ".join(f"{name} {one} and {other}" for name, (one, other) in found.versions.items())
        says.append(f"Versions differ: {told}.")
    yield Prose("", says)
    yield _standings(found.strategies)
    yield from _changes(found.changes)


def _moved_sentence(one: Moved) -> str:
    terms = sorted(one.terms_musd.items(), key=lambda item: -abs(item[1]))[:2]
    told = " and ".join(f"{TERMS.get(term, term)} {number(value, 1, sign=True)}" for term, value in terms)
    return f"{one.strategy} moves by {musd(one.moves_musd)}, mainly: {told}."


def _standings(strategies: Sequence[Moved]) -> Table:
    cells: list[list[Any]] = []
    for one in strategies:
        pair = (one.before, one.after)
        ranks = " → ".join("–" if rank is None else str(rank.rank) for rank in pair)
        payoffs = [rank and rank.value_musd for rank in pair]
        chances = [rank and rank.probability for rank in pair]
        cells.append([one.strategy, ranks, *payoffs, one.moves_musd, *chances, "yes" if one.path_changed else ""])
    money = [[*row[2:4], row[4]] for row in cells]
    columns = [
        *texts("strategy", "rank"), Column("payoff before"), Column("payoff after"), Column("change", "signed"),
        Column("concession before, %", "percent"), Column("concession after, %", "percent"), *texts("other path"),
    ]  # fmt: skip
    return Table(f"How the strategies stand, {MONEY}", columns, cells, decimals=decimals(money))
