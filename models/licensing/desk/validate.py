"""A file looked over, and what is found said: faults end the program, warnings go to stderr."""

from __future__ import annotations

from collections.abc import Sequence

from coercivity.engine.desk import terminal
from coercivity.engine.errors import Finding, InvalidInstance
from coercivity.models.licensing.data.examine import examine
from coercivity.models.licensing.pages import listing
from coercivity.models.licensing.pages.listing import SCHEMA_VERSION, Validation


def validate(path: str, sets: Sequence[str], variants: Sequence[str], is_strict: bool, form: str) -> None:
    """Print what a valid instance holds, and its warnings; with ``is_strict`` these are faults.

    Raises
    ------
    InvalidInstance
        All findings; as JSON they are on stdout too.
    UsageError
        As :func:`coercivity.models.licensing.data.load.load`.
    """
    warnings: Sequence[Finding] = []
    try:
        found = examine(path, sets, variants)
        warnings = found.warnings
        if is_strict:
            found.refuse()
    except InvalidInstance as error:
        if form == "json":
            refused = Validation(SCHEMA_VERSION, "validate", False, error.findings, warnings)
            terminal.show(form, refused, list)
        raise
    for sentence in found.sentences():
        terminal.note(sentence)
    held = listing.contents(found.instance, warnings)
    terminal.show(form, held, lambda: listing.valid(held))
