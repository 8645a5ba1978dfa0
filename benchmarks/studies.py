"""Studies measured: a point against raw HiGHS and against Pyomo, two workers against one, the ledger, memory."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from highspy._core import _Highs

from coercivity.engine.programs.hot import HotProgram, highs_model
from coercivity.engine.study.designs import grid, random_draws
from coercivity.engine.study.memory.ledger import Ledger
from coercivity.engine.study.memory.outcome import Outcome, Status
from coercivity.engine.study.work.executors import InProcess, Pool
from coercivity.engine.study.work.running import run_all
from coercivity.models.licensing.buyers.evaluate import Followers
from coercivity.models.licensing.buyers.formulation import build
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.data.load import load
from coercivity.models.licensing.studies.study import Outcomes, Study, study_of
from coercivity.models.licensing.studies.vary import grid_points, uncertain, varied

STRATEGIES = ("open", "stewardship", "targeted", "coercion_persistent")
MEMORY = "import benchmarks.studies as b; b.points_in_memory({count})"


def timed(work: Callable[[], object]) -> float:
    """Wall-clock seconds of one call."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def study(instance: Instance, points: int, near: bool = False) -> Study:
    """Draws of every uncertain number of an instance; or, ``near``, a row of a grid over two of them."""
    if near:
        axes = varied(instance, ["concession.value=1000:12000:2", f"leader.discount_rate=0.04:0.1:{-(-points // 2)}"])
        design = grid(grid_points(axes))
        return study_of(instance, Followers(instance), axes, design, STRATEGIES)
    axes = uncertain(instance)
    design = random_draws([one.axis for one in axes], points, 1)
    return study_of(instance, Followers(instance), axes, design, STRATEGIES)


class Recorder:
    """What the solver was told before each solve, so that a bare loop can be given the same."""

    def __init__(self) -> None:
        self.steps: list[tuple[Any, Any, np.ndarray, np.ndarray]] = []
        self._optimise = HotProgram.optimise

    def __enter__(self) -> Recorder:
        def optimise(hot: HotProgram) -> Any:
            lp = hot._highs.getLp()
            bounds = [np.array(getattr(lp, part)) for part in ("col_lower_", "col_upper_", "row_lower_", "row_upper_")]
            smaller = hot._smaller
            told = type(smaller)(np.array(lp.col_cost_), smaller.matrix, bounds[2], bounds[3], bounds[0], bounds[1])
            self.steps.append((told, hot._highs.getBasis(), np.array(smaller.matrix.data), bounds[0]))
            return self._optimise(hot)

        HotProgram.optimise = optimise  # type: ignore[method-assign]
        return self

    def __exit__(self, *_: object) -> None:
        HotProgram.optimise = self._optimise  # type: ignore[method-assign]

    def raw_seconds(self) -> float:
        """Seconds of a loop over the recorded programs with nothing of ours around it; prepared before, same bases."""
        highs = _Highs()
        for option, value in {"output_flag": False, "threads": 1, "solver": "simplex"}.items():
            highs.setOptionValue(option, value)
        highs.setOptionValue("dual_simplex_cost_perturbation_multiplier", 0.0)
        highs.setOptionValue("simplex_dual_edge_weight_strategy", 1)
        first = self.steps[0][0]
        columns, rows = np.arange(first.shape[1], dtype=np.int32), np.arange(first.shape[0], dtype=np.int32)
        entries = None
        models = [highs_model(step[0]) for step in self.steps]
        started = time.perf_counter()
        for (told, basis, data, _), model in zip(self.steps, models, strict=True):
            if entries is None or not np.array_equal(entries, data):
                highs.passModel(model)
                entries = data
            else:
                highs.changeColsCost(len(columns), columns, told.cost)
                highs.changeColsBounds(len(columns), columns, told.col_lower, told.col_upper)
                highs.changeRowsBounds(len(rows), rows, told.row_lower, told.row_upper)
            highs.setBasis(basis)
            highs.run()
            np.array(highs.getSolution().col_value)
        return time.perf_counter() - started


def report_point(instance: Instance, points: int, near: bool = False) -> float:
    """Seconds of a point, against a raw loop over the same programs and against Pyomo."""
    import pyomo.environ as pyo

    asked = study(instance, points + 1, near)
    worker = asked.question()
    rows = [asked.design.values[row].tolist() for row in asked.order][: points + 1]
    worker(rows[0])
    spent = timed(lambda: [worker(row) for row in rows[1:]]) / points
    again = asked.question()
    again(rows[0])
    with Recorder() as recorder:
        for row in rows[1:]:
            again(row)
    raw = recorder.raw_seconds() / points
    programs = len(recorder.steps) / points
    followers = Followers(instance)
    announced = followers.announcer.named(STRATEGIES[0])
    rebuilt = timed(lambda: pyo.SolverFactory("appsi_highs").solve(build(followers.market, announced))) * programs
    print(
        f"\n{instance.name}: a point of a study, {len(asked.varied)} numbers {'on a grid' if near else 'drawn'}, {len(STRATEGIES)} strategies, {points} points"
    )
    print(f"  ours, everything included              {spent * 1e3:9.1f} ms   programs in it  {programs:6.1f}")
    print(
        f"  raw highspy loop, same programs, bases {raw * 1e3:9.1f} ms   ours / raw      {spent / raw:6.2f}   (wanted: at most 1.5)"
    )
    print(
        f"  Pyomo rebuilt for each program         {rebuilt * 1e3:9.1f} ms   Pyomo / ours    {rebuilt / spent:6.1f}   (wanted: at least 50)"
    )
    return spent


def report_workers(instance: Instance, points: int) -> None:
    """Two workers against one, from the first outcome to the last, and with their start."""
    asked = study(instance, points)
    runs, todo = asked.runs(), range(points)
    spans = {}
    for name, executor in (("one", Pool(1)), ("two", Pool(2))):
        started = time.perf_counter()
        at = [time.perf_counter() for _ in executor.outcomes(runs, todo, asked.question)]
        # Outcomes come in batches; the first one of a process pays for a cold start.
        spans[name] = (at[-1] - at[0], at[-1] - started)
    print(f"\n{instance.name}: {points} points on two workers")
    print(
        f"  efficiency once they run               {spans['one'][0] / (2 * spans['two'][0]):9.2f}      (wanted: at least 0.9)"
    )
    print(f"  efficiency with their start            {spans['one'][1] / (2 * spans['two'][1]):9.2f}")


def report_ledger(instance: Instance, seconds_each: float, count: int = 2000) -> None:
    """What the ledger costs a point, commits included."""
    asked = study(instance, 1)
    values = asked.question()(asked.design.values[0].tolist())
    with tempfile.TemporaryDirectory() as folder:
        with Ledger(Path(folder) / "ledger.sqlite") as ledger:
            spent = timed(lambda: [ledger.add(f"{at:064d}", Outcome(Status.DONE, values)) for at in range(count)])
            spent += timed(ledger.flush)
        size = (Path(folder) / "ledger.sqlite").stat().st_size / count
    print(
        f"\nledger: {spent / count * 1e6:.0f} µs a point of {instance.name}, {spent / count / seconds_each:.2%} of it "
        f"(wanted: under 5 %); {size:.0f} bytes on the disk"
    )


def points_in_memory(count: int) -> None:
    """Do so many points of a small instance in one process and print their rate and the peak of memory."""
    instance = load("one-buyer")
    axes = varied(instance, ["concession.value=0:400", "leader.discount_rate=0.01:0.2", "segments.*.value=1:2"])
    design = random_draws([one.axis for one in axes], count, 1)
    asked = study_of(instance, Followers(instance), axes, design, ("open",))
    found = Outcomes.empty(asked)
    with tempfile.TemporaryDirectory() as folder, Ledger(Path(folder) / "ledger.sqlite") as ledger:
        spent = timed(
            lambda: run_all(
                asked.runs(),
                asked.question,
                ledger,
                InProcess(),
                consume=lambda at, one: found.put(int(asked.order[at]), one),
            )
        )
    # The peak that getrusage tells is the parent's where that was larger.
    told = Path("/proc/self/status").read_text("ascii").split("VmHWM:")[1].split()[0]
    peak = int(told) / 1024
    print(f"{count / spent:.0f} {peak:.0f}")


def report_memory(quick: bool) -> None:
    """Peak memory over the number of points, each in a process of its own."""
    print("\nmemory over the number of points (one-buyer, one strategy, one process)")
    for count in (1_000, 10_000) if quick else (1_000, 10_000, 100_000):
        code = MEMORY.format(count=count)
        told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
        print(f"  {count:8,d} points   {told[1]:>6s} MB at most   {told[0]:>6s} points a second", flush=True)


def report(quick: bool) -> None:
    """Everything."""
    real = load("april-2025")
    report_point(real, 8 if quick else 30, near=True)
    each = report_point(real, 6 if quick else 20)
    report_workers(real, 24 if quick else 100)
    report_ledger(real, each)
    report_memory(quick)
