"""Instances and re-checked results, listed: what a file holds, where its numbers come from, which checks passed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from coercivity.engine.data import document as documents
from coercivity.engine.errors import UsageError
from coercivity.engine.report.text import Block, Column, Prose, Table, amount
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.data.load import effective
from coercivity.models.licensing.data.provenance import KINDS, counts, sources_table
from coercivity.models.licensing.data.schema import shape
from coercivity.models.licensing.pages.words import Data


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


def verified(found: Data) -> list[Block]:
    """What re-checking a saved result came to, the failed checks first."""
    checks = sorted(found["checks"], key=lambda check: check["ok"])
    columns = [
        Column("ok", "text"),
        Column("strategy", "text"),
        Column("check", "text"),
        Column("gap", "gap"),
        Column("scale"),
    ]
    rows = [[check["ok"], check.get("strategy"), check["name"], check["gap"], check["scale"]] for check in checks]
    passed = sum(check["ok"] for check in checks)
    says = [f"{passed} of {len(checks)} checks passed."]
    if "proved" in found:
        says.append(f"Proved again: {found['proved']}, {found.get('says', '')}".rstrip(", ") + ".")
    return [
        Prose("", says),
        Table("Each figure recomputed from the instance alone", columns, rows, keys=3, stacks=True),
    ]


def contents(instance: Instance) -> dict[str, Any]:
    """What a valid instance holds."""
    parts = ("blocs", "products", "rivals", "options", "routes", "postures", "strategies", "variants", "observations")
    return {
        "instance": {"name": instance.name, "title": instance.title, "hash": instance.fingerprint()},
        "counts": {part: len(getattr(instance, part)) for part in parts},
        "numbers": counts(sources_table(instance)),
    }


def valid(found: Data) -> list[Block]:
    """A valid instance in two sentences."""
    instance, numbers = found["instance"], found["numbers"]
    parts = ", ".join(f"{part} {count}" for part, count in found["counts"].items() if count)
    kinds = ", ".join(f"{numbers[kind]} {kind}" for kind in KINDS if numbers[kind])
    stale = f", {numbers['stale']} stale" if numbers["stale"] else ""
    return [
        Prose(
            f"{instance['name']} is valid: {instance['title']}",
            [f"It holds {parts}.", f"{numbers['total']} numbers: {kinds}{stale}."],
        )
    ]


def listed(rows: Sequence[Data]) -> list[Block]:
    """The shipped instances."""
    return [
        Table(
            "",
            [Column("name", "text"), Column("title", "text")],
            [[row["name"], row["title"]] for row in rows],
            stacks=True,
        )
    ]


def provenance(totals: Mapping[str, int], rows: Sequence[Data]) -> list[Block]:
    """Where the numbers come from: how many of each kind, then each by itself."""
    kinds = ", ".join(f"{totals[kind]} {kind}" for kind in KINDS)
    heads = ("path", "value", "unit", "kind", "range", "year", "grade", "source", "reason")
    says = f"{totals['total']} numbers: {kinds}; {totals['stale']} stale."
    table = Table("", [Column(head, "text") for head in heads], [_origin(row) for row in rows], keys=3, stacks=True)
    return [Prose("", [says]), table]


def _origin(row: Data) -> list[Any]:
    """One number with its value, its range, and what it rests on."""
    span = "" if row["low"] is None else f"{amount(row['low'])} to {amount(row['high'])}"
    kind = f"{row['kind']}, stale" if row["stale"] else row["kind"]
    origin = [row["year"], row["grade"], ", ".join(row["sources"]), row["reason"]]
    return [row["path"], amount(row["value"], 6), row["unit"], kind, span, *origin]
