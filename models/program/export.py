"""Programs and finite games from one format into another."""

from __future__ import annotations

from pathlib import Path

from coercivity.engine.bilevel.formats import read, write
from coercivity.engine.errors import UsageError
from coercivity.engine.finite.gambit import write_gambit
from coercivity.engine.finite.game import read_finite
from coercivity.models.program.files import kind_of


def export(path: str, file: str, auxiliary: str | None = None, is_simultaneous: bool = False) -> tuple[Path, ...]:
    """Write what stands in one file into another, in the format that its name asks for; the files written.

    Raises
    ------
    UsageError
        A file is wrong, the target is there already, or its format cannot say it.
    """
    if kind_of(path) == "game":
        return (write_gambit(read_finite(path), file, is_simultaneous=is_simultaneous),)
    if file.endswith((".nfg", ".efg")):
        raise UsageError(
            file, f"{path} is no finite game, which is all that Gambit takes", "let it end in .mps or .json"
        )
    return write(read(path, auxiliary), file)
