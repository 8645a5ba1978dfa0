"""Programs from elsewhere as matrices: ``compile_pyomo`` says where a model's variables and constraints went, ``compile_lp`` reads a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from coercivity.engine.programs.hot import Ints, LinearProgram


@dataclass(frozen=True)
class Compiled:
    """A linear program with the addresses of the model's parts.

    ``columns`` and ``rows`` map a component's name to its indices and the position of each in the program.
    """

    program: LinearProgram
    columns: Mapping[str, tuple[list[Any], Ints]]
    rows: Mapping[str, tuple[list[Any], Ints]]


def compile_pyomo(model: Any) -> Compiled:
    """The matrices of a linear Pyomo model with one objective, which is minimised."""
    import pyomo.environ as pyo
    from pyomo.repn.plugins.standard_form import LinearStandardFormCompiler

    variables = [v for block in model.component_objects(pyo.Var, descend_into=False) for v in block.values()]
    form = LinearStandardFormCompiler().write(model, mixed_form=True, set_sense=None, column_order=variables)
    count = len(form.columns)
    column = {id(v): position for position, v in enumerate(form.columns)}
    row = {id(entry.constraint): position for position, entry in enumerate(form.rows)}
    senses = np.array([entry.bound_type for entry in form.rows])
    rhs = np.asarray(form.rhs, dtype=float)
    program = LinearProgram(
        cost=np.asarray(form.c.todense(), dtype=float).ravel(),
        matrix=sp.csr_array(form.A),
        row_lower=np.where(senses > 0, -np.inf, rhs),
        row_upper=np.where(senses < 0, np.inf, rhs),
        col_lower=np.array([-np.inf if v.lb is None else v.lb for v in form.columns], dtype=float),
        col_upper=np.array([np.inf if v.ub is None else v.ub for v in form.columns], dtype=float),
        offset=float(form.c_offset[0]),
    )
    assert program.cost.shape == (count,)
    return Compiled(program, _addresses(model, pyo.Var, column), _addresses(model, pyo.Constraint, row))


def _addresses(model: Any, kind: Any, position: dict[int, int]) -> dict[str, tuple[list[Any], Ints]]:
    found = {}
    for block in model.component_objects(kind, descend_into=False):
        pairs = [(index, position[id(data)]) for index, data in block.items() if id(data) in position]
        found[str(block.local_name)] = (
            [index for index, _ in pairs],
            np.array([at for _, at in pairs], dtype=np.int32),
        )
    return found


@dataclass(frozen=True)
class CompiledFile:
    """A program from a file, its costs as written, with the names of its parts."""

    program: LinearProgram
    is_integer: NDArray[np.bool_]
    column_names: tuple[str, ...]
    row_names: tuple[str, ...]
    is_maximised: bool


def compile_lp(path: str) -> CompiledFile | str:
    """The mixed-integer linear program in an LP file, as HiGHS reads it; or why it is none."""
    from highspy import HighsModelStatus, HighsStatus, HighsVarType, ObjSense
    from highspy._core import _Highs

    highs: Any = _Highs()
    highs.setOptionValue("output_flag", False)
    if highs.readModel(path) != HighsStatus.kOk or highs.getModelStatus() == HighsModelStatus.kLoadError:
        return "not an LP file that HiGHS reads"
    lp = highs.getLp()
    if highs.getModel().hessian_.dim_:
        return "an LP file with a quadratic objective, which no auxiliary file goes with"
    kinds = list(lp.integrality_) or [HighsVarType.kContinuous] * lp.num_col_
    if any(kind not in (HighsVarType.kContinuous, HighsVarType.kInteger) for kind in kinds):
        return "an LP file with columns that are zero or in a range"
    matrix = sp.csc_array(
        (np.array(lp.a_matrix_.value_), np.array(lp.a_matrix_.index_), np.array(lp.a_matrix_.start_)),
        shape=(lp.num_row_, lp.num_col_),
    )
    program = LinearProgram(
        cost=np.array(lp.col_cost_, dtype=float),
        matrix=sp.csr_array(matrix),
        row_lower=np.array(lp.row_lower_, dtype=float),
        row_upper=np.array(lp.row_upper_, dtype=float),
        col_lower=np.array(lp.col_lower_, dtype=float),
        col_upper=np.array(lp.col_upper_, dtype=float),
        offset=float(lp.offset_),
    )
    return CompiledFile(
        program,
        np.array([kind == HighsVarType.kInteger for kind in kinds], dtype=bool),
        tuple(lp.col_names_),
        tuple(lp.row_names_),
        lp.sense_ == ObjSense.kMaximize,
    )
