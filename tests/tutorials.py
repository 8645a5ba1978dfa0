"""A page of the documentation followed word for word: its files are written, its commands and its Python are run.

A ```console block holds commands after ``$`` and below each what it prints, line by line and in order; a line ``…`` stands for what is
left out. A ```yaml block that begins with ``# NAME`` is a file, a ```diff block of that kind a change to it. ```python is
run in one session a page. Everything happens in the folder that the caller is in.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from coercivity.cli import main_group

BLOCK = re.compile(r"^```(console|yaml|diff|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Told:
    """What a command wrote, and how it ended."""

    output: str
    exit_code: int


def blocks(page: Path) -> list[tuple[str, str]]:
    return BLOCK.findall(page.read_text("utf-8"))


def follow(page: Path) -> list[str]:
    """Do all that a page says; what it shows and what does not come out."""
    missed: list[str] = []
    session: dict[str, Any] = {}
    for kind, text in blocks(page):
        if kind == "console":
            for command, shown in steps(text):
                missed += [f"{command}: {line}" for line in differing(run(command), shown)]
        elif kind == "python":
            exec(compile(text, page.name, "exec"), session)
        else:
            changed(kind, text)
    return missed


def steps(text: str) -> list[tuple[str, list[str]]]:
    """The commands of a block, each with the lines shown below it."""
    found: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        else:
            found[-1][1].append(line)
    return found


def run(command: str) -> Told:
    """A command of ours, with pipes between several and ``> FILE`` at the end, without a shell."""
    lexer = shlex.shlex(command, posix=True, punctuation_chars="|>")
    lexer.whitespace_split = True
    words, target = list(lexer), None
    if ">" in words:
        words, (target,) = words[: words.index(">")], words[words.index(">") + 1 :]
    piped: str | None = None
    output, code = "", 0
    while words:
        end = words.index("|") if "|" in words else len(words)
        one, words = words[:end], words[end + 1 :]
        assert one[0] == "coercivity", f"a tutorial runs coercivity alone: {command}"
        told = CliRunner().invoke(main_group, one[1:], input=piped, env={"COLUMNS": "100"})
        piped, code = told.stdout, told.exit_code
        output += told.stderr + ("" if words or target else told.stdout)
    if target is not None:
        Path(target).write_text(piped or "", "utf-8")
    return Told(output, code)


def differing(told: Told, shown: list[str]) -> list[str]:
    """The lines shown that were not printed, in their order; a line ``exit N`` is about how it ended."""
    ended = [int(line.split()[1]) for line in shown if re.fullmatch(r"exit \d+", line)]
    missed = [] if told.exit_code == (ended or [0])[0] else [f"exit {told.exit_code}: {told.output[-400:]}"]
    rest = " ".join(told.output.split())
    for line in shown:
        words = " ".join(line.split())
        if words and words != "…" and not re.fullmatch(r"exit \d+", words):
            if words in rest:
                rest = rest.partition(words)[2]
            else:
                missed.append(words)
    return missed


def changed(kind: str, text: str) -> None:
    """Write a file, or change one."""
    head, _, body = text.partition("\n")
    name = re.fullmatch(r"# (\S+\.yaml)(?:: .*)?", head)
    if name is None:
        return
    path = Path(name[1])
    if kind == "yaml":
        path.write_text(text, "utf-8")
        return
    old = "".join(f"{line[1:]}\n" for line in body.splitlines() if line[:1] in ("-", " "))
    new = "".join(f"{line[1:]}\n" for line in body.splitlines() if line[:1] in ("+", " "))
    before = path.read_text("utf-8")
    assert before.count(old) == 1, f"{name[1]} holds this {before.count(old)} times: {old}"
    path.write_text(before.replace(old, new), "utf-8")
