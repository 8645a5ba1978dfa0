"""A file looked over, and what is found said: faults end the program, warnings go to stderr."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from coercivity.engine.desk import terminal
from coercivity.engine.errors import InvalidInstance
from coercivity.models.licensing.data.examine import examine
from coercivity.models.licensing.pages import listing


def validate(path: str, sets: Sequence[str], variants: Sequence[str], is_strict: bool, form: str) -> None:
    """Print what a valid instance holds, and its warnings; with ``is_strict`` these are faults.

    Raises
    ------
    InvalidInstance
        All findings; as JSON they are on stdout too.
    UsageError
        As :func:`coercivity.models.licensing.data.load.load`.
    """
    said: dict[str, Any] = {"schema_version": 1, "command": "validate", "ok": True, "findings": [], "warnings": []}
    try:
        found = examine(path, sets, variants)
        said["warnings"] = [vars(warning) for warning in found.warnings]
        if is_strict:
            found.refuse()
    except InvalidInstance as error:
        if form == "json":
            terminal.show(form, said | {"ok": False, "findings": [vars(finding) for finding in error.findings]}, list)
        raise
    for sentence in found.sentences():
        terminal.note(sentence)
    held = listing.contents(found.instance)
    terminal.show(form, said | held, lambda: listing.valid(held))
