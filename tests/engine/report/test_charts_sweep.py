"""Pictures of many runs: the line of zero on known functions, what is drawn, what is refused, SVG and page."""

from __future__ import annotations

import json
import math
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("altair")
pytest.importorskip("vl_convert")

from coercivity.engine.errors import UsageError
from coercivity.engine.report.charts.inputs import PRINTED, Curves, Heatmap, Tornado, crossings, zero_contour
from coercivity.engine.report.charts.page import files
from coercivity.engine.report.charts.runs import POINTS, QUANTILES, STEPS, Boxes, Distribution, Fan, Indices, Ranges
from coercivity.engine.report.charts.studies import (
    SERIES,
    STROKES,
    StudyPicture,
    axis_of_labels,
    broken,
    dated,
    drawn_apart,
    padded,
)

COMMON: dict[str, Any] = {"title": "Payoff of each rule", "outcome": "payoff", "unit": "million USD", "runs": 1200}
ODD = """a <b>rule</b> & "its" 'parts' \\ that has a name much longer than any picture is wide"""


def quantiles(*values: float) -> dict[str, float]:
    return dict(zip(QUANTILES, values, strict=True))


def tornado(**options: Any) -> Tornado:
    rows = [
        {"label": "narrow", "low": 9.0, "high": 11.0, "low_input": "1 %", "high_input": "2 %"},
        {"label": "wide", "low": 2.0, "high": -30.0, "low_input": "0", "high_input": "7"},
        {"label": "one side", "low": 12.0, "high": 19.0, "low_input": "a", "high_input": "b"},
    ]
    return Tornado(**(COMMON | {"name": "tornado", "base": 10.0, "rows": rows} | options))


def heatmap(function: Any, side: int = 5, **options: Any) -> Heatmap:
    at = np.linspace(0.0, 4.0, side)
    rows = [{"x": x, "y": y, "value": function(x, y)} for x in at for y in at]
    return Heatmap(**(COMMON | {"name": "heat", "across": "lead time, years", "up": "cap, t", "rows": rows} | options))


def fan(series: tuple[str, ...] = ("one", "two"), **options: Any) -> Fan:
    rows = [
        {"series": name, "date": f"202{year}-01-01", **quantiles(-1, 0, 1, 2, 3 + year)}
        for name in series
        for year in (5, 6, 7)
    ]
    return Fan(**(COMMON | {"name": "fan", "rows": rows} | options))


def distribution(values: Any = (3.0, 1.0, 1.0, 2.0), **options: Any) -> Distribution:
    rows = [{"series": "one", "value": value} for value in values]
    return Distribution(**(COMMON | {"name": "distribution", "rows": rows} | options))


def ranges(**row: Any) -> Ranges:
    rows = [{"label": "one", **quantiles(-2, -1, 0, 1, 2), "mean": 0.2, "worst": -9.0} | row]
    return Ranges(**(COMMON | {"name": "ranges", "rows": rows, "base": 1.0}))


def indices(totals: tuple[float, ...] = (0.2, 0.7, 0.4), **options: Any) -> Indices:
    rows = [
        {"label": f"input {at}", "first": total / 2, "first_low": -0.1, "first_high": 0.5,
         "total": total, "total_low": total - 0.1, "total_high": total + 0.1}
        for at, total in enumerate(totals)
    ]  # fmt: skip
    return Indices(**(COMMON | {"name": "indices", "rows": rows} | options))


def boxes(runs: int = 40, **options: Any) -> Boxes:
    rows = [{"x": float(at), "y": float(at % 7), "wins": at % 2 == 0} for at in range(runs)]
    found = [{"label": "box 1", "x_low": 3.0, "x_high": None, "y_low": -math.inf, "y_high": 4.0}]
    given_ = {"name": "boxes", "across": "lead time, years", "up": "cap, t", "rows": rows, "boxes": found}
    return Boxes(**(COMMON | given_ | options))


def curves(values: Any = (-1.0, 3.0, 0.0, -2.0), **options: Any) -> Curves:
    rows = [{"series": "one", "x": float(at), "value": value} for at, value in enumerate(values)]
    return Curves(**(COMMON | {"name": "curves", "across": "lead time, years", "rows": rows} | options))


ALL = [tornado(), heatmap(lambda x, y: x - y), fan(), distribution(), ranges(), indices(), boxes(), curves()]


def marks(specification: Any, kind: str) -> list[dict[str, Any]]:
    """The layers of a kind of mark."""
    return [layer for layer in specification["layer"] if layer["mark"]["type"] == kind]


def rows_of(specification: Any, layer: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows that a layer draws."""
    data = layer.get("data", specification.get("data"))
    return list(data["values"] if "values" in data else specification["datasets"][data["name"]])


def subtitle(picture: StudyPicture) -> str:
    return " ".join(picture.specification()["title"]["subtitle"])


# -- the line of zero ----------------------------------------------------------------------------------------------


@given(st.floats(-2, 2), st.floats(-2, 2), st.floats(-3, 3))
def test_the_line_of_a_plane_lies_on_it(slope: float, other: float, start: float) -> None:
    # Linear functions are drawn without error, on a grid that is not even too.
    at = np.array([0.0, 0.5, 2.0, 3.0])
    values = start + slope * at[:, None] + other * at[None, :]
    for x, y in zero_contour(at, at, values).reshape(-1, 2):
        assert abs(start + slope * x + other * y) < 1e-9


def test_the_line_of_a_circle_is_closed_and_as_long_as_it() -> None:
    # Of a radius that passes through no node.
    at, radius = np.linspace(-1.5, 1.5, 61), 1.0123
    found = zero_contour(at, at, at[:, None] ** 2 + at[None, :] ** 2 - radius**2)
    # Linear between nodes 0.05 apart: off by at most h²/8 · |second derivative| / |gradient| = 0.05²/8.
    assert np.abs(np.hypot(found[..., 0], found[..., 1]) - radius).max() < 0.05**2 / 4
    assert np.linalg.norm(found[:, 1] - found[:, 0], axis=1).sum() == pytest.approx(2 * math.pi * radius, rel=1e-3)
    ends, times = np.unique(found.reshape(-1, 2).round(9), axis=0, return_counts=True)
    assert len(ends) == len(found)
    assert set(times) == {2}


@pytest.mark.parametrize(
    ("corner", "expected"),
    [
        # Corners a at (0, 0) and (1, 1), −1 at the two others: zero at a/(a+1) of each edge. At the saddle point the
        # surface is (a·a − 1)/(2a + 2): with a = 3 the ends above zero belong together, with a = 1/3 those below.
        (3.0, {((0.0, 0.75), (0.25, 1.0)), ((0.75, 0.0), (1.0, 0.25))}),
        (1 / 3, {((0.0, 0.25), (0.25, 0.0)), ((0.75, 1.0), (1.0, 0.75))}),
    ],
)
def test_a_saddle_is_parted_as_its_surface_is(corner: float, expected: set[Any]) -> None:
    at = np.array([0.0, 1.0])
    for sign in (1.0, -1.0):
        found = zero_contour(at, at, sign * np.array([[corner, -1.0], [-1.0, corner]])).round(12)
        assert {tuple(sorted(map(tuple, segment))) for segment in found.tolist()} == expected


def test_no_line_where_a_corner_is_missing_or_nothing_crosses() -> None:
    at = np.array([0.0, 1.0])
    assert zero_contour(at, at, np.array([[-1.0, np.nan], [1.0, 1.0]])).shape == (0, 2, 2)
    assert zero_contour(at, at, np.zeros((2, 2))).shape == (0, 2, 2)
    assert zero_contour(at, at, np.array([[0.0, 1.0], [1.0, 1.0]])).shape == (0, 2, 2)
    assert zero_contour(at[:1], at, np.array([[-1.0, 1.0]])).shape == (0, 2, 2)


@pytest.mark.parametrize(
    ("values", "expected"),
    [([1, 0, 1], []), ([-1, 0, 1], [1.0]), ([-1, 0, -1], [1.0]), ([0, -1], [0.0]), ([-3, 1], [0.75]), ([2], [])],
)
def test_crossings(values: list[float], expected: list[float]) -> None:
    assert crossings(np.arange(len(values), dtype=float), np.array(values, dtype=float)) == expected


# -- what is drawn -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("picture", ALL, ids=lambda picture: picture.name)
def test_every_picture_says_what_it_rests_on(picture: StudyPicture) -> None:
    specification = picture.specification()
    assert specification["title"]["text"] == [COMMON["title"]]
    assert "1,200 runs" in subtitle(picture)
    assert ("base" in subtitle(picture)) == (picture.base is not None)
    json.dumps(specification, allow_nan=False)


@pytest.mark.parametrize("picture", [p for p in ALL if p.name != "indices"], ids=lambda picture: picture.name)
def test_every_picture_names_its_unit(picture: StudyPicture) -> None:
    assert "payoff, million USD" in json.dumps(picture.specification())


def test_tornado_puts_the_widest_swing_first_and_counts_what_it_leaves_out() -> None:
    specification = tornado(limit=2).specification()
    assert marks(specification, "bar")[0]["encoding"]["y"]["sort"] == ["wide", "one side"]
    assert "1 more, each with a swing of at most 2" in subtitle(tornado(limit=2))
    bars = {(bar["label"], bar["end"]): bar for bar in rows_of(specification, marks(specification, "bar")[0])}
    assert {bar["lane"] for key, bar in bars.items() if key[0] == "one side"} == {-1, 1}
    assert {bar["lane"] for key, bar in bars.items() if key[0] == "wide"} == {-1, 1}
    limits = marks(specification, "bar")[0]["encoding"]["x"]["scale"]["domain"]
    assert limits[0] < -30 and limits[1] > 19


def test_tornado_writes_both_ends_of_an_input_without_effect_apart() -> None:
    specification = tornado(rows=[{"label": "idle", "low": 10.0, "high": 10.0}]).specification()
    assert {bar["align"] for bar in rows_of(specification, marks(specification, "bar")[0])} == {"left", "right"}


def test_heatmap_draws_the_line_of_zero_and_the_present() -> None:
    specification = heatmap(lambda x, y: x - 1.5, here=(1.0, 2.0)).specification()
    segments = rows_of(specification, marks(specification, "rule")[-1])
    assert {end for row in segments for end in (row["x"], row["x2"])} == {1.5}
    assert {row["line"] for row in segments} == {"break-even"}
    assert rows_of(specification, marks(specification, "point")[0]) == [{"x": 1.0, "y": 2.0, "cross": "present values"}]
    cells = rows_of(specification, marks(specification, "rect")[0])
    assert {(row["x"], row["x2"]) for row in cells} == {(at - 0.5, at + 0.5) for at in range(5)}


def test_heatmap_says_where_nothing_crosses_and_what_lies_outside() -> None:
    assert "nowhere below zero" in subtitle(heatmap(lambda x, y: x))
    assert "below zero everywhere" in subtitle(heatmap(lambda x, y: x - 9))
    assert "zero" not in subtitle(heatmap(lambda x, y: x - 2))
    outside = heatmap(lambda x, y: x, here=(9.0, 0.0))
    assert "present values lie outside" in subtitle(outside)
    assert marks(outside.specification(), "point") == []


def test_heatmap_counts_what_has_no_value() -> None:
    rows = [{"x": x, "y": y, "value": [1.0, None, math.nan][x]} for x in range(3) for y in range(2)][:-1]
    specification = heatmap(max, rows=rows).specification()
    empty = rows_of(specification, marks(specification, "rect")[1])
    assert len(empty) == 4
    assert {row["key"] for row in empty} == {"no value (4 of 6 cells)"}


def test_heatmap_dots_what_is_negative_where_values_are_not_written() -> None:
    large = heatmap(lambda x, y: x - 1.01, side=11).specification()
    assert PRINTED < 11 * 11
    assert {row["at_x"] < 1.01 for row in rows_of(large, marks(large, "circle")[0])} == {True}
    small = heatmap(lambda x, y: 1000 * (x - 3)).specification()
    assert {row["text"] for row in rows_of(small, marks(small, "text")[0])} == {
        "−3,000",
        "−2,000",
        "−1,000",
        "0",
        "1,000",
    }


def test_fan_draws_two_bands_and_their_median() -> None:
    specification = fan().specification()
    assert [
        (mark["encoding"]["y"]["field"], mark["encoding"]["y2"]["field"]) for mark in marks(specification, "area")
    ] == [
        ("p5", "p95"),
        ("p25", "p75"),
    ]
    assert {row["date"] for row in rows_of(specification, marks(specification, "area")[0])} == {
        f"202{year}-01-01T00:00" for year in (5, 6, 7)
    }
    assert "p50" in {mark["encoding"]["y"]["field"] for mark in marks(specification, "line")}


def test_fan_of_many_series_is_drawn_side_by_side_on_one_scale() -> None:
    panels = fan(("a", "b", "c")).specification()["concat"]
    assert [panel["title"]["text"] for panel in panels] == [["a"], ["b"], ["c"]]
    domains = {tuple(marks(panel, "area")[0]["encoding"]["y"]["scale"]["domain"]) for panel in panels}
    assert len(domains) == 1


def test_fan_of_one_date_is_not_empty() -> None:
    rows = [{"series": "one", "date": "2025-01-01", **quantiles(1, 2, 3, 4, 5)}]
    assert [mark["mark"]["strokeWidth"] for mark in marks(fan(rows=rows).specification(), "rule")] == [14, 14]


def test_distribution_steps_at_its_values() -> None:
    specification = distribution().specification()
    found = [(row["value"], row["share"]) for row in rows_of(specification, marks(specification, "line")[0])]
    assert found == [(1.0, 0.0), (1.0, 0.5), (2.0, 0.75), (3.0, 1.0)]
    assert marks(specification, "line")[0]["mark"]["interpolate"] == "step-after"


def test_distribution_counts_runs_by_their_weight() -> None:
    rows = [{"series": "one", "value": 1.0, "weight": 3.0}, {"series": "one", "value": 2.0, "weight": 1.0}]
    specification = distribution(rows=rows).specification()
    assert [row["share"] for row in rows_of(specification, marks(specification, "line")[0])] == [0.0, 0.75, 1.0]


@pytest.mark.parametrize("runs", [STEPS - 1, STEPS, STEPS + 1, 5000])
def test_distribution_of_many_runs_is_close_to_all_of_them(runs: int) -> None:
    values = np.sort(np.random.default_rng(0).normal(size=runs))
    picture = distribution(values)
    specification = picture.specification()
    found = rows_of(specification, marks(specification, "line")[0])
    assert len(found) <= STEPS
    at, share = np.array([(row["value"], row["share"]) for row in found[1:]]).T
    assert at[0] == values[0] and at[-1] == values[-1] and share[-1] == 1.0
    held = share[np.searchsorted(at, values, side="right") - 1]
    assert np.abs(held - np.arange(1, runs + 1) / runs).max() <= 1 / (STEPS - 2) + 1 / runs
    assert ("steps of each line" in subtitle(picture)) == (runs >= STEPS)


def test_ranges_draw_every_number_they_are_given() -> None:
    specification = ranges().specification()
    (box,) = marks(specification, "bar")
    assert (box["encoding"]["x"]["field"], box["encoding"]["x2"]["field"]) == ("p25", "p75")
    (points,) = marks(specification, "point")
    assert [(row["mark"], row["value"]) for row in rows_of(specification, points)] == [
        ("mean", 0.2),
        ("worst case", -9.0),
    ]
    assert [rows_of(specification, rule)[0] for rule in marks(specification, "rule")[:2]] == [{"x": 0.0}, {"x": 1.0}]


def test_indices_put_the_largest_total_first() -> None:
    specification = indices().specification()
    points = marks(specification, "point")
    assert points[0]["encoding"]["y"]["sort"] == ["input 1", "input 2", "input 0"]
    assert [[row["value"] for row in rows_of(specification, mark)] for mark in points] == [
        [0.7, 0.4, 0.2],
        [0.35, 0.2, 0.1],
    ]
    assert "95 % confidence" in subtitle(indices())
    assert "1 more, each with a total of at most 0.2" in subtitle(indices(limit=2))


def test_boxes_reach_the_edge_where_they_have_no_limit() -> None:
    specification = boxes().specification()
    limits = marks(specification, "point")[0]["encoding"]["x"]["scale"]["domain"]
    (box,) = rows_of(specification, marks(specification, "rect")[0])
    assert (box["x"], box["x2"], box["y2"]) == (3.0, limits[1], 4.0)
    assert box["y"] < 0
    assert "20 of 40 win" in subtitle(boxes())
    assert "drawn" not in subtitle(boxes())


def test_boxes_draw_no_more_points_than_a_page_can_show_and_say_so() -> None:
    picture = boxes(POINTS + 500)
    specification = picture.specification()
    assert len(rows_of(specification, marks(specification, "point")[0])) == POINTS
    assert "1,250 of 2,500 win; 2,000 of them are drawn" in subtitle(picture)
    assert picture.specification() == specification


def test_curves_mark_where_they_break_even_and_the_present() -> None:
    picture = curves(here=0.5)
    specification = picture.specification()
    assert [row["x"] for row in rows_of(specification, marks(specification, "point")[0])] == [0.25, 2.0]
    assert "break-even at 0.25, 2" in json.dumps(marks(specification, "line")[0]["encoding"]["color"]["legend"])
    assert {"x": 0.5} in [rows_of(specification, rule)[0] for rule in marks(specification, "rule")]
    assert "present value 0.5" in subtitle(picture)
    assert "no series crosses zero" in subtitle(curves((1.0, 2.0)))


def test_curves_do_not_depend_on_the_order_of_the_rows() -> None:
    forth, back = curves(), curves()
    back = curves(rows=list(reversed(forth.rows)))
    points = [rows_of(found, marks(found, "point")[0]) for found in (forth.specification(), back.specification())]
    assert points[0] == points[1]


def test_many_series_are_told_apart_without_colour() -> None:
    names = [f"rule {at}" for at in range(len(SERIES) * len(STROKES))]
    look = drawn_apart(names)
    colours, strokes = (look[channel].to_dict()["scale"]["range"] for channel in ("color", "strokeDash"))
    pairs = zip(colours, map(tuple, strokes), strict=True)
    assert len(set(pairs)) == len(names)


@pytest.mark.parametrize("text", ["word " * 40, "x" * 200, "a.b_c/d-" * 30, ODD])
def test_long_texts_are_broken_and_nothing_is_lost(text: str) -> None:
    lines = broken(text, 24)
    assert max(map(len, lines)) <= 24
    assert re.sub(r"\s", "", "".join(lines)) == re.sub(r"\s", "", text)


def test_the_picture_grows_with_its_labels() -> None:
    assert axis_of_labels(["short", "x" * 200])[1] > axis_of_labels(["short", "long"])[1]


@given(st.lists(st.floats(-1e9, 1e9), min_size=1), st.floats(0, 200), st.floats(0, 200))
def test_limits_hold_all_values(values: list[float], left: float, right: float) -> None:
    low, high = padded(values, left, right, 600)
    assert low <= min(values) and max(values) <= high and low < high


# -- what is refused -----------------------------------------------------------------------------------------------


def fan_of(*values: float) -> Fan:
    return fan(rows=[{"series": "one", "date": "2025-01-01", **quantiles(*values)}])


def twice(picture: StudyPicture) -> StudyPicture:
    """The picture with its first row once more."""
    return replace(picture, rows=[*picture.rows, picture.rows[0]])


REFUSED: list[tuple[Any, str]] = [
    (lambda: fan_of(1, 3, 2, 4, 5), "p25 3 is above p50 2"),
    (lambda: fan_of(1, 2, 3, 4, math.inf), "no finite 'p95'"),
    (lambda: fan(rows=[{"series": "one", "date": "soon", **quantiles(1, 2, 3, 4, 5)}]), "'soon' is not a date"),
    (lambda: fan(rows=[{"series": "one", **quantiles(1, 2, 3, 4, 5)}]), "a row without 'date'"),
    (lambda: twice(fan()), "two rows of 'one, 2025-01-01'"),
    (lambda: ranges(p75=9.0), "p75 9 is above p95 2"),
    (lambda: ranges(worst=0.5), "worst case of 'one', 0.5, lies between"),
    (lambda: ranges(mean=math.nan), "no finite 'mean'"),
    (lambda: twice(ranges()), "two rows of 'one'"),
    (lambda: indices(rows=[indices().rows[0] | {"total": math.nan}]), "no finite 'total'"),
    (lambda: indices(rows=[indices().rows[0] | {"first_low": 0.9}]), "first_low 0.9 is above first_high 0.5"),
    (lambda: twice(indices()), "two rows of 'input 0'"),
    (lambda: distribution((1.0, math.nan)), "no finite 'value' in the row 'one'"),
    (lambda: distribution(rows=[{"series": "one", "value": 1.0, "weight": 0.0}]), "has the weight 0.0"),
    (lambda: distribution(base=math.nan), "the base is nan"),
    (lambda: boxes(rows=[{"x": 1.0, "y": 1.0, "wins": 1}]), "a run with wins 1"),
    (lambda: boxes(rows=[{"x": 1.0, "y": None, "wins": True}]), "no finite 'y'"),
    (lambda: boxes(boxes=[{"label": "b", "x_low": 2.0, "x_high": 1.0}]), "'b' has the limits 2 and 1"),
    (lambda: boxes(boxes=[{"label": "b", "x_low": math.nan, "x_high": 1.0}]), "'b' has the limits nan and 1"),
    (lambda: boxes(boxes=[{"label": "b", "x_low": math.nan}]), "'b' has the limits nan and inf"),
    (lambda: curves((1.0, math.nan)), "no finite 'value'"),
    (lambda: twice(curves()), "two rows of 'one, 0.0'"),
    (lambda: curves(here=math.nan), "the present value is nan"),
    (lambda: twice(heatmap(max)), "two rows of '0.0, 0.0'"),
    (lambda: heatmap(max, rows=[{"x": math.nan, "y": 0.0, "value": 1.0}]), "no finite 'x'"),
    (lambda: heatmap(max, here=(1.0, math.nan)), "the present value is nan"),
    (lambda: tornado(base=None), "without a base"),
    (lambda: tornado(rows=[{"label": "a", "low": math.inf, "high": 1.0}]), "no finite 'low' in the row 'a'"),
    (lambda: twice(tornado()), "two rows of 'narrow'"),
    (lambda: dated("2025-13-01"), "not a date"),
]


@pytest.mark.parametrize(("build", "message"), REFUSED, ids=[message for _, message in REFUSED])
def test_what_cannot_be_drawn_is_refused(build: Any, message: str) -> None:
    with pytest.raises(UsageError, match=re.escape(message)):
        build()


@pytest.mark.parametrize("name", ["two words", "1", "", "../up", "charts.html"])
def test_names_that_are_not_names_of_files_are_refused(name: str) -> None:
    with pytest.raises(UsageError, match="not a name for a file"):
        files([curves(name=name)], "t", [])


def test_names_are_unique() -> None:
    with pytest.raises(UsageError, match="two pictures have this name"):
        files([curves(), tornado(name="curves")], "t", [])


# -- files ---------------------------------------------------------------------------------------------------------


class Page(HTMLParser):
    """What a page would fetch, and what its elements are."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def fetched(self) -> list[tuple[str, dict[str, str | None]]]:
        return [(tag, found) for tag, found in self.tags if {"src", "href", "data", "srcset"} & set(found)]


def keys_of(value: Any) -> Iterator[str]:
    for key, inside in (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    ):
        yield str(key)
        yield from keys_of(inside)


@pytest.fixture(scope="module")
def found() -> dict[str, str]:
    odd = [
        tornado(name="odd", title=ODD, rows=[{"label": ODD, "low": 1.0, "high": 2.0}]),
        curves(name="empty", rows=[]),
        fan(("a", "b", "c"), name="panels"),
    ]
    return files([*ALL, *odd], "Runs <1> & more", ["1 < 2 & </script>"])


def test_pictures_without_rows_are_left_out(found: dict[str, str]) -> None:
    assert set(found) == {f"{picture.name}.svg" for picture in ALL} | {"odd.svg", "panels.svg", "charts.html"}


def texts(svg: str) -> str:
    return " ".join(" ".join(node.itertext()) for node in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text"))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("tornado", ["wide", "one side", "input at its low end", "1 %", "payoff, million USD"]),
        ("heat", ["lead time, years", "cap, t", "break-even", "payoff, million USD"]),
        ("fan", ["one", "two", "2025-01", "payoff, million USD"]),
        ("panels", ["a", "b", "c", "2025-01"]),
        ("distribution", ["one", "share of runs", "50%"]),
        ("ranges", ["one", "worst case", "mean", "base 1 million USD"]),
        ("indices", ["input 1", "payoff: share of its variance"]),
        ("boxes", ["box 1", "other runs", "cap, t"]),
        ("curves", ["one: break-even at 0.25, 2", "lead time, years"]),
    ],
)
def test_each_svg_is_xml_and_has_its_words(found: dict[str, str], name: str, words: list[str]) -> None:
    written = texts(found[f"{name}.svg"])
    assert [word for word in ["1,200 runs", "Payoff of each rule", *words] if word not in written] == []
    assert "NaN" not in found[f"{name}.svg"]


def test_odd_labels_are_written_as_they_are(found: dict[str, str]) -> None:
    assert "".join(ODD.split()) in "".join(texts(found["odd.svg"]).split())
    assert "<b>" not in found["odd.svg"]


def test_the_page_fetches_nothing_and_escapes_its_texts(found: dict[str, str]) -> None:
    page = Page(found["charts.html"])
    assert page.fetched() == []
    assert not {"b", "link", "iframe", "img", "object"} & {tag for tag, _ in page.tags}
    assert "<p>1 &lt; 2 &amp; &lt;/script&gt;</p>" in found["charts.html"]
    assert "<title>Runs &lt;1&gt; &amp; more</title>" in found["charts.html"]
    assert not re.search(r"@import|url\(\s*['\"]?http", found["charts.html"].split("<script>")[0])
    (written,) = re.findall(r"^const pictures = (.*);$", found["charts.html"], re.MULTILINE)
    assert "<" not in written
    pictures = json.loads(written)
    assert pictures["odd"]["title"]["text"][0].startswith("a <b>rule</b>")
    assert set(pictures) == {name.removesuffix(".svg") for name in found if name.endswith(".svg")}
    assert "url" not in set(keys_of(pictures))
    figures = [attributes["id"] for tag, attributes in page.tags if tag == "figure"]
    assert figures == list(pictures)


def test_the_check_of_the_page_finds_what_is_fetched() -> None:
    assert Page('<p><img src="https://example.org/a.png"></p>').fetched()
    assert "url" in set(keys_of({"layer": [{"data": {"url": "x"}}]}))
