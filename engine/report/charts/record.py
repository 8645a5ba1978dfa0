"""Pictures of a record beside a model: series through time, and every error in units of its tolerance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from coercivity.engine.report.charts.studies import (
    DARK,
    INK,
    STYLE,
    WIDTH,
    axis_of_labels,
    broken,
    dated,
    expression,
    legend_of,
    rule_at,
    table,
)

MODEL = "model"
# How a recorded fact is drawn, by what is said of it in the legend: told apart in print without colour too.
COLOURS = ["#d55e00", "#8a8a8a", "#cc79a7", "#009e73"]
SHAPES = ["circle", "square", "triangle-up", "diamond"]
PANEL = 240  # width of one of several panels, in pixels
HEIGHT = 135
FARTHEST = 8.0  # errors beyond are drawn at the edge
HIT = "#e3efe3"


def _legend(kinds: Sequence[str], used: Sequence[str]) -> dict[str, Any]:
    """Colour and shape of recorded facts by kind, the same in every picture; the legend has those that are used."""
    import altair

    legend = legend_of(used, values=list(used), symbolSize=70, symbolOpacity=1)
    colour = altair.Scale(domain=list(kinds), range=COLOURS[: len(kinds)])
    shape = altair.Scale(domain=list(kinds), range=SHAPES[: len(kinds)])
    return {
        "color": altair.Color("kind:N", scale=colour, legend=legend),
        "shape": altair.Shape("kind:N", scale=shape, legend=legend),
    }


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One series: the model as a line that holds from date to date, the record as points with what counts as a hit.

    Attributes
    ----------
    title : what is measured, with its unit
    model : ``date`` and ``value``, None where the model says nothing
    record : ``begins``, ``ends`` and ``middle`` (dates), ``value``, ``low``, ``high``, ``kind``, ``label``
    percent : the values are shares
    """

    title: str
    model: Sequence[Mapping[str, Any]]
    record: Sequence[Mapping[str, Any]]
    percent: bool = False

    def chart(self, look: Mapping[str, Any], width: int) -> Any:
        """The panel in Vega-Lite."""
        import altair

        precise = ".3~%" if self.percent else ",.4~r"
        said = [dict(row) | {"date": dated(row["date"])} for row in self.model if row["value"] is not None]
        ends = ("begins", "ends", "middle")
        seen = [dict(row) | {end: dated(row[end]) for end in ends} for row in self.record]
        x = altair.X("date:T", title=None, axis=altair.Axis(format="%Y-%m", tickCount=width // 70, labelFlush=False))
        y = altair.Y("value:Q", title=None, axis=altair.Axis(format="~%" if self.percent else ",~r", tickCount=5),
                     scale=altair.Scale(zero=True, nice=True))  # fmt: skip
        tips = ["label:N", "kind:N",
                *(altair.Tooltip(f"{end}:Q", format=precise) for end in ("value", "low", "high"))]  # fmt: skip
        facts, middle = table(seen), altair.X("middle:T")
        colour = look["color"]
        layers = [
            table(said).mark_line(interpolate="step-after", strokeWidth=2, color=DARK).encode(x=x, y=y),
            facts.mark_rule(strokeWidth=1.6, opacity=0.85).encode(x=middle, y="low:Q", y2="high:Q", color=colour),
            facts.mark_rule(strokeWidth=1.6).encode(x="begins:T", x2="ends:T", y="value:Q", color=colour),
            facts.mark_point(filled=True, size=45, opacity=1).encode(x=middle, y="value:Q", tooltip=tips, **look),
        ]  # fmt: skip
        title = {"text": broken(self.title, width // 6), "fontSize": 12, "fontWeight": "normal", "offset": 6}
        return altair.layer(*(layers if said else layers[1:])).properties(width=width, height=HEIGHT, title=title)


@dataclass(frozen=True, kw_only=True)
class Tracks:
    """Several series, two side by side, under one legend.

    Attributes
    ----------
    rows : the panels
    kinds : of recorded facts, all that there are
    note : a sentence under the title
    """

    name: str
    title: str
    rows: Sequence[Panel]
    kinds: Sequence[str]
    note: str = ""

    def specification(self) -> dict[str, Any]:
        """The picture in Vega-Lite, with its data in it."""
        import altair

        used = {str(row["kind"]) for panel in self.rows for row in panel.record}
        look = _legend(self.kinds, [kind for kind in self.kinds if kind in used])
        is_alone = len(self.rows) == 1
        width = WIDTH - 80 if is_alone else PANEL
        panels = [panel.chart(look, width) for panel in self.rows]
        chart = altair.concat(*panels, columns=1 if is_alone else 2, spacing=26)
        heading = {"text": broken(self.title, 74), "subtitle": broken(self.note, 104)}
        specification: dict[str, Any] = chart.properties(title=heading).to_dict()
        return specification | {"config": STYLE}


@dataclass(frozen=True, kw_only=True)
class Errors:
    """How far the model is off each fact, in units of what is allowed; what lies within one is a hit.

    Rows: ``label``, ``value`` (the error, signed), ``kind``.

    Attributes
    ----------
    kinds : of recorded facts, all that there are
    note : a sentence under the title
    """

    name: str
    title: str
    rows: Sequence[Mapping[str, Any]]
    kinds: Sequence[str]
    note: str = ""

    def specification(self) -> dict[str, Any]:
        """The picture in Vega-Lite, with its data in it."""
        import altair

        used = {str(row["kind"]) for row in self.rows}
        y, height, _ = axis_of_labels([str(row["label"]) for row in self.rows], 22)
        scale = altair.Scale(domain=[-FARTHEST, FARTHEST], nice=False)
        title = "model less record, in tolerances: between −1 and 1 a hit"
        x = altair.X("at:Q", title=title, scale=scale, axis=altair.Axis(tickCount=9))
        look = _legend(self.kinds, [kind for kind in self.kinds if kind in used])
        tips = ["label:N", "kind:N", altair.Tooltip("value:Q", format=",.2f", title="error in tolerances")]
        points = table(self._placed())
        band = table([{"low": -1.0, "high": 1.0}]).mark_rect(color=HIT)
        layers = [
            band.encode(x=altair.X("low:Q", scale=scale, title=title), x2="high:Q"),
            rule_at(0.0, "x", color=INK, strokeWidth=1),
            points.mark_rule(strokeWidth=1.5, opacity=0.6).encode(x=x, x2="zero:Q", y=y, color=look["color"]),
            points.mark_point(filled=True, size=55, opacity=1).encode(x=x, y=y, tooltip=tips, **look),
            points.mark_text(fontSize=10, color=INK, dy=-8, dx=expression("datum.at < 0 ? 12 : -12")).encode(
                x=x, y=y, text="far:N"
            ),
        ]
        heading = {"text": broken(self.title, 74), "subtitle": broken(self.note, 104)}
        specification: dict[str, Any] = altair.layer(*layers).properties(title=heading, height=height).to_dict()
        size = {"width": WIDTH, "autosize": {"type": "fit-x", "contains": "padding"}}
        return specification | size | {"config": STYLE}

    def _placed(self) -> Iterator[dict[str, Any]]:
        """Each error where it is drawn; of one beyond the edge its size is written beside."""
        for row in self.rows:
            value = float(row["value"])
            at = min(max(value, -FARTHEST), FARTHEST)
            far = "" if at == value else f"{value:+.0f}".replace("-", "−")
            yield dict(row) | {"at": at, "zero": 0.0, "far": far}
