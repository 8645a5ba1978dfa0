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
COMMANDS = re.findall(r"^\$ coercivity (.+)$", README, re.MULTILINE)
SHOWN = dict(re.findall(r"^(open|stewardship|coercion_persistent) +([\d,]+) ", README, re.MULTILINE))


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_shown_runs(command: str) -> None:
    result = CliRunner().invoke(main_group, shlex.split(command))
    assert result.exit_code == 0, result.output


def test_commands_are_shown() -> None:
    assert COMMANDS


@pytest.mark.parametrize("target", re.findall(r"\]\(([^)#:]+)\)", README))
def test_every_link_leads_somewhere(target: str) -> None:
    assert (HOUSE / target).exists()


@pytest.mark.parametrize("room", re.findall(r"^\| `([\w./-]+/|\w+\.py)`", README, re.MULTILINE))
def test_every_room_on_the_map_exists(room: str) -> None:
    assert (HOUSE / room).exists()


def test_the_figures_shown_are_the_models() -> None:
    assert set(SHOWN) == {"open", "stewardship", "coercion_persistent"}
    game = Game(load(find("april-2025")))
    for name, shown in SHOWN.items():
        value = game.evaluate(game.announce(name)).optimistic
        assert f"{value:,.0f}" == shown, name
