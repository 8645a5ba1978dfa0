"""Pictures of studies: points with names on a plane, and lines through them; needs the extra ``charts``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.charts import PALETTE, Picture, _page


@dataclass(frozen=True)
class Plane:
    """Points on a plane; rows have the fields ``x``, ``y``, ``series`` and, where it is written beside, ``label``.

    Attributes
    ----------
    lines : series whose points are joined in the order of the rows
    order : series from first to last
    across, up : titles of the axes, with unit
    """

    name: str
    title: str
    rows: Sequence[Mapping[str, Any]]
    lines: Sequence[str]
    order: Sequence[str]
    across: str
    up: str


def files(planes: Sequence[Plane], title: str, paragraphs: Sequence[str]) -> dict[str, str]:
    """The pictures as files by name: an SVG for each, and ``charts.html`` with all of them and the paragraphs."""
    import vl_convert

    drawn = [(plane, _specification(plane)) for plane in planes if plane.rows]
    found = {f"{plane.name}.svg": str(vl_convert.vegalite_to_svg(spec)) for plane, spec in drawn}
    headed = [(Picture(plane.name, plane.title, "lines", [], "", []), spec) for plane, spec in drawn]
    return found | {"charts.html": _page(headed, title, paragraphs)}


def _specification(plane: Plane) -> dict[str, Any]:
    import altair

    rows = [dict(row) | {"rank": rank} for rank, row in enumerate(plane.rows)]
    colours = altair.Scale(
        domain=list(plane.order), range=[PALETTE[at % len(PALETTE)] for at in range(len(plane.order))]
    )
    x = altair.X("x:Q", title=plane.across, axis=altair.Axis(format=",.4~g"), scale=altair.Scale(zero=False))
    y = altair.Y("y:Q", title=plane.up, axis=altair.Axis(format=",.4~g"), scale=altair.Scale(zero=False))
    colour = altair.Color("series:N", title=None, sort=list(plane.order), scale=colours)
    tips = [altair.Tooltip("label:N", title="name"), altair.Tooltip("x:Q", title=plane.across, format=",.4~g"),
            altair.Tooltip("y:Q", title=plane.up, format=",.4~g")]  # fmt: skip
    layers: list[Any] = []
    joined = [row for row in rows if row["series"] in plane.lines]
    if joined:
        base = altair.Chart(altair.InlineData(values=joined))
        layers.append(base.mark_line().encode(x=x, y=y, color=colour, order="rank:Q"))
    base = altair.Chart(altair.InlineData(values=rows))
    layers.append(base.mark_point(filled=True, size=45).encode(x=x, y=y, color=colour, tooltip=tips))
    named = [row for row in rows if row.get("label")]
    if named:
        base = altair.Chart(altair.InlineData(values=named))
        layers.append(base.mark_text(align="left", dx=6, dy=-4, fontSize=10).encode(x=x, y=y, text="label:N"))
    chart = altair.layer(*layers).properties(title=plane.title, width=620, height=380)
    specification: dict[str, Any] = chart.configure_view(stroke=None).to_dict()
    return specification
