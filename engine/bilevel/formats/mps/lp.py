"""Reader of LP files, in the dialect that HiGHS reads; what it could pass over in silence is refused beforehand."""

from __future__ import annotations

import re
from pathlib import Path

from coercivity.engine.bilevel.formats.mps.reader import MpsProgram
from coercivity.engine.bilevel.problem import Rows, Variables
from coercivity.engine.data.text import Faults, broken, text_of
from coercivity.engine.programs.compiled import compile_lp

# Sections that say more than linear rows, bounds and integers.
_BEYOND = re.compile(
    r"sos[12]?|semi\S*|sec|scs|sin|pwlobj|(general|lazy|user)\s+(constraints?|cuts)|multi-objectives?", re.I
)
AS_MPS = "write it as MPS with any solver, the names staying the same"


def read_lp(path: str | Path) -> MpsProgram:
    """The program in an LP file.

    Raises
    ------
    Unreadable
        There is no such file, or it cannot be read.
    Malformed
        It is no LP file of a mixed-integer linear program.
    """
    name, faults = str(path), Faults(str(path))
    if name.lower().endswith(".gz"):
        raise broken(name, "a packed LP file, which is not read", "unpack it first")
    for number, line in enumerate(text_of(name, is_latin=True).splitlines(), start=1):
        if _BEYOND.fullmatch(line.split("\\")[0].strip().rstrip(":")):
            faults.add(
                number, f"the section '{line.strip()}', which a linear program does not have", "write it out as rows"
            )
    faults.raise_any()
    found = compile_lp(name)
    if isinstance(found, str):
        raise broken(name, found, AS_MPS)
    program, rows = found.program, found.row_names
    columns = Variables(found.column_names, program.col_lower, program.col_upper, found.is_integer)
    for kind, names in (("column", found.column_names), ("row", rows)):
        if "" in names or len(set(names)) < len(names):
            raise broken(
                name, f"a {kind} without a name of its own, by which the auxiliary file could list it", "name it"
            )
    return MpsProgram(
        "",
        columns,
        Rows(rows, program.matrix, program.row_lower, program.row_upper),
        program.cost + 0.0,
        float(program.offset),
        found.is_maximised,
        (),
        name,
        () if len(rows) else (f"{name}: the file has no rows",),
    )
