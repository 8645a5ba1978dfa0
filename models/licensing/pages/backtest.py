"""The backtest in tables and sentences: model beside record by window, hits, skill, calibration, what is missed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from coercivity.engine.report.charts.page import Drawable
from coercivity.engine.report.charts.record import MODEL, Errors, Panel, Tracks
from coercivity.engine.report.text import MISSING, Block, Column, Prose, Table, amount, number
from coercivity.models.licensing.answers.backtest.values import (
    Backtest,
    CalibrationFacts,
    Fitted,
    Hits,
    Moment,
    RecordedPath,
    Refitted,
)
from coercivity.models.licensing.data.quantity import month_index, month_name
from coercivity.models.licensing.pages.illustrated import illustrated
from coercivity.models.licensing.pages.studies.short import in_short
from coercivity.models.licensing.pages.words import figure, texts, unit_shown

SOURCE = "instance.yaml"
TITLES = {
    "judge": "Judged: no parameter was fitted to these",
    "fit": "Fitted: parameters were chosen to match these, so that they prove nothing",
    "fed": "Fed: the model was given these, or what they follow from",
    "beside": "Beside: what others have estimated, shown and not judged",
}
FIELDS = (
    "moment", "title", "measure", "window", "strategy", "bloc", "product", "begins", "ends", "unit", "figure", "value",
)  # fmt: skip
FIGURES = (
    "model", "recorded", "low", "high", "error", "tolerance", "scaled", "inside", "naive", "naive_scaled", "persistent",
    "persistent_scaled",
)  # fmt: skip


def blocks(found: Backtest) -> list[Block]:
    """Everything that a backtest says."""
    return [
        Prose(f"{found.instance.name}: the model against the record", list(_summary(found))),
        *(_moments(found.moments, window) for window in TITLES if _of(found.moments, window)),
        *_calibration(found.calibration),
        Prose("What the model misses", list(found.misses) or ["Nothing that it was judged on."]),
        *in_short(found),
    ]


def _of(moments: Sequence[Moment], window: str) -> list[Moment]:
    return [moment for moment in moments if moment.window == window]


def _summary(found: Backtest) -> Iterator[str]:
    """Hits by window and the skill, in sentences."""
    windows, skill, until = found.windows, found.skill, found.calibration.until
    judged = f"{_hits(windows.judge)} judged moments are inside their tolerance"
    if windows.judge_after is not None:
        judged += f", {_hits(windows.judge_after)} of those after {until}, the state of knowledge"
    yield f"{judged}; {_hits(windows.fit)} of the fitted and {_hits(windows.fed)} of the fed ones."
    missed = [moment for moment in _of(found.moments, "judge") if moment.inside is False]
    confounded = sum(bool(moment.confounded) for moment in missed)
    if confounded:
        yield f"Of the {len(missed)} misses {confounded} are confounded: something else moved the record too."
    if skill.skill is not None:
        better = "better" if skill.skill > 0 else "no better"
        yield (
            f"Over {skill.moments} judged moments the mean error is {number(skill.model, 1)} tolerances;"
            f" the naive forecast ({skill.benchmark}: trade goes on as if nothing had been announced) is off by"
            f" {number(skill.naive, 1)}: skill {number(skill.skill, 2, sign=True)}, {better} than naive."
            f" The model is the nearer one on {skill.nearer} of them."
        )
    last = found.persistence
    if last.skill is not None:
        yield (
            f"Persistence (the last record that was known goes on, or the trade of the first day) is off by"
            f" {number(last.naive, 1)}: skill {number(last.skill, 2, sign=True)}, nearer on {last.nearer} of {last.moments}."
        )


def _hits(window: Hits) -> str:
    return f"{window.hits} of {window.judged}"


def _moments(moments: Sequence[Moment], window: str) -> Table:
    figures = ("record", "model", "hit", "error", "from", "to", "naive")
    columns = [*texts("fact", "unit"), *(Column(title) for title in figures)]
    note = "Hit: from … to. Naive: what open trade would have given."
    return Table(TITLES[window], columns, [_row(moment) for moment in _of(moments, window)], note=note)


def _row(moment: Moment) -> list[Any]:
    unit = moment.unit
    record, model, low, high, naive = (
        figure(value, unit) for value in (moment.recorded, moment.model, moment.low, moment.high, moment.naive)
    )
    hit = MISSING if moment.inside is None else "yes" if moment.inside else "no"
    bounds = [MISSING, MISSING] if moment.inside is None else [low, high]
    title = f"{moment.title} (confounded)" if moment.confounded else moment.title
    return [title, unit_shown(unit), record, model, hit, figure(moment.error, unit, True), *bounds, naive]


def _calibration(calibration: CalibrationFacts) -> Iterator[Block]:
    """What was fitted, to what, and whether it still stands."""
    if not calibration.fitted:
        yield Prose("Calibration", ["No parameter is recorded as fitted."])
        return
    heads = ("parameter", "fitted to", "tried", "found")
    columns = [*texts(*heads), Column("loss"), Column("loss now"), *texts("stands")]
    rows = [
        [
            ", ".join([fit.path, *fit.also]), ", ".join(fit.moments), ", ".join(fit.points), fit.found,
            amount(fit.loss), amount(fit.loss_now), stands(fit),
        ]
        for fit in calibration.fitted
    ]  # fmt: skip
    title = f"Calibration, on what was known in {calibration.until}"
    note = "Loss: sum of (error / tolerance)² over the moments fitted to. --refit repeats the search."
    yield Table(title, columns, rows, stacks=True, note=note)
    if calibration.note:
        yield Prose("", [calibration.note])


def stands(fit: Fitted) -> str:
    """Whether a fitted value is what the instance has and what the search finds."""
    if not fit.used:
        return f"no: the instance has {amount(fit.now)} {unit_shown(fit.unit)}"
    if isinstance(fit, Refitted):
        return "yes, found again" if fit.reproduced else f"no: the search finds {fit.refound}"
    return "yes" if fit.same_loss else "the loss has changed: refit"


def rows(found: Backtest) -> list[dict[str, Any]]:
    """Every figure of every moment, and of the calibration, in a row of its own with the fields :data:`FIELDS`."""
    return [*_moment_rows(found.moments), *_calibration_rows(found.calibration.fitted)]


def _moment_rows(moments: Sequence[Moment]) -> Iterator[dict[str, Any]]:
    for moment in moments:
        told = vars(moment)
        fixed = {key: told.get(key) for key in FIELDS} | {"moment": moment.name}
        for key in FIGURES:
            unit = "" if key == "inside" or key.endswith("scaled") else moment.unit
            yield fixed | {"unit": unit, "figure": key, "value": told[key]}


def _calibration_rows(fits: Sequence[Fitted]) -> Iterator[dict[str, Any]]:
    for fit in fits:
        figures: dict[str, Any] = {
            "found": fit.found, "loss": fit.loss, "loss_now": fit.loss_now, "stands": stands(fit),
        }  # fmt: skip
        if isinstance(fit, Refitted):
            figures |= {f"loss at {point}": loss for point, loss in fit.losses.items()}
        for key, value in figures.items():
            empty: dict[str, Any] = dict.fromkeys(FIELDS)
            yield empty | {"moment": fit.path, "window": "fit", "figure": key, "value": value}


# -- pictures --------------------------------------------------------------------------------------------------

KINDS = {
    "judge": "record, judged",
    "fed": "record, given to the model",
    "fit": "record, fitted to",
    "beside": "estimate or sum, shown beside",
}
# The pictures by the unit of what is drawn in them.
PICTURES = {
    "tonnes": ("Tonnes by month: the model against the record", ("t/month", "t")),
    "shares": ("Shares and ratios: the model against the record", ("1",)),
    "prices": ("Prices and premiums: the model against the record", ("USD/kg",)),
    "money": ("Money by month: the model against the record", ("million USD/month", "million USD")),
}
HOW = "Blue line: the model. Points: the record over the months that their line spans; bars: from where to where the model hits."


def drawn(found: Backtest) -> dict[str, str]:
    """The pictures, and the page that shows them with what the backtest says, by file name."""
    title = f"{found.instance.name}: the model against the record"
    return illustrated(found, pictures(found), [*_summary(found), *found.misses], title)


def pictures(found: Backtest) -> list[Drawable]:
    """Every observed series through time, those of one unit in one picture, and the error of every fact."""
    name = found.instance.name
    tracks = [
        Tracks(
            name=key, title=f"{name}: {title[0].lower()}{title[1:]}", rows=rows, kinds=list(KINDS.values()), note=HOW
        )
        for key, (title, units) in PICTURES.items()
        if (rows := [_panel(path, found.moments) for path in found.paths or () if path.unit in units])
    ]
    return [*tracks, _errors(found)]


def _panel(path: RecordedPath, moments: Sequence[Moment]) -> Panel:
    titles = {moment.name: moment.title for moment in moments}
    record = []
    for span in path.record:
        first, last = month_index(span.begins), month_index(span.ends) + 1
        middle, half = divmod(first + last, 2)
        record.append(
            {
                "begins": _day(first),
                "ends": _day(last),
                "middle": f"{month_name(middle)}-{16 if half else 1:02d}",
                "value": span.recorded,
                "low": span.low,
                "high": span.high,
                "kind": KINDS[span.window],
                "label": titles[span.name],
            }
        )
    model = [{"date": f"{month}-01", "value": value} for month, value in zip(path.months, path.model, strict=True)]
    of = [part for part in (path.product, path.of, path.bloc) if part]
    unit = unit_shown(path.unit).replace("/month", " a month")
    title = f"{', '.join([path.measure, *of])} ({unit})".replace("_", " ")
    return Panel(title=title, model=model, record=record, percent=path.unit == "1")


def _day(month: int) -> str:
    return f"{month_name(month)}-01"


def _errors(found: Backtest) -> Errors:
    """Every fact that the model was not given, with its error in tolerances, where the model says something."""
    told = [moment for window in KINDS if window != "fed" for moment in _of(found.moments, window)]
    rows = [
        {"label": moment.title, "value": moment.error / moment.tolerance, "kind": KINDS[moment.window]}
        for moment in told
        if moment.error is not None and moment.tolerance
    ]
    silent = len(told) - len(rows)
    note = f"{silent} more on which the {MODEL} says nothing." if silent else ""
    title = f"{found.instance.name}: how far the {MODEL} is off each fact that it was not given"
    return Errors(name="errors", title=title, rows=rows, kinds=list(KINDS.values()), note=note)
