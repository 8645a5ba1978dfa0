"""``coercivity solve FILE`` for bilevel programs: figures, proofs, exit codes and what a wrong option is told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from coercivity import cli
from coercivity.engine.bilevel.formats import read
from coercivity.engine.bilevel.judge.certify import certify
from coercivity.engine.bilevel.methods.big_m import Declared
from coercivity.engine.bilevel.selection import METHODS, Solved, solve
from coercivity.engine.bilevel.solution import Status
from coercivity.engine.data.values import to_plain
from coercivity.engine.errors import UsageError
from coercivity.models.program.answer import Question, answer, told, verify
from coercivity.models.program.files import declared, kind_of, located

LITERATURE = Path(__file__).parents[3] / "instances" / "literature"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str, text: str | None = None) -> Result:
    return CliRunner().invoke(cli.main_group, ["solve", *arguments], input=text, catch_exceptions=False)


def solved(*arguments: str) -> dict[str, Any]:
    found = run(*arguments, "--no-save", "--format", "json")
    assert found.exit_code == 0, found.stderr
    return dict(json.loads(found.stdout))


def test_a_pair_is_solved_with_what_a_reader_of_json_expects() -> None:
    found = solved("moore_bard1990")
    assert (found["value"], found["optimistic"], found["pessimistic"]) == (-22.0, -22.0, -22.0)
    assert (found["leader"], found["follower"]) == ({"x": 2.0}, {"y": 2.0})
    assert found["attained"] is True
    assert found["method"] == "commitments"
    assert found["certificate"]["proof"] == "OPTIMAL"
    assert found["certificate"]["bound"] == pytest.approx(-22.0, abs=1e-6)
    assert found["certificate"]["follower_gap"] <= 1e-9
    assert found["seconds"] > 0.0


def test_both_readings_stand_side_by_side_and_in_the_sense_of_the_file() -> None:
    # Conejo et al. (2016): at capacity 50 any price from 12 to 15 clears the market, and the leader hopes for 15.
    found = solved("conejo2016_price_maker")
    assert found["optimistic"] == pytest.approx(-190000.0)
    # 2,000,000 of capacity against no margin at all at the cheap price: 40000 · 50 + 8760 · 50 · (10 − 12) = 1,124,000.
    assert found["pessimistic"] == pytest.approx(1124000.0)
    maximised = answer(read(LITERATURE / "fanzeres2017_strategic_bid.json"), Question("auto"))
    assert maximised.program.sense == "max"
    assert maximised.value == pytest.approx(20000.0)


def test_a_limit_that_is_not_attained_is_said_to_be_one() -> None:
    found = solved("yue2017_toy3_int")
    assert found["value"] == pytest.approx(-243.5)
    assert found["attained"] is False
    assert found["status"] == "NOT_ATTAINED"
    assert "limit" in found["certificate"]["says"]


@pytest.mark.parametrize(
    ("name", "status"), [("basblib_mb_2007_02", "INFEASIBLE"), ("bolib_TuyEtal2007Ex3", "UNBOUNDED")]
)
def test_without_an_optimum_the_result_is_printed_and_the_exit_code_is_4(name: str, status: str) -> None:
    found = run(name, "--no-save", "--format", "json")
    assert found.exit_code == 4
    data = json.loads(found.stdout)
    assert (data["status"], data["value"], data["certificate"]["proof"]) == (status, None, "OPTIMAL")


def test_the_methods_that_accept_a_problem_agree() -> None:
    names = set(METHODS) - {"interdiction", "interdiction_tree", "knapsack", "directions"}
    values = {name: solved("moore_bard1990_ex1_relaxed_follower", "--method", name)["value"] for name in names}
    assert values == pytest.approx(dict.fromkeys(names, -18.0))


def test_a_wrong_declared_bound_never_proves_optimality() -> None:
    # Pineda and Morales (2019): the multiplier is 100 in the optimum, and a bound of 10 cuts it off.
    options = ("pineda_morales2018", "--method", "big_m", "--declare", "multipliers=10", "--declare", "slacks=1000")
    found = run(*options, "--because", "it looked large", "--no-save", "--format", "json")
    data = json.loads(found.stdout)
    assert (data["certificate"]["proof"], data["status"]) == ("BILEVEL_FEASIBLE", "ASSUMED")
    assert any("it looked large" in assumption for assumption in data["certificate"]["assumptions"])
    assert run(*options, "--because", "x", "--no-save", "--require", "OPTIMAL").exit_code == 5


def test_the_best_commitment_against_ties_is_asked_for_by_an_option() -> None:
    # Dempe (2002), exercise 3.2 is one where the follower is indifferent; the value can only be worse for the leader.
    hopeful, careful = (solved("dempe2002_ex3_2", *option) for option in ((), ("--pessimistic",)))
    assert careful["value"] >= hopeful["value"] - 1e-9
    assert careful["certificate"]["proof"] == "OPTIMAL"
    assert "ties against the leader" in careful["program"]["name"]
    assert verify(careful).ok
    assert run("conejo2016_price_maker", "--pessimistic").exit_code == 2


def test_a_bound_that_survives_rounding_is_asked_for_by_an_option() -> None:
    found = solved("candler_townsley1982", "--safe")
    known = found["certificate"]["safe"]
    assert (known["level"], known["value"]) == ("EXACT", "-146/5")
    assert Fraction(known["bound"]) <= Fraction(-146, 5)
    assert verify(found).ok
    known["bound"] += 1e-9
    assert not verify(found).ok
    assert "safe" not in solved("candler_townsley1982")["certificate"]
    assert run("moore_bard1990", "--safe").exit_code == 2
    assert run("conitzer_sandholm2006", "--safe").exit_code == 2
    # The sentence stands in the report, and what is not guaranteed has a code of its own.
    assert "The exact value is -146/5" in run("candler_townsley1982", "--safe", "--no-save").stdout
    assert run("candler_townsley1982", "--safe", "--no-save", "--method", "big_m").exit_code == 0


def test_auto_says_why_and_a_refusal_names_a_method_that_accepts() -> None:
    assert "which rows are tight" in solved("basblib_bf_1982_01")["why"]
    refused = run("moore_bard1990", "--method", "complementarity", "--no-save")
    assert refused.exit_code == 2
    assert "value_function" in refused.stderr
    none = run("basblib_mb_2006_01", "--no-save")
    assert none.exit_code == 2
    assert "not convex" in none.stderr


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("moore_bard1990", "--strategy", "open"), "no named strategies"),
        (("moore_bard1990", "--set", "a=1"), "edit the file"),
        (("moore_bard1990", "--variant", "a"), "a program has none"),
        (("moore_bard1990", "--charts"), "not drawn"),
        (("moore_bard1990", "--method", "bigm"), "did you mean 'big_m'"),
        (("moore_bard1990", "--declare", "multipliers=9"), "no reason"),
        (("moore_bard1990", "--because", "so"), "none is declared"),
        (("moore_bard1990", "--declare", "multipliers=9", "--because", "so"), "rests on no declared bound"),
        (("basblib_bf_1982_01", "--aux", "x.aux"), "both levels by itself"),
        (("one-buyer", "--method", "big_m"), "belongs to bilevel programs"),
        (("one-buyer", "--aux", "x.aux"), "belongs to bilevel programs"),
        (("nowhere.mps",), "nowhere.mps"),
        (("lonely.lp",), "no such file"),
        (("moore_bard199",), "did you mean 'moore_bard1990'"),
    ],
)
def test_an_option_that_does_not_fit_is_refused(options: tuple[str, ...], says: str) -> None:
    found = run(*options, "--no-save")
    assert found.exit_code in (2, 3)
    assert says in found.stderr


@pytest.mark.parametrize("option", ["price=3", "multipliers=much", "multipliers=-1", "slacks=inf", "multipliers"])
def test_a_declaration_that_says_no_bound_is_refused(option: str) -> None:
    with pytest.raises(UsageError, match="declare"):
        declared([option], "a reason")


def test_declarations_are_read_row_by_row_or_for_all() -> None:
    assert declared([], None) is None
    assert declared(["multipliers.cap=3", "slacks=7"], "known") == Declared("known", {"cap": 3.0}, 7.0)


def test_bounds_declared_for_a_method_without_any_are_refused() -> None:
    with pytest.raises(UsageError, match="rests on no declared bound"):
        solve(read(LITERATURE / "basblib_bf_1982_01.json"), "auto", None, Declared("x", 1.0, 1.0))


def test_what_a_name_stands_for() -> None:
    assert kind_of("a.MPS.GZ") == "program"
    assert kind_of("mine.yaml") is None
    assert kind_of("nowhere.json") is None
    assert located("one-buyer") == "one-buyer"


def test_faults_of_a_file_begin_with_their_place(folder: Path) -> None:
    (folder / "x.mps").write_text((LITERATURE / "pairs" / "moore_bard1990.mps").read_text("utf-8"))
    (folder / "x.aux").write_text("N 3\nM 4\n")
    found = run("x.mps", "--no-save")
    assert found.exit_code == 3
    assert found.stderr.startswith("x.aux:1: ")


def test_a_saved_answer_is_verified_and_a_touched_one_is_not(folder: Path) -> None:
    assert run("basblib_bf_1982_01").exit_code == 0
    saved = next(folder.glob("runs/*/result.json"))
    assert {file.name for file in saved.parent.iterdir()} == {"result.json", "report.txt", "problem.json"}
    checked = CliRunner().invoke(cli.main_group, ["verify", str(saved)])
    assert checked.exit_code == 0, checked.stdout
    for path, value in (
        (("value",), -27.0),
        (("certificate", "bound"), -30.0),
        (("leader", "x1"), 1.0),
        (("status",), "LIMITED"),
    ):
        data = json.loads(saved.read_text("utf-8"))
        place = data
        for key in path[:-1]:
            place = place[key]
        assert path[-1] in place, place
        place[path[-1]] = value
        (folder / "touched.json").write_text(json.dumps(data))
        assert CliRunner().invoke(cli.main_group, ["verify", "touched.json"]).exit_code == 7, path


@pytest.mark.parametrize(
    "name",
    [
        "moore_bard1990",
        "conejo2016_price_maker",
        "basblib_mb_2007_02",
        "yue2017_toy3_int",
        "fanzeres2017_strategic_bid",
    ],
)
def test_an_answer_of_every_kind_verifies(name: str) -> None:
    found = answer(read(located(name)), Question("auto"))
    again = verify(json.loads(json.dumps(to_plain(found))))
    assert again.ok, [check for check in again.checks if not check.ok]


def test_what_the_judge_proved_itself_is_told_again() -> None:
    drawing = read(LITERATURE / "pairs" / "knapsack_interdiction.mps")
    claim = replace(solve(drawing).solution, bound=100.0, status=Status.LIMIT)
    found = told(drawing, Solved(claim, "it was asked for"), certify(drawing, claim))
    assert (found.certificate.proof, found.certificate.bound) == ("OPTIMAL", 115.0)
    again = verify(json.loads(json.dumps(to_plain(found))))
    assert [check for check in again.checks if not check.ok] == []
