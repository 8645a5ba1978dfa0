"""PAO on the published linear problems: run by an interpreter that has it, apart from this program's own environment.

    python benchmarks/bilevel_pao.py instances/literature

PAO 1.0.2 imports on Python 3.11 with numpy below 2 and pyutilib. Its FA method, a big-M of 1e5, is solved with HiGHS.
"""

from __future__ import annotations

import csv
import json
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

import pyomo.environ as pyo
from pao.pyomo import Solver, SubModel

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


def main(folder: Path) -> None:
    """Solve what is linear and continuous, and say how many answers are right."""
    with (folder / "known.csv").open(encoding="utf-8") as file:
        known = {row["name"]: row["checked"] for row in csv.DictReader(file)}
    right, wrong, failed, times = 0, [], 0, []
    for name, checked in sorted(known.items()):
        data = json.loads((folder / f"{name}.json").read_text("utf-8"))
        is_linear = not (data["upper"]["Q"] or data["lower"]["Q"] or data.get("followers"))
        if not checked or not is_linear or {"I", "B"} & {*data["x"]["type"], *data["y"]["type"]}:
            continue
        started = time.perf_counter()
        try:
            model = model_of(data)
            Solver("pao.pyomo.FA", mip_solver="appsi_highs").solve(model)
            value = pyo.value(model.o)
        except Exception:  # whatever a peer raises counts as an answer that it does not give
            failed += 1
            continue
        times.append(time.perf_counter() - started)
        is_right = abs(value - float(checked)) <= 1e-4 * max(1.0, abs(float(checked)))
        right += is_right
        wrong += [] if is_right else [name]
    spent = f", median {1e3 * median(times):.0f} ms" if times else ""
    print(
        f"PAO's FA with HiGHS: {right} right, {len(wrong)} wrong ({', '.join(wrong) or 'none'}), {failed} without an answer{spent}"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
