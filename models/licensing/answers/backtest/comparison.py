"""The model held against the record: errors by window, skill over a naive forecast, and the calibration repeated.

A moment is an observation with the model's value beside it. Errors are compared in units of their tolerance, so
that tonnes and shares can be averaged; the naive forecast is what the model says under the baseline strategy, that
is, that trade goes on as if nothing had been announced.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence

from coercivity.engine.data import document as documents
from coercivity.engine.data.units import convert
from coercivity.engine.errors import UsageError
from coercivity.engine.report.text import amount
from coercivity.models.licensing.answers.backtest.measures import beside, measure
from coercivity.models.licensing.answers.backtest.paths import paths_of
from coercivity.models.licensing.answers.backtest.persistence import NAME as PERSISTENCE
from coercivity.models.licensing.answers.backtest.persistence import persisted
from coercivity.models.licensing.answers.backtest.values import (
    Backtest,
    CalibrationFacts,
    Fact,
    Fitted,
    Hits,
    Moment,
    Refitted,
    Skill,
    Windows,
)
from coercivity.models.licensing.answers.subject import Subject
from coercivity.models.licensing.buyers.evaluate import Response
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.data.load import build, effective
from coercivity.models.licensing.data.quantity import month_index
from coercivity.models.licensing.data.record import Fitted as Fitting
from coercivity.models.licensing.leader.commit import Game

Progress = Callable[[str, int, int], None]
SCHEMA_VERSION = 1
SAME_LOSS = 1e-3  # two losses this close, relative to the larger, are the same
AGAIN = "run coercivity backtest --refit and write what it finds into the calibration block"


def _silent(stage: str, done: int, total: int) -> None:
    """No progress is wanted."""


def backtested(
    instance: Instance, refit: bool = False, progress: Progress = _silent, is_drawn: bool = False
) -> Backtest:
    """The model beside the record, moment by moment, with what was fitted to which of them.

    Parameters
    ----------
    instance : the game, with its observations
    refit : repeat the searches that the calibration states
    is_drawn : tell every observed series through time too

    Raises
    ------
    UsageError
        The instance has no observations.
    InfeasibleProgram
        The buyers' program has no finite optimum.
    """
    if not instance.observations:
        raise UsageError(instance.name, "there is no observation to test against", "add a block `observations:`")
    game, responses = _played(instance, progress)
    moments = _moments(game, responses)
    fits = [_fit(instance, name, one, moments) for name, one in _fitted(instance).items()]
    if refit:
        fits = _repeated(instance, fits, progress)
    until = instance.calibration.until if instance.calibration else None
    judged = [moment for moment in moments if moment.window == "judge"]
    return Backtest(
        schema_version=SCHEMA_VERSION,
        command="backtest",
        instance=Subject(instance.name, instance.title, instance.fingerprint()),
        ok=all(fit.holds for fit in fits),
        moments=moments,
        windows=windows_of(moments, until),
        skill=skill_of(judged, instance.baseline),
        persistence=skill_of(judged, PERSISTENCE, lambda moment: moment.persistent_scaled),
        calibration=CalibrationFacts(
            until=until,
            note=instance.calibration.note if instance.calibration else "",
            repeated=refit,
            fitted=tuple(fits),
        ),
        misses=tuple(misses(moments)),
        paths=paths_of(game, responses) if is_drawn else None,
    )


def moments_of(instance: Instance, progress: Progress = _silent) -> tuple[Moment, ...]:
    """Every observation with the model's value, its error, and what open trade would have said, in the file's order."""
    return _moments(*_played(instance, progress))


def _played(instance: Instance, progress: Progress) -> tuple[Game, dict[str, Response]]:
    """The game, and the best responses to open trade and to what the observations are about."""
    progress("building", 0, 1)
    game = Game(instance)
    names = list(dict.fromkeys([instance.baseline, *(fact.strategy for fact in instance.observations.values())]))
    responses: dict[str, Response] = {}
    for done, name in enumerate(names):
        progress("evaluating", done, len(names))
        responses[name] = game.evaluate(game.announce(name)).response
    progress("evaluating", len(names), len(names))
    return game, responses


def _moments(game: Game, responses: Mapping[str, Response]) -> tuple[Moment, ...]:
    """Every observation beside the responses, in the file's order."""
    instance = game.instance
    found = []
    for key, fact in instance.observations.items():
        opened = responses[instance.baseline]
        naive, persistent = measure(game, opened, fact), persisted(game, opened, key, fact)
        held = beside(key, fact, measure(game, responses[fact.strategy], fact))
        found.append(
            Moment(
                strategy=fact.strategy,
                **vars(held),
                error=_less(held.model, held.recorded),
                scaled=_scaled(held.model, held),
                naive=naive,
                naive_scaled=_scaled(naive, held),
                persistent=persistent,
                persistent_scaled=_scaled(persistent, held),
            )
        )
    return tuple(found)


def _less(value: float | None, other: float) -> float | None:
    return None if value is None else value - other


def _scaled(value: float | None, fact: Fact) -> float | None:
    """The error of a value in units of the fact's tolerance, without its sign."""
    return None if value is None or not fact.tolerance else abs(value - fact.recorded) / fact.tolerance


# -- how good it is --------------------------------------------------------------------------------------------


def windows_of(moments: Sequence[Moment], until: str | None) -> Windows:
    """Hits by window; ``judge_after`` counts those judged moments that begin after the state of knowledge."""
    judged = [moment for moment in moments if moment.window == "judge"]
    after = None
    if until is not None:
        after = _hits([moment for moment in judged if month_index(moment.begins) > month_index(until)])
    fit, fed = (_hits([moment for moment in moments if moment.window == window]) for window in ("fit", "fed"))
    return Windows(fit=fit, judge=_hits(judged), fed=fed, judge_after=after)


def _hits(moments: Sequence[Moment]) -> Hits:
    return Hits(
        len(moments), sum(one.inside is not None for one in moments), sum(one.inside is True for one in moments)
    )


def skill_of(
    moments: Sequence[Moment],
    benchmark: str,
    naive_error: Callable[[Moment], float | None] = lambda moment: moment.naive_scaled,
) -> Skill:
    """Mean error in tolerances of the model and of a naive forecast; skill is 1 less their ratio.

    1 is perfect, 0 no better than the naive forecast, below 0 worse. Only moments on which both say something count.
    A mean is at the mercy of the tightest tolerance, so ``nearer`` counts the moments on which the model errs less.
    """
    pairs = [(moment.scaled, naive_error(moment)) for moment in moments]
    both = [(own, other) for own, other in pairs if own is not None and other is not None]
    model = math.fsum(own for own, _ in both) / len(both) if both else None
    naive = math.fsum(other for _, other in both) / len(both) if both else None
    return Skill(
        benchmark=benchmark,
        moments=len(both),
        model=model,
        naive=naive,
        skill=1.0 - model / naive if model is not None and naive else None,
        nearer=sum(own < other for own, other in both),
    )


def misses(moments: Sequence[Moment]) -> Iterator[str]:
    """A sentence for every judged moment that is missed: what the model says, what was recorded, and why."""
    for moment in moments:
        if moment.window != "judge" or moment.inside is not False:
            continue
        model = "says nothing" if moment.model is None else f"has {shown(moment.model, moment.unit)}"
        recorded = shown(moment.recorded, moment.unit)
        near = f" (met from {shown(moment.low, moment.unit)} to {shown(moment.high, moment.unit)})"
        why = [text for text in (moment.note, moment.confounded and f"Confounded: {moment.confounded}") if text]
        yield " ".join([f"{moment.title}: the model {model}, the record {recorded}{near}.", *map(_sentence, why)])


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."


def shown(value: float, unit: str) -> str:
    """A figure with its unit, for a sentence.

    >>> shown(0.384, "1"), shown(-7692.0, "t")
    ('38.4 %', '-7,692 t')
    """
    return f"{amount(100.0 * value, 3)} %" if unit == "1" else f"{amount(value)} {unit}"


# -- what was fitted -------------------------------------------------------------------------------------------


def _fitted(instance: Instance) -> Mapping[str, Fitting]:
    return instance.calibration.fitted if instance.calibration is not None else {}


def loss_of(scaled: Mapping[str, float | None], names: Sequence[str]) -> float:
    """Sum of (error / tolerance)² over the named moments; infinite where the model says nothing on one."""
    errors = [scaled[name] for name in names]
    return math.fsum(math.inf if error is None else error**2 for error in errors)


def _fit(instance: Instance, name: str, fitted: Fitting, moments: Sequence[Moment]) -> Fitted:
    """One row of the calibration, and whether the instance still has the value and the loss that it states."""
    numbers = dict(instance.quantities())
    now, unit = numbers[fitted.path].value, numbers[fitted.path].unit
    found = convert(fitted.found, unit)
    loss_now = loss_of({moment.name: moment.scaled for moment in moments}, fitted.moments)
    return Fitted(
        name=name,
        path=fitted.path,
        also=tuple(fitted.also),
        moments=tuple(fitted.moments),
        points=tuple(fitted.points),
        found=fitted.found,
        loss=fitted.loss,
        now=now,
        unit=unit,
        used=all(math.isclose(numbers[path].value, found) for path in (fitted.path, *fitted.also)),
        loss_now=loss_now,
        same_loss=same_loss(loss_now, fitted.loss),
        note=fitted.note,
    )


def same_loss(one: float, other: float) -> bool:
    """Whether two losses agree: to a thousandth of the larger, or of a tolerance squared."""
    return math.isfinite(one) and abs(one - other) <= SAME_LOSS * max(1.0, one, other)


def _loss_at(instance: Instance, names: Sequence[str]) -> float:
    """The loss on the named observations of an instance; nothing else is evaluated."""
    game = Game(instance)
    facts = {name: instance.observations[name] for name in names}
    responses = {
        name: game.evaluate(game.announce(name)).response
        for name in dict.fromkeys(fact.strategy for fact in facts.values())
    }
    scaled = {}
    for name, fact in facts.items():
        model = measure(game, responses[fact.strategy], fact)
        scaled[name] = _scaled(model, beside(name, fact, model))
    return loss_of(scaled, names)


def _repeated(instance: Instance, fits: Sequence[Fitted], progress: Progress) -> list[Fitted]:
    """Each search repeated, with what it finds; the first of equal points is taken, as when it was recorded."""
    document = documents.parse(effective(instance), instance.name)
    total, done = sum(len(fit.points) for fit in fits), 0
    found: list[Fitted] = []
    for fit in fits:
        losses = []
        for point in fit.points:
            progress("refitting", done, total)
            sets = [f"{path}={point}" for path in (fit.path, *fit.also)]
            losses.append(_loss_at(build(document, sets), fit.moments))
            done += 1
        best = chosen(losses)
        refound = None if best is None else fit.points[best]
        found.append(
            Refitted(
                **vars(fit),
                losses=dict(zip(fit.points, losses, strict=True)),
                refound=refound,
                reproduced=refound == fit.found and fit.used and same_loss(losses[best or 0], fit.loss),
            )
        )
    progress("refitting", total, total)
    return found


def chosen(losses: Sequence[float]) -> int | None:
    """Position of the least loss, the first where some agree; None if none is finite.

    >>> chosen([4.0, 1.0, 1.0 + 1e-9]), chosen([math.inf])
    (1, None)
    """
    least = min(losses)
    return next((at for at, loss in enumerate(losses) if same_loss(loss, least)), None)


def failures(found: Backtest) -> list[str]:
    """Sentences for what the repeated search did not reproduce; none if nothing was repeated."""
    return [
        f"{fit.path}: recorded {fit.found} at a loss of {amount(fit.loss)}, found {fit.refound}"
        f" at {amount(None if fit.refound is None else fit.losses[fit.refound])}, the instance has"
        f" {amount(fit.now)} {fit.unit}"
        for fit in found.calibration.fitted
        if isinstance(fit, Refitted) and not fit.reproduced
    ]
