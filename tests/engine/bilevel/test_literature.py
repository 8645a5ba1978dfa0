"""Published problems: every one is solved to the checked optimum and certified, or refused with a reason."""

from __future__ import annotations

import copy
import csv
import json
from pathlib import Path
from typing import Any

import pytest

from coercivity.engine.bilevel import selection as choice
from coercivity.engine.bilevel.formats.neutral.reader import Malformed, program_of, read
from coercivity.engine.bilevel.judge.certify import certify
from coercivity.engine.bilevel.selection import METHODS
from coercivity.engine.bilevel.solution import Status
from coercivity.engine.errors import UsageError
from coercivity.engine.proof.certificate import ProofLevel

FOLDER = Path(__file__).parents[3] / "instances" / "literature"
with (FOLDER / "known.csv").open(newline="", encoding="utf-8") as file:
    ROWS = list(csv.DictReader(file))
# What is known of them, beside a checked value: no commitment has an answer, or the gain is without limit.
STATUSES = {"basblib_mb_2007_02": Status.INFEASIBLE, "bolib_TuyEtal2007Ex3": Status.UNBOUNDED}
REFUSED = dict.fromkeys(("basblib_mb_2006_01", "basblib_mb_2007_04", "bolib_AnEtal2009"), "not convex")


def test_every_file_is_known_and_the_other_way_round() -> None:
    assert sorted(row["name"] for row in ROWS) == sorted(file.stem for file in FOLDER.glob("*.json"))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["name"])
def test_a_published_problem_is_solved_by_every_method_that_accepts_it_and_certified(row: dict[str, str]) -> None:
    problem, accepted = read(FOLDER / f"{row['name']}.json"), []
    for name, method in METHODS.items():
        try:
            solution = method.solve(problem)
        except UsageError as refusal:
            assert refusal.what in str(method.refuses(problem))
            continue
        accepted.append(name)
        if row["name"] in STATUSES:
            assert solution.status is STATUSES[row["name"]]
            continue
        assert problem.shown(solution.value) == pytest.approx(float(row["checked"]), rel=1e-5, abs=1e-5)
        assert certify(problem, solution).proof is ProofLevel.OPTIMAL
    if row["name"] in REFUSED:
        with pytest.raises(UsageError, match=REFUSED[row["name"]]):
            choice.solve(problem)
        assert accepted == []
    else:
        assert accepted


# -- files that are wrong --------------------------------------------------------------------------------------------


def moore() -> dict[str, Any]:
    return dict(json.loads((FOLDER / "moore_bard1990_ex1.json").read_text("utf-8")))


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        (("format",), "bilevel-neutral/2", "is not known"),
        (("x", "names"), ["y"], "leader's too"),
        (("x", "lb"), [11.0], "below the lower bound"),
        (("x", "type"), ["Z"], "x.type"),
        (("x", "ub"), [], "0 entries, 1 expected"),
        (("upper", "sense"), "least", "upper.sense"),
        (("upper", "cx"), ["much"], "not a finite number"),
        (("upper", "Q"), [["x", "z", 1.0]], "unknown variable 'z'"),
        (("upper", "Q"), [["x", "y", 1.0], ["y", "x", 1.0]], "there twice"),
        (("upper", "Q"), [["y", "dual:e[3]", 1.0]], "0 equality rows"),
        (("lower", "Q"), [["y", "dual:e[0]", 1.0]], "no price"),
        (("lower", "row_sense"), ["<=", "<=", "<=", "<"], "lower.row_sense"),
        (("lower", "C"), [[1.0]], "not a list of 4 rows"),
        (("lower", "e"), [1.0], "1 entries"),
        (("lower", "extra"), 1, "unknown key"),
    ],
)
def test_a_wrong_file_is_refused_with_its_place(path: tuple[str, ...], value: Any, says: str) -> None:
    data = copy.deepcopy(moore())
    place: Any = data
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(Malformed) as error:
        program_of(data, "wrong.json")
    assert says in str(error.value), error.value


def test_a_file_that_is_not_there_or_no_json_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Malformed, match="cannot be read"):
        read(tmp_path / "nowhere.json")
    (tmp_path / "half.json").write_text('{"format": ')
    with pytest.raises(Malformed, match="is not JSON"):
        read(tmp_path / "half.json")
    data = moore()
    del data["lower"]
    with pytest.raises(Malformed, match="lower: missing"):
        program_of(data, "half")
