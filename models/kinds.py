"""The kinds of results, their JSON Schema, and the page that tells every key with its unit and meaning."""

from __future__ import annotations

import inspect
from dataclasses import fields
from typing import Any

from coercivity.engine.data.values import meanings, parts_of, schema_of
from coercivity.engine.desk.archive import Archive
from coercivity.engine.desk.conflicts import Conflicts
from coercivity.engine.errors import check_name
from coercivity.models.glossary import Explanation
from coercivity.models.licensing.answers.backtest.values import Backtest, Cases, LeftOut, SavedBacktest
from coercivity.models.licensing.answers.commands import Comparison, Solution
from coercivity.models.licensing.answers.frontier.values import Frontier
from coercivity.models.licensing.answers.threshold.values import Threshold
from coercivity.models.licensing.answers.verify import Verification
from coercivity.models.licensing.claims.values import ClaimsAudit
from coercivity.models.licensing.pages.comparison.brief import Brief
from coercivity.models.licensing.studies.changes.difference import InstanceDifference, ResultDifference
from coercivity.models.licensing.studies.reasons.values import Figure, Halved, Why
from coercivity.models.licensing.studies.values import (
    ElementaryEffects,
    GridSweep,
    MonteCarlo,
    Regions,
    SobolIndices,
    TornadoSweep,
)
from coercivity.models.program.values import GameAnswer, ProgramAnswer

# A kind's name and the command whose answer it is.
KINDS: dict[str, type] = {
    "solve": Solution,
    "solve-program": ProgramAnswer,
    "solve-finite-game": GameAnswer,
    "compare": Comparison,
    "frontier": Frontier,
    "threshold": Threshold,
    "sweep": GridSweep,
    "sweep-tornado": TornadoSweep,
    "montecarlo": MonteCarlo,
    "sensitivity": SobolIndices,
    "sensitivity-morris": ElementaryEffects,
    "discover": Regions,
    "backtest": Backtest,
    "backtest-charts": SavedBacktest,
    "backtest-all": Cases,
    "backtest-left-out": LeftOut,
    "audit": ClaimsAudit,
    "verify": Verification,
    "brief": Brief,
    "why": Why,
    "why-figure": Figure,
    "why-date": Halved,
    "why-infeasible": Conflicts,
    "diff-instances": InstanceDifference,
    "diff-results": ResultDifference,
    "runs": Archive,
    "explain": Explanation,
}

HEAD = """# Every key of a result

What `--format json` prints and a saved `result.json` holds, key by key. In Python the same names are attributes
([the door](python.md)). `coercivity schema --result KIND` prints the JSON Schema of one kind, without KIND of all.

This page is made from the comments beside the fields in the code; `make golden` writes it anew.
"""


def result_schema(kind: str | None = None) -> dict[str, Any]:
    """The JSON Schema of one kind of result, or of all under their names.

    Raises
    ------
    UsageError
        There is no such kind.
    """
    if kind is not None:
        check_name("--result", kind, KINDS, "kinds of results")
        return schema_of(KINDS[kind])
    return {name: schema_of(one) for name, one in KINDS.items()}


def results_page() -> str:
    """The page: every kind, then every part once, with each key's unit and meaning."""
    parts = list(dict.fromkeys(part for kind in KINDS.values() for part in parts_of(kind)))
    index = "\n".join(
        f"| `{name}` | [{kind.__name__}](#{kind.__name__.lower()}) | {_says(kind)} |" for name, kind in KINDS.items()
    )
    tables = "\n".join(_table(part) for part in parts)
    return f"{HEAD}\n| kind | value | what it is |\n|---|---|---|\n{index}\n{tables}"


def _says(part: type) -> str:
    return (inspect.getdoc(part) or "").partition("\n")[0]


def _table(part: type) -> str:
    rows = "\n".join(f"| `{key}` | {meaning.replace('|', '/')} |" for key, meaning in _all_meanings(part).items())
    return f"\n## {part.__name__}\n\n{_says(part)}\n\n| key | unit and meaning |\n|---|---|\n{rows}\n"


def _all_meanings(part: type) -> dict[str, str]:
    """Meanings by key in the order of the plain data, those of inherited fields included."""
    told = meanings(part)
    return {entry.name: told.get(entry.name, "") for entry in fields(part)}
