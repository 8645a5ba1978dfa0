"""The cockpit beyond a reading: leverage by year, what a copied grid keeps, the brief."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from coercivity.cli import main_group
from coercivity.engine.data.values import to_plain
from coercivity.engine.errors import UsageError
from coercivity.models.licensing.answers.commands import solve
from coercivity.models.licensing.data.load import load
from coercivity.models.licensing.desk.cockpit import facts, full
from coercivity.models.licensing.desk.cockpit.keeping import kept
from coercivity.models.licensing.desk.cockpit.reading import Reader, grid_strategy
from coercivity.models.licensing.desk.cockpit.wishes import GRID, Wish, making_of, wish_of
from tests.rich_instance import loaded, rich


def conditional() -> dict[str, Any]:
    """A game in which a strategy says what it does after a concession."""
    data = rich()
    data["concession"]["window"] = "3 month"
    data["strategies"]["half"] = {"title": "Half", "rules": [{"posture": "half"}], "if_conceded": [{"posture": "half"}]}
    return data


def test_leverage_by_year_is_the_curve_that_solve_reports() -> None:
    template = load("template")
    found = Reader(template).leverage(Wish({}, "coercion"))
    curve = to_plain(solve(template, "coercion"))["all_blocs"]["leverage_musd"]["3 months"]
    ends = [curve[name] for name in ("2025-12", "2026Q4", "2027", "2028", "2029", "2030")]
    assert (found["months"], found["first_year"]) == ([3.0], 2025)
    assert found["losses"][0] == pytest.approx(ends, rel=1e-3)


def test_an_instance_without_cut_offs_has_no_leverage_to_draw() -> None:
    assert Reader(load("one-buyer")).leverage(Wish({}, "half"))["losses"] == []


def test_a_copied_grid_goes_on_after_a_concession_as_the_strategy_does() -> None:
    game = loaded(conditional())
    postures = tuple(tuple(tuple(row) for row in groups) for groups in facts.grid_of(game, "half"))
    reader = Reader(game)
    named = reader.read(Wish({}, "half"))["value"]
    assert reader.read(Wish({}, GRID, postures, "half"))["value"] == pytest.approx(named)
    # Without what it was copied from the target is relieved instead, which is another strategy here.
    assert reader.read(Wish({}, GRID, postures))["value"] != pytest.approx(named, rel=1e-6)
    assert "if_conceded:" in kept(game, "FILE", Wish({}, GRID, postures, "half"))["variant"]
    with pytest.raises(UsageError):
        grid_strategy(game, Wish({}, GRID, postures, "nobody"))


def test_what_is_copied_and_made_is_read_from_a_wish() -> None:
    wish = wish_of({"values": {}, "postures": [[["a"]]], "copied": "half"})
    assert (wish.copied, wish.strategy) == ("half", GRID)
    assert making_of({"make": "brief"}) == "brief"
    for data in ({"make": "war"}, {"make": 1}):
        with pytest.raises(UsageError):
            making_of(data)


def test_a_brief_is_a_page_of_a_result_that_verifies(tmp_path: Path) -> None:
    game = load("one-buyer")
    postures = tuple(tuple(tuple(row) for row in groups) for groups in facts.grid_of(game, "half"))
    game, name = full.game_of(game, Wish({"leader.discount_rate": 0.08}, GRID, postures))
    began = time.monotonic()
    made = full.brief(game, lambda stage, done, total: None)
    assert time.monotonic() - began < 60
    assert name == GRID
    assert made["html"].startswith("<!doctype html>")
    assert "The grid of the cockpit" in made["html"]
    assert "<script" not in made["html"]
    result = tmp_path / "result.json"
    result.write_text(json.dumps(made["result"]), "utf-8")
    found = CliRunner().invoke(main_group, ["verify", str(result), "--jobs", "1"])
    assert found.exit_code == 0, found.output
