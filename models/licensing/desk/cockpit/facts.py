"""What the page is told when it opens: the assumptions in the order in which they matter, the strategies, the postures."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from coercivity.models.licensing.answers.subject import subject_of
from coercivity.models.licensing.answers.verdict.wording import TERMS
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.data.provenance import ProvenanceRow, sources_table
from coercivity.models.licensing.desk.cockpit.wishes import RECORDS

HOUSE = Path(__file__).parents[4]
LOOKED_AT = 30  # saved results that are searched for hinges, the newest first


def facts(instance: Instance, given: str, runs: Path) -> dict[str, Any]:
    """All that does not change while the page is open, as plain data.

    Parameters
    ----------
    given : the instance with its overrides, as the command line takes it
    runs : where results are saved, in one of which may stand what the ranking hinges on
    """
    rows = [row for row in sources_table(instance) if not row.path.startswith(RECORDS)]
    first, origin = order(instance, rows, runs)
    return {
        "instance": vars(subject_of(instance)),
        "given": given,
        "baseline": instance.baseline,
        "order": origin,
        "assumptions": [assumption(row) for row in first],
        "terms": TERMS,
        "strategies": [
            {"name": name, "title": one.title, "story": one.story, "postures": grid_of(instance, name)}
            for name, one in instance.strategies.items()
        ],
        "phases": [{"name": name, "begins": one.begins} for name, one in instance.phases.items()],
        "groups": list(instance.groups),
        "products": list(instance.products),
        "postures": [{"name": name, "title": one.title} for name, one in instance.postures.items()],
    }


def assumption(row: ProvenanceRow) -> dict[str, Any]:
    """A number as the page shows it."""
    return {
        "path": row.path,
        "value": row.value,
        "unit": row.unit,
        "kind": row.kind,
        "grade": row.grade,
        "year": row.year,
        "source": row.reference,
        "reason": row.reason,
        "low": row.low,
        "high": row.high,
    }


def grid_of(instance: Instance, name: str) -> list[list[list[str]]]:
    """The postures of a named strategy by phase, group and product."""
    from coercivity.models.licensing.announcement.announce import path_from_rules

    path = path_from_rules(instance, instance.strategies[name])
    return [[list(products) for products in groups] for groups in path]


def order(instance: Instance, rows: Sequence[ProvenanceRow], runs: Path) -> tuple[list[ProvenanceRow], str]:
    """The numbers, those first that the ranking hinges on, and in words where that is known from."""
    known = saved_hinges(instance, runs)
    origin = "first what the ranking hinges on, as a saved comparison found"
    if not known:
        known, origin = (
            shipped_order(instance.name),
            "first what moves the ranking most, as the case's record of it says",
        )
    if not known:
        origin = "in the order of the file"
    place = {path: at for at, path in enumerate(known)}
    ranged = [row for row in rows if is_movable(row)]
    others = [row for row in rows if not is_movable(row)]
    return [*sorted(ranged, key=lambda row: place.get(row.path, len(place))), *others], origin


def is_movable(row: ProvenanceRow) -> bool:
    """Whether a range is stated over which a number can be moved."""
    return row.low is not None and row.high is not None and row.low < row.high


def saved_hinges(instance: Instance, runs: Path) -> list[str]:
    """Paths that turn or move the ranking according to the newest saved comparison of this very instance."""
    try:
        files = sorted(runs.glob("*/result.json"), key=lambda file: -file.stat().st_mtime)[:LOOKED_AT]
    except OSError:
        return []
    for file in files:
        try:
            saved = json.loads(file.read_text("utf-8"))
            if saved["command"] == "compare" and saved["instance"]["hash"] == instance.fingerprint():
                hinges = saved.get("hinges") or {}
                told = [*hinges.get("turns", ()), *hinges.get("named_turns", ()), *hinges.get("swings", ())]
                if told:
                    return list(dict.fromkeys(str(one["parameter"]) for one in told))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue  # what is no result of ours is none of our business
    return []


def shipped_order(name: str) -> list[str]:
    """Paths as the record of a shipped case orders them; nothing where there is none, as in an installation without docs."""
    file = HOUSE / "docs" / "cases" / "numbers" / f"{Path(name).name}.json"
    try:
        found = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return []
    return [str(path) for path in found] if isinstance(found, dict) else []
