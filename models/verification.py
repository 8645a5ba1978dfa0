"""``coercivity verify``: a saved result of any kind judged again, with its seal and the files beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from coercivity.engine.data.values import from_plain, sometimes
from coercivity.engine.desk import delivery
from coercivity.engine.errors import AuditFailed
from coercivity.engine.proof.retelling import JudgedCheck, judged, seal_check

if TYPE_CHECKING:
    from coercivity.models.licensing.answers.verify import Verification

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, kw_only=True)
class ProgramVerification:
    """What judging a saved answer to a bilevel program or a finite game again came to."""

    schema_version: int  # of this layout
    command: str  # verify
    instance: Mapping[str, str]  # name of the program or the game
    proof: str | None = sometimes()  # name of the level that was proved again, of a program
    ok: bool  # whether every check holds
    checks: Sequence[JudgedCheck]  # all that was compared

    @property
    def sentence(self) -> str:
        """Nothing: what is proved stands in the answer's own certificate."""
        return ""


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
        told = (finite if is_game else answer).verify(result)
        found = ProgramVerification(**told | {"checks": [JudgedCheck(**row) for row in told["checks"]]})
        page = finite if is_game else present
        value = from_plain(GameAnswer if is_game else ProgramAnswer, result)
    else:
        from coercivity.models.licensing.answers.verify import opened
        from coercivity.models.licensing.answers.verify import verify as verify_game
        from coercivity.models.licensing.pages import files as page

        found = verify_game(result, search, jobs, progress)
        value = opened(result).told
    checks = [seal_check(result)]
    if files is not None:
        try:
            checks += delivery.judged_files(value, page, files)
        except (KeyError, TypeError, IndexError, ValueError, AttributeError) as error:
            raise AuditFailed("result", f"no report can be made of it: {error!r}", "save it again") from None
    every = [*found.checks, *(judged("as saved", check) for check in checks)]
    return replace(found, checks=every, ok=all(check.ok for check in every))
