"""What is generated for the pages of the cases: pictures of record and model; ``make golden`` makes it anew."""

from __future__ import annotations

import os
import re
from functools import cache
from math import isclose
from pathlib import Path

import pytest

from coercivity.models.licensing.answers.backtest.comparison import backtested
from coercivity.models.licensing.data.load import load, shipped
from coercivity.models.licensing.pages.backtest import drawn

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
