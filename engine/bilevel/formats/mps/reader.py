"""Reader of MPS files: a mixed-integer linear program, free or fixed format, strictly.

Fixed-column files are read by their blanks as free ones are; names with blanks are therefore refused by their field
count. What readers of the field take differently is decided so:

- the first N row, or the one that OBJNAME names, is the objective; further N rows bind nothing and are left out;
- OBJSENSE MAX is honoured; an RHS of the objective row is minus its constant;
- an integer column (between INTORG and INTEND) that no bound names is [0, 1], any other column [0, ∞);
- a negative UP of a column without lower bound makes the lower bound −∞;
- bounds of 1e20 and beyond are infinite;
- what is written twice, in any section, is refused, and so is a second RHS, RANGES or BOUNDS vector.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from coercivity.engine.bilevel.formats.mps.sections import Sections
from coercivity.engine.bilevel.problem import Floats, Rows, Variables
from coercivity.engine.data.text import lines_of, text_of

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class MpsProgram:
    """A program as an MPS file states it.

    Attributes
    ----------
    name : what NAME says, empty where it says nothing
    columns : in order of first appearance
    rows : all but N rows, in the order of ROWS
    objective : coefficients of the objective row as written, shape (columns,)
    constant : of the objective
    is_maximised : whether OBJSENSE says MAX
    free_rows : names of the N rows, the objective among them
    file : what the file is called in messages
    remarks : what was passed over in the file, a sentence each
    """

    name: str
    columns: Variables
    rows: Rows
    objective: Floats
    constant: float
    is_maximised: bool
    free_rows: tuple[str, ...]
    file: str
    remarks: tuple[str, ...] = ()


def read_mps(path: str | Path) -> MpsProgram:
    """The program in an MPS file, plain or packed with gzip.

    Raises
    ------
    Unreadable
        There is no such file, or it cannot be read.
    Malformed
        It is not an MPS file that means one thing only; every fault with its line.
    """
    return parse_mps(text_of(path, is_latin=True), str(path))


def parse_mps(text: str, name: str) -> MpsProgram:
    """The program in the text of an MPS file; ``name`` is what to call it in messages."""
    said = Sections(name)
    said.take(lines_of(text))
    rows, columns = (np.array(part, dtype=np.int64) for part in said.entries[:2])
    values = np.array(said.entries[2], dtype=float)
    _check_once(said, rows, columns)
    lower, upper = _sides(said)
    constant = 0.0 - said.right.get(said.objective, 0.0)
    said.faults.raise_any()
    inside, cost = rows >= 0, rows == said.objective
    shape = (len(said.kinds), len(said.column_of))
    matrix = sp.csr_array(sp.coo_array((values[inside], (rows[inside], columns[inside])), shape=shape))
    matrix.eliminate_zeros()
    objective = np.zeros(shape[1])
    objective[columns[cost]] = values[cost]
    return MpsProgram(
        said.name,
        Variables(tuple(said.column_of), *_bounds(said), np.array(said.is_integer, dtype=bool)),
        Rows(tuple(name for name, row in said.row_of.items() if row >= 0), matrix, lower, upper),
        objective,
        constant,
        bool(said.is_maximised),
        tuple(said.free),
        name,
        tuple(f"{name}: {remark}" for remark in said.remarks),
    )


def _check_once(said: Sections, rows: Indices, columns: Indices) -> None:
    """Find entries of the same row and column."""
    if not len(rows):
        return
    keys = (rows + len(said.free)) * len(said.column_of) + columns
    order = np.argsort(keys, kind="stable")
    for at in np.flatnonzero(np.diff(keys[order]) == 0):
        first, second = (said.entries[3][order[k]] for k in (at, at + 1))
        row = next(name for name, code in said.row_of.items() if code == rows[order[at]])
        column = list(said.column_of)[columns[order[at]]]
        what = f"row '{row}' twice in column '{column}'"
        said.faults.add(second, what, f"the first is on line {first}: keep one")


def _sides(said: Sections) -> tuple[Floats, Floats]:
    """Lower and upper sides of the rows: the right-hand side, and the range from it."""
    lower, upper = np.full(len(said.kinds), -inf), np.full(len(said.kinds), inf)
    for row, kind in enumerate(said.kinds):
        right, width = said.right.get(row, 0.0), said.ranges.get(row)
        if kind == "E":
            # The sign of the range tells on which side of the right-hand side it lies.
            lower[row], upper[row] = right + min(width or 0.0, 0.0), right + max(width or 0.0, 0.0)
        elif kind == "G":
            lower[row], upper[row] = right, inf if width is None else right + abs(width)
        else:
            lower[row], upper[row] = -inf if width is None else right - abs(width), right
    return lower, upper


def _bounds(said: Sections) -> tuple[Floats, Floats]:
    """Lower and upper bounds of the columns, with what holds where none was written."""
    lower, upper = np.zeros(len(said.is_integer)), np.full(len(said.is_integer), inf)
    for column, is_integer in enumerate(said.is_integer):
        low, high = said.lower.get(column), said.upper.get(column)
        if is_integer and low is None and high is None:
            high = 1.0
        if low is None:
            low = -inf if high is not None and high < 0 else 0.0
        lower[column], upper[column] = low, inf if high is None else high
    return lower, upper
