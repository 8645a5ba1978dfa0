"""MPS or LP file and auxiliary file together: the bilevel program that they state, in the manner of MibS and BOBILib."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from coercivity.engine.bilevel.formats.mps.auxiliary import Auxiliary, Interdiction, parse_auxiliary
from coercivity.engine.bilevel.formats.mps.lp import read_lp
from coercivity.engine.bilevel.formats.mps.reader import MpsProgram, parse_mps
from coercivity.engine.bilevel.problem import BilevelProblem, Floats, Objective, Rivals, Rows, Variables
from coercivity.engine.data.text import broken, text_of


def read_pair(path: str | Path, auxiliary: str | Path | None = None) -> BilevelProblem:
    """The bilevel program in an MPS or LP file and its auxiliary file.

    Parameters
    ----------
    path : the MPS file, plain or packed, or the LP file, plain
    auxiliary : the auxiliary file; without it the one of the same name with ``.aux`` or, older, ``.txt``

    Raises
    ------
    Unreadable
        A file is missing or cannot be read; of a missing auxiliary file, every path that was tried.
    Malformed
        The files do not state one bilevel program; every fault with its line.
    """
    name = str(path)
    is_lp = name.lower().removesuffix(".gz").endswith(".lp")
    program = read_lp(name) if is_lp else parse_mps(text_of(name, is_latin=True), name)
    beside = str(auxiliary) if auxiliary is not None else _beside(name)
    said = parse_auxiliary(text_of(beside, is_latin=True), beside, program)
    return replace(joined(program, said, beside), remarks=program.remarks + said.remarks)


def joined(program: MpsProgram, auxiliary: Auxiliary, name: str) -> BilevelProblem:
    """The bilevel program that both files state; ``name`` is what to call the auxiliary file in messages."""
    if not auxiliary.columns:
        raise broken(name, "the follower has no variables", "list them, or solve the MPS file as it is")
    title = program.name or _stem(Path(program.file).name)
    if auxiliary.interdiction is not None:
        return _interdicted(program, auxiliary, auxiliary.interdiction, title)
    own = np.zeros(len(program.columns), dtype=bool)
    own[list(auxiliary.columns)] = True
    order = np.concatenate([np.flatnonzero(~own), np.flatnonzero(own)])
    is_followers = np.zeros(len(program.rows), dtype=bool)
    is_followers[list(auxiliary.rows)] = True
    sign = -1.0 if program.is_maximised else 1.0
    costs = np.concatenate([np.zeros(len(program.columns) - len(auxiliary.columns)), auxiliary.costs])
    return BilevelProblem(
        title,
        _columns(program.columns, np.flatnonzero(~own)),
        _columns(program.columns, np.flatnonzero(own)),
        _linear(sign * program.objective[order], sign * program.constant),
        _rows(program.rows, np.flatnonzero(~is_followers), order),
        _linear(-costs if auxiliary.is_maximised else costs),
        _rows(program.rows, np.flatnonzero(is_followers), order),
        program.is_maximised,
        auxiliary.is_maximised,
        members=auxiliary.members,
        rivals=_rivals(program, auxiliary, name),
    )


def _rivals(program: MpsProgram, auxiliary: Auxiliary, name: str) -> Rivals | None:
    """What followers pay of whom one has another's column in a row; None where none has."""
    whose, is_met = dict(zip(auxiliary.columns, auxiliary.members, strict=False)), False
    for row, owner in zip(auxiliary.rows, auxiliary.owners, strict=False):
        used = {whose[int(k)] for k in sp.csr_array(program.rows.matrix[[row]]).indices if int(k) in whose}
        if used and owner not in used:
            what = f"row '{program.rows.names[row]}' of follower '{owner}' has columns of '{min(used)}' and none of its own"
            raise broken(name, what, "give the row to a follower who has a say in it")
        is_met = is_met or len(used) > 1
    if not is_met:
        return None
    costs = -auxiliary.costs if auxiliary.is_maximised else auxiliary.costs
    return Rivals(auxiliary.owners, costs + 0.0, sp.csr_array((len(costs), len(program.columns))))


def _interdicted(program: MpsProgram, auxiliary: Auxiliary, attack: Interdiction, title: str) -> BilevelProblem:
    """The leader attacks columns of the follower, within a budget: an attacked column is at most zero.

    min −(objective)(y)  s.t. costs · x ≤ budget, x binary;  y: the rows of the MPS file, and y ≤ upper (1 − x).
    """
    columns, width = program.columns, len(program.columns)
    endless = np.flatnonzero(np.isinf(columns.upper))
    if len(endless):
        what = f"column '{columns.names[endless[0]]}' has no upper bound, and an attack takes its upper bound away"
        raise broken(program.file, what, "give every column a finite upper bound")
    taken = {*columns.names, *program.rows.names}
    names = tuple(_unused(f"attack_{name}", taken) for name in columns.names)
    nothing, one = sp.csr_array((len(program.rows), width)), sp.eye_array(width)
    spared = sp.hstack([sp.diags_array(columns.upper), one])
    rows = program.rows
    matrix = sp.csr_array(sp.vstack([sp.hstack([nothing, rows.matrix]), spared]))
    matrix.eliminate_zeros()
    budget = sp.csr_array(np.concatenate([attack.costs, np.zeros(width)]).reshape(1, -1))
    budget.eliminate_zeros()
    nowhere = np.zeros(width)
    return BilevelProblem(
        title,
        Variables(names, nowhere, np.ones(width), np.ones(width, dtype=bool)),
        columns,
        _linear(np.concatenate([nowhere, 0.0 - program.objective]), 0.0 - program.constant),
        Rows((_unused("budget", taken),), budget, np.array([-np.inf]), np.array([attack.budget])),
        _linear(np.concatenate([nowhere, -auxiliary.costs if auxiliary.is_maximised else auxiliary.costs])),
        Rows(
            (*rows.names, *(_unused(f"spared_{name}", taken) for name in columns.names)),
            matrix,
            np.concatenate([rows.lower, np.full(width, -np.inf)]),
            np.concatenate([rows.upper, columns.upper]),
        ),
        is_follower_maximised=auxiliary.is_maximised,
    )


def _columns(columns: Variables, at: NDArray[np.intp]) -> Variables:
    names = tuple(columns.names[k] for k in at)
    return Variables(names, columns.lower[at], columns.upper[at], columns.is_integer[at])


def _rows(rows: Rows, at: NDArray[np.intp], order: NDArray[np.intp]) -> Rows:
    names = tuple(rows.names[k] for k in at)
    return Rows(names, sp.csr_array(rows.matrix[at][:, order]), rows.lower[at], rows.upper[at])


def _linear(costs: Floats, constant: float = 0.0) -> Objective:
    # Zero is added so that nothing is −0, which prints as if it were something.
    return Objective(costs + 0.0, sp.csr_array((len(costs), len(costs))), constant + 0.0)


def _unused(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    taken.add(name)
    return name


def _stem(name: str) -> str:
    """The name of a file without what tells its kind.

    >>> _stem("moore.v2.mps.gz"), _stem("moore.aux")
    ('moore.v2', 'moore')
    """
    name = name.removesuffix(".gz")
    return name[: name.rfind(".")] if "." in name.lstrip(".") else name


def _beside(name: str) -> str:
    """The auxiliary file beside an MPS file."""
    file = Path(name)
    tried = [str(file.with_name(_stem(file.name) + ending)) for ending in (".aux", ".txt")]
    found = [path for path in tried if Path(path).is_file()]
    if not found:
        what = f"no auxiliary file to say what is the follower's; tried {' and '.join(tried)}"
        raise broken(name, what, "put it beside the MPS file, or name it with --aux")
    return found[0]
