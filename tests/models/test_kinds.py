"""Every kind of result: its page tells every key, its schema takes what the commands print."""

from __future__ import annotations

import json
import os
from dataclasses import fields
from pathlib import Path

import pytest
from click.testing import CliRunner

from coercivity.cli import main_group
from coercivity.engine.data.values import from_plain, meanings, parts_of, schema_of, to_plain
from coercivity.models.kinds import KINDS, results_page

HOUSE = Path(__file__).parents[2]
PAGE = HOUSE / "docs/results.md"
GOLDEN = HOUSE / "tests/house/golden"
# Frozen answers by kind.
SHOWN = {
    "solve": "solve_one_buyer", "compare": "compare_template", "frontier": "frontier_template",
    "threshold": "threshold_template_grid", "sweep": "sweep_one_buyer", "montecarlo": "montecarlo_one_buyer",
    "sensitivity": "sensitivity_one_buyer", "sensitivity-morris": "sensitivity_one_buyer_morris",
    "discover": "discover_one_buyer", "backtest": "backtest_japan_2010", "audit": "audit",
    "solve-program": "solve_moore_bard1990", "solve-finite-game": "solve_two_types",
}  # fmt: skip


def test_the_page_tells_every_key() -> None:
    text = results_page()
    if "COERCIVITY_GOLDEN" in os.environ:
        PAGE.write_text(text, "utf-8")
    assert PAGE.read_text("utf-8") == text


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_every_key_has_its_unit_and_meaning(kind: type) -> None:
    for part in parts_of(kind):
        assert [entry.name for entry in fields(part) if not meanings(part).get(entry.name)] == [], part.__name__
    assert set(schema_of(kind)["properties"]) == {entry.name for entry in fields(kind)}


@pytest.mark.parametrize("name", SHOWN)
def test_what_is_printed_is_read_back_as_it_was(name: str) -> None:
    printed = json.loads((GOLDEN / f"{SHOWN[name]}.json").read_text("utf-8"))
    for part in (printed, printed.get("search") or {}, printed.get("against") or {}):
        # Times are left out of frozen answers.
        if isinstance(part, dict):
            part.update({key: 0.0 for key in ("seconds", "solver_seconds") if part.get(key, 0.0) is None})
    assert to_plain(from_plain(KINDS[name], printed)) == printed


def test_the_command_prints_the_schema_of_one_kind_or_of_all() -> None:
    one = CliRunner().invoke(main_group, ["schema", "--result", "compare"])
    assert json.loads(one.stdout)["title"] == "Comparison"
    assert set(json.loads(CliRunner().invoke(main_group, ["schema", "--result"]).stdout)) == set(KINDS)
    wrong = CliRunner().invoke(main_group, ["schema", "--result", "compar"])
    assert wrong.exit_code == 2
    assert "did you mean 'compare'" in wrong.stderr
