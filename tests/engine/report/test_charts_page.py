"""The page of pictures: every line can be told from the others, what begins when is marked, and words lead to their meaning."""

from __future__ import annotations

import re

import pytest

pytest.importorskip("altair")
pytest.importorskip("vl_convert")

from coercivity.engine.report.charts.page import PALETTE, Beside, Picture, files

DATES = ["2025-01-01T00:00", "2026-01-01T00:00", "2027-01-01T00:00"]


def lines(*names: str, **facts: object) -> Picture:
    """Lines that coincide, one a name."""
    rows = [{"label": date[:4], "series": name, "date": date, "value": 3.0} for name in names for date in DATES]
    return Picture("flow", "A flow", "lines", rows, "t", list(names), **facts)  # type: ignore[arg-type]


def test_lines_that_coincide_are_told_apart_by_legend_and_width() -> None:
    drawn = files([lines("Open trade", "Slow licences", "Embargo")], "Page", [])["flow.svg"]
    for name, colour in zip(("Open trade", "Slow licences", "Embargo"), PALETTE, strict=False):
        assert f">{name}</text>" in drawn, "a series without its name in the legend"
        assert f'stroke="{colour}"' in drawn
    marks = re.findall(r'<path[^>]*stroke="(#\w+)"[^>]*stroke-width="([\d.]+)"', drawn)
    widths = [float(next(width for found, width in marks if found == colour)) for colour in PALETTE[:3]]
    assert widths[0] > 2 * widths[2], "the line drawn last hides the first"
    assert widths == sorted(widths, reverse=True)


def test_what_begins_when_is_marked_where_it_is_drawn() -> None:
    turns = [("2024-01-01T00:00", "before"), ("2026-01-01T00:00", "settlement")]
    drawn = files([lines("Open", turns=turns, after=("2026-07-01T00:00", "tail"))], "Page", [])["flow.svg"]
    assert ">settlement</text>" in drawn and ">tail</text>" in drawn
    assert ">before</text>" not in drawn, "a date before the first would stretch the axis"
    late = files([lines("Open", after=("2030-01-01T00:00", "tail"))], "Page", [])["flow.svg"]
    assert ">tail</text>" not in late


def test_words_lead_to_their_meaning_once_and_not_inside_of_paths_or_other_words() -> None:
    words = {"leverage": "what a <cut-off> costs", "OPTIMAL": "proved", "idle capacity": "cost of it"}
    told = ["An optimal lever: Leverage, leverage and blocs.leverage.x; idle capacity.", "Proof: OPTIMAL <b>."]
    page = files([lines("Open")], "Page", told, Beside(["More <i>"], words, "hash 1"))["charts.html"]
    assert page.count('href="#word-leverage"') == 1 and '<a href="#word-leverage">Leverage</a>, leverage and' in page
    assert '<a href="#word-idle-capacity">idle capacity</a>' in page
    assert '<a href="#word-optimal">OPTIMAL</a> &lt;b&gt;' in page and "An optimal lever" in page
    for word in words:
        assert page.count(f'id="word-{word.lower().replace(" ", "-")}"') == 1
    assert "what a &lt;cut-off&gt; costs" in page and "More &lt;i&gt;" in page and "<footer>hash 1</footer>" in page
    assert "<h2>Words</h2>" not in files([lines("Open")], "Page", told)["charts.html"]
