"""Bilevel programs measured: every method on the published problems, the naive big-M beside it, growth, HiGHS's share.

The naive form is what people write by hand today: the follower's optimality conditions with one guessed M for all
multipliers and slacks, handed to the same solver at its default tolerances, its answer taken as it comes.
"""

from __future__ import annotations

import csv
import json
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
from highspy import HighsModelStatus, HighsVarType
from highspy._core import _Highs

from benchmarks.draws import knapsack, packing, public_program, random_program
from coercivity.engine.bilevel.formats import read
from coercivity.engine.bilevel.judge.certify import certify
from coercivity.engine.bilevel.methods.big_m import conditions, refuses_class
from coercivity.engine.bilevel.problem import BilevelProblem
from coercivity.engine.bilevel.reformulations.bounds import BigM, sides_of
from coercivity.engine.bilevel.selection import METHODS, solve
from coercivity.engine.bilevel.solution import Limits, Status
from coercivity.engine.errors import CoercivityError
from coercivity.engine.programs.hot import highs_model
from coercivity.engine.proof.certificate import ProofLevel

LITERATURE = Path(__file__).parents[1] / "instances" / "literature"
# PAO takes 1e5 in its FA method and 1e6 in PCCG.
GUESSES = (1e2, 1e4, 1e5, 1e6)
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

        _Highs.run = run  # type: ignore[method-assign, assignment]
        return self

    def __exit__(self, *exception: object) -> None:
        _Highs.run = self._run  # type: ignore[method-assign]


@dataclass
class Record:
    """What a method did on a collection of problems."""

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
            f"proof {1e3 * median(self.proof):.0f} / {1e3 * float(np.quantile(self.proof, 0.9)):.0f} / {1e3 * max(self.proof):.0f} ms"
        )


def published() -> dict[str, tuple[BilevelProblem, float | None]]:
    """The published problems by name, with their checked optima in the sense of the file."""
    with (LITERATURE / "known.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {
        row["name"]: (read(LITERATURE / f"{row['name']}.json"), float(row["checked"]) if row["checked"] else None)
        for row in rows
    }


def literature(problems: dict[str, tuple[BilevelProblem, float | None]], limit: float) -> dict[str, Record]:
    """Every method on every published problem that it accepts."""
    records = {name: Record() for name in METHODS}
    for name, module in METHODS.items():
        accepted = {key: problem for key, (problem, _) in problems.items() if module.refuses(problem) is None}
        for problem in list(accepted.values())[:1]:
            module.solve(problem, Limits(seconds=limit))  # imports and caches are not what is measured
        for key, problem in accepted.items():
            with Inside() as inside:
                started = time.perf_counter()
                try:
                    claim = module.solve(problem, Limits(seconds=limit))
                except CoercivityError:
                    continue
                records[name].seconds[key] = time.perf_counter() - started
            records[name].inside += inside.seconds
            started = time.perf_counter()
            records[name].proved += certify(problem, claim).proof is ProofLevel.OPTIMAL
            records[name].proof.append(time.perf_counter() - started)
    return records


def is_right(value: float, checked: float) -> bool:
    """Whether a value is the checked one, to a part in ten thousand."""
    return abs(value - checked) <= 1e-4 * max(1.0, abs(checked))


def guessed(problem: BilevelProblem, guess: float, limit: float) -> tuple[HighsModelStatus, float, float]:
    """The naive form with one M for everything: what the solver says, the value it reports, seconds."""
    started = time.perf_counter()
    sides = sides_of(problem)
    # In the units of the file, as one would write it by hand.
    model = conditions(problem, BigM(sides, guess / sides.scale, guess * sides.scale / sides.cost_scale))
    highs: Any = _Highs()
    # Another number of threads than the engine's would make every later run in this process fail.
    for key, setting in {"output_flag": False, "threads": 1, "time_limit": limit}.items():
        highs.setOptionValue(key, setting)
    highs.passModel(highs_model(model.sheet.program(problem.objective.constant)))
    for column in np.flatnonzero(model.sheet.is_integer):
        highs.changeColIntegrality(int(column), HighsVarType.kInteger)
    highs.run()
    value = float(highs.getInfo().objective_function_value)
    return highs.getModelStatus(), value, time.perf_counter() - started


def naive(problems: dict[str, tuple[BilevelProblem, float | None]], reference: Record, limit: float) -> Iterator[str]:
    """How often a guessed M is wrong while the solver says optimal or infeasible, and how its time compares."""
    accepted = {
        key: (problem, checked)
        for key, (problem, checked) in problems.items()
        if key in reference.seconds and checked is not None and refuses_class(problem) is None
    }
    for guess in GUESSES:
        wrong, missing, ratios = [], 0, []
        for key, (problem, checked) in accepted.items():
            status, value, spent = guessed(problem, guess, limit)
            ratios.append(spent / reference.seconds[key])
            missing += status == HighsModelStatus.kInfeasible
            if status == HighsModelStatus.kOptimal and not is_right(problem.shown(value), checked):
                wrong.append(key)
        yield (
            f"one guessed M = {guess:g} on {len(accepted)} problems: {len(wrong)} wrong but 'optimal' "
            f"({', '.join(wrong) or 'none'}), {missing} falsely infeasible, time {median(ratios):.1f} times {next(iter(METHODS))}"
        )


@dataclass
class Guess:
    """What one guessed M did on random programs of a size."""

    right: list[float] = field(default_factory=list)
    wrong: int = 0
    infeasible: int = 0

    def told(self, count: int) -> str:
        """In words; what is missing reached the limit."""
        return f"{_told(self.right, count)}, {self.wrong} wrong, {self.infeasible} 'infeasible'"


def growth(sizes: tuple[int, ...], seeds: int, limit: float) -> Iterator[str]:
    """Random bilevel linear programs of growing size: certified within the limit, and answered by the naive form.

    The optimum lies between bound and value of the claim; an answer outside is wrong, whether or not these meet. An M
    that got nothing right and was stopped by the limit is not tried on larger programs.
    """
    tried = list(GUESSES)
    for size in sizes:
        ours: list[float] = []
        proofs: list[float] = []
        guesses = {guess: Guess() for guess in tried}
        for seed in range(seeds):
            problem = random_program(seed, size, size, 10.0, is_integer=False)
            claim = METHODS["tight_rows"].solve(problem, Limits(seconds=limit))
            started = time.perf_counter()
            if claim.status is Status.OPTIMAL and certify(problem, claim).proof is ProofLevel.OPTIMAL:
                ours.append(claim.seconds)
                proofs.append(time.perf_counter() - started)
            for guess, record in guesses.items():
                status, value, spent = guessed(problem, guess, limit)
                record.infeasible += status == HighsModelStatus.kInfeasible
                if status == HighsModelStatus.kOptimal:
                    margin = 1e-4 * max(1.0, abs(value))
                    is_between = claim.bound - margin <= value <= claim.value + margin
                    record.wrong += not is_between
                    record.right += [spent] if is_between else []
        tried = [guess for guess, record in guesses.items() if record.right or record.wrong or record.infeasible]
        told = "".join(f"; M = {guess:g}: {record.told(seeds)}" for guess, record in guesses.items())
        proof = f" (proof {median(proofs):.2g} s)" if proofs else ""
        yield f"random LP-LP, {size} + {size} columns, {size} rows: certified {_told(ours, seeds)}{proof}{told}"


def _told(times: list[float], count: int) -> str:
    return f"{len(times)} of {count}" + (f", median {median(times):.2g} s" if times else "")


def integers(sizes: tuple[tuple[int, int, float], ...], seeds: int, limit: float) -> Iterator[str]:
    """Random bilevel integer programs by the value function and by improving directions."""
    for size, rows, top in sizes:
        for name in ("value_function", "directions"):
            times = []
            for seed in range(seeds):
                claim = METHODS[name].solve(
                    random_program(seed, size, rows, top, is_integer=True), Limits(seconds=limit)
                )
                times += [claim.seconds] if claim.status is Status.OPTIMAL else []
            yield f"random integer, {size} + {size} columns to {top:g}, {rows} rows: {name} proves {_told(times, seeds)}"


def general(kinds: tuple[tuple[str, int], ...], seeds: int, limit: float) -> Iterator[str]:
    """Integer programs after the public sets of general integer followers, by whatever is chosen for them."""
    for kind, own in kinds:
        claims = [
            solve(public_program(kind, own, seed), limits=Limits(seconds=limit)).solution for seed in range(seeds)
        ]
        times = [claim.seconds for claim in claims if claim.status is Status.OPTIMAL]
        apart = [(claim.value - claim.bound) / max(1.0, abs(claim.value)) for claim in claims]
        far = f"; at the most {max(apart):.1%} apart" if len(times) < seeds else ""
        yield f"{kind}, {own} of 20 columns the follower's: {_told(times, seeds)}{far}"


def knapsacks(sizes: tuple[int, ...], seeds: int, limit: float) -> Iterator[str]:
    """Knapsack interdiction after the recipe of Caprara et al. (2016), with what the judge takes."""
    for size in sizes:
        times, judged = [], []
        for seed in range(seeds):
            problem = knapsack(size, seed)
            claim = METHODS["knapsack"].solve(problem, Limits(seconds=limit))
            times += [claim.seconds] if claim.status is Status.OPTIMAL else []
            started = time.perf_counter()
            certify(problem, claim, 2.0)
            judged.append(time.perf_counter() - started)
        yield (
            f"knapsack interdiction, {size} items: proved {_told(times, seeds)}, most {max(times, default=limit):.2g} s, "
            f"judge {median(judged):.2g} s"
        )


def packings(limit: float, seeds: int) -> Iterator[str]:
    """Packings, assignments and independent sets whose items a leader takes away, by the tree and by the master."""
    for kind, size in (("packing", 20), ("packing", 30), ("assignment", 36), ("independent", 30), ("independent", 40)):
        for name in ("interdiction_tree", "interdiction"):
            claims = [METHODS[name].solve(packing(kind, size, seed), Limits(seconds=limit)) for seed in range(seeds)]
            times = [claim.seconds for claim in claims if claim.status is Status.OPTIMAL]
            yield f"{kind} of {size} items: {name} proves {_told(times, seeds)}"


def attack() -> str:
    """MibS's knapsack interdiction F5010W01, by its own cuts and by the value function."""
    problem = read(LITERATURE / "pairs" / "knapsack_interdiction.mps")
    names = ("knapsack", "interdiction", "value_function")
    table, own, other = (METHODS[name].solve(problem, Limits(seconds=60.0)) for name in names)
    return (
        f"F5010W01: knapsack {table.seconds:.3f} s, interdiction {own.seconds:.2f} s, "
        f"value function / interdiction {other.seconds / own.seconds:.0f}"
    )


def game() -> str:
    """The licensing game itself, exported and answered commitment by commitment."""
    from coercivity.models.licensing.data.load import load
    from coercivity.models.licensing.leader.export import problem_of

    linear = ("leader.rents.licence=0", "leader.rents.exporter=0", "concession.value=0 million USD/yr")
    problem = problem_of(load("template", linear))
    claim = METHODS["commitments"].solve(problem, Limits())
    size = f"{len(problem.follower):,} columns and {len(problem.follower_rows):,} rows of the follower"
    return f"template exported, {size}: {claim.status.name} in {claim.seconds:.2f} s"


def peer(problems: dict[str, tuple[BilevelProblem, float | None]], reference: Record) -> Iterator[str]:
    """PAO on the problems that it accepts, if an interpreter that has it is named."""
    python = os.environ.get(PAO)
    if not python:
        yield f"PAO: not measured; name an interpreter that imports it in {PAO}"
        return
    script = Path(__file__).with_name("bilevel_pao.py")
    try:
        done = subprocess.run(
            [python, str(script), str(LITERATURE)], capture_output=True, text=True, timeout=1200, check=True
        )
        # Whatever PAO itself prints comes before the last line.
        answers = json.loads(done.stdout.splitlines()[-1])
    except (OSError, subprocess.SubprocessError, IndexError, ValueError) as error:
        yield f"PAO: not measured; {python} does not run {script.name}: {str(error)[:200]}"
        return
    for method, found in answers.items():
        yield _compared(method, found, problems, reference)


def _compared(
    method: str,
    found: dict[str, tuple[float, float] | None],
    problems: dict[str, tuple[BilevelProblem, float | None]],
    reference: Record,
) -> str:
    given = {key: answer for key, answer in found.items() if answer is not None}
    if not given:
        return f"PAO's {method}: no answer to any of {len(found)}"
    wrong = [key for key, (value, _) in given.items() if not is_right(value, problems[key][1] or 0.0)]
    times = [spent for _, spent in given.values()]
    ratio = median(spent / reference.seconds[key] for key, (_, spent) in given.items() if key in reference.seconds)
    return (
        f"PAO's {method} with HiGHS on {len(found)} linear problems: {len(given) - len(wrong)} right, "
        f"{len(wrong)} wrong ({', '.join(wrong) or 'none'}), {len(found) - len(given)} without an answer, "
        f"median / most {1e3 * median(times):.0f} / {1e3 * max(times):.0f} ms, time {ratio:.1f} times {next(iter(METHODS))}"
    )


def report(quick: bool, show: Callable[[str], None] = print) -> None:
    """All of it, a line each."""
    limit = 3.0 if quick else 20.0
    problems = published()
    show(f"\nBilevel programs: {len(problems)} published problems")
    records = literature(problems, limit)
    first = next(iter(records.values()))
    for name, record in records.items():
        show(record.line(name, first))
    for line in naive(problems, first, limit):
        show(line)
    for line in peer(problems, first):
        show(line)
    for sizes, seeds in (((10, 20), 2),) if quick else (((10, 20), 5), ((40, 60, 80), 3)):
        for line in growth(sizes, seeds, limit):
            show(line)
    for line in integers(((5, 6, 10.0),) if quick else ((5, 6, 10.0), (10, 20, 1500.0)), 2 if quick else 4, limit):
        show(line)
    kinds = (("miblp", 5), ("miblp", 10), ("miblp", 15), ("milp", 10))
    for line in general(kinds[:2] if quick else kinds, 2 if quick else 10, limit):
        show(line)
    for line in knapsacks((20,) if quick else (20, 35, 55, 100), 3 if quick else 30, limit):
        show(line)
    for line in packings(limit / 2.0, 1 if quick else 3):
        show(line)
    show(attack())
    show(game())


if __name__ == "__main__":
    report("--quick" in sys.argv)
