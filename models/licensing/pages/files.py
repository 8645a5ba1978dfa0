"""A result as the files of its run."""

from __future__ import annotations

from coercivity.engine.desk.runs import REPORT, RESULT
from coercivity.engine.report import text as report
from coercivity.models.licensing.answers.commands import Comparison, Solution
from coercivity.models.licensing.pages import frames, solution
from coercivity.models.licensing.pages.comparison import first
from coercivity.models.licensing.pages.comparison import tables as comparison
from coercivity.models.licensing.pages.illustrated import illustrated

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
    page = result.first if isinstance(result, Comparison) else None
    if page is None:
        return illustrated(result, frames.pictures(result), solution.sentences(result))
    return illustrated(result, frames.pictures(result), first.paragraphs(page), more=solution.sentences(result))
