"""Bilevel programs measured: every method on the published problems, the naive big-M beside it, growth, HiGHS's share.

The naive form is what people write by hand today: the follower's optimality conditions with one guessed M for all
multipliers and slacks, handed to the same solver.
"""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import scipy.sparse as sp
from highspy._core import _Highs

from engine.bounds import BigM, sides_of
from engine.certificate import ProofLevel
from engine.choice import METHODS
from engine.errors import CoercivityError
from engine.formats import read
from engine.judge import certify
from engine.methods.big_m import conditions, refuses_class
from engine.problem import BilevelProblem, Objective, Rows, Variables
from engine.solution import Limits, Status
from engine.solver import SolveStatus
from engine.solver_mixed import solve_mixed

LITERATURE = Path(__file__).parents[1] / "instances" / "literature"
GUESSES = (1e2, 1e4, 1e6)
PAO = "COERCIVITY_PAO_PYTHON"


class Inside:
    """Seconds spent in HiGHS while this is open."""

    def __enter__(self) -> Inside:
        self.seconds, self._run = 0.0, _Highs.run

        def run(highs: Any, *arguments: Any) -> Any:
            started = time.perf_counter()
            try:
                return self._run(highs, *arguments)
            finally:
                self.seconds += time.perf_counter() - started

        _Highs.run = run  # type: ignore[method-assign]
        return self

    def __exit__(self, *exception: object) -> None:
        _Highs.run = self._run  # type: ignore[method-assign]


@dataclass
class Record:
    """What a method did on a collection of problems."""

    refused: int = 0
    proved: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    proof: list[float] = field(default_factory=list)
    inside: float = 0.0

    def line(self, name: str, reference: Record) -> str:
        """A row of the table; the ratio is taken on the problems that both accept."""
        times, common = list(self.seconds.values()), [key for key in self.seconds if key in reference.seconds]
        if not common:
            return f"{name}: accepts {len(times)}, none of them with {next(iter(METHODS))}"
        ratio = median(self.seconds[key] / reference.seconds[key] for key in common)
        share = self.inside / max(sum(times), 1e-9)
        spread = f"{1e3 * median(times):.0f} / {1e3 * float(np.quantile(times, 0.9)):.0f} / {1e3 * max(times):.0f} ms"
        return (
            f"{name}: accepts {len(times)}, certified {self.proved}, median / p90 / most {spread}, "
            f"{ratio:.1f} times {next(iter(METHODS))} on {len(common)} common, HiGHS {share:.0%}, "
            f"proof {1e3 * median(self.proof):.0f} ms"
        )


def published() -> dict[str, tuple[BilevelProblem, float | None]]:
    """The published problems by name, with their checked optima in the sense of the file."""
    with (LITERATURE / "known.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {
        row["name"]: (read(LITERATURE / f"{row['name']}.json"), float(row["checked"]) if row["checked"] else None)
        for row in rows
    }


def literature(limit: float = 20.0) -> list[str]:
    """Every method on every published problem that it accepts."""
    problems, records = published(), {name: Record() for name in METHODS}
    for name, module in METHODS.items():
        module.refuses(next(iter(problems.values()))[0])  # imports and caches are not what is measured
        for key, (problem, _) in problems.items():
            with Inside() as inside:
                started = time.perf_counter()
                try:
                    claim = module.solve(problem, Limits(seconds=limit))
                except CoercivityError:
                    records[name].refused += 1
                    continue
                records[name].seconds[key] = time.perf_counter() - started
            records[name].inside += inside.seconds
            started = time.perf_counter()
            records[name].proved += certify(problem, claim).proof is ProofLevel.OPTIMAL
            records[name].proof.append(time.perf_counter() - started)
    first = next(iter(records.values()))
    return [record.line(name, first) for name, record in records.items()]


def guessed(problem: BilevelProblem, guess: float, limit: float) -> tuple[SolveStatus, float, float]:
    """The naive form with one M for everything: what the solver says, the value it reports, seconds."""
    started = time.perf_counter()
    sides = sides_of(problem)
    # In the units of the file, as one would write it by hand.
    model = conditions(problem, BigM(sides, guess / sides.scale, guess * sides.scale / sides.cost_scale))
    found = solve_mixed(
        model.sheet.program(problem.objective.constant), model.sheet.is_integer, gap=1e-6, seconds=limit
    )
    return found.status, found.value, time.perf_counter() - started


def naive(limit: float = 20.0) -> Iterator[str]:
    """How often a guessed M is wrong while the solver says optimal or infeasible, and how its time compares."""
    accepted = {
        key: pair for key, pair in published().items() if refuses_class(pair[0]) is None and pair[1] is not None
    }
    for guess in GUESSES:
        wrong, missing, ratios = 0, 0, []
        for problem, checked in accepted.values():
            assert checked is not None
            status, value, spent = guessed(problem, guess, limit)
            started = time.perf_counter()
            next(iter(METHODS.values())).solve(problem, Limits(seconds=limit))
            ratios.append(spent / (time.perf_counter() - started))
            missing += status is SolveStatus.INFEASIBLE
            is_right = abs(problem.shown(value) - checked) <= 1e-4 * max(1.0, abs(checked))
            wrong += status is SolveStatus.OPTIMAL and not is_right
        yield (
            f"one guessed M = {guess:g} on {len(accepted)} problems: {wrong} wrong but 'optimal', {missing} falsely infeasible, "
            f"time {median(ratios):.1f} times {next(iter(METHODS))}"
        )


def random_program(seed: int, size: int, rows: int, top: float, *, is_integer: bool) -> BilevelProblem:
    """A bilevel program in the manner of DeNegre (2011): coefficients in ±50, right-hand sides in 30 to 130, boxes."""
    random = np.random.default_rng(seed)
    width, flags = 2 * size, np.full(size, is_integer)
    matrix = random.integers(-50, 51, (rows, width)).astype(float)
    sides = random.integers(30, 131, rows).astype(float)
    leader = random.integers(-50, 51, width).astype(float)
    follower = np.r_[np.zeros(size), random.integers(-50, 51, size).astype(float)]
    low, high, none = np.zeros(size), np.full(size, top), sp.csr_array((width, width))
    return BilevelProblem(
        name=f"random-{size}-{seed}",
        leader=Variables(tuple(f"x{k}" for k in range(size)), low, high, flags),
        follower=Variables(tuple(f"y{k}" for k in range(size)), low, high, flags),
        objective=Objective(leader, none),
        rows=Rows((), sp.csr_array((0, width)), np.zeros(0), np.zeros(0)),
        follower_objective=Objective(follower, none),
        follower_rows=Rows(tuple(f"r{k}" for k in range(rows)), sp.csr_array(matrix), np.full(rows, -np.inf), sides),
    )


def growth(sizes: tuple[int, ...], seeds: int, limit: float) -> Iterator[str]:
    """Random bilevel linear programs of growing size: proved within the limit by us, and by the naive form."""
    for size in sizes:
        ours: list[float] = []
        theirs: dict[float, list[float]] = {guess: [] for guess in GUESSES}
        wrong = dict.fromkeys(GUESSES, 0)
        for seed in range(seeds):
            problem = random_program(seed, size, size, 10.0, is_integer=False)
            claim = next(iter(METHODS.values())).solve(problem, Limits(seconds=limit))
            is_proved = claim.status is Status.OPTIMAL
            ours += [claim.seconds] if is_proved else []
            for guess in GUESSES:
                status, value, spent = guessed(problem, guess, limit)
                if status is SolveStatus.OPTIMAL:
                    theirs[guess].append(spent)
                    wrong[guess] += is_proved and abs(value - claim.value) > 1e-4 * max(1.0, abs(claim.value))
        told = "; ".join(f"M = {guess:g}: {_told(theirs[guess], seeds)}, {wrong[guess]} wrong" for guess in GUESSES)
        yield f"random LP-LP, {size} + {size} columns, {size} rows: proved {_told(ours, seeds)}; guessed {told}"


def _told(times: list[float], count: int) -> str:
    return f"{len(times)} of {count}" + (f", median {median(times):.2g} s" if times else "")


def integers(sizes: tuple[tuple[int, int, float], ...], seeds: int, limit: float) -> Iterator[str]:
    """Random bilevel integer programs by the value function."""
    for size, rows, top in sizes:
        times = []
        for seed in range(seeds):
            claim = METHODS["value_function"].solve(
                random_program(seed, size, rows, top, is_integer=True), Limits(seconds=limit)
            )
            times += [claim.seconds] if claim.status is Status.OPTIMAL else []
        yield f"random integer, {size} + {size} columns to {top:g}, {rows} rows: proved {_told(times, seeds)}"


def attack() -> str:
    """MibS's knapsack interdiction F5010W01, by its own cuts and by the value function."""
    problem = read(LITERATURE / "pairs" / "knapsack_interdiction.mps")
    own, other = (METHODS[name].solve(problem, Limits(seconds=60.0)) for name in ("interdiction", "value_function"))
    return (
        f"F5010W01: interdiction {own.seconds:.2f} s, value function / interdiction {other.seconds / own.seconds:.0f}"
    )


def game() -> str:
    """The licensing game itself, exported and answered commitment by commitment."""
    from models.licensing.export import problem_of
    from models.licensing.files.load import load

    linear = ("leader.rents.licence=0", "leader.rents.exporter=0", "concession.value=0 million USD/yr")
    problem = problem_of(load("template", linear))
    claim = METHODS["commitments"].solve(problem, Limits())
    size = f"{len(problem.follower):,} columns and {len(problem.follower_rows):,} rows of the follower"
    return f"template exported, {size}: {claim.status.name} in {claim.seconds:.2f} s"


def peer() -> str:
    """PAO on the problems that it accepts, if an interpreter that has it is named."""
    python = os.environ.get(PAO)
    if not python:
        return f"PAO: not measured; name an interpreter that imports it in {PAO}"
    script = Path(__file__).with_name("bilevel_pao.py")
    done = subprocess.run(
        [python, str(script), str(LITERATURE)], capture_output=True, text=True, timeout=1200, check=False
    )
    # Pyomo's warnings come first, on the same stream.
    return (done.stdout.strip().splitlines() or [f"PAO: {done.stderr.strip()[-200:]}"])[-1]


def report(quick: bool, show: Callable[[str], None] = print) -> None:
    """All of it, a line each."""
    limit = 5.0 if quick else 20.0
    show("\nBilevel programs: 78 published problems")
    for line in literature(limit):
        show(line)
    for line in naive(limit):
        show(line)
    show(peer())
    for line in growth((10, 20) if quick else (10, 20, 30, 40, 60), 3 if quick else 5, limit):
        show(line)
    for line in integers(((5, 6, 10.0), (10, 20, 1500.0)) if not quick else ((5, 6, 10.0),), 4, limit):
        show(line)
    show(attack())
    show(game())


if __name__ == "__main__":
    report("--quick" in sys.argv)
