"""Every leaf and every file of a saved result forged in turn: none passes.

Forged and left with its old seal, everything is found out. Sealed anew by somebody who knows how, all is found out but
what only the run itself could know. ``make failures`` forges every kind of leaf; the suite a share of them.
"""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from coercivity import cli
from coercivity.engine.errors import CoercivityError
from coercivity.engine.proof.retelling import SEAL, seal
from coercivity.models.verification import verify
from tests.forging import Place, forged, kinds, with_more, without

ASKED = {
    "a strategy": ["solve", "one-buyer", "--strategy", "half"],
    "an optimum": ["solve", "one-buyer"],
    "a comparison": ["compare", "one-buyer"],
    "a program": ["solve", "moore_bard1990_ex1"],
    "a program with prices": ["solve", "conejo2016_price_maker"],
    "a finite game": ["solve", "two_types"],
}
EVERY = 1 if "COERCIVITY_FAILURES" in os.environ else 30
WAYS = (forged, without, with_more)
# What nothing but the seal can tell: how long it took, with what, and how the search went about it.
OF_THE_RUN = {
    "seconds", "solver_seconds", "nodes", "programs", "notes", "why", "method", "resolved", "versions", "system",
    "options", "started", "finished",
}  # fmt: skip


@cache
def saved(name: str) -> str:
    asked = [*ASKED[name], "--no-save", "--format", "json"]
    done = CliRunner().invoke(cli.main_group, asked)
    assert done.exit_code == 0, done.output
    return str(done.stdout)


def passes(result: Any) -> bool:
    """Whether a result verifies; what is refused with a sentence does not."""
    try:
        return verify(result).ok
    except CoercivityError:
        return False


def is_of_the_run(place: Place) -> bool:
    return bool(OF_THE_RUN & {str(part) for part in place})


@pytest.mark.parametrize("name", ASKED)
def test_an_honest_result_passes(name: str) -> None:
    assert passes(json.loads(saved(name)))


@pytest.mark.parametrize("name", ASKED)
def test_no_forged_leaf_passes_even_if_it_is_sealed_anew(name: str) -> None:
    result = json.loads(saved(name))
    passed = []
    for at, place in enumerate(kinds(result)):
        if at % EVERY or place == ("manifest", SEAL) or is_of_the_run(place):
            continue
        for way in WAYS:
            touched = way(result, place)
            if isinstance(touched.get("manifest"), dict):
                touched["manifest"][SEAL] = seal(touched)
            if passes(touched):
                passed.append((way.__name__, place))
    assert passed == []


@pytest.mark.parametrize("name", ASKED)
def test_what_only_the_run_knows_is_sealed(name: str) -> None:
    result = json.loads(saved(name))
    places = [place for place in kinds(result) if is_of_the_run(place)] + [("manifest", SEAL)]
    assert places
    for place in places[:: 1 if EVERY == 1 else 4]:
        assert not passes(forged(result, place)), place


@pytest.mark.parametrize("name", ["an optimum", "a comparison", "a program", "a finite game"])
def test_no_forged_file_passes(name: str, tmp_path: Path) -> None:
    run = CliRunner()
    assert run.invoke(cli.main_group, [*ASKED[name], "--out", str(tmp_path)]).exit_code == 0
    (folder,) = tmp_path.iterdir()
    assert run.invoke(cli.main_group, ["verify", str(folder)]).exit_code == 0
    for path in sorted(folder.iterdir()):
        text = path.read_text("utf-8")
        for touched in (text.replace("1", "2", 1), text[: len(text) // 2], text + "\nand more\n"):
            path.write_text(touched, "utf-8")
            assert run.invoke(cli.main_group, ["verify", str(folder)]).exit_code in (2, 7), (path.name, touched[-40:])
        path.write_text(text, "utf-8")
    (folder / "brief.html").write_text("Open trade is the proved optimum.", "utf-8")
    assert run.invoke(cli.main_group, ["verify", str(folder)]).exit_code == 7
