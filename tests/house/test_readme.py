"""The README is true: its commands run, its links lead somewhere, and the figures it shows are the model's."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from coercivity.cli import main_group
from coercivity.models.licensing.data.load import find, load
from coercivity.models.licensing.leader.commit import Game

HOUSE = Path(__file__).parents[2]
README = (HOUSE / "README.md").read_text("utf-8")
PAGES = [HOUSE / "README.md", *sorted((HOUSE / "docs").rglob("*.md"))]
COMMANDS = re.findall(r"^\$ coercivity (.+)$", README, re.MULTILINE)
FIGURES = re.compile(r"^(open|stewardship|coercion_persistent) +([\d,]+) ", re.MULTILINE)
LINKS = [
    (page.relative_to(HOUSE).as_posix(), target)
    for page in PAGES
    for target in re.findall(r"\]\(([^)#:]+)[^):]*\)", page.read_text("utf-8"))
]
LONGEST = 150


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_shown_runs(command: str) -> None:
    result = CliRunner().invoke(main_group, shlex.split(command))
    assert result.exit_code == 0, result.output


def test_commands_are_shown() -> None:
    assert COMMANDS


@pytest.mark.parametrize(("page", "target"), LINKS)
def test_every_link_leads_somewhere(page: str, target: str) -> None:
    assert ((HOUSE / page).parent / target).exists()


ROOMS = re.findall(r"^\| `([\w./-]+)`", (HOUSE / "docs/house.md").read_text("utf-8"), re.MULTILINE)


@pytest.mark.parametrize("room", ROOMS)
def test_every_room_on_the_map_exists(room: str) -> None:
    assert (HOUSE / room).exists()


def test_every_room_is_on_the_map() -> None:
    above = {"engine", "models", "models/licensing"}
    rooms = {file.parent.relative_to(HOUSE).as_posix() for file in HOUSE.glob("models/*/__init__.py")}
    rooms |= {file.parent.relative_to(HOUSE).as_posix() for file in HOUSE.glob("models/licensing/*/__init__.py")}
    rooms |= {file.parent.relative_to(HOUSE).as_posix() for file in HOUSE.glob("engine/*/__init__.py")}
    assert rooms - above <= {room.rstrip("/") for room in ROOMS}


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) <= LONGEST


def test_the_figures_shown_are_the_models() -> None:
    game = Game(load(find("april-2025")))
    values = {
        name: game.evaluate(game.announce(name)).optimistic for name in ("open", "stewardship", "coercion_persistent")
    }
    for page in (README, (HOUSE / "docs/answer.md").read_text("utf-8")):
        shown = dict(reversed(FIGURES.findall(page)))
        assert shown == {name: f"{value:,.0f}" for name, value in values.items()}
