"""Why one strategy is worth more than another, what makes a figure, and when one halves, as sentences and tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from coercivity.engine.report.text import Block, Column, Prose, Table, amount
from coercivity.models.licensing.answers.verdict.first import hinge_told, shown
from coercivity.models.licensing.answers.verdict.hinges import Backing
from coercivity.models.licensing.pages.words import MONEY, TERMS, decimals, texts
from coercivity.models.licensing.studies.reasons.values import Figure, Halved, Why

SOURCE = "instance.yaml"


def blocks(found: Why | Figure | Halved) -> list[Block]:
    """The report of any of them."""
    told = _why(found) if isinstance(found, Why) else _figure(found) if isinstance(found, Figure) else _halved(found)
    return [Prose(found.instance.heading, [one.says for one in found.sentences]), *told]


def rows(found: Why | Figure | Halved) -> list[dict[str, Any]]:
    """The figures, a row each, for CSV."""
    if isinstance(found, Figure):
        return [{"what": one.what, "unit": found.unit, "value": one.value, "base": one.base} for one in found.parts]
    if isinstance(found, Halved):
        return [
            {"strategy": name, "unit": found.unit, "begins": found.begins[name], "halved": at, "ends": found.ends[name]}
            for name, at in found.halved.items()
        ]
    parts = {"term": found.terms_musd, "year": found.years_musd, "bloc": found.blocs_musd}
    told = [(f"{kind} {key}", value) for kind, part in parts.items() for key, value in part.items()]
    told += [(f"without {one.mechanism}", one.difference_musd) for one in found.mechanisms]
    return [{"what": what, "unit": MONEY, "difference": value} for what, value in told]


def drawn(found: Why | Figure | Halved) -> dict[str, str]:
    """No pictures yet."""
    return {}


def _why(found: Why) -> Iterator[Block]:
    terms = [[TERMS.get(term, term), value] for term, value in found.terms_musd.items() if value]
    yield Table(f"By term, {MONEY}, present value", [*texts("term"), Column("difference", "signed")], terms,
                decimals=decimals(terms))  # fmt: skip
    blocs = [[bloc, value] for bloc, value in found.blocs_musd.items()]
    yield Table(f"Who pays: pain of each bloc, more or less than under {found.titles[found.against]}, {MONEY}",
                [*texts("bloc"), Column("difference", "signed")], blocs, decimals=decimals(blocs))  # fmt: skip
    years = [[year, value] for year, value in found.years_musd.items()]
    yield Table(f"By year, {MONEY}, expected and undiscounted", [*texts("year"), Column("difference", "signed")], years,
                decimals=decimals(years))  # fmt: skip
    yield from _mechanisms(found)
    yield from _numbers(found)
    yield from _prices(found)


def _mechanisms(found: Why) -> Iterator[Block]:
    heads = [*texts("without it"), *(Column(title) for title in found.titles.values())]
    heads += [Column("difference", "signed"), Column("what it moves", "signed")]
    rows = [
        [one.says, *(one.values_musd[name] for name in found.titles), one.difference_musd, one.moves_musd]
        for one in found.mechanisms
    ]
    if rows:
        yield Table(
            f"Mechanisms switched off one at a time, {MONEY}", heads, rows, decimals=decimals(rows), stacks=True
        )


def _numbers(found: Why) -> Iterator[Block]:
    told = [hinge_told(hinge, found.titles).says for hinge in found.hinges.turns]
    if told:
        yield Prose("Numbers that turn it inside their stated range", told)
    heads = [*texts("number", "range"), *(Column(f"at its {end}", "signed") for end in ("low", "high"))]
    heads += [Column("moves"), *texts("rests on")]
    rows = [
        [one.parameter, f"{shown(one.low, one.unit)} to {shown(one.high, one.unit)}", one.at_low_musd, one.at_high_musd,
         one.swing_musd, backed(one.backing)]
        for one in found.hinges.swings
    ]  # fmt: skip
    if rows:
        lead = found.titles.get(found.hinges.leads, found.hinges.leads)
        yield Table(f"Numbers that move the lead of {lead} most, {MONEY}", heads, rows, stacks=True)


def backed(backing: Backing) -> str:
    """What a number rests on, in a few words."""
    grade = f", grade {backing.grade}" if backing.grade else ""
    source = f": {', '.join(backing.sources)}" if backing.sources else f": {backing.reason}" if backing.reason else ""
    return f"{backing.kind}{grade}{source}"


def _prices(found: Why) -> Iterator[Block]:
    told = [
        f"Under {found.titles[one.strategy]} one more tonne of {one.what} in {one.period} is worth "
        f"{amount(one.price_usd_per_kg, 3)} USD/kg to the buyers, as long as there are {amount(one.holds_from_t)} to "
        f"{amount(one.holds_to_t)} t (now {amount(one.limit_t)} t)."
        for one in found.prices
    ]
    if told:
        yield Prose("Prices of what is scarce, while licences hold", told)


def _figure(found: Figure) -> Iterator[Block]:
    has_base = any(part.base is not None for part in found.parts)
    heads = [
        *texts("part"),
        Column("here"),
        *([Column("under the baseline"), Column("difference", "signed")] if has_base else []),
    ]
    parts = [
        [one.what, one.value, *([one.base, one.value - (one.base or 0.0)] if has_base else [])] for one in found.parts
    ]
    yield Table(f"What adds up to {found.figure}, {found.unit}", heads, parts, decimals=decimals(parts), stacks=True)
    if found.beside:
        beside = [[one.what, one.value, one.base] for one in found.beside]
        yield Table("Beside it", [*texts("what"), Column("here"), Column("under the baseline")], beside, stacks=True)
    inputs = [
        [one.path, shown(one.value, one.unit), one.kind, one.grade, ", ".join(one.sources)] for one in found.inputs
    ]
    yield Table(
        "Numbers that it rests on directly", texts("path", "value", "kind", "grade", "source"), inputs, stacks=True
    )


def _halved(found: Halved) -> Iterator[Block]:
    kind: Any = "percent" if found.unit == "1" else "number"
    unit = "%" if found.unit == "1" else found.unit
    heads = [
        *texts("strategy"),
        Column(f"at first, {unit}", kind),
        *texts("halved by the end of"),
        Column(f"at the end, {unit}", kind),
    ]
    rows = [
        [found.titles[name], found.begins[name], at or "never", found.ends[name]] for name, at in found.halved.items()
    ]
    title = (
        "Leverage: cost to all buyers of a cut-off of the shortest length"
        if found.figure == "leverage"
        else "Share of the leader"
    )
    yield Table(title, heads, rows, note=f"Told to the end of {found.last}.")
