"""Leave one case out: shared numbers chosen on the other cases, judged on the one that had no part in the choice.

Every combination of the points that ``behaviour.yaml`` declares is evaluated on every case, once where combinations leave
a case alike. The choice then costs nothing: for each case the combination at which the mean error of the others, each
in units of what open trade errs as the case is stated, is least; of equals the first.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from coercivity.engine.errors import CoercivityError, UsageError
from coercivity.engine.parallel import spread
from coercivity.models.licensing.answers.backtest.comparison import Progress, moments_of, same_loss, skill_of
from coercivity.models.licensing.answers.backtest.values import Candidate, LeftOut, LeftOutCase, Standing, Unread
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.data.load import load, shared_numbers, shipped
from coercivity.models.licensing.data.record import SharedNumber

SCHEMA_VERSION = 1
OPTION = "--leave-one-out"
STATED: Point = ()
NO_ANSWER = 1e6  # the error, in units of open trade's, of a combination at which the model has no solution

Loaded = Callable[[str, Sequence[str]], Instance]
Point = tuple[str, ...]  # a point of each number, in their order; nothing for the case as it is stated
Sets = tuple[str, ...]
Standings = Mapping[Point, Standing]


def _silent(stage: str, done: int, total: int) -> None:
    """No progress is wanted."""


@dataclass(frozen=True)
class Judge:
    """Holds a case with some overrides against its record; goes to other processes."""

    loaded: Loaded

    def __call__(self) -> Callable[[tuple[str, Sets]], Standing]:
        """A worker for one process."""
        return self.standing

    def standing(self, task: tuple[str, Sets]) -> Standing:
        """How the case stands; without an error where the model has no solution there."""
        try:
            instance = self.loaded(*task)
            judged = [moment for moment in moments_of(instance) if moment.window == "judge"]
        except CoercivityError:
            return Standing(hits=0, error=None, skill=None)
        skill = skill_of(judged, instance.baseline)
        return Standing(hits=sum(moment.inside is True for moment in judged), error=skill.model, skill=skill.skill)


def left_out(
    progress: Progress = _silent,
    jobs: int = 1,
    names: Sequence[str] | None = None,
    loaded: Loaded = load,
    numbers: Mapping[str, SharedNumber] | None = None,
) -> LeftOut:
    """Every case judged at numbers that were chosen without it, beside the stated ones and those chosen with all cases.

    Parameters
    ----------
    jobs : processes
    names : cases, instead of all that are shipped with a record
    loaded : how a case is read with overrides; a small variant of each, say
    numbers : what is chosen, and among which points, instead of what the file of shared behaviour declares

    Raises
    ------
    UsageError
        There are fewer than two cases, or no number to choose.
    """
    numbers = shared_numbers() if numbers is None else numbers
    cases, failed = _read(loaded, [name for name, _, _ in shipped()] if names is None else names)
    if len(cases) < 2 or not numbers:
        what = f"{len(cases)} cases with judged facts, two are needed" if numbers else "no shared number is declared"
        raise UsageError(OPTION, what, "declare numbers under 'fitted' in the file of shared behaviour")
    points: list[Point] = list(itertools.product(*(one.points for one in numbers.values())))
    tasks = {name: _tasks(instance, numbers, points) for name, instance in cases.items()}
    wanted = list(dict.fromkeys((name, sets) for name, by_point in tasks.items() for sets in by_point.values()))
    done: dict[tuple[str, Sets], Standing] = {}
    for task, standing in spread(Judge(loaded), wanted, jobs):
        progress("evaluating", len(done), len(wanted))
        done[task] = standing
    progress("evaluating", len(wanted), len(wanted))
    found = {name: {at: done[name, sets] for at, sets in by_point.items()} for name, by_point in tasks.items()}
    best = _chosen(points, list(found.values()))
    return LeftOut(
        schema_version=SCHEMA_VERSION,
        command=f"backtest --all {OPTION}",
        ok=not failed,
        numbers=tuple(
            Candidate(name, one.paths, one.points, best[at], one.evidence)
            for at, (name, one) in enumerate(numbers.items())
        ),
        combinations=len(points),
        evaluations=len(wanted),
        cases=tuple(_case(name, cases[name], found, points, numbers, best) for name in cases),
        failed=tuple(failed),
    )


def _read(loaded: Loaded, names: Sequence[str]) -> tuple[dict[str, Instance], list[Unread]]:
    """The cases that have judged facts, and those that cannot be read."""
    cases, failed = {}, []
    for name in names:
        try:
            instance = loaded(name, ())
        except CoercivityError as error:
            failed.append(Unread(name, str(error)))
            continue
        if any(fact.window == "judge" and fact.bounds is not None for fact in instance.observations.values()):
            cases[name] = instance
    return cases, failed


def _tasks(instance: Instance, numbers: Mapping[str, SharedNumber], points: Sequence[Point]) -> dict[Point, Sets]:
    """The overrides of each point, of those numbers that the case has; none for the case as it is stated."""
    held = {name: _held(instance, one) for name, one in numbers.items()}
    overrides = {
        point: tuple(f"{path}={value}" for name, value in zip(numbers, point, strict=True) for path in held[name])
        for point in points
    }
    return {STATED: ()} | overrides


def _held(instance: Instance, number: SharedNumber) -> list[str]:
    """The paths of a case that are the number's."""
    stated = [] if instance.name in number.apart else [path for path, _ in instance.quantities()]
    return [path for path in stated if any(fnmatchcase(path, pattern) for pattern in number.paths)]


def _ratio(standings: Standings, point: Point) -> float:
    """Error of a case at a point over what open trade errs as the case is stated."""
    now, then = standings[STATED], standings[point]
    if then.error is None:
        return NO_ANSWER
    is_scaled = now.error and now.skill is not None and now.skill < 1.0
    return then.error * (1.0 - now.skill) / now.error if is_scaled else then.error  # type: ignore[operator]


def _chosen(points: Sequence[Point], cases: Sequence[Standings]) -> Point:
    """The point with the least mean over some cases, the first of equals."""
    means = [math.fsum(_ratio(one, point) for one in cases) / len(cases) for point in points]
    least = min(means)
    return next(point for point, mean in zip(points, means, strict=True) if same_loss(mean, least))


def _case(
    name: str,
    instance: Instance,
    found: Mapping[str, Standings],
    points: Sequence[Point],
    numbers: Mapping[str, SharedNumber],
    best: Point,
) -> LeftOutCase:
    own = found[name]
    chosen = _chosen(points, [one for other, one in found.items() if other != name])
    facts = instance.observations.values()
    return LeftOutCase(
        name=name,
        judged=sum(fact.window == "judge" and fact.bounds is not None for fact in facts),
        has=tuple(key for key, one in numbers.items() if _held(instance, one)),
        stated=own[STATED],
        in_sample=own[best],
        out_of_sample=own[chosen],
        best=own[_chosen(points, [own])],
        chosen=dict(zip(numbers, chosen, strict=True)),
    )
