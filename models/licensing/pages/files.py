"""A result as the files of its run."""

from __future__ import annotations

from coercivity.engine.desk.runs import REPORT, RESULT
from coercivity.engine.report import text as report
from coercivity.engine.report.charts import page as charts
from coercivity.models.licensing.answers.commands import Comparison, Solution
from coercivity.models.licensing.pages import frames, solution
from coercivity.models.licensing.pages.comparison import first
from coercivity.models.licensing.pages.comparison import tables as comparison

SOURCE = "instance.yaml"


def blocks(result: Solution | Comparison) -> list[report.Block]:
    """The report of a result, whichever command it is of."""
    if not isinstance(result, Comparison):
        return solution.solved(result)
    return [*(first.first(result) if result.first is not None else []), *comparison.compared(result)]


def shown(result: Solution | Comparison, is_full: bool) -> list[report.Block]:
    """What a terminal is shown of a result: of a comparison the first page, unless all is asked for."""
    return blocks(result) if is_full or not isinstance(result, Comparison) else first.first(result)


def files(result: Solution | Comparison) -> dict[str, str]:
    """The result, its report, and the instance as it was solved, by file name."""
    return {
        RESULT: report.to_json(result),
        REPORT: report.text(blocks(result), 100),
        SOURCE: result.manifest["effective_instance"],
    }


def drawn(result: Solution | Comparison) -> dict[str, str]:
    """The pictures of a result, and the page that shows them, by file name."""
    told = [*solution.sentences(result), provenance(result)]
    return charts.files(frames.pictures(result), result.instance.heading, told)


def provenance(result: Solution | Comparison) -> str:
    """Of what a page is, by which version and when."""
    made = (result.manifest.get("versions") or {}).get("coercivity") or "of unknown version"
    date = str(result.manifest.get("finished") or "an unknown date")[:16]
    return f"Instance {result.instance.name}, hash {result.instance.hash[:12]}; coercivity {made}; {date}."
