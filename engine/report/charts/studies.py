"""Pictures of studies: what they all say and how they look; points on a plane; needs the extra ``charts``."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar

import numpy as np

from coercivity.engine.errors import UsageError
from coercivity.engine.report.charts.page import PALETTE

WIDTH = 620  # of a whole picture, in pixels: the width of the text of a printed page
LETTER = 0.56  # width of a letter over its size, on average
# Told apart by the colour-blind (Okabe and Ito 2008), and dark against light where printed in grey.
DARK, LIGHT = "#0b4f8a", "#f2a541"
SERIES = ["#0072b2", "#d55e00", "#000000", "#009e73", "#cc79a7", "#56b4e9"]
STROKES = [[1, 0], [7, 3], [2, 2], [9, 3, 2, 3], [4, 4], [12, 3]]
INK, FAINT = "#1a1a1a", "#d0d0d0"
TIP = ",.6~r"  # how numbers are written where the pointer rests
STYLE = {
    "font": "Helvetica, Arial, sans-serif",
    "view": {"stroke": None},
    "title": {"anchor": "start", "frame": "bounds", "fontSize": 15, "color": INK, "subtitleColor": "#555555",
              "subtitleFontSize": 12, "subtitlePadding": 5, "offset": 12},
    "axis": {"labelFontSize": 11, "titleFontSize": 12, "titleFontWeight": "normal", "labelColor": INK, "titleColor": INK,
             "gridColor": "#e4e4e4", "domainColor": "#888888", "tickColor": "#888888", "labelOverlap": "greedy", "labelSeparation": 8},
    "axisX": {"tickCount": 8},
    "legend": {"orient": "top", "title": None, "labelFontSize": 11, "labelLimit": 0, "symbolStrokeWidth": 2},
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class StudyPicture:
    """What every picture of many runs says of itself; each kind adds which fields its rows have.

    Numbers of rows are finite: a row without one is refused, and only a heatmap shows what is missing.

    Attributes
    ----------
    outcome, unit : what was measured, and in what; together the title of its axis
    runs : how many runs the picture rests on
    base : the outcome with nothing changed, where there is one
    note : a further sentence under the title

    Raises
    ------
    UsageError
        A row lacks a field or has no finite number in it; two rows have the same ``keys``; the base is not finite.
    """

    name: str
    title: str
    outcome: str
    unit: str
    runs: int
    rows: Sequence[Mapping[str, Any]]
    base: float | None = None
    note: str = ""

    numbers: ClassVar[tuple[str, ...]] = ()
    keys: ClassVar[tuple[str, ...]] = ("label",)

    def __post_init__(self) -> None:
        where = f"picture {self.name!r}"
        seen: set[tuple[object, ...]] = set()
        for row in self.rows:
            named = ", ".join(str(row.get(field)) for field in self.keys or ("series", "label") if field in row)
            for field in self.numbers:
                if not is_number(row.get(field)):
                    raise UsageError(where, f"no finite {field!r} in the row {named!r}", "leave the row out")
            lacking = [field for field in self.keys if field not in row]
            if lacking:
                raise UsageError(where, f"a row without {lacking[0]!r}", "give it one")
            key = tuple(self._key(field, row[field]) for field in self.keys)
            if key and key in seen:
                raise UsageError(where, f"two rows of {named!r}", "give each its own " + " and ".join(self.keys))
            seen.add(key)
        for what, number in (("base", self.base), *(("present value", number) for number in self._present())):
            if number is not None and not is_number(number):
                raise UsageError(where, f"the {what} is {number!r}", "give a finite number, or none")

    def _present(self) -> Sequence[float | None]:
        """The present values of the inputs that are varied, where the picture shows them."""
        return ()

    def _key(self, field: str, value: Any) -> object:
        return dated(value) if field == "date" else float(value) if field in self.numbers else str(value)

    @property
    def measure(self) -> str:
        """The title of the axis of outcomes."""
        return f"{self.outcome}, {self.unit}" if self.unit else self.outcome

    def finished(self, chart: Any, *sentences: str, is_fitted: bool = True, base_is: str = "") -> dict[str, Any]:
        """The picture with its title, what it rests on, its width and its style; and how the base is drawn."""
        said = [f"{self.runs:,} run{'s' if self.runs != 1 else ''}"]
        if self.base is not None:
            said.append(" ".join(word for word in ("base", figure(self.base), self.unit, base_is) if word))
        said += [sentence for sentence in (*sentences, self.note) if sentence]
        heading = {"text": broken(self.title, 74), "subtitle": broken("; ".join(said), 104)}
        size = {"width": WIDTH, "autosize": {"type": "fit-x", "contains": "padding"}} if is_fitted else {}
        specification: dict[str, Any] = chart.properties(title=heading).to_dict()
        return specification | size | {"config": STYLE}


def is_number(value: object) -> bool:
    """Whether a value is a finite number.

    >>> [is_number(value) for value in (1, -0.5, float("nan"), None, "1")]
    [True, True, False, False, False]
    """
    return isinstance(value, int | float | np.number) and not isinstance(value, bool) and math.isfinite(value)


def figure(value: float) -> str:
    """A number as it is written into a picture: four digits, no fewer than there are before the point.

    >>> [figure(value) for value in (1234567.8, -0.012345, 12.0)]
    ['1,234,568', '−0.01235', '12']
    """
    text = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    return text.replace("-", "−")


def broken(text: str, most: int) -> list[str]:
    """A text in lines of at most so many letters, broken after a space, a point, a stroke or between letters.

    >>> broken("rivals.second_mover.expansion.lead_time", 24)
    ['rivals.second_mover.', 'expansion.lead_time']
    """
    lines = [""]
    for piece in re.findall(r"[^\s._/-]+[\s._/-]*|[\s._/-]+", " ".join(text.split())):
        for part in (piece[at : at + most] for at in range(0, len(piece), most)):
            if len((lines[-1] + part).rstrip()) <= most:
                lines[-1] += part
            else:
                lines.append(part)
    return [line.rstrip() for line in lines]


def table(rows: Iterable[Mapping[str, Any]]) -> Any:
    """Rows as the data of a chart of their own."""
    import altair

    plain = [{key: item.item() if isinstance(item, np.generic) else item for key, item in row.items()} for row in rows]
    return altair.Chart(altair.InlineData(values=plain))


def expression(text: str) -> Any:
    """A property that is worked out for each row, from the fields of ``datum``."""
    import altair

    return altair.ExprRef(expr=text)


def room(texts: Iterable[str], size: int = 10) -> float:
    """Width in pixels that the longest of some texts takes, with a gap; 0 where there is nothing to write."""
    longest = max((len(text) for text in texts), default=0)
    return longest * LETTER * size + 8 if longest else 0.0


def padded(values: Iterable[float], left: float, right: float, width: float) -> list[float]:
    """The limits of an axis that leave so many pixels of its width free beside the values.

    >>> padded([0.0, 60.0], 20, 20, 100)
    [-20.0, 80.0]
    """
    found = [float(value) for value in values]
    low, high = min(found), max(found)
    if low == high:
        low, high = low - (abs(low) / 10 or 1.0), high + (abs(high) / 10 or 1.0)
    # However long the texts are, a third of the width stays for what they are written beside.
    each = (high - low) / max(width - left - right, width / 3)
    return [low - left * each, high + right * each]


def dated(day: object) -> str:
    """A day as a time of no zone, so that no time zone moves it: see :class:`coercivity.engine.report.charts.page.Picture`.

    >>> dated("2025-04-01"), dated(date(2025, 4, 1))
    ('2025-04-01T00:00', '2025-04-01T00:00')
    """
    try:
        return f"{date.fromisoformat(str(day)[:10]).isoformat()}T00:00"
    except ValueError:
        raise UsageError("picture", f"{day!r} is not a date", "write it as 2025-04-01") from None


def axis_of_labels(labels: Sequence[str], step: int = 26) -> tuple[Any, int, float]:
    """The labels from top to bottom, long ones in several lines; height of the picture, and width of the labels."""
    import altair

    lines = {label: broken(label, 36) for label in labels}
    deepest = max(len(found) for found in lines.values())
    taken = room(line for found in lines.values() for line in found) * 1.1 + 20
    middle = f"-6.5 * (length({json.dumps(lines)}[datum.value]) - 1)"
    axis = altair.Axis(labelExpr=f"{json.dumps(lines)}[datum.value]", labelLimit=0, labelLineHeight=13, ticks=False,
                       labelOffset=expression(middle), labelOverlap=False, domain=False)  # fmt: skip
    y = altair.Y("label:N", title=None, sort=list(labels), axis=axis)
    return y, len(labels) * max(step, 13 * deepest + 8), taken


def drawn_apart(series: Sequence[str], words: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Colour and stroke of lines with names: told apart in print without colour too; one legend for both.

    The legend has other words for a series where they are given.
    """
    import altair

    rounds = len(SERIES)
    strokes = [STROKES[(at + at // rounds) % len(STROKES)] for at in range(len(series))]
    colours = [SERIES[at % rounds] for at in range(len(series))]
    legend = legend_of(series, words, symbolType="stroke", symbolSize=500, symbolOpacity=1)
    colour = altair.Color(
        "series:N", sort=list(series), scale=altair.Scale(domain=list(series), range=colours), legend=legend
    )
    scale = altair.Scale(domain=list(series), range=strokes)
    return {"color": colour, "strokeDash": altair.StrokeDash("series:N", sort=list(series), scale=scale, legend=legend)}


def legend_of(names: Sequence[str], words: Mapping[str, str] | None = None, **properties: Any) -> Any:
    """A legend in as many columns as there is room for, long names in several lines; with other words where given."""
    import altair

    lines = {name: broken((words or {}).get(name, name), 72) for name in names}
    widths = [room(found, 11) + 40 for found in lines.values()]
    fitting = (c for c in range(len(names), 1, -1) if sum(max(widths[at::c]) for at in range(c)) <= WIDTH - 40)
    return altair.Legend(columns=next(fitting, 1), labelExpr=f"{json.dumps(lines)}[datum.value]", **properties)


def rule_at(value: float, axis: str, **look: Any) -> Any:
    """A line across the picture at one value of an axis."""
    return table([{axis: value}]).mark_rule(**({"color": INK, "strokeWidth": 1.2} | look)).encode(**{axis: f"{axis}:Q"})


@dataclass(frozen=True)
class Plane:
    """Points on a plane; rows have the fields ``x``, ``y``, ``series`` and, where it is written beside, ``label``.

    Attributes
    ----------
    lines : series whose points are joined in the order of the rows
    order : series from first to last
    across, up : titles of the axes, with unit
    """

    name: str
    title: str
    rows: Sequence[Mapping[str, Any]]
    lines: Sequence[str]
    order: Sequence[str]
    across: str
    up: str

    def specification(self) -> dict[str, Any]:
        """The picture in Vega-Lite, with its data in it."""
        import altair

        rows = [dict(row) | {"rank": rank} for rank, row in enumerate(self.rows)]
        colours = altair.Scale(
            domain=list(self.order), range=[PALETTE[at % len(PALETTE)] for at in range(len(self.order))]
        )
        x = altair.X("x:Q", title=self.across, axis=altair.Axis(format=",.4~g"), scale=altair.Scale(zero=False))
        y = altair.Y("y:Q", title=self.up, axis=altair.Axis(format=",.4~g"), scale=altair.Scale(zero=False))
        colour = altair.Color("series:N", title=None, sort=list(self.order), scale=colours).legend(orient="bottom")
        tips = [altair.Tooltip("label:N", title="name"), altair.Tooltip("x:Q", title=self.across, format=",.4~g"),
                altair.Tooltip("y:Q", title=self.up, format=",.4~g")]  # fmt: skip
        layers: list[Any] = []
        joined = [row for row in rows if row["series"] in self.lines]
        if joined:
            base = altair.Chart(altair.InlineData(values=joined))
            layers.append(base.mark_line().encode(x=x, y=y, color=colour, order="rank:Q"))
        base = altair.Chart(altair.InlineData(values=rows))
        layers.append(base.mark_point(filled=True, size=45).encode(x=x, y=y, color=colour, tooltip=tips))
        named = [row for row in rows if row.get("label")]
        if named:
            base = altair.Chart(altair.InlineData(values=named))
            layers.append(base.mark_text(align="left", dx=6, dy=-4, fontSize=10).encode(x=x, y=y, text="label:N"))
        chart = altair.layer(*layers).properties(title=self.title, width=620, height=380)
        specification: dict[str, Any] = chart.configure_view(stroke=None).to_dict()
        return specification
