"""What is generated for the pages of the cases: pictures of record and model, the hundred numbers; made anew by ``make golden``.

How important a number is takes minutes a case and is worked out by ``make cases`` alone; the pages are made from what it wrote.
"""

from __future__ import annotations

import json
import os
import re
from functools import cache
from math import isclose
from pathlib import Path

import pytest

import coercivity
from coercivity.models.licensing.answers.backtest.comparison import backtested
from coercivity.models.licensing.data.load import load, shipped
from coercivity.models.licensing.pages.backtest import drawn
from coercivity.models.licensing.pages.studies.numbers import MOST_NUMBERS, numbers_page

HOUSE = Path(__file__).parents[2]
PAGES = HOUSE / "docs/cases"
CHARTS = PAGES / "charts"
WITH_RECORD = [name for name, _, _ in shipped() if load(name).observations]
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?")
PIXEL = 0.02


@cache
def pictures(name: str) -> dict[str, str]:
    """The pictures of a case by file name, made now."""
    made = drawn(backtested(load(name), is_drawn=True))
    return {file: text for file, text in made.items() if file.endswith(".svg")}


def same_picture(one: str, other: str) -> bool:
    """Whether two pictures are the same but for the rounding of places."""
    if NUMBER.sub("#", one) != NUMBER.sub("#", other):
        return False
    pairs = zip(NUMBER.findall(one), NUMBER.findall(other), strict=True)
    return all(a == b or isclose(float(a), float(b), rel_tol=0.0, abs_tol=PIXEL) for a, b in pairs)


@pytest.mark.parametrize("name", WITH_RECORD)
def test_the_pictures_of_a_case_are_current_and_on_its_page(name: str) -> None:
    pytest.importorskip("altair")
    pytest.importorskip("vl_convert")
    folder = CHARTS / name
    if "COERCIVITY_GOLDEN" in os.environ:
        folder.mkdir(parents=True, exist_ok=True)
        for file in folder.iterdir():
            file.unlink()
        for file, text in pictures(name).items():
            (folder / file).write_text(f"{text}\n", "utf-8")
    made = pictures(name)
    assert {file.name for file in folder.iterdir()} == set(made)
    page = (PAGES / f"{name}.md").read_text("utf-8")
    for file, text in made.items():
        assert same_picture((folder / file).read_text("utf-8"), f"{text}\n"), f"{file}: make golden draws it anew"
        assert f"](charts/{name}/{file})" in page


def test_no_picture_is_empty_and_none_is_left_over() -> None:
    assert sorted(folder.name for folder in CHARTS.iterdir()) == sorted(WITH_RECORD)
    for file in CHARTS.rglob("*.svg"):
        text = file.read_text("utf-8")
        # At least one recorded fact, with a mark of its own.
        assert text.count('aria-roledescription="point"') >= 1, file
        assert "record, judged" in text or "shown beside" in text, file


def test_a_moved_point_and_another_word_are_found() -> None:
    picture = '<path d="M1.5,20"/><text>open</text>'
    assert same_picture(picture, '<path d="M1.5001,20"/><text>open</text>')
    for other in ('<path d="M1.6,20"/><text>open</text>', '<path d="M1.5,20"/><text>half</text>', '<path d="M1.5"/>'):
        assert not same_picture(picture, other)


# -- the hundred numbers -------------------------------------------------------------------------------------------

NUMBERS = PAGES / "numbers"
CASES = [*WITH_RECORD, "november-2026"]
# What is held against open trade where no record says what was played.
PLAYED = {"november-2026": "snap_back"}


def played(name: str) -> str:
    """The strategy whose gap to open trade the numbers are ranked by."""
    facts = load(name).observations.values()
    return PLAYED.get(name) or next(iter(facts)).strategy


def swings(name: str) -> dict[str, float]:
    """By path: how far the gap moves from the low to the high end of the number's range, million USD, largest first."""
    pair = {"strategy": played(name), "against": load(name).baseline}
    found = coercivity.sweep(load(name), strategies=list(pair.values()), **pair)
    return {bar.parameter: float(f"{bar.swing_musd:.3g}") for bar in found.bars}


@pytest.mark.parametrize("name", CASES)
def test_the_page_of_numbers_is_current(name: str) -> None:
    ranked, page = NUMBERS / f"{name}.json", NUMBERS / f"{name}.md"
    if "COERCIVITY_SWINGS" in os.environ:
        NUMBERS.mkdir(exist_ok=True)
        ranked.write_text(json.dumps(swings(name), indent=1) + "\n", "utf-8")
    found = json.loads(ranked.read_text("utf-8"))
    text = numbers_page(load(name), found, played(name))
    if "COERCIVITY_GOLDEN" in os.environ or "COERCIVITY_SWINGS" in os.environ:
        page.write_text(text, "utf-8")
    assert page.read_text("utf-8") == text, "make golden writes it anew; make cases ranks the numbers anew"
    assert f"](numbers/{name}.md)" in (PAGES / f"{name}.md").read_text("utf-8")
    assert text.count("\n| ") == 1 + min(MOST_NUMBERS, len(found))
    # What has a range and was not ranked, or is ranked and is gone, says that the ranking is of another file.
    ranged = {path for path, number in load(name).quantities() if number.low is not None and number.low < number.high}
    assert set(found) <= ranged
    assert len(ranged - set(found)) <= len(ranged) // 20


def test_the_ranking_of_the_smallest_case_comes_out_again() -> None:
    stated = json.loads((NUMBERS / "cobalt-2025.json").read_text("utf-8"))
    again = swings("cobalt-2025")
    assert list(again)[:5] == list(stated)[:5]
    assert all(isclose(again[path], stated[path], rel_tol=0.02) for path in list(stated)[:20])
