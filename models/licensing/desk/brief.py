"""``coercivity brief``: a saved result read, and printed as one page."""

from __future__ import annotations

from coercivity.engine.desk import runs, terminal
from coercivity.engine.errors import UsageError
from coercivity.engine.proof.retelling import seal_check
from coercivity.engine.report import sheet
from coercivity.models.licensing.answers.verify import opened
from coercivity.models.licensing.pages.comparison import brief as pages


def brief(result: str, form: str) -> None:
    """Print the brief of a saved result as HTML, for a terminal, or as JSON.

    Raises
    ------
    UsageError
        There is no such result, or it is not of a licensing game.
    AuditFailed
        It cannot be read as one of ours.
    CoercivityError
        It does not fit on a page.
    """
    data = runs.read(result)
    if "program" in data:
        raise UsageError(result, "a bilevel program, of which there is no brief", "name a result of a licensing game")
    again = "RESULT" if result == "-" else result
    found = pages.brief_of(opened(data), again, seal_check(data).ok, runs.version("coercivity"))
    if form == "html":
        terminal.write(sheet.page(pages.sheet(found)))
    else:
        terminal.show(form, found, lambda: pages.blocks(found))
