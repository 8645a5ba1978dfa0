"""Words for money and for the terms of a payoff, which sentences and pages share."""

from __future__ import annotations

from coercivity.engine.report.text import number, sized

MONEY = "million USD"
TERMS = {
    "margin": "margin",
    "export_tax": "export tax",
    "captured_rent": "licence rent",
    "exporter_rent": "exporter rent",
    "idle": "idle capacity",
    "buffer": "buffer and corridor",
    "support": "support of firms",
    "glut": "glut",
    "downstream": "industry moved in",
    "concession": "concession",
    "retaliation": "retaliation",
    "tail": "market left",
}


def musd(value: float | None) -> str:
    """An amount of money in a sentence."""
    if value is None:
        return "n/a"
    size = abs(value)
    return f"{sized(value) if 0.0005 <= size < 1 else number(value, 0 if size >= 1000 else 1)} {MONEY}"
