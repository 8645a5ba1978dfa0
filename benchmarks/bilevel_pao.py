"""PAO on the published linear problems: run by an interpreter that has it, apart from this program's own environment.

    python benchmarks/bilevel_pao.py instances/literature

PAO 1.0.2 imports on Python 3.11 with numpy below 2 and pyutilib. Its methods FA (a big-M of 1e5) and PCCG (1e6) are
solved with HiGHS; REG wants Ipopt and finds a local solution. The last line printed is value and seconds by method and
problem, as JSON, with null where there is no answer.
"""

from __future__ import annotations

import csv
import json
import logging
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pyomo.environ as pyo
from pao.pyomo import Solver, SubModel

# For one problem.
SECONDS = 20
SENSES = {"min": pyo.minimize, "max": pyo.maximize}


def model_of(data: dict[str, Any]) -> Any:
    """A PAO model of a linear bilevel-neutral/1 problem."""
    model = pyo.ConcreteModel()
    model.x = pyo.Var(range(len(data["x"]["names"])))
    model.L = SubModel(fixed=model.x)
    model.L.y = pyo.Var(range(len(data["y"]["names"])))
    for part, columns in (("x", model.x), ("y", model.L.y)):
        for k in columns:
            columns[k].setlb(data[part]["lb"][k])
            columns[k].setub(data[part]["ub"][k])
    parts = (
        ("upper", model, ("cx", "cy", "c0"), ("A", "B", "b")),
        ("lower", model.L, ("dx", "dy", "d0"), ("C", "D", "e")),
    )
    for level, block, costs, sides in parts:
        table = data[level]
        expression = _sum(table[costs[0]], model.x) + _sum(table[costs[1]], model.L.y) + table[costs[2]]
        block.o = pyo.Objective(expr=expression, sense=SENSES[table["sense"]])
        block.rows = pyo.ConstraintList()
        for of_x, of_y, sense, side in zip(
            table[sides[0]], table[sides[1]], table["row_sense"], table[sides[2]], strict=True
        ):
            left = _sum(of_x, model.x) + _sum(of_y, model.L.y)
            if not isinstance(left, int | float):
                block.rows.add(left <= side if sense == "<=" else left >= side if sense == ">=" else left == side)
    return model


def _sum(weights: list[float], columns: Any) -> Any:
    return sum(weight * columns[k] for k, weight in enumerate(weights) if weight)


def linear_problems(folder: Path) -> dict[str, dict[str, Any]]:
    """What is linear and continuous with one follower, and has a checked optimum."""
    with (folder / "known.csv").open(encoding="utf-8") as file:
        names = sorted(row["name"] for row in csv.DictReader(file) if row["checked"])
    every = {name: json.loads((folder / f"{name}.json").read_text("utf-8")) for name in names}
    return {
        name: data
        for name, data in every.items()
        if not (data["upper"]["Q"] or data["lower"]["Q"] or data.get("followers"))
        and not {"I", "B"} & {*data["x"]["type"], *data["y"]["type"]}
    }


def answer(data: dict[str, Any], method: str, options: dict[str, str]) -> tuple[float, float] | None:
    """Value and seconds, without those of building the model; None where PAO raises anything or takes too long."""
    try:
        model = model_of(data)
        signal.alarm(SECONDS)
        started = time.perf_counter()
        Solver(f"pao.pyomo.{method}", **options).solve(model)
        return float(pyo.value(model.o)), time.perf_counter() - started
    except Exception:  # whatever a peer raises counts as an answer that it does not give
        return None
    finally:
        signal.alarm(0)


def too_long(*_: object) -> None:
    """Stop what runs."""
    raise TimeoutError


def main(folder: Path) -> None:
    """Solve what is linear and continuous by every method that has a solver here."""
    logging.disable(logging.CRITICAL)
    signal.signal(signal.SIGALRM, too_long)
    methods = {"FA": {"mip_solver": "appsi_highs"}, "PCCG": {"mip_solver": "appsi_highs"}}
    if pyo.SolverFactory("ipopt").available(exception_flag=False):
        methods["REG"] = {"nlp_solver": "ipopt"}
    problems = linear_problems(folder)
    found: dict[str, dict[str, tuple[float, float] | None]] = {}
    for method, options in methods.items():
        answer(next(iter(problems.values())), method, options)  # imports and caches are not what is measured
        found[method] = {name: answer(data, method, options) for name, data in problems.items()}
    print()
    print(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
