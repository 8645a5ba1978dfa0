"""Pictures of inputs that are varied: tornado, heatmap with its line of zero, curves; needs the extra ``charts``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from coercivity.engine.errors import UsageError
from coercivity.engine.report.charts.studies import (
    DARK,
    FAINT,
    INK,
    LIGHT,
    TIP,
    WIDTH,
    StudyPicture,
    axis_of_labels,
    broken,
    drawn_apart,
    expression,
    figure,
    is_number,
    padded,
    room,
    rule_at,
    table,
)

Floats = NDArray[np.float64]
PRINTED = 120  # cells whose values are written into them
END = 110  # pixels for the text of an end of an input
FEW = 12  # values of an input that are written along its axis
PARTED = ["#b35806", "#f1a340", "#f7f7f7", "#7fb0d8", "#0b4f8a"]
RISING = ["#f2f6fa", "#7fb0d8", "#0b4f8a"]


@dataclass(frozen=True, kw_only=True)
class Tornado(StudyPicture):
    """How far the outcome moves with each input alone, the widest at the top; the base is a line.

    Rows: ``label``; ``low`` and ``high``, the outcomes at the low and the high end of the input; ``low_input`` and
    ``high_input``, those ends as text. A swing is from the least to the greatest of low, high and base. Where both
    ends move the outcome to one side, their bars lie one above the other.

    Attributes
    ----------
    limit : bars shown at most; the subtitle counts the others
    """

    limit: int = 20
    numbers: ClassVar[tuple[str, ...]] = ("low", "high")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.base is None:
            raise UsageError(f"picture {self.name!r}", "a tornado without a base", "give the unchanged outcome")

    def specification(self) -> dict[str, Any]:
        """The picture in Vega-Lite, with its data in it."""
        import altair

        base = float(self.base or 0.0)
        ranked = sorted(self.rows, key=lambda row: -self._swing(row))
        shown, left = ranked[: self.limit], ranked[self.limit :]
        bars = [bar for row in shown for bar in self._bars(row, base)]
        sides = [
            min(END, room(bar["text"] for bar in bars if (bar["align"] == "right") == is_left))
            for is_left in (True, False)
        ]
        y, height, taken = axis_of_labels([row["label"] for row in shown])
        x = altair.X("to:Q", title=broken(self.measure, int((WIDTH - taken) / 7)), scale=altair.Scale(nice=False, domain=padded(
            [base, *(bar["to"] for bar in bars)], sides[0], sides[1], WIDTH - taken)))  # fmt: skip
        ends = altair.Scale(domain=["input at its low end", "input at its high end"], range=[LIGHT, DARK])
        drawn = table(bars)
        chart = altair.layer(
            drawn.mark_bar(height=expression("datum.thick"), yOffset=expression("5 * datum.lane")).encode(
                x=x, x2="base:Q", y=y, color=altair.Color("end:N", scale=ends), tooltip=["label:N", "text:N", "to:Q"]
            ),
            drawn.mark_text(
                align=expression("datum.align"), baseline="middle", fontSize=10, color=INK, limit=END,
                dx=expression("datum.align == 'left' ? 4 : -4"), yOffset=expression("5 * datum.lane"),
            ).encode(x=x, y=y, text="text:N"),
            table([{"to": base}]).mark_rule(color=INK, strokeWidth=1.5).encode(x=x),
        )  # fmt: skip
        more = f"… and {len(left):,} more, each with a swing of at most {figure(self._swing(left[0]))}" if left else ""
        return self.finished(chart.properties(height=height), "widest swing first", more, base_is="(rule)")

    def _swing(self, row: Mapping[str, Any]) -> float:
        points = [float(point) for point in (row["low"], row["high"], self.base or 0.0)]
        return max(points) - min(points)

    @staticmethod
    def _bars(row: Mapping[str, Any], base: float) -> list[dict[str, Any]]:
        one_sided = (row["low"] - base) * (row["high"] - base) > 0
        found = []
        for end, other, lane in (("low", "high", -1), ("high", "low", 1)):
            # A bar without length writes its text where the other bar is not.
            is_left = row[end] < base or (row[end] == base <= row[other] and (end == "low" or row[other] > base))
            found.append({
                "label": row["label"], "base": base, "to": row[end], "end": f"input at its {end} end",
                "text": str(row.get(f"{end}_input", "")), "align": "right" if is_left else "left",
                "lane": lane if one_sided else 0, "thick": 9 if one_sided else 16,
            })  # fmt: skip
        return found


def zero_contour(
    across: NDArray[np.float64], up: NDArray[np.float64], values: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Where values on a grid cross zero: marching squares (Lorensen and Cline 1987, in the plane), linear along edges.

    A node at zero counts as above it. Of a saddle, whose two diagonals lie on opposite sides, the bilinear surface
    at its saddle point says which corners belong together (Nielson and Hamann 1991). A square that lacks a corner
    has no line in it.

    Parameters
    ----------
    across, up : shapes (m,) and (n,), rising, in the units of the two axes
    values : shape (m, n); NaN where there is no value

    Returns
    -------
    shape (k, 2, 2): k segments, each from a point (across, up) to another

    Examples
    --------
    >>> zero_contour(np.array([0.0, 1.0]), np.array([0.0, 2.0]), np.array([[-1.0, -1.0], [3.0, 3.0]])).tolist()
    [[[0.25, 0.0], [0.25, 2.0]]]
    """
    found: list[list[list[float]]] = []
    for i in range(len(across) - 1):
        for j in range(len(up) - 1):
            nodes = [(i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1)]
            corners = [float(values[node]) for node in nodes]
            if not np.isfinite(corners).all():
                continue
            places = [np.array([across[a], up[b]]) for a, b in nodes]
            points = [
                (
                    places[k] + (places[(k + 1) % 4] - places[k]) * corners[k] / (corners[k] - corners[(k + 1) % 4])
                ).tolist()
                for k in range(4)
                if (corners[k] >= 0) != (corners[(k + 1) % 4] >= 0)
            ]
            if len(points) == 4 and _cuts_off_first_corner(corners):
                points = [points[3], *points[:3]]
            found += [[one, other] for one, other in zip(points[::2], points[1::2], strict=True) if one != other]
    return np.array(found, dtype=np.float64).reshape(-1, 2, 2)


def _cuts_off_first_corner(corners: Sequence[float]) -> bool:
    """Whether the first corner of a saddle lies alone: the surface at the saddle point has the other sign."""
    first, second, third, fourth = corners
    middle = (first * third - second * fourth) / (first + third - second - fourth)
    return (middle >= 0) != (first >= 0)


@dataclass(frozen=True, kw_only=True)
class Heatmap(StudyPicture):
    """Values on a grid of two inputs, with the line along which they are zero; the grid need not be even.

    Rows: ``x``, ``y``, ``value``. A cell reaches half-way to its neighbours. Where a value is None or NaN, or a pair
    of the grid has no row, the cell is grey with a stroke, and the legend counts such cells. A base needs ``here``.

    Attributes
    ----------
    across, up : titles of the axes, with unit
    diverges : colours part at zero, cells below it are dotted, and the line of zero is drawn
    here : the present values of the two inputs, marked by a cross
    line : what the line of zero is called in the legend
    """

    across: str
    up: str
    diverges: bool = True
    here: tuple[float, float] | None = None
    line: str = "break-even"
    numbers: ClassVar[tuple[str, ...]] = ("x", "y")
    keys: ClassVar[tuple[str, ...]] = ("x", "y")

    def _present(self) -> Sequence[float | None]:
        return self.here or ()

    def specification(self) -> dict[str, Any]:
        """The picture in Vega-Lite, with its data in it."""
        import altair

        xs, ys, values = self._grid()
        cells = self._cells(xs, ys, values)
        full, empty = ([cell for cell in cells if (cell["value"] is None) == gone] for gone in (False, True))
        sides = {"x": _along("x", self.across, xs), "y": _along("y", self.up, ys), "x2": "x2", "y2": "y2"}
        middle = {"x": "at_x:Q", "y": "at_y:Q"}
        tips = [altair.Tooltip(f"{key}:Q", title=words, format=TIP)
                for key, words in (("at_x", self.across), ("at_y", self.up), ("value", self.measure))]  # fmt: skip
        layers = [table(full).mark_rect(strokeWidth=0).encode(**sides, color=self._colours(values), tooltip=tips)]
        if empty:
            layers += self._missing(empty, f"no value ({len(empty):,} of {len(cells):,} cells)", sides)
        if len(cells) <= PRINTED:
            ink = expression("datum.is_dark ? 'white' : 'black'")
            layers += [table(full).mark_text(fontSize=10, color=ink).encode(**middle, text="text:N")]
        elif self.diverges:
            below = [cell for cell in full if cell["value"] < 0]
            layers += [table(below).mark_circle(size=5, color=INK, opacity=0.8).encode(**middle)]
        contour = zero_contour(xs, ys, values) if self.diverges else np.empty((0, 2, 2))
        ends = [_edges(at)[[0, -1]] for at in (xs, ys)]
        is_inside = all(low <= here <= high for (low, high), here in zip(ends, self.here or (), strict=False))
        layers += self._marks(contour, sides, is_inside)
        return self.finished(altair.layer(*layers).properties(height=400), *self._sentences(cells, contour, is_inside))

    def _grid(self) -> tuple[Floats, Floats, Floats]:
        """The values of both inputs, rising, and what was measured there; NaN where it was not."""
        xs, ys = (np.unique(np.array([row[axis] for row in self.rows], dtype=np.float64)) for axis in ("x", "y"))
        values = np.full((len(xs), len(ys)), np.nan)
        for row in self.rows:
            if is_number(row.get("value")):
                values[np.searchsorted(xs, row["x"]), np.searchsorted(ys, row["y"])] = row["value"]
        return xs, ys, values

    def _cells(self, xs: Floats, ys: Floats, values: Floats) -> list[dict[str, Any]]:
        left, low = _edges(xs), _edges(ys)
        start, end = self._limits(values)
        found: list[dict[str, Any]] = []
        for i, j in np.ndindex(values.shape):
            value = float(values[i, j]) if np.isfinite(values[i, j]) else None
            share = 0.0 if value is None else (value - start) / (end - start)
            found.append({
                "x": left[i], "x2": left[i + 1], "y": low[j], "y2": low[j + 1], "at_x": xs[i], "at_y": ys[j], "value": value,
                "text": "" if value is None else figure(value),
                "is_dark": abs(2 * share - 1) > 0.7 if self.diverges else share > 0.5,
            })  # fmt: skip
        return found

    def _limits(self, values: Floats) -> tuple[float, float]:
        """Where the colours begin and end; as far below zero as above it where they part there."""
        known = values[np.isfinite(values)]
        if self.diverges:
            most = float(np.abs(known).max(initial=0.0)) or 1.0
            return -most, most
        low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 0.0)
        return (low, high) if low < high else (low - 1.0, high + 1.0)

    def _colours(self, values: Floats) -> Any:
        import altair

        scale = altair.Scale(domain=list(self._limits(values)), range=PARTED if self.diverges else RISING, nice=False)
        if self.diverges:
            scale.domainMid = 0
        legend = altair.Legend(title=broken(self.measure, 80), titleFontWeight="normal", titleLimit=0, orient="bottom",
                               gradientLength=400, tickCount=6)  # fmt: skip
        return altair.Color("value:Q", scale=scale, legend=legend)

    @staticmethod
    def _missing(cells: Sequence[Mapping[str, Any]], words: str, sides: Mapping[str, Any]) -> list[Any]:
        import altair

        named = table([{**cell, "key": words} for cell in cells])
        grey = altair.Fill("key:N", scale=altair.Scale(range=[FAINT]), legend=altair.Legend(symbolType="square"))
        return [
            named.mark_rect(strokeWidth=0).encode(**sides, fill=grey),
            named.mark_rule(color="#777777").encode(**sides),
        ]

    def _marks(self, contour: Floats, sides: Mapping[str, Any], is_inside: bool) -> list[Any]:
        """The line of zero, with a light edge so that it shows on dark cells, and the cross."""
        import altair

        found: list[Any] = []
        if len(contour):
            rows = [{"x": a[0], "y": a[1], "x2": b[0], "y2": b[1], "line": self.line} for a, b in contour.tolist()]
            key = altair.Stroke("line:N", scale=altair.Scale(range=[INK]), legend=altair.Legend(symbolType="stroke"))
            found += [table(rows).mark_rule(color="white", strokeWidth=5, strokeCap="round").encode(**sides)]
            found += [table(rows).mark_rule(strokeWidth=2.5, strokeCap="round").encode(**sides, stroke=key)]
        if self.here is not None and is_inside:
            cross = table([{"x": self.here[0], "y": self.here[1], "cross": "present values"}])
            shape = altair.Shape("cross:N", scale=altair.Scale(range=["cross"]))
            look = {"filled": True, "fill": INK, "stroke": "white", "strokeWidth": 1, "size": 130, "clip": True}
            found += [cross.mark_point(**look).encode(x=sides["x"], y=sides["y"], shape=shape)]
        return found

    def _sentences(self, cells: Sequence[Mapping[str, Any]], contour: Floats, is_inside: bool) -> list[str]:
        found = []
        values = [cell["value"] for cell in cells if cell["value"] is not None]
        if self.diverges and values and not len(contour):
            found += (
                ["below zero everywhere"] if max(values) < 0 else ["nowhere below zero"] if min(values) >= 0 else []
            )
        if self.diverges and len(cells) > PRINTED:
            found.append("dotted: below zero")
        if self.here is not None and not is_inside:
            found.append("the present values lie outside the grid")
        return found


def _edges(at: Floats) -> Floats:
    """Limits of cells, half-way between rising values; the outer ones as far out as the inner ones are in."""
    if len(at) == 1:
        half = abs(float(at[0])) / 10 or 1.0
        return np.array([at[0] - half, at[0] + half])
    middles = (at[1:] + at[:-1]) / 2
    return np.concatenate([[2 * at[0] - middles[0]], middles, [2 * at[-1] - middles[-1]]])


def _along(axis: str, title: str, at: Floats) -> Any:
    """An axis of a grid, with its own values written on it while they are few."""
    import altair

    edges = _edges(at).tolist()
    scale = altair.Scale(domain=[edges[0], edges[-1]], nice=False, zero=False)
    marks = {"values": at.tolist(), "format": TIP} if len(at) <= FEW else {}
    kind = altair.X if axis == "x" else altair.Y
    return kind(
        f"{axis}:Q", title=broken(title, 90 if axis == "x" else 60), scale=scale, axis=altair.Axis(grid=False, **marks)
    )


def crossings(at: Floats, values: Floats) -> list[float]:
    """Where values cross zero between neighbours, on a straight line; a value of zero counts as above it.

    Parameters
    ----------
    at, values : shape (n,); ``at`` rising

    Examples
    --------
    >>> crossings(np.array([0.0, 1.0, 2.0, 3.0]), np.array([-1.0, 3.0, 0.0, -2.0]))
    [0.25, 2.0]
    """
    found: list[float] = []
    for k in np.flatnonzero((values[1:] >= 0) != (values[:-1] >= 0)):
        place = float(at[k] + (at[k + 1] - at[k]) * values[k] / (values[k] - values[k + 1]))
        if place not in found[-1:]:
            found.append(place)
    return found


@dataclass(frozen=True, kw_only=True)
class Curves(StudyPicture):
    """What each series gets as one input varies, with the points at which it breaks even, which lie on straight lines.

    Rows: ``series``, ``x``, ``value``; a point for every run, so that a gap shows.

    Attributes
    ----------
    across : title of the input, with unit
    here : its present value, a rule
    """

    across: str
    here: float | None = None
    numbers: ClassVar[tuple[str, ...]] = ("x", "value")
    keys: ClassVar[tuple[str, ...]] = ("series", "x")

    def _present(self) -> Sequence[float | None]:
        return (self.here,)

    def specification(self) -> dict[str, Any]:
        """The picture in Vega-Lite, with its data in it."""
        import altair

        series = list(dict.fromkeys(str(row["series"]) for row in self.rows))
        spread = [row["x"] for row in self.rows] + ([] if self.here is None else [self.here])
        limits = padded(spread, 12, 12, WIDTH - 80)
        x = altair.X("x:Q", title=broken(self.across, 90), scale=altair.Scale(domain=limits, nice=False))
        y = altair.Y("value:Q", title=broken(self.measure, 50), scale=altair.Scale(zero=False))
        points = {name: self._crossings(name) for name in series}
        look = drawn_apart(series, {name: _with_crossings(name, places) for name, places in points.items()})
        tips = ["series:N", altair.Tooltip("x:Q", title=self.across, format=TIP), altair.Tooltip("value:Q", format=TIP)]
        drawn = table(self.rows)
        low, high = min(row["value"] for row in self.rows), max(row["value"] for row in self.rows)
        layers = [rule_at(0.0, "y", color="#555555")] if low <= 0 <= high else []
        layers += [drawn.mark_line(strokeWidth=2).encode(x=x, y=y, **look)]
        layers += [drawn.mark_circle(size=16, opacity=1).encode(x=x, y=y, color=look["color"], tooltip=tips)]
        if self.here is not None:
            layers += [rule_at(self.here, "x", strokeDash=[4, 3])]
        rings = [{"series": name, "x": place, "value": 0.0} for name, places in points.items() for place in places]
        if rings:
            ring = table(rings).mark_point(size=60, filled=False, fill="white", strokeWidth=2, opacity=1)
            layers += [ring.encode(x=x, y=y, color=look["color"])]
        said = [f"dashed: present value {figure(self.here)}"] if self.here is not None else []
        said += ["rings: break-even, on straight lines between runs" if rings else "no series crosses zero here"]
        return self.finished(altair.layer(*layers).properties(height=340), *said)

    def _crossings(self, name: str) -> list[float]:
        own = sorted((float(row["x"]), float(row["value"])) for row in self.rows if str(row["series"]) == name)
        return crossings(*np.array(own, dtype=np.float64).T)


def _with_crossings(name: str, places: Sequence[float]) -> str:
    """The name of a series with the points at which it breaks even, the first few of many."""
    more = ", …" if len(places) > 3 else ""
    return f"{name}: break-even at {', '.join(figure(place) for place in places[:3])}{more}" if places else name
