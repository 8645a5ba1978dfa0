"""``coercivity verify``: a saved result of any kind judged again, with its seal and the files beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from coercivity.engine.data.values import from_plain
from coercivity.engine.desk import delivery
from coercivity.engine.errors import AuditFailed
from coercivity.engine.proof.check import Check
from coercivity.engine.proof.retelling import seal_check

Progress = Callable[[str, int, int], None]


def verify(
    result: Mapping[str, Any],
    files: Mapping[str, str] | None = None,
    search: bool | None = None,
    jobs: int = 1,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """The checks that a saved result and the files beside it pass and fail.

    Parameters
    ----------
    files : the other files of its folder, by name; None where only the result is at hand
    search : as in :func:`coercivity.models.licensing.answers.verify.verify`; programs and finite games have nothing to search
    jobs : worker processes of the search

    Raises
    ------
    AuditFailed
        The result cannot be read as one of ours.
    """
    page: Any
    value: Any = result
    found: dict[str, Any]
    if "program" in result:
        from coercivity.models.program import answer, finite, present
        from coercivity.models.program.values import GameAnswer, ProgramAnswer

        is_game = isinstance(result["program"], Mapping) and result["program"].get("kind") == "finite-game"
        found = (finite if is_game else answer).verify(result)
        page = finite if is_game else present
        value = from_plain(GameAnswer if is_game else ProgramAnswer, result)
    else:
        from coercivity.models.licensing.answers.verify import verify as verify_game
        from coercivity.models.licensing.pages import files as page

        found = verify_game(result, search, jobs, progress)
    checks = [seal_check(result)]
    if files is not None:
        try:
            checks += delivery.judged_files(value, page, files)
        except (KeyError, TypeError, IndexError, ValueError, AttributeError) as error:
            raise AuditFailed("result", f"no report can be made of it: {error!r}", "save it again") from None
    found["checks"] += [_row(check) for check in checks]
    found["ok"] = all(row["ok"] for row in found["checks"])
    return found


def _row(check: Check) -> dict[str, Any]:
    return {
        "strategy": "as saved", "name": check.name, "gap": check.gap, "scale": check.scale, "tolerance": check.tolerance,
        "ok": check.ok, "detail": "",
    }  # fmt: skip
