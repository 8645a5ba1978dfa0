"""How long a moved slider of the cockpit waits for its answer.

    python -m benchmarks.cockpit [INSTANCE] [MOVES]

One number at a time walks over its stated range in small steps, as a hand does, and another is taken; strategies take turns.
Timed from the wish to its answer in the server's process, through the worker's; with the memory that the worker holds after every tenth of them
(Linux), which ten thousand wishes should leave flat.
"""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path

import numpy as np

from coercivity.models.licensing.data.load import load
from coercivity.models.licensing.desk.cockpit.reading import Reader
from coercivity.models.licensing.desk.cockpit.solver import Solver
from coercivity.models.licensing.desk.cockpit.wishes import Wish

STEPS = 10  # of one number before the next is taken


def moves(instance: str, count: int) -> None:
    """Move sliders, and print the quantiles of the time that their answers took."""
    game = load(instance)
    ranged = [
        (path, one)
        for path, one in Reader.numbers_of(game).items()
        if one.low is not None and one.low < one.high  # type: ignore[operator]
    ]
    solver, chance = Solver(game), np.random.default_rng(1)
    names = list(game.strategies)
    started = time.perf_counter()
    for name in names:
        solver.ask("read", Wish({}, name))
    print(f"{instance}: ready, and all {len(names)} strategies read once, after {time.perf_counter() - started:.1f} s")
    first, later, held, refused = [], [], [], 0
    try:
        rounds = max(1, count // STEPS)
        for round_ in range(rounds):
            path, one = ranged[int(chance.integers(len(ranged)))]
            assert one.low is not None
            assert one.high is not None
            for step in range(STEPS):
                value = one.low + (one.high - one.low) * (0.2 + 0.05 * step + 0.01 * float(chance.random()))
                began = time.perf_counter()
                found = solver.ask("read", Wish({path: value}, names[round_ % len(names)]))
                taken = 1e3 * (time.perf_counter() - began)
                refused += "refused" in found
                (later if step else first).append(taken)
            if (round_ + 1) % max(1, rounds // 10) == 0:
                held.append(megabytes(solver.pid))
    finally:
        solver.close()
    for title, times in (("first step of a number", first), ("every further step", later)):
        low, middle, high = np.percentile(times, [10, 50, 90])
        print(f"{title}: median {middle:.0f} ms, 10 % below {low:.0f} ms, 10 % above {high:.0f} ms, of {len(times)}")
    print(f"refused: {refused}; memory of the worker, MB: {', '.join(f'{one:.0f}' for one in held)}")


def megabytes(pid: int | None) -> float:
    """The memory that a process holds; 0 where the system does not tell."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
    except (OSError, ValueError):
        return 0.0
    return pages * resource.getpagesize() / 1e6


if __name__ == "__main__":
    moves(sys.argv[1] if len(sys.argv) > 1 else "april-2025", int(sys.argv[2]) if len(sys.argv) > 2 else 240)
