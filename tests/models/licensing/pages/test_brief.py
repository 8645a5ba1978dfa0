"""The brief: its figures are those of the result, it fits on a page, it needs no network, it says what is wrong first."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from coercivity.cli import main_group
from coercivity.engine.errors import CoercivityError
from coercivity.engine.report.sheet import LINES, Bars, Sheet, lines_of, page
from coercivity.engine.report.text import Prose, number
from coercivity.models.licensing.answers.verify import opened
from coercivity.models.licensing.pages.comparison import brief as pages

# Elements that HTML closes by itself.
VOID = {"meta", "line", "rect"}


def run(*arguments: str, stdin: str | None = None, columns: int = 100) -> Result:
    return CliRunner().invoke(main_group, list(arguments), stdin, env={"COLUMNS": str(columns)})


@pytest.fixture(scope="module")
def text() -> str:
    """A comparison as it is saved."""
    found = run("compare", "one-buyer", "--jobs", "1", "--no-save", "--format", "json")
    assert found.exit_code == 0
    return found.stdout


def brief_of(text: str) -> pages.Brief:
    return pages.brief_of(opened(json.loads(text)), "RESULT", True, "0.0.0")


def test_the_figures_are_those_of_the_result(text: str) -> None:
    result = json.loads(text)
    told = json.loads(run("brief", "-", "--format", "json", stdin=text).stdout)
    by_name = {one["strategy"]["name"]: one for one in result["strategies"]}
    assert {one["strategy"] for one in told["standings"]} == set(by_name)
    for one in told["standings"]:
        answer = by_name[one["strategy"]]
        assert one["value_musd"] == answer["leader"]["value_musd"]
        assert one["probability"] == answer["leader"]["probability"]
        assert one["market_pain_musd"] == answer["market"]["market_pain_musd"]
    payoffs = [one["value_musd"] for one in told["standings"]]
    assert payoffs == sorted(payoffs, reverse=True)
    against = by_name[told["against"]]["leader"]
    apart = by_name[told["strategy"]]["leader"]["value_musd"] - against["value_musd"]
    assert sum(told["difference_musd"].values()) == pytest.approx(apart)
    for one in told["payers"]:
        assert one["pain_musd"] == by_name[told["strategy"]]["blocs"][one["bloc"]]["pain_musd"]
    assert told["turns"] == result["verdict"]["hinges"][: len(told["turns"])]


def test_the_page_shows_those_figures(text: str) -> None:
    html = run("brief", "-", stdin=text).stdout
    cells = re.findall(r"<td[^>]*>([^<]*)</td>", html)
    drawn = re.findall(r"<text[^>]*>([^<]*)</text>", html)
    for answer in json.loads(text)["strategies"]:
        payoff = number(answer["leader"]["value_musd"], 1)
        assert payoff in cells
        assert payoff in drawn


class Tags(HTMLParser):
    """Whether every element is closed where it should be."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_whole_and_asks_nothing_of_a_network(text: str) -> None:
    html = run("brief", "-", stdin=text).stdout
    tags = Tags()
    tags.feed(html)
    assert tags.open == []
    assert not {name for name, _ in tags.attributes} & {"src", "href", "xlink:href", "srcset", "action"}
    assert "<script" not in html
    assert "url(" not in html
    assert "://" not in html
    assert "default-src 'none'" in html
    assert "@page { size: A4" in html


def test_titles_from_files_are_texts_and_no_tags(text: str) -> None:
    brief = brief_of(text)
    evil = "<script>alert(1)</script> & \x1b[31m"
    standings = [replace(one, title=evil) for one in brief.standings]
    html = page(pages.sheet(replace(brief, standings=standings, alerts=[evil], answer=evil)))
    assert "<script" not in html
    assert "\x1b" not in html
    assert "&lt;script&gt;" in html


@pytest.mark.parametrize("letters", [5, 60, 400])
@pytest.mark.parametrize("count", [1, 8, 40])
def test_every_brief_fits_on_a_page(text: str, letters: int, count: int) -> None:
    """Lines are counted: a row is one, a paragraph as many as its letters need at their mean width."""
    brief = brief_of(text)
    word = "wide " * (letters // 5)
    turn = replace(brief.turns[0], parameter=word[:60])
    long = replace(
        brief,
        alerts=[pages.clipped(word, pages.LONG)] * 3,
        answer=pages.clipped(word, 2 * pages.LONG),
        why=[pages.clipped(word, pages.LONG), pages.clipped(word, 2 * pages.LONG)],
        standings=[replace(one, title=word) for one in [*brief.standings, *brief.standings[:1] * count]],
        turns=[turn] * pages.TURNS,
        payers=[replace(brief.payers[0], title=word)] * min(count, pages.BLOCS),
        blocs=count,
        caveats=[word] * count,
    )
    shown = pages.sheet(long)
    assert lines_of(shown) <= LINES
    assert page(shown).count("<tr") <= 2 + pages.ROOMS[0].strategies + pages.BLOCS


def test_what_does_not_fit_is_refused() -> None:
    sheet = Sheet("Long", [], "yes", [Prose("", ["word"] * 100)], [])
    with pytest.raises(CoercivityError, match="do not fit on a page"):
        page(sheet)


def test_bars_below_zero_go_to_the_left() -> None:
    html = page(Sheet("Bars", [], "yes", [Bars("Payoff", [("a", 10.0, "10"), ("b", -10.0, "-10")])], []))
    (first, one), (second, other) = re.findall(r'<rect x="([\d.]+)"[^>]* width="([\d.]+)"', html)
    assert float(second) + float(other) == pytest.approx(float(first))
    assert one == other


def test_a_changed_or_stale_result_says_so_first(text: str) -> None:
    changed = json.loads(text)
    changed["strategies"][0]["leader"]["value_musd"] += 1.0
    changed["manifest"]["versions"]["coercivity"] = "0.0.1"
    told = run("brief", "-", "--format", "table", stdin=json.dumps(changed)).stdout
    assert "CHANGED" in told
    assert "STALE: made by version 0.0.1" in told
    assert "CHANGED" not in run("brief", "-", "--format", "table", stdin=text).stdout


def test_a_stopped_result_says_so_first(text: str) -> None:
    stopped: dict[str, Any] = json.loads(text)
    stopped["search"] |= {"complete": False, "screened": 1}
    assert 'class="alert">STOPPED' in run("brief", "-", stdin=json.dumps(stopped)).stdout


def test_one_strategy_has_a_brief_too_and_sixty_columns_are_enough(text: str) -> None:
    solved = run("solve", "one-buyer", "--strategy", "half", "--no-save", "--format", "json").stdout
    for result in (solved, text):
        told = run("brief", "-", "--format", "table", stdin=result, columns=60)
        assert told.exit_code == 0
        assert max(map(len, told.stdout.splitlines())) <= 60


def test_what_has_no_brief_is_refused(tmp_path: Path) -> None:
    program = run("solve", "moore_bard1990", "--no-save", "--format", "json").stdout
    found = run("brief", "-", stdin=program)
    assert (found.exit_code, found.stdout) == (2, "")
    assert "a bilevel program" in found.stderr
    assert run("brief", str(tmp_path / "nothing")).exit_code == 2
