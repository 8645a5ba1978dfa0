"""``coercivity verify``: a saved result of any kind judged again, with its seal and the files beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from coercivity.engine.data.values import from_plain
from coercivity.engine.desk import delivery
from coercivity.engine.errors import AuditFailed
from coercivity.engine.proof.retelling import judged, seal_check

if TYPE_CHECKING:
    from coercivity.models.licensing.answers.verify import Verification
    from coercivity.models.program.values import ProgramVerification

Progress = Callable[[str, int, int], None]


def verify(
    result: Mapping[str, Any],
    files: Mapping[str, str] | None = None,
    search: bool | None = None,
    jobs: int = 1,
    progress: Progress | None = None,
) -> ProgramVerification | Verification:
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
    value: Any
    found: ProgramVerification | Verification
    if "program" in result:
        from coercivity.models.program import answer, finite, present
        from coercivity.models.program.values import GameAnswer, ProgramAnswer

        is_game = isinstance(result["program"], Mapping) and result["program"].get("kind") == "finite-game"
        found = (finite if is_game else answer).verify(result)
        page = finite if is_game else present
        value = from_plain(GameAnswer if is_game else ProgramAnswer, result)
    else:
        from coercivity.models.licensing.answers.verify import opened
        from coercivity.models.licensing.answers.verify import verify as verify_game
        from coercivity.models.licensing.pages import files as page
        from coercivity.models.licensing.studies.reasons.judge import hinges_judged

        found = verify_game(result, search, jobs, progress)
        saved = opened(result)
        value = saved.told
        hinged = list(hinges_judged(saved.instance, value))
        found = replace(found, checks=[*found.checks, *(judged("hinges", check) for check in hinged)])
    checks = [seal_check(result)]
    if files is not None:
        try:
            checks += delivery.judged_files(value, page, files)
        except (KeyError, TypeError, IndexError, ValueError, AttributeError) as error:
            raise AuditFailed("result", f"no report can be made of it: {error!r}", "save it again") from None
    every = [*found.checks, *(judged("as saved", check) for check in checks)]
    return replace(found, checks=every, ok=all(check.ok for check in every))
