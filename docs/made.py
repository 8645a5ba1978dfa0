"""Pages of the reference that are made from the program: commands, fields, Python names, glossary, methods.

``make golden`` writes them anew; ``tests/house/test_site.py`` holds them to the program.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

import coercivity
from coercivity.cli import main_group
from coercivity.engine.bilevel.modelling.program import Level
from coercivity.engine.bilevel.selection import METHODS
from coercivity.models.glossary import words
from coercivity.models.licensing.data.schema import told_fields

HERE = Path(__file__).parent / "reference"
MADE = "This page is made from the program; `make golden` writes it anew.\n"


def commands() -> str:
    """Every command with its arguments, options and examples."""
    told = [f"# Commands\n\n`coercivity COMMAND --help` prints the same. {MADE}"]
    for name, command in _leaves(main_group, "coercivity"):
        told.append(_command(name, command))
    return "\n".join(told)


def _leaves(group: click.Group, name: str) -> Iterator[tuple[str, click.Command]]:
    for key, command in sorted(group.commands.items()):
        if isinstance(command, click.Group):
            yield from _leaves(command, f"{name} {key}")
        else:
            yield f"{name} {key}", command


def _command(name: str, command: click.Command) -> str:
    context = click.Context(command, info_name=name)
    usage = " ".join([name, *command.collect_usage_pieces(context)])
    text = [f"## `{name}`\n", f"```text\n{usage}\n```\n", f"{inspect.cleandoc(command.help or '')}\n"]
    shown = [one.get_help_record(context) for one in command.params if not getattr(one, "hidden", False)]
    rows = [
        f"| `{record[0].replace('|', chr(92) + '|')}` | {_cell(record[1])} |"
        for record in shown
        if record and record[1]
    ]
    text += ["| option | what it does |", "|---|---|", *rows, ""]
    examples = [line.strip() for line in (command.epilog or "").splitlines() if line.startswith("  coercivity")]
    return "\n".join([*text, *(["```text", *examples, "```\n"] if examples else [])])


def fields() -> str:
    """Every field of an instance: where it stands, what may stand there, what it means."""
    told = [
        "# Every field of an instance\n\nWhat a licensing game may say, in the order of the file. `*` stands for a name that "
        "you choose, or for the place in a\nlist. A field in **bold** is needed wherever its block is. Numbers about the world "
        "are written with their unit and with\nwhere they come from: see [your own chokepoint](../tutorials/chokepoint.md).\n"
        "`coercivity schema` prints the same for editors, `coercivity explain FIELD` one of them, and [the model's page]"
        "(../../models/licensing/README.md)\nhas the formulas that they enter. " + MADE
    ]
    every = told_fields()
    blocks = {one.path.partition(".")[0] for one in every if "." in one.path}
    parts: dict[str, list[str]] = {"The file itself": []}
    for one in every:
        top = one.path.partition(".")[0]
        path = f"**`{one.path}`**" if one.is_needed else f"`{one.path}`"
        row = f"| {path} | {_cell(one.takes)} | {_cell(one.says)} |"
        parts.setdefault(f"`{top}`" if top in blocks else "The file itself", []).append(row)
    for title, rows in parts.items():
        told.append("\n".join([f"\n## {title}\n\n| field | takes | meaning |\n|---|---|---|", *rows]))
    return "\n".join(told) + "\n"


def names() -> str:
    """Every public Python name with its signature and docstring."""
    told = [
        "# Python names\n\nWhat `import coercivity as co` offers; [the Python door](../python.md) shows it at work, and "
        "[every key of a result](../results.md)\nsays what an answer's attributes are. Errors are all under "
        f"`co.CoercivityError`. {MADE}"
    ]
    for name in coercivity.__all__:
        told.append(_entry(f"co.{name}", getattr(coercivity, name), "##"))
    told.append("## A level of a program\n\nWhat `program.leader` and `program.follower` offer.\n")
    told += [_entry(f"program.leader.{name}", one, "###") for name, one in _methods(Level)]
    return "\n".join(told)


def _methods(kind: type) -> list[tuple[str, Any]]:
    """The public functions that a class has of its own or from a class of ours."""
    found: dict[str, Any] = {}
    for base in reversed(kind.__mro__[:-1]):
        if base.__module__.startswith("coercivity."):
            found |= {name: getattr(one, "__func__", one) for name, one in vars(base).items() if name[0] != "_"}
    return [(one.__name__, one) for one in dict.fromkeys(found.values()) if inspect.isfunction(one)]


def _entry(name: str, value: Any, level: str) -> str:
    if inspect.isclass(value):
        text = [f"{level} `{name}`\n", f"{_docstring(value)}\n"]
        text += [_entry(f"{name}.{key}", one, f"{level}#") for key, one in _methods(value)]
        return "\n".join(text)
    signature = re.sub(r"(: |-> )'([^']*)'", r"\1\2", str(inspect.signature(value)))
    return f"{level} `{name}`\n\n```text\n{name}{signature}\n```\n\n{_docstring(value)}\n"


def _docstring(value: Any) -> str:
    """A docstring as Markdown: what is listed under a head becomes a list, examples become code."""
    parts = re.split(r"^(\w+)\n-{3,}\n", inspect.getdoc(value) or "", flags=re.MULTILINE)
    told = [parts[0].strip()]
    for head, text in zip(parts[1::2], parts[2::2], strict=True):
        if head == "Examples":
            said, _, code = text.strip().partition("\n\n")
            told.append(f"{said}\n\n```pycon\n{code}\n```")
            continue
        entries = re.findall(r"^(\S.*)\n?((?: +.+\n?)*)", text, re.MULTILINE)
        rows = [(*line.partition(" : ")[::2], " ".join(more.split())) for line, more in entries]
        told.append(
            "\n".join(
                [f"*{head}*\n", *(f"- `{name}`: {': '.join(filter(None, (says, more)))}" for name, says, more in rows)]
            )
        )
    text = re.sub(r"(?<!`)``([^`]+)``(?!`)", r"`\1`", "\n\n".join(told))
    return re.sub(r":\w+:`~?([^`]+)`", r"`\1`", text)


def glossary() -> str:
    """The words of reports, in alphabetical order."""
    told = [f"# Glossary\n\nThe words of reports; `coercivity explain WORD` prints one of them. {MADE}"]
    for name, word in sorted(words().items(), key=lambda item: item[0].lower()):
        unit = f" ({word.unit})" if word.unit and word.unit != "1" else ""
        also = f" Also: {', '.join(word.also)}." if word.also else ""
        see = f" See {', '.join(f'[{other}](#{_anchor(other)})' for other in word.see)}." if word.see else ""
        told.append(f"## {name}\n\n{word.says}{unit}{also}{see}\n")
    return "\n".join(told)


def methods() -> str:
    """Every method of bilevel programs with what it accepts, what its bound rests on, and the papers that it comes from."""
    told = [
        "# Methods and their papers\n\nHow bilevel programs are solved, in the order in which `auto` tries them; [the page of programs]"
        f"(../../models/program/README.md) says\nwhich to take, [how to add one](../howto/method.md) what a new one needs. {MADE}"
    ]
    for name, method in METHODS.items():
        module = method if inspect.ismodule(method) else inspect.getmodule(method)
        text = re.sub(r"^(Accepts|Bound|Source): ", r"\n**\1.** ", inspect.getdoc(module) or "", flags=re.MULTILINE)
        text = re.sub(r"``([^`]+)``", r"`\1`", re.sub(r"\n{3,}", "\n\n", text))
        told.append(f"## `{name}`\n\n{text}\n")
    return "\n".join(told)


def _anchor(title: str) -> str:
    """The anchor that Markdown readers give a heading."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "/").replace("``", "`").split())


PAGES: dict[str, Callable[[], str]] = {
    "commands": commands,
    "fields": fields,
    "names": names,
    "glossary": glossary,
    "methods": methods,
}


def main() -> None:
    """Write all of them."""
    for name, page in PAGES.items():
        (HERE / f"{name}.md").write_text(page(), "utf-8")


if __name__ == "__main__":
    main()
