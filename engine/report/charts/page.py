"""Pictures as SVG and as one page that opens without a network; rows as bars and lines; needs the extra ``charts``."""

from __future__ import annotations

import html
import importlib.util
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from coercivity.engine.errors import UsageError
from coercivity.engine.report.text import amount

PALETTE = ["#4269d0", "#efb118", "#ff725c", "#6cc5b0", "#a463f2", "#97bbf5", "#9c6b4e", "#3ca951", "#ff8ab7", "#9498a0"]
INSTALL = "pip install altair vl-convert-python (or, in the repository's folder, pip install '.[charts]')"
SHADE, FAINT = "#f2f2f2", "#6b6b6b"
DASHES = [[1, 0], [6, 3], [2, 2]]


class Drawable(Protocol):
    """Whatever can be drawn: it has a name for its file, a title, rows, and says itself how it is drawn."""

    @property
    def name(self) -> str:
        """The name of the file, without its ending: letters, digits, ``-`` and ``_``, a letter first."""

    @property
    def title(self) -> str:
        """What the picture is of."""

    @property
    def rows(self) -> Sequence[object]:
        """What is drawn; a picture without rows is left out."""

    def specification(self) -> dict[str, Any]:
        """The picture in Vega-Lite, with its data in it."""


@dataclass(frozen=True)
class Picture:
    """What to draw: rows with the fields ``label``, ``series``, ``value``; for lines also ``date``.

    A date is written 2025-04-01T00:00, so that it is one of local time and no time zone moves it.

    Attributes
    ----------
    kind : bars stacks the series of each label, with a mark at their sum; lines runs over dates; steps does so
        with a value that holds until the next date
    unit : the title of the axis of values
    order : labels of bars, or series of lines, from first to last
    percent : the values are shares
    turns : dates with what begins there, as lines across the picture; those outside of what is drawn are left out
    after : a date with what holds from there to the end, as a shade
    """

    name: str
    title: str
    kind: Literal["bars", "lines", "steps"]
    rows: Sequence[Mapping[str, Any]]
    unit: str
    order: Sequence[str]
    percent: bool = False
    turns: Sequence[tuple[str, str]] = ()
    after: tuple[str, str] | None = None

    def specification(self) -> dict[str, Any]:
        """The picture in Vega-Lite, with its data in it."""
        import altair

        data: Any = altair.InlineData(values=[dict(row) for row in self.rows])
        chart = _bars(data, self) if self.kind == "bars" else _lines(data, self)
        specification: dict[str, Any] = chart.properties(title=self.title).configure_view(stroke=None).to_dict()
        return specification


def missing_libraries() -> list[str]:
    """The libraries that charts need and that are not installed."""
    return [name for name in ("altair", "vl_convert") if importlib.util.find_spec(name) is None]


def require() -> None:
    """Nothing, where charts can be drawn.

    Raises
    ------
    UsageError
        The libraries are not installed.
    """
    missing = missing_libraries()
    if missing:
        raise UsageError("--charts", f"{' and '.join(missing)} not installed", f"{INSTALL}, or leave --charts out")


@dataclass(frozen=True)
class Beside:
    """What a page says beside its pictures.

    Attributes
    ----------
    more : further paragraphs, folded up under the pictures
    words : words of the page with their meanings; the first time that a paragraph says one it leads there
    footer : of what the page is, by which version and when
    """

    more: Sequence[str] = ()
    words: Mapping[str, str] = field(default_factory=dict)
    footer: str = ""


def files(
    pictures: Sequence[Drawable], title: str, paragraphs: Sequence[str], beside: Beside | None = None
) -> dict[str, str]:
    """The pictures as files by name: an SVG for each, and ``charts.html`` with all of them and the paragraphs.

    Pictures without rows are left out.

    Raises
    ------
    UsageError
        Two pictures have one name, or a name cannot be that of a file.
    """
    import vl_convert

    shown = [picture for picture in pictures if picture.rows]
    _check_names([picture.name for picture in shown])
    drawn = [(picture, picture.specification()) for picture in shown]
    found = {f"{picture.name}.svg": str(vl_convert.vegalite_to_svg(spec)) for picture, spec in drawn}
    return found | {"charts.html": _page(drawn, title, paragraphs, beside or Beside())}


def _check_names(names: Sequence[str]) -> None:
    """Refuse what would overwrite another picture, or break the page that finds its pictures by name."""
    for at, name in enumerate(names):
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", name):
            raise UsageError(
                f"picture {name!r}", "not a name for a file", "take letters, digits, - and _, a letter first"
            )
        if name in names[:at]:
            raise UsageError(f"picture {name!r}", "two pictures have this name", "give each its own")


def _bars(data: Any, picture: Picture) -> Any:
    import altair

    series = list(dict.fromkeys(str(row["series"]) for row in picture.rows))
    value = altair.X("value:Q", title=picture.unit)
    label = altair.Y("label:N", title=None, sort=list(picture.order), axis=altair.Axis(labelLimit=260))
    base = altair.Chart(data).properties(width=620, height={"step": 24})
    bars = base.mark_bar().encode(
        x=value,
        y=label,
        color=_colours(series).legend(orient="bottom", columns=4, labelLimit=300),
        tooltip=["label:N", "series:N", altair.Tooltip("value:Q", format=",.1f", title=picture.unit)],
    )
    total = altair.X("sum(value):Q", title=picture.unit)
    sums = base.mark_tick(color="black", thickness=3).encode(
        x=total, y=label, tooltip=["label:N", altair.Tooltip("sum(value):Q", format=",.1f", title="sum")]
    )
    return altair.layer(bars, sums)


def _lines(data: Any, picture: Picture) -> Any:
    import altair

    series = list(picture.order)
    mark, precise = ("%", ".1%") if picture.percent else (",.0f", ",.1f")
    # More lines than colours: the second round is dashed.
    dashes = [DASHES[at // len(PALETTE) % len(DASHES)] for at in range(len(series))]
    value = altair.Tooltip("value:Q", format=precise, title=picture.unit)
    chart = altair.Chart(data).mark_line(interpolate="step-after" if picture.kind == "steps" else "linear", clip=True)
    # One legend for all that tells series apart: a channel without it would take it from the others too.
    legend = altair.Legend(orient="bottom", columns=2, labelLimit=300)
    lines = chart.encode(
        x=altair.X("date:T", title=None, axis=altair.Axis(format="%Y-%m", labelOverlap=True)),
        y=altair.Y("value:Q", title=picture.unit, axis=altair.Axis(format=mark)),
        color=_colours(series).legend(legend),
        # Lines drawn later are thinner, so that one that coincides with another does not hide it.
        strokeWidth=altair.StrokeWidth(
            "series:N",
            title=None,
            legend=legend,
            sort=series,
            scale=altair.Scale(type="ordinal", domain=series, range=_widths(len(series))),
        ),
        strokeDash=altair.StrokeDash(
            "series:N", title=None, legend=legend, sort=series, scale=altair.Scale(domain=series, range=dashes)
        ),
        tooltip=["series:N", "label:N", value],
    )
    return altair.layer(*_dates(picture), lines).properties(width=620, height=300)


def _dates(picture: Picture) -> Iterator[Any]:
    """What begins at which date, as a line with its name, and what holds at the end, as a shade; behind the series."""
    import altair

    dates = [str(row["date"]) for row in picture.rows]
    x = altair.X("date:T")
    if picture.after is not None and min(dates) <= picture.after[0] < max(dates):
        rows = [{"date": picture.after[0], "end": max(dates), "says": picture.after[1]}]
        shade: Any = altair.Chart(altair.InlineData(values=rows))
        yield shade.mark_rect(color=SHADE).encode(x=x, x2="end:T")
        yield shade.mark_text(align="left", baseline="bottom", dx=4, color=FAINT).encode(
            x=x, y=altair.value(296), text="says:N"
        )
    rows = [{"date": date, "says": says} for date, says in picture.turns if min(dates) <= date <= max(dates)]
    if rows:
        turns: Any = altair.Chart(altair.InlineData(values=rows))
        yield turns.mark_rule(color=FAINT, strokeDash=[3, 3]).encode(x=x)
        yield turns.mark_text(angle=270, align="right", baseline="top", dx=-4, dy=3, color=FAINT).encode(
            x=x, y=altair.value(0), text="says:N"
        )


def _widths(count: int) -> list[float]:
    """Widths of so many lines, the first the widest.

    >>> _widths(3)
    [5.0, 3.25, 1.5]
    """
    return [5.0 - 3.5 * at / max(1, count - 1) for at in range(count)]


def _colours(series: Sequence[str]) -> Any:
    import altair

    colours = [PALETTE[at % len(PALETTE)] for at in range(len(series))]
    scale = altair.Scale(domain=list(series), range=colours)
    return altair.Color("series:N", title=None, sort=list(series), scale=scale)


def _table(picture: Drawable) -> str:
    """The figures of a picture as a table to unfold, series across; nothing where they are not labelled so."""
    rows = [row for row in picture.rows if isinstance(row, dict) and {"label", "series", "value"} <= set(row)]
    if not rows:
        return ""
    series = list(dict.fromkeys(str(row["series"]) for row in rows))
    cells: dict[str, dict[str, float]] = {}
    for row in rows:
        cells.setdefault(str(row["label"]), {})[str(row["series"])] = row["value"]
    head = "".join(f"<th>{html.escape(name)}</th>" for name in ["", *series])
    body = "".join(
        f"<tr><th>{html.escape(label)}</th>"
        + "".join(f"<td>{amount(found[name]) if name in found else ''}</td>" for name in series)
        + "</tr>"
        for label, found in cells.items()
    )
    return f"<details><summary>Figures</summary><table><tr>{head}</tr>{body}</table></details>"


def _linked(paragraphs: Sequence[str], words: Mapping[str, str]) -> list[str]:
    """Paragraphs as HTML; the first time that one of the words is said it leads to its meaning, capitals as they are.

    >>> _linked(["Leverage: more leverage"], {"leverage": "of a cut-off"})
    ['<p><a href="#word-leverage">Leverage</a>: more leverage</p>']
    """
    left = {html.escape(word if word.isupper() else word.lower()): _anchor(word) for word in words}
    if not left:
        return [f"<p>{html.escape(paragraph)}</p>" for paragraph in paragraphs]
    spelt = sorted(left, key=len, reverse=True)
    pattern = re.compile(rf"(?<![\w&.-])({'|'.join(re.escape(word) for word in spelt)})(?![\w-]|\.\w)", re.IGNORECASE)

    def link(found: re.Match[str]) -> str:
        anchor = left.pop(found[0] if found[0] in left else found[0].lower(), None)
        return found[0] if anchor is None else f'<a href="#{anchor}">{found[0]}</a>'

    return [f"<p>{pattern.sub(link, html.escape(paragraph))}</p>" for paragraph in paragraphs]


def _anchor(word: str) -> str:
    return "word-" + re.sub(r"[^a-z0-9]+", "-", word.lower()).strip("-")


def _meanings(words: Mapping[str, str]) -> str:
    """The words of a page, each with its meaning."""
    if not words:
        return ""
    said = "".join(
        f'<dt id="{_anchor(word)}">{html.escape(word)}</dt><dd>{html.escape(says)}</dd>' for word, says in words.items()
    )
    return f"<h2>Words</h2>\n<dl>{said}</dl>"


def _folded(paragraphs: Sequence[str]) -> str:
    if not paragraphs:
        return ""
    said = "".join(_linked(paragraphs, {}))
    return f"<details open><summary>What else it says</summary>{said}</details>"


def _page(
    drawn: Sequence[tuple[Drawable, dict[str, Any]]], title: str, paragraphs: Sequence[str], beside: Beside
) -> str:
    """One HTML page with the drawing library in it, so that it needs nothing from elsewhere."""
    import vl_convert

    bundle: Any = vl_convert.javascript_bundle  # its stub asks for an argument that has a default
    library = bundle()
    titles = {picture.name: html.escape(picture.title) for picture, _ in drawn}
    figures = "\n".join(
        f'<figure id="{picture.name}" aria-label="{titles[picture.name]}"></figure>{_table(picture)}'
        for picture, _ in drawn
    )
    # A tag inside a text of the data would end the script, and an opening comment would keep it from ending.
    specifications = json.dumps({picture.name: spec for picture, spec in drawn}).replace("<", "\\u003c")
    words = "\n".join(_linked(paragraphs, beside.words))
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{html.escape(title)}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; color: #1a1a1a; }}
figure {{ margin: 2.5rem 0; overflow-x: auto; }}
dt {{ font-weight: 600; }} dd {{ margin: 0 0 0.6rem 1rem; }} footer {{ margin: 2rem 0; color: #555; font-size: 0.85rem; }}
table {{ border-collapse: collapse; font-size: 0.8rem; }} th, td {{ padding: 0.1rem 0.6rem; text-align: right; }}
@media print {{
  body {{ margin: 0; max-width: none; font-size: 11px; }}
  figure {{ break-inside: avoid; overflow: visible; margin: 1rem 0; }}
  .vega-actions, details.vega-embed > summary, details:not([open]) {{ display: none; }}
}}
</style>
<script>{library}</script>
</head>
<body>
<h1>{html.escape(title)}</h1>
{words}
{figures}
{_folded(beside.more)}
{_meanings(beside.words)}
<footer>{html.escape(beside.footer)}</footer>
<script>
const pictures = {specifications};
const actions = {{ export: true, source: false, compiled: false, editor: false }};
for (const [name, specification] of Object.entries(pictures)) {{
  vegaEmbed("#" + name, specification, {{ actions }});
}}
</script>
</body>
</html>
"""
