"""What the page asks for in full, with every check, in a process of its own: a certificate, or a brief of all strategies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from coercivity.engine.data.values import to_plain
from coercivity.engine.desk import runs
from coercivity.engine.desk.delivery import sealed
from coercivity.engine.report import sheet
from coercivity.models.licensing.answers import commands
from coercivity.models.licensing.answers.verify import opened
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.desk.cockpit.reading import Reader, changed, grid_strategy
from coercivity.models.licensing.desk.cockpit.wishes import Wish
from coercivity.models.licensing.pages.comparison import brief as pages

Progress = Callable[[str, int, int], None]


def game_of(instance: Instance, wish: Wish) -> tuple[Instance, str]:
    """The instance of a wish, its grid among the strategies, and the name of the strategy; raises as ``changed``."""
    game, name = changed(instance, Reader.numbers_of(instance), wish.values), wish.strategy
    if wish.postures is None:
        return game, name
    while name in game.strategies:
        name += "_"
    return game.model_copy(update={"strategies": {**game.strategies, name: grid_strategy(game, wish)}}), name


def certificate(game: Instance, name: str, told: Progress) -> dict[str, Any]:
    """What ``coercivity solve --strategy`` proves of a strategy."""
    found = commands.solve(game, name, progress=told)
    proved = found.certificate
    return {
        "proof": proved.proof,
        "says": proved.says,
        "value": found.leader.value_musd,
        "optimistic": proved.optimistic_musd,
        "pessimistic": proved.pessimistic_musd,
        "checks": [{"name": one.name, "ok": bool(one.ok)} for one in proved.checks],
    }


def brief(game: Instance, told: Progress) -> dict[str, Any]:
    """One page on what ``coercivity compare --hinges 0`` finds, as HTML, and the result that it tells, to be verified."""
    started = datetime.now(UTC)
    found = commands.compare(game, 1, None, told)
    options = {"jobs": 1, "hinges": 0.0, "command": "cockpit"}
    ending = {"status": commands.status(found), "gap_musd": commands.gap(found)}
    manifest = runs.manifest(found.instance.hash, options, started, ending, found.manifest)
    data = to_plain(sealed(replace(found, manifest=manifest)))
    page = sheet.page(
        pages.sheet(pages.brief_of(opened(data), "cockpit-result.json", True, runs.version("coercivity")))
    )
    return {"html": page, "result": data}
