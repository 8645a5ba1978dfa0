"""The documentation site: what it shows comes out, what is made from the program is current, every page can be reached."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

from coercivity.engine.desk import doctor
from coercivity.models.licensing.data.load import load
from tests import tutorials

HOUSE = Path(__file__).parents[2]
DOCS = HOUSE / "docs"
TUTORIALS = sorted((DOCS / "tutorials").glob("*.md"))
LINK = re.compile(r"\]\((?!https?:)([^)#]+\.md)")
sys.path.insert(0, str(DOCS))
import made  # noqa: E402 - it lies beside the pages that it makes

sys.path.pop(0)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A newcomer's empty folder, on a machine of one processor."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(doctor, "processors", lambda: 1)
    return tmp_path


@pytest.mark.parametrize("page", TUTORIALS, ids=lambda page: page.stem)
def test_a_tutorial_does_what_it_says(page: Path) -> None:
    assert tutorials.follow(page) == []


def test_what_does_not_come_out_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("```console\n$ coercivity explain pain\nit hurts\n$ coercivity explain payn\n```\n", "utf-8")
    assert [line.partition(":")[0] for line in tutorials.follow(page)] == [
        "coercivity explain pain",
        "coercivity explain payn",
    ]


@pytest.mark.parametrize("name", made.PAGES)
def test_what_is_made_from_the_program_is_current(name: str) -> None:
    page, text = made.HERE / f"{name}.md", made.PAGES[name]()
    if "COERCIVITY_GOLDEN" in os.environ:
        page.write_text(text, "utf-8")
    assert page.read_text("utf-8") == text


def test_every_page_can_be_reached_from_the_first() -> None:
    seen, waiting = set(), [DOCS / "index.md"]
    while waiting:
        page = waiting.pop()
        if page not in seen:
            seen.add(page)
            waiting += [(page.parent / link).resolve() for link in LINK.findall(page.read_text("utf-8"))]
    assert sorted(page.relative_to(HOUSE).as_posix() for page in set(DOCS.rglob("*.md")) - seen) == []


@pytest.mark.parametrize("brief", sorted((DOCS / "cases/briefs").glob("*.html")), ids=lambda brief: brief.stem)
def test_a_brief_is_of_the_case_as_it_is(brief: Path) -> None:
    told = re.search(r"Instance (\S+), hash ([0-9a-f]{12});", brief.read_text("utf-8"))
    assert told is not None
    assert (told[1], told[2]) == (brief.stem, load(brief.stem).fingerprint()[:12]), "make cases writes it anew"


def test_there_are_five_tutorials() -> None:
    assert len(TUTORIALS) == 5
    assert all(
        kind in {"console", "yaml", "diff", "python"} for page in TUTORIALS for kind, _ in tutorials.blocks(page)
    )
