"""Why: parts that add up to the difference, mechanisms that are really off, figures taken apart, conflicts by name."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from coercivity.cli import main_group
from coercivity.engine.bilevel.modelling.program import WrittenProgram
from coercivity.engine.programs.conflict import conflict_of
from coercivity.engine.programs.linear import LinearProgram
from coercivity.models.licensing.answers.commands import solve
from coercivity.models.licensing.buyers.evaluate import Followers
from coercivity.models.licensing.data.load import load
from coercivity.models.licensing.studies.reasons.conflict import told
from coercivity.models.program.conflict import of_problem


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*words: str) -> Result:
    return CliRunner().invoke(main_group, ["--quiet", "why", *words], env={"COLUMNS": "80"})


def told_json(*words: str) -> dict[str, Any]:
    found = run(*words, "--format", "json")
    assert found.exit_code == 0, found.output
    return dict(json.loads(found.stdout))


def test_terms_blocs_and_years_are_those_of_the_two_answers() -> None:
    found = told_json("template", "--strategy", "open", "--against", "coercion")
    one, other = (solve(load("template"), name) for name in ("open", "coercion"))
    assert found["difference_musd"] == pytest.approx(one.leader.value_musd - other.leader.value_musd)
    assert sum(found["terms_musd"].values()) == pytest.approx(found["difference_musd"])
    for bloc, value in found["blocs_musd"].items():
        assert value == pytest.approx(one.blocs[bloc].pain_musd - other.blocs[bloc].pain_musd)
    flows = [
        one.leader.by_year[term].get("2026", 0.0) - other.leader.by_year[term].get("2026", 0.0)
        for term in one.leader.by_year
    ]
    assert found["years_musd"]["2026"] == pytest.approx(sum(flows))
    assert found["sentences"][0]["says"] == "Open trade is worth 174.5 million USD more than Slow licences for all."


def test_a_mechanism_that_is_off_is_off() -> None:
    found = told_json("template", "--strategy", "open", "--against", "coercion")
    moves = {one["mechanism"]: one for one in found["mechanisms"]}
    # What a concession contributes is a term of the payoff: without its worth that term alone is gone.
    assert moves["concession"]["moves_musd"] == pytest.approx(found["terms_musd"]["concession"], abs=0.1)
    worthless = load("template", ["concession.value=0 million USD/yr"])
    for name in ("open", "coercion"):
        alone = solve(worthless, name).leader.value_musd
        assert moves["concession"]["values_musd"][name] == pytest.approx(alone, abs=0.1)
    assert moves["leakage"]["moves_musd"] == pytest.approx(0.0, abs=0.1)
    assert [abs(one["moves_musd"]) for one in found["mechanisms"]] == sorted(
        (abs(one["moves_musd"]) for one in found["mechanisms"]), reverse=True
    )


def test_prices_hold_where_they_are_said_to_hold() -> None:
    found = told_json("template", "--strategy", "coercion", "--against", "open")
    assert found["prices"]
    for price in found["prices"]:
        assert price["holds_from_t"] <= price["limit_t"] <= price["holds_to_t"]
        assert price["price_usd_per_kg"] > 0


@pytest.mark.parametrize("bloc", ["north", "south"])
def test_the_parts_of_a_pain_add_up_to_it(bloc: str) -> None:
    found = told_json("template", "--strategy", "coercion", "--figure", f"blocs.{bloc}.pain")
    assert sum(part["value"] - part["base"] for part in found["parts"]) == pytest.approx(found["value"], abs=1e-3)
    assert found["value"] == pytest.approx(solve(load("template"), "coercion").blocs[bloc].pain_musd, abs=1e-3)
    assert all(one["path"].startswith(f"blocs.{bloc}.") for one in found["inputs"])


def test_the_parts_of_a_term_add_up_to_it() -> None:
    found = told_json("template", "--strategy", "coercion", "--figure", "leader.margin")
    assert sum(part["value"] for part in found["parts"]) == pytest.approx(found["value"])
    assert run("template", "--strategy", "coercion", "--figure", "blocs.nowhere.pain").exit_code == 2
    assert run("template", "--figure", "blocs.north.pain").exit_code == 2


def test_a_figure_halves_where_it_is_said_to() -> None:
    found = told_json("template", "--date", "leverage")
    answer = solve(load("template"), "coercion")
    curve = next(iter(answer.all_blocs.leverage_musd.values()))
    first = next(iter(curve.values()))
    when = next((at for at, value in curve.items() if value <= 0.5 * first), None)
    assert found["halved"]["coercion"] == when
    assert when is not None
    assert [one["code"] for one in found["sentences"]].count("halved") == sum(
        at is not None for at in found["halved"].values()
    )


def test_what_has_a_solution_is_said_to_have_one() -> None:
    assert run("template", "--infeasible").exit_code == 0
    found = run("moore_bard1990", "--infeasible")
    assert (found.exit_code, "has a solution" in found.stdout) == (0, True)
    assert run("moore_bard1990", "--strategy", "open").exit_code == 2


def program(
    rows: list[list[float]], lower: list[float], upper: list[float], bounds: tuple[float, float]
) -> LinearProgram:
    import scipy.sparse as sp

    width = len(rows[0])
    return LinearProgram(
        np.zeros(width), sp.csr_array(np.array(rows)), np.array(lower), np.array(upper),
        np.full(width, bounds[0]), np.full(width, bounds[1]),
    )  # fmt: skip


def test_a_conflict_is_irreducible_and_its_repair_repairs() -> None:
    inf = np.inf
    stated = program([[1, 1], [1, 0], [0, 1], [1, -1]], [10, -inf, -inf, -inf], [inf, 4, 5, 100], (0.0, inf))
    found = conflict_of(stated)
    assert found is not None
    assert set(found.rows) == {0, 1, 2}
    assert found.is_irreducible
    assert sum(map(abs, found.missed.values())) == pytest.approx(1.0)
    lower, upper = stated.row_lower.copy(), stated.row_upper.copy()
    for row, by in found.missed.items():
        (upper if by > 0 else lower)[row] += by
    assert conflict_of(replace(stated, row_lower=lower, row_upper=upper)) is None
    for row in found.rows:
        kept = [other for other in range(4) if other != row]
        part = program(
            stated.matrix[kept].toarray().tolist(), lower=[10, -inf, -inf, -inf][:0] + [float(stated.row_lower[k]) for k in kept],
            upper=[float(stated.row_upper[k]) for k in kept], bounds=(0.0, inf),
        )  # fmt: skip
        assert conflict_of(part) is None


def test_laws_of_the_game_are_named_by_bloc_product_and_period() -> None:
    followers = Followers(load("template"))
    program = followers.layout.announced_program(followers.announcer.named("coercion"))
    assert told("template", followers, program).has_solution
    # Nobody may do without, and nothing is in stock: what is not licensed is missing.
    upper = program.col_upper.copy()
    for name in ("unmet", "rival_sales", "reexport", "imports"):
        upper[followers.layout.columns[name][1]] = 0.0
    found = told("template", followers, replace(program, col_upper=upper))
    assert not found.has_solution
    assert any("north" in law or "south" in law for law in found.laws)
    assert any("metal" in law for law in found.laws)
    assert found.repairs
    assert "cannot hold together" in found.sentences[0]


def test_rows_of_a_program_are_named_with_their_player() -> None:
    written = WrittenProgram("torn")
    x = written.leader.variable("x", upper=4)
    y = written.follower.variable("y", upper=4)
    written.leader.minimise(x)
    written.follower.minimise(y)
    written.leader.subject_to(x + y >= 10, name="enough")
    found = of_problem(written.problem())
    assert found.laws == ["enough (leader)"]
    assert sorted(found.bounds) == ["x", "y"]
    assert [(one.side, one.by) for one in found.repairs] == [("lower", pytest.approx(2.0))]
