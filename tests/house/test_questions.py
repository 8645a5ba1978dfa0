"""Twelve questions of a decision maker: the commands of the page run, and say what the page says that they say."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[2]
PAGE = (HOUSE / "docs/questions.md").read_text("utf-8")
ASKED = re.findall(r"^\*\*(.+?)\*\*.*?^\$ (coercivity .+?)\n```\n> (.+?)$", PAGE, re.MULTILINE | re.DOTALL)


def test_there_are_twelve() -> None:
    assert len(ASKED) == len(re.findall(r"^\*\*", PAGE, re.MULTILINE)) == 12


@pytest.mark.parametrize(("question", "command", "answer"), ASKED, ids=[question for question, _, _ in ASKED])
def test_one_command_gives_the_answer(question: str, command: str, answer: str, tmp_path: Path) -> None:
    told = shlex.join([sys.executable, str(HOUSE / "cli.py")])
    shell = f'coercivity() {{ {told} --quiet "$@"; }}; set -o pipefail; {command}'
    found = subprocess.run(
        ["bash", "-c", shell], capture_output=True, text=True, check=False, cwd=tmp_path, timeout=240
    )
    assert (found.returncode, found.stderr) == (0, ""), question
    assert answer in " ".join(found.stdout.split())
