"""What would have to be true for one strategy to beat another: where their payoffs are equal, parameter by parameter.

A parameter is a number of the instance by its dotted path, or a path with ``*``, which stands for a common factor on
every number that it matches; ``horizon`` is the number of yearly periods, ``tail`` the month from which trade is open,
moved by whole years. It is varied alone, everything else as stated, and both strategies are evaluated anew with their
ties resolved in the leader's favour: nothing is held fixed but the strategies. Where a value changes nothing for the
buyers their answers are taken from memory; else their program is built again.

The difference of the two payoffs is scanned over the range that the sources support and beyond, down to what the
parameter can be at all and up to four times its upper end, and every change of sign is enclosed
(:mod:`coercivity.engine.menu.breakeven`). A value that the instance format or its cross-checks refuse is never tried.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from coercivity.engine.errors import UsageError, check_name
from coercivity.engine.menu.breakeven import Bracket, Kind, Turn, brackets, enclose, halve, is_line, turns
from coercivity.engine.parallel import spread
from coercivity.models.licensing.answers.commands import Progress, reproduced, silent
from coercivity.models.licensing.answers.subject import subject_of
from coercivity.models.licensing.answers.threshold.parameter import (
    Parameter,
    default_parameters,
    interval,
    parameter_of,
    scan_points,
)
from coercivity.models.licensing.answers.threshold.revaluation import Changes, Revaluation, Weighed
from coercivity.models.licensing.answers.threshold.sentences import sentences
from coercivity.models.licensing.answers.threshold.values import (
    BreakEven,
    Line,
    LineRow,
    ParameterTurns,
    ScanPoint,
    Threshold,
)
from coercivity.models.licensing.buyers.evaluate import Followers, Layout
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.data.load import effective
from coercivity.models.licensing.market.arrays import Market

SCHEMA_VERSION = 1
WIDTH = 1e-6  # of a bracket, relative to its ends
NEGLIGIBLE = 1e-4  # million USD: a difference this small is none
MANY, FEW = 40, 10  # evaluations that a break-even may cost, where the buyers' program stays and where it is built anew
GRID = 7
QUICK = 6.0  # seconds of work below which no further process is started


# -- tasks of a worker --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _At:
    """Weigh some strategies at changed values."""

    changes: Changes
    names: tuple[str, ...]

    def run(self, revaluation: Revaluation) -> Weighed:
        return revaluation.weigh(self.changes, self.names)


@dataclass(frozen=True)
class _Close:
    """Close a bracket of one parameter in; ``first`` is where to look first."""

    parameter: Parameter
    bracket: Bracket
    pair: tuple[str, str]
    most: int
    first: float | None

    def run(self, revaluation: Revaluation) -> tuple[Turn, Weighed]:
        gap = _gap(revaluation, self.parameter, self.pair)
        if self.parameter.is_whole:
            turn = halve(gap, self.bracket)
        else:
            width = WIDTH * max(abs(self.bracket.low), abs(self.bracket.high))
            turn = enclose(gap, self.bracket, width, self.most, self.first, NEGLIGIBLE)
            if self.first is not None and turn.kind is Kind.CROSSING:
                turn = replace(turn, kind=Kind.AFFINE)
        return turn, revaluation.weigh(self.parameter.changes(turn.value), self.pair)


@dataclass(frozen=True)
class _Row:
    """The break-evens of a second parameter where a first one has a certain value."""

    first: Parameter
    at: float
    second: Parameter
    points: tuple[float, ...]
    pair: tuple[str, str]
    most: int

    def run(self, revaluation: Revaluation) -> tuple[list[float], list[Turn], float]:
        fixed = self.first.changes(self.at)
        points = [x for x in self.points if revaluation.allows((*fixed, *self.second.changes(x)))]
        gap = _gap(revaluation, self.second, self.pair, fixed)
        known = {x: gap(x) for x in points}
        found = turns(lambda x: known.get(x) or gap(x), points, WIDTH, self.most, NEGLIGIBLE)
        return points, found, known[points[0]] if points else 0.0


def _gap(
    revaluation: Revaluation, parameter: Parameter, pair: tuple[str, str], fixed: Changes = ()
) -> Callable[[float], float]:
    """What the first strategy earns more than the second, as a function of a parameter, million USD."""
    one, other = pair

    def gap(at: float) -> float:
        values = revaluation.weigh((*fixed, *parameter.changes(at)), pair).values
        return values[one] - values[other]

    return gap


def _workshop(text: str, market: Market, layout: Layout, instance: Instance) -> Callable[[Any], Any]:
    revaluation = Revaluation(text, market, layout, instance)
    return lambda task: task.run(revaluation)


# -- the question -------------------------------------------------------------------------------------------------


def threshold(
    instance: Instance,
    parameters: Sequence[str] = (),
    strategy: str | None = None,
    against: str | None = None,
    grid: bool = False,
    jobs: int = 1,
    progress: Progress = silent,
) -> Threshold:
    """Where two strategies are worth the same, by parameter; with ``grid`` as a line over two of them.

    Parameters
    ----------
    parameters : dotted paths, with ``*`` for a common factor; default: what every instance has of the documented list
    strategy, against : named strategies; default: the best one by payoff, and the best other one
    grid : for exactly two parameters: the break-even of the second over values of the first

    Raises
    ------
    UsageError
        No such parameter or strategy, or ``grid`` without two parameters.
    InfeasibleProgram
        The buyers' program has no finite optimum at a value that was tried.
    """
    for option, name in (("--strategy", strategy), ("--against", against)):
        if name is not None:
            check_name(option, name, instance.strategies, "strategies")
    if strategy is not None and strategy == against:
        raise UsageError("--against", f"{against} is the strategy itself", "name another one")
    if len(instance.strategies) < 2:
        raise UsageError(instance.name, "there is no second strategy", "add one under strategies")
    if grid and len(parameters) != 2:
        raise UsageError("--grid", f"takes two parameters, and there are {len(parameters)}", "name two paths")
    progress("building", 0, 1)
    study = _Study(instance, jobs, progress)
    asked = [parameter_of(instance, text) for text in parameters] or list(default_parameters(instance))
    pair = study.pair(strategy, against)
    result = Threshold(
        schema_version=SCHEMA_VERSION,
        command="threshold",
        instance=subject_of(instance),
        strategy=pair[0],
        against=pair[1],
        values_musd={name: study.base.values[name] for name in pair},
        terms_musd={name: study.base.terms[name] for name in pair},
        parameters=None if grid else study.all_of(asked, pair),
        grid=study.line(asked[0], asked[1], pair) if grid else None,
        sentences=(),
        manifest=reproduced(instance),
    )
    return replace(result, sentences=sentences(result))


class _Study:
    """One instance, its workers, and what the strategies are worth as it stands."""

    def __init__(self, instance: Instance, jobs: int, progress: Progress) -> None:
        self.instance, self.jobs, self.progress = instance, jobs, progress
        followers = Followers(instance)
        self.factory = partial(_workshop, effective(instance), followers.market, followers.layout, instance)
        self.revaluation = Revaluation(effective(instance), followers.market, followers.layout, instance)
        self.base = Weighed({}, {})
        self.seconds = 0.0

    def run(self, stage: str, tasks: Sequence[Any], calls: int = 1) -> dict[Any, Any]:
        """Do tasks, in several processes where they take long; ``calls`` is what one of them evaluates."""
        jobs = self.jobs if self.seconds * calls * len(tasks) > QUICK else 1
        factory: Callable[[], Callable[[Any], Any]] = self.factory
        if jobs == 1:
            revaluation = self.revaluation
            factory = lambda: lambda task: task.run(revaluation)  # noqa: E731 - this process has a revaluation already
        found = {}
        for task, result in spread(factory, tasks, min(jobs, max(1, len(tasks))), self.seconds * calls * len(tasks)):
            found[task] = result
            self.progress(stage, len(found), len(tasks))
        return found

    def pair(self, strategy: str | None, against: str | None) -> tuple[str, str]:
        """The strategies compared: those named, else the best and the best other one."""
        names = list(self.instance.strategies) if strategy is None or against is None else [strategy, against]
        started = time.monotonic()
        self.base = self.revaluation.weigh((), names[:1])
        self.seconds = 2.0 * (time.monotonic() - started)
        rest = [_At((), (name,)) for name in names[1:]]
        for found in self.run("valuing", rest).values():
            self.base.values.update(found.values)
            self.base.terms.update(found.terms)
        order = sorted(names, key=lambda name: -self.base.values[name])
        first = strategy or next(name for name in order if name != against)
        return first, against or next(name for name in order if name != first)

    def all_of(self, parameters: Sequence[Parameter], pair: tuple[str, str]) -> tuple[ParameterTurns, ...]:
        """The break-evens of each parameter."""
        scans = {one: self._scan(one) for one in parameters}
        tasks = {
            (one, at): _At(one.changes(at), pair)
            for one, (points, _) in scans.items()
            for at in points
            if at != one.now
        }
        found = self.run("scanning", list(dict.fromkeys(tasks.values())))
        now = self.base.values[pair[0]] - self.base.values[pair[1]]
        gaps: dict[Parameter, list[float]] = {}
        for one, (points, _) in scans.items():
            weighed = [None if at == one.now else found[tasks[one, at]].values for at in points]
            gaps[one] = [now if values is None else values[pair[0]] - values[pair[1]] for values in weighed]
        closing = {one: self._closing(one, *scans[one], gaps[one], pair) for one in parameters}
        wanted = [task for tasks_of in closing.values() for task in tasks_of]
        closed = self.run("enclosing", wanted, FEW)
        return tuple(
            _told(one, scans[one], gaps[one], [closed[task] for task in closing[one]], self.base, pair)
            for one in parameters
        )

    def _scan(self, parameter: Parameter) -> tuple[list[float], bool]:
        """The points of the scan, and whether the buyers' program is built anew for them."""
        low, high = interval(parameter, lambda at: self.revaluation.allows(parameter.changes(at)))
        moves = any(at != parameter.now and self.revaluation.moves_market(parameter.changes(at)) for at in (low, high))
        return scan_points(parameter, low, high, dense=not moves), moves

    def _closing(
        self, parameter: Parameter, points: list[float], moves: bool, gaps: list[float], pair: tuple[str, str]
    ) -> list[_Close]:
        first = None
        if is_line(points, gaps) and gaps[0] != gaps[-1]:
            first = points[0] - gaps[0] * (points[-1] - points[0]) / (gaps[-1] - gaps[0])
        signs = [0.0 if abs(gap) <= NEGLIGIBLE else gap for gap in gaps]
        most = self._most(moves)
        return [_Close(parameter, one, pair, most, first) for one in brackets(points, signs)]

    def _most(self, moves: bool) -> int:
        """Evaluations that a break-even may cost."""
        return FEW if moves and self.seconds > QUICK / FEW else MANY

    def line(self, first: Parameter, second: Parameter, pair: tuple[str, str]) -> Line:
        """The break-even of the second parameter over values of the first."""
        if first.low is None or first.high is None or first.low == first.high:
            ends = interval(first, lambda at: self.revaluation.allows(first.changes(at)))
        else:
            ends = first.low, first.high
        values = sorted({*np.linspace(*ends, GRID).tolist(), first.now})
        if first.is_whole:
            values = sorted({float(round(value)) for value in values})
        points, moves = self._scan(second)
        tasks = [_Row(first, at, second, tuple(points), pair, self._most(moves)) for at in values]
        found = self.run("drawing", tasks, len(points) + FEW)
        rows = []
        for task in tasks:
            searched, turned, gap = found[task]
            wins = None if turned or not searched else pair[0] if gap > 0 else pair[1]
            rows.append(LineRow(task.at, tuple(_turned(turn, second, pair) for turn in turned), wins))
        return Line(first.described(), second.described(), (points[0], points[-1]), tuple(rows))


def _turned(
    turn: Turn, parameter: Parameter, pair: tuple[str, str], moved: Mapping[str, float] | None = None
) -> BreakEven:
    """What is reported of a break-even; ``moved`` is what each term of the payoff moved the difference by."""
    low, high = parameter.low, parameter.high
    above, below = pair if turn.rises else pair[::-1]
    return BreakEven(
        value=turn.value,
        bracket=(turn.low, turn.high),
        residual_musd=turn.residual,
        kind=turn.kind.name,
        says=turn.kind.value,
        evaluations=turn.evaluations,
        better_above=above,
        better_below=below,
        inside_range=None if low is None or high is None else bool(low <= turn.value <= high),
        terms_moved_musd=moved,
    )


def _told(
    parameter: Parameter,
    scan: tuple[list[float], bool],
    gaps: list[float],
    closed: Sequence[tuple[Turn, Weighed]],
    base: Weighed,
    pair: tuple[str, str],
) -> ParameterTurns:
    """What is reported of one parameter."""
    (points, moves), (one, other) = scan, pair

    def moved(there: Weighed) -> dict[str, float]:
        change = {
            term: there.terms[one][term] - there.terms[other][term] - (value - base.terms[other][term])
            for term, value in base.terms[one].items()
        }
        return {term: value for term, value in change.items() if abs(value) > NEGLIGIBLE}

    return ParameterTurns(
        **vars(parameter.described()),
        buyers_answer_anew=moves,
        searched=(points[0], points[-1]),
        scan=tuple(ScanPoint(at, gap) for at, gap in zip(points, gaps, strict=True)),
        break_evens=tuple(_turned(turn, parameter, pair, moved(there)) for turn, there in closed),
    )
