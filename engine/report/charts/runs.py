"""Pictures of many runs at once: fan, distributions, ranges, indices, boxes; needs the extra ``charts``."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np

from coercivity.engine.errors import UsageError
from coercivity.engine.report.charts.studies import (
    DARK,
    INK,
    LIGHT,
    TIP,
    WIDTH,
    StudyPicture,
    axis_of_labels,
    broken,
    dated,
    drawn_apart,
    figure,
    is_number,
    legend_of,
    padded,
    rule_at,
    table,
)

QUANTILES = ("p5", "p25", "p50", "p75", "p95")
STEPS = 400  # of a distribution that has more values
POINTS = 2_000  # of a scatter that has more runs


def _refuse_disorder(picture: StudyPicture, fields: Sequence[str]) -> None:
    """Refuse rows in which some field is less than the one before it."""
    for row in picture.rows:
        for low, high in pairwise(fields):
            if row[low] > row[high]:
                what = (
                    f"{low} {row[low]:g} is above {high} {row[high]:g} in {row.get('label', row.get('series', ''))!r}"
                )
                raise UsageError(f"picture {picture.name!r}", what, "give them in rising order")


@dataclass(frozen=True, kw_only=True)
class Fan(StudyPicture):
    """How a quantity is distributed at each date: a line of medians in two bands; series of more than two side by side.

    Rows: ``series``, ``date``, ``p5``, ``p25``, ``p50``, ``p75``, ``p95``, in any order.
    """

    numbers: ClassVar[tuple[str, ...]] = QUANTILES
    keys: ClassVar[tuple[str, ...]] = ("series", "date")

    def __post_init__(self) -> None:
        super().__post_init__()
        _refuse_disorder(self, QUANTILES)

    def specification(self) -> dict[str, Any]:
        """The picture in Vega-Lite, with its data in it."""
        import altair

        series = list(dict.fromkeys(str(row["series"]) for row in self.rows))
        rows = [dict(row) | {"series": str(row["series"]), "date": dated(row["date"])} for row in self.rows]
        limits = padded([row[end] for row in rows for end in ("p5", "p95")], 8, 8, 320)
        said = "bands: 5–95 % and 25–75 % of the runs, line: median"
        if len(series) <= 2:
            return self.finished(self._panel(rows, series, limits, 320), said)
        panels = [
            self._panel([row for row in rows if row["series"] == name], [name], limits, 170).properties(
                width=WIDTH // 2 - 75, title={"text": broken(name, 40), "fontSize": 12, "fontWeight": "normal"}
            )
            for name in series
        ]
        return self.finished(altair.concat(*panels, columns=2), said, is_fitted=False)

    def _panel(
        self, rows: Sequence[Mapping[str, Any]], series: Sequence[str], limits: Sequence[float], height: int
    ) -> Any:
        import altair

        look = drawn_apart(series)
        if len(series) == 1:
            look = {"color": altair.value(DARK)}
        x = altair.X("date:T", title=None, axis=altair.Axis(format="%Y-%m", labelFlush=False, tickCount=height // 40))
        title = broken(self.measure, height // 6)
        y = altair.Y("p5:Q", title=title, scale=altair.Scale(domain=list(limits), zero=False, nice=True))
        outer = {"x": x, "y": y, "y2": "p95:Q", "color": look["color"]}
        inner = {"x": x, "y": "p25:Q", "y2": "p75:Q", "color": look["color"]}
        tips = [
            "series:N",
            altair.Tooltip("date:T", format="%Y-%m"),
            *(altair.Tooltip(f"{p}:Q", format=TIP) for p in QUANTILES),
        ]
        drawn = table(rows)
        layers = [rule_at(0.0, "y", color="#555555", strokeWidth=1)] if limits[0] < 0 < limits[1] else []
        layers += [drawn.mark_area(opacity=0.2).encode(**outer), drawn.mark_area(opacity=0.35).encode(**inner)]
        dates = {name: sum(row["series"] == name for row in rows) for name in series}
        alone = table([row for row in rows if dates[row["series"]] == 1])
        if 1 in dates.values():
            layers += [alone.mark_rule(strokeWidth=14, opacity=0.2).encode(**outer)]
            layers += [alone.mark_rule(strokeWidth=14, opacity=0.35).encode(**inner)]
        if len(series) > 1:
            layers += [drawn.mark_line(strokeWidth=1).encode(x=x, y=f"{end}:Q", **look) for end in ("p5", "p95")]
        layers += [drawn.mark_line(strokeWidth=2.5).encode(x=x, y="p50:Q", **look)]
        layers += [drawn.mark_circle(size=18, opacity=1).encode(x=x, y="p50:Q", color=look["color"], tooltip=tips)]
        return altair.layer(*layers).properties(height=height)


@dataclass(frozen=True, kw_only=True)
class Distribution(StudyPicture):
    """The share of runs in which each series is at most so much: empirical distribution functions.

    Rows: ``series``, ``value``, and ``weight`` where runs do not count alike. The base is a line.
    """

    numbers: ClassVar[tuple[str, ...]] = ("value",)
    keys: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        for row in self.rows:
            weight = row.get("weight", 1.0)
            if not is_number(weight) or weight <= 0:
                what = f"a run of {row['series']!r} has the weight {weight!r}"
                raise UsageError(f"picture {self.name!r}", what, "leave it out, or give it a weight above zero")

    def specification(self) -> dict[str, Any]:
        """The picture in Vega-Lite, with its data in it."""
        import altair

        series = list(dict.fromkeys(str(row["series"]) for row in self.rows))
        steps = [step for name in series for step in self._steps(name)]
        spread = [step["value"] for step in steps] + ([self.base] if self.base is not None else [])
        limits = padded(spread, 6, 6, WIDTH - 60)
        x = altair.X("value:Q", title=broken(self.measure, 90), scale=altair.Scale(domain=limits, nice=False))
        y = altair.Y("share:Q", title="share of runs with at most this", axis=altair.Axis(format="%"),
                     scale=altair.Scale(domain=[0, 1]))  # fmt: skip
        layers = [rule_at(0.0, "x", color="#555555")] if limits[0] < 0 < limits[1] else []
        layers += [rule_at(self.base, "x", strokeDash=[4, 3])] if self.base is not None else []
        tips = ["series:N", altair.Tooltip("value:Q", format=TIP), altair.Tooltip("share:Q", format=".1%")]
        line = table(steps).mark_line(strokeWidth=2, interpolate="step-after")
        layers += [line.encode(x=x, y=y, order="rank:Q", tooltip=tips, **drawn_apart(series))]
        is_cut = max(Counter(str(row["series"]) for row in self.rows).values()) >= STEPS
        said = f"at most {STEPS} steps of each line are drawn" if is_cut else ""
        return self.finished(altair.layer(*layers).properties(height=340), said, base_is="(dashed)")

    def _steps(self, name: str) -> list[dict[str, Any]]:
        """The steps of one series from share 0 to 1; what is left out of many lies within 1/STEPS of the line."""
        own = sorted(
            (float(row["value"]), float(row.get("weight", 1.0))) for row in self.rows if str(row["series"]) == name
        )
        values, weights = np.array(own, dtype=np.float64).T
        is_last = np.append(values[1:] != values[:-1], True)
        values, shares = values[is_last], (weights.cumsum() / weights.sum())[is_last]
        if len(values) > STEPS - 1:
            # The first and the last are kept, and between them the one that reaches each next share.
            kept = np.unique(np.append(np.searchsorted(shares, np.linspace(0, 1, STEPS - 1)[:-1]), len(values) - 1))
            values, shares = values[kept], shares[kept]
        points = [(values[0], 0.0), *zip(values, shares, strict=True)]
        return [
            {"series": name, "value": at, "share": min(share, 1.0), "rank": k} for k, (at, share) in enumerate(points)
        ]


@dataclass(frozen=True, kw_only=True)
class Ranges(StudyPicture):
    """What each strategy gets over all runs: a line from p5 to p95, a box of quartiles, median, mean and worst case.

    Rows: ``label``, ``p5``, ``p25``, ``p50``, ``p75``, ``p95``, ``mean``, ``worst``, from top to bottom. The worst case
    is the least payoff or the largest regret. The base is a line.
    """

    numbers: ClassVar[tuple[str, ...]] = (*QUANTILES, "mean", "worst")

    def __post_init__(self) -> None:
        super().__post_init__()
        _refuse_disorder(self, QUANTILES)
        for row in self.rows:
            if row["p5"] < row["worst"] < row["p95"]:
                what = f"the worst case of {row['label']!r}, {row['worst']:g}, lies between p5 and p95"
                raise UsageError(f"picture {self.name!r}", what, "give the least payoff or the largest regret")

    def specification(self) -> dict[str, Any]:
        """The picture in Vega-Lite, with its data in it."""
        import altair

        y, height, taken = axis_of_labels([str(row["label"]) for row in self.rows], 34)
        spread = [row[field] for row in self.rows for field in self.numbers]
        limits = padded([*spread, *([self.base] if self.base is not None else [])], 10, 10, WIDTH - taken)
        x = altair.X(
            "p5:Q", title=broken(self.measure, int((WIDTH - taken) / 7)), scale=altair.Scale(domain=limits, nice=False)
        )
        tips = ["label:N", *(altair.Tooltip(f"{field}:Q", format=TIP) for field in self.numbers)]
        drawn = table(self.rows)
        marks = table([{"label": row["label"], "value": row[end], "mark": words} for row in self.rows
                       for end, words in (("mean", "mean"), ("worst", "worst case"))])  # fmt: skip
        shapes = altair.Scale(domain=["mean", "worst case"], range=["diamond", "M-.7,-.7L.7,.7M.7,-.7L-.7,.7"])
        layers = [rule_at(0.0, "x", color="#555555")] if limits[0] < 0 < limits[1] else []
        layers += [rule_at(self.base, "x", strokeDash=[4, 3])] if self.base is not None else []
        layers += [
            drawn.mark_rule(color=INK, strokeWidth=1.5).encode(x=x, x2="p95:Q", y=y),
            drawn.mark_bar(height=15, color="#9cc3e0", stroke=INK, strokeWidth=1).encode(
                x="p25:Q", x2="p75:Q", y=y, tooltip=tips
            ),
            drawn.mark_tick(color=INK, thickness=3, height=21).encode(x="p50:Q", y=y, tooltip=tips),
            marks.mark_point(filled=True, fill="white", size=45, stroke=INK, strokeWidth=1.5, opacity=1).encode(
                x="value:Q", y=y, shape=altair.Shape("mark:N", scale=shapes)
            ),
        ]
        said = "line: 5–95 % of the runs, box: 25–75 %, stroke: median"
        return self.finished(altair.layer(*layers).properties(height=height), said, base_is="(dashed)")


@dataclass(frozen=True, kw_only=True)
class Indices(StudyPicture):
    """Which inputs the variance of an outcome comes from: first-order and total index of each, the largest total first.

    Rows: ``label``; ``first``, ``first_low``, ``first_high``; ``total``, ``total_low``, ``total_high``: an estimate and
    the ends of its confidence interval. Estimates may fall below zero where the index is small.

    Attributes
    ----------
    confidence : of the intervals
    limit : inputs shown at most; the subtitle counts the others
    """

    confidence: float = 0.95
    limit: int = 20
    numbers: ClassVar[tuple[str, ...]] = ("first", "first_low", "first_high", "total", "total_low", "total_high")

    def __post_init__(self) -> None:
        super().__post_init__()
        for kind in ("first", "total"):
            _refuse_disorder(self, (f"{kind}_low", f"{kind}_high"))

    def specification(self) -> dict[str, Any]:
        """The picture in Vega-Lite, with its data in it."""
        import altair

        ranked = sorted(self.rows, key=lambda row: -row["total"])
        shown, left = ranked[: self.limit], ranked[self.limit :]
        y, height, taken = axis_of_labels([str(row["label"]) for row in shown], 30)
        kinds = {"first": "first order: alone", "total": "total: with all it acts together with"}
        spread = [row[field] for row in shown for field in self.numbers]
        scale = altair.Scale(domain=padded([0.0, *spread], 8, 8, WIDTH - taken), nice=False)
        x = altair.X(
            "low:Q", title=broken(f"{self.outcome}: share of its variance", int((WIDTH - taken) / 7)), scale=scale
        )
        names = list(kinds.values())
        colours = altair.Scale(domain=names, range=[LIGHT, DARK])
        colour = altair.Color("kind:N", scale=colours, legend=legend_of(names))
        shape = altair.Shape(
            "kind:N", scale=altair.Scale(domain=names, range=["square", "circle"]), legend=legend_of(names)
        )
        layers = [rule_at(0.0, "x", color="#555555")]
        for kind, offset in (("total", -5), ("first", 5)):
            drawn = table([{"label": row["label"], "kind": kinds[kind], "value": row[kind], "low": row[f"{kind}_low"],
                            "high": row[f"{kind}_high"]} for row in shown])  # fmt: skip
            tips = [
                "label:N",
                "kind:N",
                *(altair.Tooltip(f"{field}:Q", format=".3f") for field in ("value", "low", "high")),
            ]
            point = drawn.mark_point(filled=True, size=65, opacity=1, yOffset=offset)
            layers += [drawn.mark_rule(strokeWidth=1.8, yOffset=offset).encode(x=x, x2="high:Q", y=y, color=colour)]
            layers += [point.encode(x="value:Q", y=y, color=colour, shape=shape, tooltip=tips)]
        said = [f"lines: intervals of {100 * self.confidence:.4g} % confidence"]
        said += [f"… and {len(left):,} more, each with a total of at most {figure(left[0]['total'])}"] if left else []
        return self.finished(altair.layer(*layers).properties(height=height), *said)


@dataclass(frozen=True, kw_only=True)
class Boxes(StudyPicture):
    """Runs in two dimensions, those that win and the others, with the boxes that were found to hold many wins.

    Rows: ``x``, ``y``, ``wins``. The outcome is what a win is; a box may be limited in further dimensions too.

    Attributes
    ----------
    across, up : titles of the axes, with unit
    boxes : ``label``; ``x_low``, ``x_high``, ``y_low``, ``y_high``, None or infinite where there is no limit
    others : what the other runs are called in the legend
    """

    across: str
    up: str
    boxes: Sequence[Mapping[str, Any]]
    others: str = "other runs"
    numbers: ClassVar[tuple[str, ...]] = ("x", "y")
    keys: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        for row in self.rows:
            if not isinstance(row.get("wins"), bool | np.bool_):
                raise UsageError(f"picture {self.name!r}", f"a run with wins {row.get('wins')!r}", "say true or false")
        for box in self.boxes:
            for axis in ("x", "y"):
                low, high = self._limits(box, axis)
                if not low <= high:
                    what = f"the box {box['label']!r} has the limits {low:g} and {high:g}"
                    raise UsageError(f"picture {self.name!r}", what, "give the low one first")

    @staticmethod
    def _limits(box: Mapping[str, Any], axis: str) -> tuple[float, float]:
        low, high = (box.get(f"{axis}_{end}") for end in ("low", "high"))
        return -math.inf if low is None else float(low), math.inf if high is None else float(high)

    def specification(self) -> dict[str, Any]:
        """The picture in Vega-Lite, with its data in it."""
        import altair

        limits = {axis: padded([row[axis] for row in self.rows], 14, 14, 400) for axis in ("x", "y")}
        x = altair.X("x:Q", title=broken(self.across, 90), scale=altair.Scale(domain=limits["x"], nice=False))
        y = altair.Y("y:Q", title=broken(self.up, 60), scale=altair.Scale(domain=limits["y"], nice=False))
        names = [self.measure, self.others]
        runs = [{"x": row["x"], "y": row["y"], "kind": names[0 if row["wins"] else 1]} for row in self._drawn()]
        fills = altair.Scale(domain=names, range=[DARK, "white"])
        strokes = altair.Scale(domain=names, range=[DARK, "#c77f1a"])
        shapes = altair.Scale(domain=names, range=["circle", "square"])
        legend = legend_of(names)
        points = table(runs).mark_point(size=26, strokeWidth=1, opacity=0.75).encode(
            x=x, y=y, fill=altair.Fill("kind:N", scale=fills, legend=legend), tooltip=["kind:N", "x:Q", "y:Q"],
            stroke=altair.Stroke("kind:N", scale=strokes, legend=legend), shape=altair.Shape("kind:N", scale=shapes, legend=legend),
        )  # fmt: skip
        layers = [points, *self._rectangles(limits)]
        wins = sum(bool(row["wins"]) for row in self.rows)
        said = [f"{wins:,} of {len(self.rows):,} win"]
        said += [f"{len(runs):,} of them are drawn, taken at random"] if len(runs) < len(self.rows) else []
        return self.finished(altair.layer(*layers).properties(height=400), *said)

    def _drawn(self) -> list[Mapping[str, Any]]:
        """All runs, or as many as a page can show, drawn at random since designs have an order."""
        if len(self.rows) <= POINTS:
            return list(self.rows)
        chosen = np.random.default_rng(0).choice(len(self.rows), POINTS, replace=False)
        return [self.rows[at] for at in np.sort(chosen)]

    def _rectangles(self, limits: Mapping[str, Sequence[float]]) -> list[Any]:
        """The boxes, those without a limit up to the edge of the picture, each with its name in its upper left corner."""
        if not self.boxes:
            return []
        found = []
        for box in self.boxes:
            ends = {}
            for axis, (least, most) in limits.items():
                low, high = self._limits(box, axis)
                ends[axis], ends[f"{axis}2"] = min(max(least, low), most), max(min(most, high), least)
            found.append(ends | {"label": str(box["label"])})
        drawn, sides = table(found), {"x": "x:Q", "y": "y:Q", "x2": "x2:Q", "y2": "y2:Q"}
        words = {"align": "left", "baseline": "top", "dx": 5, "dy": 5, "fontSize": 12, "fontWeight": "bold"}
        corner = {"x": "x:Q", "y": "y2:Q", "text": "label:N"}
        return [
            drawn.mark_rect(fill=LIGHT, fillOpacity=0.16, stroke=INK, strokeWidth=2).encode(**sides),
            drawn.mark_text(**words, stroke="white", strokeWidth=4).encode(**corner),
            drawn.mark_text(**words, color=INK).encode(**corner),
        ]
