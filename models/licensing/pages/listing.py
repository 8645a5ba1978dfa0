"""Instances and re-checked results, listed: what a file holds, where its numbers come from, which checks passed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from coercivity.engine.data import document as documents
from coercivity.engine.data.values import sometimes
from coercivity.engine.errors import Finding, UsageError
from coercivity.engine.proof.retelling import JudgedCheck
from coercivity.engine.report.text import Block, Column, Prose, Table, amount
from coercivity.models.licensing.answers.backtest.values import Case, Cases
from coercivity.models.licensing.answers.subject import Subject, subject_of
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.data.load import effective, load, shipped
from coercivity.models.licensing.data.provenance import KINDS, ProvenanceRow, counts, sources_table
from coercivity.models.licensing.data.quantity import month_name
from coercivity.models.licensing.data.schema import shape
from coercivity.models.licensing.market.periods import grid_of

SCHEMA_VERSION = 1


def part(instance: Instance, path_text: str) -> str:
    """What stands at a dotted path of the effective instance, as YAML.

    Raises
    ------
    UsageError
        There is no such path, or nothing is set there.
    """
    import io

    from ruamel.yaml import YAML

    text = effective(instance)
    document = documents.parse(text, instance.name)
    path = documents.locate(document, path_text, "PATH", shape())
    if documents.at(document.data, path) is None:
        raise UsageError("PATH", f"nothing is set at {path_text!r}", f"set it with --set {path_text}=…")
    yaml = YAML()
    yaml.width = 4096
    node = yaml.load(text)
    for key in path:
        node = node[key]
    if not isinstance(node, dict | list):
        return f"{node}\n"
    stream = io.StringIO()
    yaml.dump(node, stream)
    return stream.getvalue()


def verified(checks: Sequence[JudgedCheck], sentence: str) -> list[Block]:
    """What re-checking a saved result came to, the failed checks first; ``sentence`` says what is proved again."""
    columns = [*(Column(title, "text") for title in ("ok", "strategy", "check")), Column("gap", "gap"), Column("scale")]
    ordered = sorted(checks, key=lambda check: check.ok)
    rows = [[check.ok, check.strategy, check.name, check.gap, check.scale] for check in ordered]
    passed = sum(check.ok for check in checks)
    says = [f"{passed} of {len(checks)} checks passed.", *[sentence] * bool(sentence)]
    return [
        Prose("", says),
        Table("Each figure recomputed from the instance alone", columns, rows, keys=3, stacks=True),
    ]


@dataclass(frozen=True)
class Validation:
    """What looking a file over came to."""

    schema_version: int  # of this layout
    command: str  # validate
    ok: bool  # whether there are no faults
    findings: Sequence[Finding]  # faults
    warnings: Sequence[Finding]  # what is legal and improbable
    instance: Subject | None = sometimes()  # that is valid
    counts: Mapping[str, int] | None = sometimes()  # how many entries it has, by part
    numbers: Mapping[str, int] | None = sometimes()  # how many numbers it has, by kind, stale, and in total


def contents(instance: Instance, warnings: Sequence[Finding]) -> Validation:
    """What a valid instance holds."""
    parts = ("blocs", "products", "rivals", "options", "routes", "postures", "strategies", "variants", "observations")
    return Validation(
        SCHEMA_VERSION,
        "validate",
        True,
        [],
        warnings,
        instance=replace(subject_of(instance), money=None),
        counts={part: len(getattr(instance, part)) for part in parts},
        numbers=counts(sources_table(instance)),
    )


def valid(found: Validation) -> list[Block]:
    """A valid instance in two sentences; nothing of another."""
    if found.instance is None or found.counts is None or found.numbers is None:
        return []
    numbers = found.numbers
    parts = ", ".join(f"{part} {count}" for part, count in found.counts.items() if count)
    kinds = ", ".join(f"{numbers[kind]} {kind}" for kind in KINDS if numbers[kind])
    stale = f", {numbers['stale']} stale" if numbers["stale"] else ""
    return [
        Prose(
            f"{found.instance.name} is valid: {found.instance.title}",
            [f"It holds {parts}.", f"{numbers['total']} numbers: {kinds}{stale}."],
        )
    ]


@dataclass(frozen=True)
class Entry:
    """A shipped instance."""

    name: str  # as the command line takes it
    title: str  # in a few words
    leader: str  # who announces
    begins: str  # month of the announcement
    tail: str  # month from which trade is open whatever was announced
    ends: str  # last month of the calendar
    blocs: int  # of buyers
    products: int  # that are traded
    numbers: int  # about the world
    strategies: int  # that are named
    paths: int  # on the menu of the search
    record: int  # facts to hold the model against
    judged: int  # of those, facts that nothing was fitted to or fed from
    skill: float | None = sometimes()  # 1; over open trade on the judged facts, only where it was asked for
    persistence_skill: float | None = sometimes()  # 1; over persistence, likewise


@dataclass(frozen=True)
class Instances:
    """The shipped instances."""

    schema_version: int  # of this layout
    command: str  # instances
    instances: Sequence[Entry]  # in alphabetical order


def shipped_instances(record: Cases | None = None) -> Instances:
    """The instances that come with the package, with their skill where the record of all cases is given."""
    cases = {case.name: case for case in record.cases} if record is not None else {}
    return Instances(SCHEMA_VERSION, "instances", [_entry(load(name), cases.get(name)) for name, _, _ in shipped()])


def _entry(instance: Instance, case: Case | None) -> Entry:
    """An instance in a line of the gallery."""
    slots = len(instance.phases) * len(instance.menu.bundles or instance.groups)
    return Entry(
        name=instance.name,
        title=instance.title,
        leader=instance.leader.title,
        begins=instance.calendar.start,
        tail=instance.tail,
        ends=month_name(grid_of(instance.calendar).end[-1] - 1),
        blocs=len(instance.blocs),
        products=len(instance.products),
        numbers=sum(1 for _ in instance.quantities()),
        strategies=len(instance.strategies),
        paths=len(instance.menu.postures) ** slots,
        record=len(instance.observations),
        judged=sum(fact.window == "judge" for fact in instance.observations.values()),
        skill=case.skill if case else None,
        persistence_skill=case.persistence_skill if case else None,
    )


def listed(found: Instances) -> list[Block]:
    """The gallery: case, leader, years, size, record, and the skill where it was asked for."""
    is_told = any(entry.skill is not None for entry in found.instances)
    heads = ("blocs", "products", "numbers", "strategies", "paths", "facts", "judged")
    skills = [Column("skill over open", "signed"), Column("over persistence", "signed")] if is_told else []
    columns = [*(Column(head, "text") for head in ("name", "leader", "years")), *map(Column, heads), *skills]
    rows = []
    for entry in found.instances:
        counts = [entry.blocs, entry.products, entry.numbers, entry.strategies, entry.paths, entry.record, entry.judged]
        told = [entry.skill, entry.persistence_skill] if is_told else []
        years = f"{entry.begins} to {entry.ends}"
        rows.append([entry.name, entry.leader, years, *(f"{count:,}" for count in counts), *told])
    note = "Paths: on the menu of the search. Facts: on record; judged: those that nothing was fitted to or fed from."
    titles = [f"{entry.name}: {entry.title}" for entry in found.instances]
    return [Prose("", titles), Table("", columns, rows, stacks=True, note=note)]


@dataclass(frozen=True)
class Sources:
    """Where the numbers of an instance come from."""

    schema_version: int  # of this layout
    command: str  # sources
    counts: Mapping[str, int]  # numbers by kind, those that are stale, and in total
    rows: Sequence[ProvenanceRow]  # the numbers that were asked for


def sources(instance: Instance, kind: str | None) -> Sources:
    """Where every number of an instance comes from, or those of one kind, or the stale ones."""
    rows = sources_table(instance)
    chosen = [row for row in rows if kind in (None, row.kind) or (kind == "stale" and row.stale)]
    return Sources(SCHEMA_VERSION, "sources", counts(rows), chosen)


def provenance(found: Sources) -> list[Block]:
    """Where the numbers come from: how many of each kind, then each by itself."""
    totals = found.counts
    kinds = ", ".join(f"{totals[kind]} {kind}" for kind in KINDS)
    heads = ("path", "value", "unit", "kind", "range", "year", "grade", "source", "reason")
    says = f"{totals['total']} numbers: {kinds}; {totals['stale']} stale."
    rows = [_origin(row) for row in found.rows]
    return [Prose("", [says]), Table("", [Column(head, "text") for head in heads], rows, keys=3, stacks=True)]


def _origin(row: ProvenanceRow) -> list[Any]:
    """One number with its value, its range, and what it rests on."""
    span = "" if row.low is None else f"{amount(row.low)} to {amount(row.high)}"
    kind = f"{row.kind}, stale" if row.stale else row.kind
    origin = [row.year, row.grade, ", ".join(row.sources), row.reason]
    return [row.path, amount(row.value, 6), row.unit, kind, span, *origin]
