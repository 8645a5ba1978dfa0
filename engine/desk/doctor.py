"""Whether the installation works: each check tries the thing itself."""

from __future__ import annotations

import importlib.util
import io
import os
import platform
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from coercivity.engine.desk import stated
from coercivity.engine.desk.runs import version
from coercivity.engine.report.charts.page import INSTALL, missing_libraries
from coercivity.engine.report.text import Column, Table

Check = Callable[[], str]


@dataclass(frozen=True)
class Diagnosis:
    """What was tried, whether it works, and what was seen or what to do."""

    name: str
    ok: bool
    detail: str


def examine(more: Mapping[str, Check] | None = None) -> list[Diagnosis]:
    """The diagnoses of this installation, those of the games among them."""
    tried: dict[str, Check] = {
        "Python": _python,
        "packages": _packages,
        "units are read": _units,
        "HiGHS solves": _highs,
        "Pyomo builds": _pyomo,
        "tables": _tables,
        **(more or {}),
        "disk": _disk,
        "processors": _processors,
        "charts (optional)": _charts,
        "cluster (optional)": _cluster,
        "parquet (optional)": _parquet,
    }
    return [_try(name, check) for name, check in tried.items()]


def table(found: Sequence[Diagnosis]) -> Table:
    """The diagnoses as a table."""
    columns = [Column("check", "text"), Column("works", "text"), Column("detail", "text")]
    return Table("", columns, [[one.name, one.ok, one.detail] for one in found], stacks=True)


def _try(name: str, check: Check) -> Diagnosis:
    try:
        return Diagnosis(name, True, check())
    except Exception as error:  # whatever is broken is what is to be reported
        words = str(error) if isinstance(error, RuntimeError) else f"{type(error).__name__}: {error}"
        return Diagnosis(name, False, words if "fix: " in words else f"{words}; fix: {stated.REINSTALL} .")


def expect(found: object, wanted: object, what: str) -> str:
    """Say that something came out as it must.

    Raises
    ------
    RuntimeError
        It did not.
    """
    if found != wanted:
        raise RuntimeError(f"{what} gave {found} instead of {wanted}")
    return f"{what}: {wanted}, as it must be"


def _python() -> str:
    return f"{stated.python()} on {platform.system()} {platform.machine()}"


def _packages() -> str:
    own = version(stated.PACKAGE)
    if own is None:
        raise RuntimeError(f"{stated.PACKAGE} is not installed; fix: in the repository's folder: pip install .")
    return f"{stated.PACKAGE} {own}, {stated.check()}"


def _units() -> str:
    from coercivity.engine.data.units import convert

    return expect(convert("12 kt/yr", "t/month"), 1000.0, "12 kt/yr in t/month")


def _highs() -> str:
    import numpy as np
    import scipy.sparse as sp

    from coercivity.engine.programs.hot import HotProgram, LinearProgram

    # min x + 2 y subject to x + y ≥ 3, x ≤ 1: x = 1, y = 2, value 5; with x + y ≥ 4 it is 7.
    cost, infinite = np.array([1.0, 2.0]), np.array([np.inf])
    upper = np.array([1.0, np.inf])
    hot = HotProgram(LinearProgram(cost, sp.csr_array([[1.0, 1.0]]), np.array([3.0]), infinite, np.zeros(2), upper))
    first = round(hot.solve("first").objective, 9)
    hot.set_row_lower(np.array([0], dtype=np.int32), np.array([4.0]))
    then = round(hot.solve("then").objective, 9)
    return expect((first, then), (5.0, 7.0), "min x + 2y with x ≤ 1 and x + y ≥ 3, then ≥ 4")


def _pyomo() -> str:
    import pyomo.environ as pyo

    from coercivity.engine.programs.compiled import compile_pyomo
    from coercivity.engine.programs.hot import solve_once

    model = pyo.ConcreteModel()
    model.x = pyo.Var(bounds=(0, 1))
    model.y = pyo.Var(within=pyo.NonNegativeReals)
    model.need = pyo.Constraint(expr=model.x + model.y >= 3)
    model.cost = pyo.Objective(expr=model.x + 2 * model.y)
    found = round(solve_once(compile_pyomo(model).program).objective, 9)
    return expect(found, 5.0, "the same program, written in Pyomo")


def _tables() -> str:
    import numpy as np
    import pandas as pd

    points = pd.DataFrame({"point": np.arange(2), "status": ["done", "failed"]})
    payoffs = pd.DataFrame({"point": np.array([0]), "payoff": np.array([1.5])})
    text = points.merge(payoffs, on="point", how="left").to_csv(index=False, lineterminator="\n")
    expect(pd.read_csv(io.StringIO(text)).shape, (2, 3), "a table of results, written and read")
    return expect(text, "point,status,payoff\n0,done,1.5\n1,failed,\n", "a table of results").splitlines()[0]


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
    if missing:
        return f"no {' and '.join(missing)}; for --charts: {INSTALL}"
    from coercivity.engine.report.charts.page import Picture, files

    versions = stated.check("charts")
    row = {"label": "open", "series": "margin", "value": 1.0}
    drawn = files([Picture("bars", "A bar", "bars", [row], "USD", ["open"])], "doctor", [])
    is_drawn = drawn["bars.svg"].startswith("<svg") and "<script>" in drawn["charts.html"]
    expect(is_drawn, True, "a picture drawn as SVG and HTML")
    return f"{versions}: a picture was drawn as SVG and HTML"


def _cluster() -> str:
    if importlib.util.find_spec("distributed") is None:
        from coercivity.engine.study.work.cluster import INSTALL

        return f"no distributed; for --executor dask: {INSTALL}"
    from distributed import Client

    versions = stated.check("cluster")
    with Client(processes=False, n_workers=1, threads_per_worker=1, dashboard_address=None) as client:
        expect(client.submit(sum, [1, 2]).result(timeout=30), 3, "1 + 2 on a worker of dask")
    return f"{versions}: a worker has added two numbers"


def _parquet() -> str:
    from coercivity.engine.report import parquet

    if importlib.util.find_spec("duckdb") is None:
        return f"no duckdb; for --parquet: {parquet.INSTALL}"
    import duckdb

    versions = stated.check("parquet")
    with tempfile.TemporaryDirectory(prefix="doctor-") as folder:
        source = Path(folder) / "table.csv"
        source.write_text("point,payoff\n0,1.5\n", "utf-8")
        written = str(parquet.from_csv(source)).replace("'", "''")
        with duckdb.connect() as connection:
            rows = connection.execute(f"SELECT point, payoff FROM '{written}'").fetchall()
    expect(rows, [(0, 1.5)], "a table written as Parquet and read")
    return f"{versions}: a table was written and read"
