"""All measurements, of the licensing game and of the bilevel engine, printed as ratios.

    python -m benchmarks [--quick]

Each ratio compares two things timed in this run, so it travels from machine to machine where a time does not.
"""

from __future__ import annotations

import argparse
import itertools
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks import bilevel, studies
from benchmarks.family import game
from benchmarks.raw import raw_loop
from coercivity.engine.menu.enumeration import Choice, ordered_choices
from coercivity.engine.programs.hot import solve_once
from coercivity.models.licensing.announcement.announce import path_from_rules
from coercivity.models.licensing.answers.game import StrategyAnswers
from coercivity.models.licensing.buyers.evaluate import Followers
from coercivity.models.licensing.buyers.formulation import build
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.data.load import find, load
from coercivity.models.licensing.leader.commit import Game
from coercivity.models.licensing.leader.search import LicenceScreen, wanderer

# The instance of release 0.4.0: its menu is small enough, and its program, to be proved whole.
BEFORE = Path(__file__).parent / "instances" / "april-2025-0.4.0.yaml"


def seconds(work: Callable[[], object]) -> float:
    """Wall-clock seconds of one call."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def sample(game_: Game, count: int) -> list[Choice]:
    """A run of consecutive strategies from the middle of the search's own order."""
    options = [len(game_.menu.postures)] * game_.menu.slots
    return list(
        itertools.islice(
            ordered_choices(options, game_.slot_effect()), len(game_.menu) // 3, len(game_.menu) // 3 + count
        )
    )


def cold_seconds(game_: Game, count: int = 5) -> float:
    """Median time of a cold solve of the followers' program, over strategies of the instance."""
    names = list(itertools.islice(itertools.cycle(game_.instance.strategies), count))
    programs = [game_.followers.layout.announced_program(game_.announce(name)) for name in names]
    return median(seconds(lambda program=program: solve_once(program)) for program in programs)


def hot_seconds(game_: Game, choices: Sequence[Choice]) -> tuple[float, float]:
    """Mean time of a hot evaluation along the search's order, everything included, and linear programs in it."""
    screen = LicenceScreen(game_.instance, game_.market, game_.followers.layout)
    screen.screen(choices[0])
    before = screen.programs
    spent = seconds(lambda: [screen.screen(choice) for choice in choices[1:]])
    return spent / (len(choices) - 1), (screen.programs - before) / (len(choices) - 1)


def rebuild_seconds(instance: Instance) -> float:
    """Building the program in Pyomo for one strategy and solving it, as one would without this engine."""
    import pyomo.environ as pyo

    followers = Followers(instance)
    announced = followers.announcer.announce(path_from_rules(instance, next(iter(instance.strategies.values()))))

    def work() -> None:
        model = build(followers.market, announced)
        pyo.SolverFactory("appsi_highs").solve(model)

    return seconds(work)


def report_evaluation(instance: Instance, count: int) -> None:
    """Hot evaluation against raw HiGHS, against a cold solve and against rebuilding in Pyomo."""
    game_ = Game(instance)
    rows, columns = game_.followers.layout.program.shape
    choices = sample(game_, count)
    hot, programs = hot_seconds(game_, choices)
    raw = raw_loop(game_, choices)
    cold = cold_seconds(game_)
    rebuilt = rebuild_seconds(instance)
    print(
        f"\n{instance.name}: followers' program of {rows:,} rows and {columns:,} columns, {count} strategies in the search's order"
    )
    print(f"  hot evaluation                         {hot * 1e3:9.1f} ms   programs in it  {programs:6.2f}")
    print(f"  the same per linear program            {hot / programs * 1e3:9.1f} ms")
    print(
        f"  raw highspy loop, same matrices        {raw * 1e3:9.1f} ms   ours / raw, per program {hot / programs / raw:6.2f}   (wanted: at most 1.3)"
    )
    print(f"  cold solve                             {cold * 1e3:9.1f} ms   cold / hot      {cold / hot:6.1f}")
    print(
        f"  build and solve in Pyomo               {rebuilt * 1e3:9.1f} ms   Pyomo / hot     {rebuilt / hot:6.1f}   (wanted: at least 50)"
    )


def report_search(instance: Instance, jobs: int) -> float:
    """The proven optimum over the whole menu, in cold solves; its value."""
    game_ = Game(instance)
    cold = cold_seconds(game_)
    started = time.perf_counter()
    _, best, screening = game_.best_commitment(jobs)
    spent = time.perf_counter() - started
    print(f"\n{instance.name}: proven optimum over {len(game_.menu):,} joint strategies on {jobs} processes")
    print(
        f"  {spent:.0f} s; {jobs * spent / cold:,.0f} cold solves of processor time (wanted: at most 2,100); "
        f"ties resolved for {best.resolved} strategies"
    )
    print(
        f"  brute force, cold: {len(game_.menu) * cold:,.0f} s of solving; the search took {jobs * spent / (len(game_.menu) * cold):.1%} of that"
    )
    print(f"  bound {best.bound:,.3f} million USD, value {best.value:,.3f}, complete: {screening.complete}")
    return best.value


def report_best_first(instance: Instance, proved: float | None = None) -> None:
    """What a search that does not look at the whole menu finds, after how many strategies, in cold solves."""
    game_, found = Game(instance), list[tuple[float, int]]()
    cold = cold_seconds(game_)
    print(f"\n{instance.name}: best-first search of {len(game_.menu):,} joint strategies, one process")
    for is_wide in (False, True):
        found.clear()
        started = time.perf_counter()
        _, best, screening = game_.best_commitment(
            is_proved=False, is_wide=is_wide, better=lambda value, looked: found.append((value, looked))
        )
        spent, looking = time.perf_counter() - started, screening.looking
        assert looking is not None
        print(
            f"  {'wide' if is_wide else 'near'}: best of all after {found[-1][1]} strategies, {len(screening.choices)} looked at "
            f"({len(screening.choices) / len(game_.menu):.1%} of the menu) in {spent / cold:,.0f} cold solves; "
            f"value {best.value:,.3f}, expected to {looking.error:,.0f} million USD"
        )
    if proved is not None:
        print(f"  proved best of the whole menu {proved:,.3f}")


def report_starts(instance: Instance, count: int) -> None:
    """Strategies in no order: from the nearest basis kept, from the last one, and cold."""
    game_ = Game(instance)
    draw = np.random.default_rng(5)
    base = np.zeros(game_.menu.slots, dtype=int)
    choices = []
    for _ in range(count):
        choice = base.copy()
        for slot in draw.choice(len(base), int(draw.integers(1, 4)), replace=False):
            choice[slot] = draw.integers(len(game_.menu.postures))
        choices.append(tuple(int(option) for option in choice))
    plain = LicenceScreen(game_.instance, game_.market, game_.followers.layout)
    kept = wanderer(game_.instance, game_.market, game_.followers.layout)
    for screen in (plain, kept):
        screen.screen(choices[0])
    last = seconds(lambda: [plain.screen(choice) for choice in choices])
    near = seconds(lambda: [kept.screen(choice) for choice in choices])
    print(f"\n{instance.name}: {count} strategies that differ in one to three slots, in no order")
    print(
        f"  from the nearest of the kept bases     {near / count * 1e3:9.1f} ms   from the last one / nearest {last / near:5.2f}"
    )


def report_certificates(instance: Instance) -> None:
    """What a named strategy's answer costs with its certificate, in cold solves."""
    answers, name = StrategyAnswers(instance), next(reversed(instance.strategies))
    answers.has_deviations = False
    cold = cold_seconds(answers.game)
    assert answers.base
    whole = seconds(lambda: answers.named(name))
    again = seconds(lambda: answers.named(name))
    print(
        f"\n{instance.name}: the answer to {name} with its certificate {whole / cold:.1f} cold solves, the next one {again / cold:.1f}"
    )


def report_growth(quick: bool) -> None:
    """How one evaluation grows with periods, blocs, scenarios, products and the months in which licences may break down."""
    print("\ngrowth of one hot evaluation (generated family)")
    print(f"  {'':24s}{'rows':>9s}{'columns':>9s}{'cold ms':>9s}{'hot ms':>9s}")
    cases: list[tuple[str, dict[str, int]]] = [
        *(
            (f"{sum(t)} periods", {"months": t[0], "quarters": t[1], "years": t[2]})
            for t in ((12, 4, 4), (24, 8, 8), (48, 12, 20), (72, 12, 20))
        ),
        *((f"{blocs} blocs", {"blocs": blocs}) for blocs in (3, 6, 12)),
        *((f"{phases + 1} scenarios", {"phases": phases}) for phases in (1, 2, 4)),
        *((f"{products} products", {"products": products}) for products in (2, 4, 8)),
        *((f"{strikes} strike months", {"strikes": strikes}) for strikes in (1, 2, 4)),
    ]
    for label, sizes in cases[:3] if quick else cases:
        game_ = Game(game(**sizes))
        rows, columns = game_.followers.layout.program.shape
        hot, _ = hot_seconds(game_, sample(game_, 12))
        print(f"  {label:24s}{rows:9,d}{columns:9,d}{cold_seconds(game_, 2) * 1e3:9.0f}{hot * 1e3:9.1f}", flush=True)


def report_menus(quick: bool) -> None:
    """How the search grows with the menu: the whole of it, and best-first, which has to find the same."""
    print("\ngrowth of the search with the menu (generated family, one process)")
    print(f"  {'menu':>12s}{'whole, s':>12s}{'best-first, s':>16s}{'looked at':>12s}{'short of the best':>20s}")
    for phases in (1, 2) if quick else (1, 2, 3, 4):
        game_ = Game(game(blocs=3, rivals=5, months=8, quarters=3, years=3, phases=phases))
        started = time.perf_counter()
        _, found, screening = game_.best_commitment(is_proved=False)
        spent, whole, short = time.perf_counter() - started, "", ""
        if len(game_.menu) <= 1000:
            started = time.perf_counter()
            best = game_.best_commitment()[1]
            whole = f"{time.perf_counter() - started:.1f}"
            short = f"{best.value - found.value:,.3f} million"
        print(f"  {len(game_.menu):12,d}{whole:>12s}{spent:16.1f}{len(screening.choices):12,d}{short:>20s}", flush=True)


def report_start_up() -> None:
    """The time until the help text stands."""
    times = [
        seconds(lambda: subprocess.run([sys.executable, "-m", "cli", "--help"], check=True, capture_output=True))
        for _ in range(5)
    ]
    print(f"\ncoercivity --help: {median(times):.2f} s (wanted: at most 0.3)")


def main() -> None:
    """Run every measurement."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a few minutes less: no search, less growth")
    arguments = parser.parse_args()
    print(f"{os.cpu_count()} cores; every figure from this one run")
    np.seterr(all="raise", under="ignore")
    real = load(find("april-2025"))
    report_start_up()
    report_evaluation(real, 40 if arguments.quick else 120)
    report_starts(real, 64)
    report_certificates(real)
    studies.report(arguments.quick)
    bilevel.report(arguments.quick)
    report_growth(arguments.quick)
    report_menus(arguments.quick)
    if not arguments.quick:
        report_best_first(real)
        before = load(str(BEFORE))
        proved = report_search(before, jobs=min(2, os.cpu_count() or 1))
        report_best_first(before, proved)


if __name__ == "__main__":
    main()
