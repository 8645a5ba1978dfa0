"""Whether the installation works: each check tries the thing itself."""

from __future__ import annotations

import os
import platform
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.charts import INSTALL, missing_libraries
from engine.report import Column, Table
from engine.runs import PACKAGES, version


@dataclass(frozen=True)
class Diagnosis:
    """What was tried, whether it works, and what was seen or what to do."""

    name: str
    ok: bool
    detail: str


def examine() -> list[Diagnosis]:
    """The diagnoses of this installation."""
    tried = {
        "Python": _python,
        "packages": _packages,
        "HiGHS solves": _highs,
        "Pyomo builds": _pyomo,
        "disk": _disk,
        "processors": _processors,
        "charts (optional)": _charts,
    }
    return [_try(name, check) for name, check in tried.items()]


def table(found: Sequence[Diagnosis]) -> Table:
    """The diagnoses as a table."""
    columns = [Column("check", "text"), Column("works", "text"), Column("detail", "text")]
    return Table("", columns, [[one.name, one.ok, one.detail] for one in found], stacks=True)


def _try(name: str, check: Callable[[], str]) -> Diagnosis:
    try:
        return Diagnosis(name, True, check())
    except Exception as error:  # whatever is broken is what is to be reported
        return Diagnosis(name, False, f"{type(error).__name__}: {error}")


def _python() -> str:
    return f"{platform.python_version()} on {platform.system()} {platform.machine()}"


def _packages() -> str:
    found = {name: version(name) for name in PACKAGES}
    missing = [name for name, number in found.items() if number is None]
    if missing:
        raise RuntimeError(f"not installed: {', '.join(missing)}; run pip install coercivity")
    return ", ".join(f"{name} {number}" for name, number in found.items())


def _highs() -> str:
    import numpy as np
    import scipy.sparse as sp

    from engine.solver import LinearProgram, solve_once

    # min x + 2 y subject to x + y ≥ 3, x ≤ 1: x = 1, y = 2, value 5.
    one, two, infinite = np.array([1.0]), np.array([1.0, 2.0]), np.array([np.inf, np.inf])
    upper = np.array([1.0, np.inf])
    program = LinearProgram(two, sp.csr_array([[1.0, 1.0]]), 3.0 * one, infinite[:1], np.zeros(2), upper)
    return _value(solve_once(program).objective, "min x + 2y with x + y ≥ 3 and x ≤ 1")


def _pyomo() -> str:
    import pyomo.environ as pyo

    from engine.compiled import compile_pyomo
    from engine.solver import solve_once

    model = pyo.ConcreteModel()
    model.x = pyo.Var(bounds=(0, 1))
    model.y = pyo.Var(within=pyo.NonNegativeReals)
    model.need = pyo.Constraint(expr=model.x + model.y >= 3)
    model.cost = pyo.Objective(expr=model.x + 2 * model.y)
    return _value(solve_once(compile_pyomo(model).program).objective, "the same program, written in Pyomo")


def _value(found: float, what: str) -> str:
    if abs(found - 5.0) > 1e-9:
        raise RuntimeError(f"{what} gave {found:g} instead of 5")
    return f"{what}: 5, as it must be"


def _disk() -> str:
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".doctor-") as folder:
        (Path(folder) / "file").write_text("can this be written?\n", "utf-8")
    return "results can be written in the current folder"


def _processors() -> str:
    return f"{processors()} usable by --jobs"


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _charts() -> str:
    missing = missing_libraries()
    return f"no {' and '.join(missing)}; for --charts: {INSTALL}" if missing else "altair and vl-convert found"
