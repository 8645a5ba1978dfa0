"""Results in a notebook and at a prompt: the page of a result as HTML or as text, with its first picture."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from coercivity.engine.report.charts import page as charts
from coercivity.engine.report.text import Block, Prose, Table, cells, printable, text

WIDTH = 100
# Figures right, words left, and nothing that a notebook's own style would not like.
STYLE = 'style="text-align: {side}"'


# How the results of a kind are shown: their report, and their pictures by file name where there are any.
_PAGES: dict[type, tuple[Callable[[Any], list[Block]], Callable[[Any], Mapping[str, str]] | None]] = {}


def show_with(
    blocks: Callable[[Any], list[Block]], drawn: Callable[[Any], Mapping[str, str]] | None, *kinds: type
) -> None:
    """Let results of these kinds be shown by these functions of a page."""
    for kind in kinds:
        _PAGES[kind] = (blocks, drawn)


class Shown:
    """A result that shows itself: at a prompt in a line, printed as its report, in a notebook as a page."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: print it, or see its fields>"

    def __str__(self) -> str:
        page = _PAGES.get(type(self))
        return repr(self) if page is None else text(page[0](self), WIDTH)

    def _repr_html_(self) -> str:
        page = _PAGES.get(type(self))
        if page is None:
            return f"<pre>{html.escape(repr(self))}</pre>"
        blocks, drawn = page
        pictures = [] if drawn is None or charts.missing_libraries() else _pictures(drawn(self))
        return to_html(blocks(self), pictures)


def _pictures(drawn: Mapping[str, str]) -> list[str]:
    return [content for name, content in drawn.items() if name.endswith(".svg")][:1]


def to_html(blocks: Iterable[Block], pictures: Iterable[str] = ()) -> str:
    """Blocks as HTML, every text of them escaped; pictures, as SVG, stand behind the first block.

    >>> to_html([Prose("Who <pays>", ["The buyers."])])
    '<h4>Who &lt;pays&gt;</h4>\\n<p>The buyers.</p>'
    """
    parts = [_prose(block) if isinstance(block, Prose) else _table(block) for block in blocks]
    return "\n".join([*parts[:1], *pictures, *parts[1:]])


def _title(words: str) -> str:
    return f"<h4>{html.escape(printable(words))}</h4>\n" if words else ""


def _prose(prose: Prose) -> str:
    return _title(prose.title) + "\n".join(f"<p>{html.escape(printable(words))}</p>" for words in prose.paragraphs)


def _table(table: Table) -> str:
    sides = ["left" if column.kind == "text" else "right" for column in table.columns]

    def row(tag: str, words: Iterable[str]) -> str:
        told = zip(words, sides, strict=True)
        return "".join(f"<{tag} {STYLE.format(side=side)}>{html.escape(word)}</{tag}>" for word, side in told)

    head = row("th", (printable(column.title) for column in table.columns))
    body = "\n".join(f"<tr>{row('td', words)}</tr>" for words in cells(table))
    note = f"\n<p><small>{html.escape(printable(table.note))}</small></p>" if table.note else ""
    return f"{_title(table.title)}<table><thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table>{note}"
