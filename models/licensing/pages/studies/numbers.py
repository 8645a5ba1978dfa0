"""The page of a case's most important numbers: value, range, kind, grade and source, ranked by a tornado."""

from __future__ import annotations

from collections.abc import Mapping

from coercivity.engine.report.text import amount
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.data.provenance import ProvenanceRow, sources_table

MOST_NUMBERS = 100
HEAD = """# {title}: its hundred most important numbers

What moves the gap between `{strategy}` and `{baseline}` most when one number goes from the low to the high end of its own
range and all others stay: `coercivity sweep {name} --strategy {strategy} --against {baseline}`. It says what the answer hangs on within
what the sources allow, not what is least known; it is silent on what two numbers do together and on those without a range
({bare} of {all}). Swings in million dollars. `make cases` ranks anew, `make golden` writes this page from the file.

| | number | value | range | kind | swing | source or reason |
|---|---|---|---|---|---|---|
"""


def numbers_page(instance: Instance, swings: Mapping[str, float], strategy: str) -> str:
    """The page in Markdown.

    Parameters
    ----------
    swings : by path: how far the gap moves over the number's range, million USD, in the order in which they are shown
    strategy : whose gap to the baseline it is
    """
    rows = {row.path: row for row in sources_table(instance)}
    shown = [path for path in swings if path in rows][:MOST_NUMBERS]
    head = HEAD.format(
        title=instance.title,
        name=instance.name,
        strategy=strategy,
        baseline=instance.baseline,
        bare=sum(row.low is None for row in rows.values()),
        all=len(rows),
    )
    table = "\n".join(_row(at, rows[path], swings[path]) for at, path in enumerate(shown, start=1))
    cited = sorted({name for path in shown for name in rows[path].sources})
    sources = "\n".join(f"- **{name}**: {_cited(instance, name)}" for name in cited)
    return f"{head}{table}\n\n## Sources\n\n{sources}\n"


def _row(at: int, row: ProvenanceRow, swing: float) -> str:
    unit = "%" if row.unit == "1" else row.unit.replace("1/yr", "%/yr")
    scale = 100.0 if row.unit in ("1", "1/yr") else 1.0
    span = "" if row.low is None else f"{amount(scale * row.low)} to {amount((row.high or 0.0) * scale)}"
    kind = f"{row.kind}, {row.grade}" if row.grade else row.kind
    why = "; ".join(part for part in (", ".join(row.sources), row.reason) if part)
    cells = [str(at), f"`{row.path}`", f"{amount(scale * row.value)} {unit}", span, kind, f"{amount(swing, 3)}", why]
    return f"| {' | '.join(' '.join(cell.split()).replace('|', '/') for cell in cells)} |"


def _cited(instance: Instance, name: str) -> str:
    source = instance.sources[name]
    parts = [source.publisher, source.title, source.date, source.url and f"<{source.url}>"]
    return ", ".join(part for part in parts if part)
