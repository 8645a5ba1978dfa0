"""One printed page of HTML that opens without a network: blocks, bars with their numbers, and a count of its lines.

Every row of a table is one line, whatever is in it, and a paragraph is as long as its letters; so the lines of a page can be
counted without a browser, and a page that has more than :data:`LINES` is refused instead of spilling over.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from coercivity.engine.errors import CoercivityError
from coercivity.engine.report.text import Block, Prose, cells, printable

# A4 less margins of 13 mm leaves 271 mm; a line of 9 pt, spaced 1.35, takes 4.29 mm: 63 lines, of which three are spared.
LINES = 60
# Letters of 9 pt on 184 mm: their mean width in the usual fonts is half their height, which would give 115.
LETTERS = 105
HEAD_LINES = 3  # of the page's title
TITLE_LINES = 2  # of a block's title, with the space above it
SPACE = 0.4  # of a line, below a paragraph or a table

STYLE = """
@page { size: A4; margin: 13mm; }
html { font: 9pt/1.35 "Helvetica Neue", Arial, sans-serif; color: #1a1a1a; background: #fff; }
body { width: 184mm; margin: 0 auto; padding: 4mm 0; }
h1 { font-size: 13pt; line-height: 1.35; margin: 0; }
h2 { font-size: 9pt; margin: 1.5mm 0 0; padding-top: 1mm; border-top: 0.3mm solid #999; }
p { margin: 0 0 1mm; overflow-wrap: anywhere; }
.alert { font-weight: bold; color: #8f1d14; }
.answer { font-size: 9pt; font-weight: bold; }
table { width: 100%; table-layout: fixed; border-collapse: collapse; margin: 0 0 1mm; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: 0 1mm; font-weight: normal; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
th { color: #555; }
.t { text-align: left; }
th.t:first-child { width: 34%; }
abbr { text-decoration: none; border-bottom: 0.2mm dotted; }
tr.best td { font-weight: bold; }
svg { display: block; }
.foot { color: #555; }
@media print { body { padding: 0; } }
@media (max-width: 190mm) { body { width: auto; padding: 4mm; } }
""".strip()


@dataclass(frozen=True)
class Bars:
    """A picture: one bar a line, from zero, with the number written beside it."""

    title: str
    rows: Sequence[tuple[str, float, str]]  # label, length, and the number as it is written


Part = Block | Bars


@dataclass(frozen=True)
class Sheet:
    """What stands on the page."""

    title: str
    alerts: Sequence[str]  # what a reader must know before anything else
    answer: str
    parts: Sequence[Part]
    foot: Sequence[str]
    words: Mapping[str, str] = field(
        default_factory=dict
    )  # what heads of columns mean, shown where a pointer rests on them


def lines_of(sheet: Sheet) -> float:
    """How many lines a page takes, at most."""
    words = [*sheet.alerts, sheet.answer, *sheet.foot]
    return round(HEAD_LINES + sum(map(_paragraph_lines, words)) + SPACE + sum(map(_part_lines, sheet.parts)), 6)


def _paragraph_lines(words: str) -> float:
    return -(-len(words) // LETTERS) + SPACE


def _part_lines(part: Part) -> float:
    if isinstance(part, Prose):
        return TITLE_LINES * bool(part.title) + sum(map(_paragraph_lines, part.paragraphs))
    if isinstance(part, Bars):
        return TITLE_LINES + len(part.rows) + 2 * SPACE
    return TITLE_LINES + 1 + len(part.rows) + SPACE + (_paragraph_lines(part.note) if part.note else 0)


def page(sheet: Sheet) -> str:
    """The page as HTML.

    Raises
    ------
    CoercivityError
        It would not fit on one sheet of paper.
    """
    lines = lines_of(sheet)
    if lines > LINES:
        raise CoercivityError(sheet.title, f"{lines:.0f} lines do not fit on a page of {LINES}", "use --format table")
    body = [
        f"<h1>{_safe(sheet.title)}</h1>",
        *(f'<p class="alert">{_safe(words)}</p>' for words in sheet.alerts),
        f'<p class="answer">{_safe(sheet.answer)}</p>',
        *(line for part in sheet.parts for line in _part(part, sheet.words)),
        *(f'<p class="foot">{_safe(words)}</p>' for words in sheet.foot),
    ]
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    head = [
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{_safe(sheet.title)}</title>\n<style>\n{STYLE}\n</style>\n</head>\n<body>",
    ]
    return "\n".join([*head, *body, "</body>\n</html>\n"])


def clipped(words: str, letters: int) -> str:
    """A text of at most so many letters; an ellipsis tells that there was more.

    >>> clipped("a long title", 8), clipped("short", 8)
    ('a long …', 'short')
    """
    return words if len(words) <= letters else f"{words[: letters - 1]}…"


def _safe(words: object) -> str:
    return html.escape(printable(str(words)))


def _head(title: str, words: Mapping[str, str]) -> str:
    """The head of a column, with what it means where that is known."""
    told = words.get(title)
    return f'<abbr title="{_safe(told)}">{_safe(title)}</abbr>' if told else _safe(title)


def _part(part: Part, words: Mapping[str, str]) -> Iterator[str]:
    if part.title:
        yield f"<h2>{_safe(part.title)}</h2>"
    if isinstance(part, Prose):
        yield from (f"<p>{_safe(words)}</p>" for words in part.paragraphs)
    elif isinstance(part, Bars):
        yield _drawn(part)
    else:
        kinds = ["t" if column.kind == "text" else "n" for column in part.columns]
        heads = (
            f'<th scope="col" class="{kind}">{_head(column.title, words)}</th>'
            for kind, column in zip(kinds, part.columns, strict=True)
        )
        yield f"<table>\n<thead><tr>{''.join(heads)}</tr></thead>\n<tbody>"
        for position, row in enumerate(cells(part)):
            mark = ' class="best"' if position == part.emphasis else ""
            told = (f'<td class="{kind}">{_safe(cell)}</td>' for kind, cell in zip(kinds, row, strict=True))
            yield f"<tr{mark}>{''.join(told)}</tr>"
        yield "</tbody>\n</table>"
        if part.note:
            yield f'<p class="foot">{_safe(part.note)}</p>'


# The picture in its own units: a bar's row is as high as a line of text on the printed page.
WIDE, ROW, LABEL, NUMBER = 184.0, 4.29, 62.0, 22.0


def _drawn(part: Bars) -> str:
    """Bars from a common zero; what is below it goes to the left."""
    low = min(0.0, *(value for _, value, _ in part.rows))
    high = max(0.0, *(value for _, value, _ in part.rows))
    scale = (WIDE - LABEL - NUMBER) / ((high - low) or 1.0)
    zero = LABEL - low * scale
    height = ROW * len(part.rows)
    drawn = [
        f'<svg role="img" aria-label="{_safe(part.title)}" width="{WIDE:g}mm" height="{height:.2f}mm" '
        f'viewBox="0 0 {WIDE:g} {height:.2f}" style="max-width: 100%" font-size="2.9">'
    ]
    for position, (label, value, written) in enumerate(part.rows):
        top = ROW * position
        left, length = zero + min(0.0, value) * scale, abs(value) * scale
        text = top + 0.72 * ROW
        fill = "#4269d0" if position == 0 else "#97a4bf"
        drawn += [
            f'<text x="0" y="{text:.2f}">{_safe(clipped(label, 34))}</text>',
            f'<rect x="{left:.2f}" y="{top + 0.6:.2f}" width="{length:.2f}" height="{ROW - 1.2:.2f}" fill="{fill}"/>',
            f'<text x="{zero + max(0.0, value) * scale + 1:.2f}" y="{text:.2f}">{_safe(written)}</text>',
        ]
    drawn.append(
        f'<line x1="{zero:.2f}" y1="0" x2="{zero:.2f}" y2="{height:.2f}" stroke="#1a1a1a" stroke-width="0.2"/>'
    )
    return "\n".join([*drawn, "</svg>"])
