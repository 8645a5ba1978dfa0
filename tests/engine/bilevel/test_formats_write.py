"""Files of bilevel programs written and read back, mutated at random, and solved to their published optima."""

from __future__ import annotations

import copy
import gzip
import io
import json
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from coercivity.engine.bilevel.formats import Malformed, read, write, write_neutral, write_pair
from coercivity.engine.bilevel.formats.neutral.reader import parse_neutral, program_of
from coercivity.engine.bilevel.judge.certify import certify
from coercivity.engine.bilevel.methods.complementarity import method as complementarity
from coercivity.engine.bilevel.methods.value_function import method as value_function
from coercivity.engine.bilevel.problem import BilevelProblem, Objective, PriceTerm, Rows, Variables
from coercivity.engine.bilevel.response.responder import Responder
from coercivity.engine.data.piped import PIPED
from coercivity.engine.errors import UsageError
from coercivity.engine.proof.certificate import ProofLevel
from tests.bilevel_problems import moore_bard, objective, price_maker, problem, variables
from tests.engine.bilevel.test_formats import ATTACK, ATTACKED, KEYWORDS, NAMED, PROGRAM, both, same

FOLDER = Path(__file__).parents[3] / "instances" / "literature"
FILES = sorted(FOLDER.glob("*.json"))


def as_a_pair_says(problem: BilevelProblem) -> BilevelProblem:
    """The program without what a pair leaves out: senses, and what changes no answer of the follower."""
    own = problem.follower_objective
    linear = np.concatenate([np.zeros(len(problem.leader)), own.linear[len(problem.leader) :]])
    return replace(problem, is_maximised=False, follower_objective=replace(own, linear=linear, constant=0.0))


# -- written and read back -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_published_problem_is_read_back_the_same(file: Path, tmp_path: Path) -> None:
    problem = read(file)
    again = read(write_neutral(problem, tmp_path / "a.json"))
    assert same(problem, again) and again.is_follower_maximised == problem.is_follower_maximised
    assert again.follower_objective.constant == problem.follower_objective.constant
    is_linear = not any(part.quadratic.nnz for part in (problem.objective, problem.follower_objective))
    if is_linear and not problem.prices:
        written = write_pair(problem, tmp_path / "a.mps")
        assert written.columns == written.rows == ()
        assert same(read(written.mps), as_a_pair_says(problem))
    else:
        with pytest.raises(UsageError, match="MPS and AUX"):
            write_pair(problem, tmp_path / "a.mps")
        assert not (tmp_path / "a.mps").exists()


NUMBERS = st.floats(-1e6, 1e6, allow_subnormal=False) | st.integers(-9, 9).map(float)
SIDES = st.tuples(NUMBERS, NUMBERS, st.sampled_from(["both", "lower", "upper", "equal"]))
BOUNDS = st.tuples(NUMBERS, NUMBERS, st.sampled_from(["both", "lower", "upper", "equal", "free", "none"]))
NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=4)


def sides_of(drawn: list[tuple[float, float, str]]) -> tuple[np.ndarray, np.ndarray]:
    low = [{"upper": -inf, "free": -inf, "none": 0.0}.get(kind, min(a, b)) for a, b, kind in drawn]
    high = [{"lower": inf, "free": inf, "none": inf, "equal": min(a, b)}.get(kind, max(a, b)) for a, b, kind in drawn]
    return np.array(low), np.array(high)


@st.composite
def programs(draw: st.DrawFn) -> BilevelProblem:
    n, m, k, r = (draw(st.integers(low, 3)) for low in (0, 1, 0, 0))
    names = draw(st.lists(NAMES, min_size=n + m + k + r, max_size=n + m + k + r, unique=True))
    levels, rows = [], []
    for count in (n, m):
        taken, names = names[:count], names[count:]
        low, high = sides_of(draw(st.lists(BOUNDS, min_size=count, max_size=count)))
        whole = draw(st.lists(st.booleans(), min_size=count, max_size=count))
        levels.append(Variables(tuple(taken), low, high, np.array(whole, dtype=bool)))
    for count in (k, r):
        taken, names = names[:count], names[count:]
        low, high = sides_of(draw(st.lists(SIDES, min_size=count, max_size=count)))
        values = draw(st.lists(NUMBERS, min_size=count * (n + m), max_size=count * (n + m)))
        rows.append(Rows(tuple(taken), sp.csr_array(np.array(values).reshape(count, n + m)), low, high))
    costs = [draw(st.lists(NUMBERS, min_size=n + m, max_size=n + m)) for _ in range(2)]
    nothing = sp.csr_array((n + m, n + m))
    players = [Objective(np.array(cost), nothing, draw(NUMBERS)) for cost in costs]
    return BilevelProblem("random", levels[0], levels[1], players[0], rows[0], players[1], rows[1], draw(st.booleans()))


@settings(max_examples=150, deadline=None)
@given(programs())
def test_a_random_program_is_read_back_the_same(
    tmp_path_factory: pytest.TempPathFactory, problem: BilevelProblem
) -> None:
    folder = tmp_path_factory.mktemp("pair")
    try:
        written = write_pair(problem, folder / "a.mps")
    except UsageError as error:
        assert "no exact width" in str(error)
        return
    again = read(written.mps)
    names = dict(written.columns)
    assert again.names == tuple(names.get(name, name) for name in problem.names)
    n = len(problem.leader)
    leader, follower = (
        replace(part, names=named)
        for part, named in ((problem.leader, again.names[:n]), (problem.follower, again.names[n:]))
    )
    assert same(again, as_a_pair_says(replace(problem, leader=leader, follower=follower)))


def test_names_that_a_pair_cannot_hold_are_mapped(tmp_path: Path) -> None:
    problem = moore_bard()
    problem = replace(
        problem, leader=replace(problem.leader, names=("a b",)), follower=replace(problem.follower, names=("a_b",))
    )
    written = write_pair(problem, tmp_path / "a.mps")
    assert written.columns == (("a b", "a_b_2"),)
    assert "* column 'a b' is written a_b_2" in written.mps.read_text("utf-8")
    assert read(written.mps).names == ("a_b_2", "a_b")


@pytest.mark.parametrize(
    ("problem", "says"),
    [
        (price_maker(), "prices"),
        (replace(moore_bard(), objective=objective([1.0, 1.0], [(0, 1, 1.0)])), "quadratic terms of the leader's"),
        (
            replace(moore_bard(), follower_objective=objective([1.0, 1.0], [(0, 1, 1.0)])),
            "quadratic terms of the follower's",
        ),
    ],
)
def test_what_a_pair_cannot_say_is_refused(problem: BilevelProblem, says: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=says):
        write_pair(problem, tmp_path / "a.mps")
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_written_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere" / "a.mps", tmp_path / "a.txt"):
        with pytest.raises(UsageError, match=r"cannot be written|end it with"):
            write_pair(moore_bard(), path)
    named = replace(moore_bard(), leader=replace(moore_bard().leader, names=("dual:e[0]",)))
    with pytest.raises(UsageError, match="a name of its own"):
        write_neutral(named, tmp_path / "a.json")
    with pytest.raises(UsageError, match="'kown' is no remark"):
        write_neutral(moore_bard(), tmp_path / "a.json", {"kown": -22})
    again = json.loads(
        write_neutral(moore_bard(), tmp_path / "a.json", {"known": {"objective": -22}}).read_text("utf-8")
    )
    assert again["known"] == {"objective": -22}


def test_json_is_read_from_standard_input_and_packed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    data = (FOLDER / "moore_bard1990_ex1.json").read_bytes()
    expected = read(FOLDER / "moore_bard1990_ex1.json")
    (tmp_path / "a.json.gz").write_bytes(gzip.compress(data))
    (tmp_path / "without_ending").write_bytes(data)
    PIPED.hand_over(io.TextIOWrapper(io.BytesIO(data)))
    for path in ("-", tmp_path / "a.json.gz", tmp_path / "without_ending"):
        assert same(read(path), expected)


def test_prices_of_any_row_are_written_and_read_back(tmp_path: Path) -> None:
    """An inequality, a row with two sides, and an equation; the prices of two sides add up to the row's."""
    stated = problem(
        variables("x", [(0.0, 1.0)]), variables("y", [(0.0, 9.0)] * 3), objective([1.0, 0.0, 0.0, 0.0]), objective([0.0, -1.0, -2.0, 3.0]),
        follower_rows=[([1.0, 1.0, 0.0, 0.0], "<=", 4.0), ([0.0, 0.0, 1.0, 0.0], "<=", 5.0), ([0.0, 0.0, 0.0, 1.0], "==", 2.0)],
        prices=[PriceTerm(0, None, 2.0), PriceTerm(1, 0, 1.0), PriceTerm(2, None, 1.0)],
    )  # fmt: skip
    rows = stated.follower_rows
    stated = replace(stated, follower_rows=replace(rows, lower=np.where(np.arange(3) == 1, -5.0, rows.lower)))
    text = write_neutral(stated, tmp_path / "a.json").read_text("utf-8")
    again = read(tmp_path / "a.json")
    assert all(f"dual:{kind}[k]" in text for kind in "er")
    assert sorted(term.coefficient for term in again.prices) == [1.0, 1.0, 1.0, 2.0]
    one, other = (Responder(each).respond(np.zeros(len(stated.leader))).optimistic for each in (stated, again))
    assert one == pytest.approx(other)
    data = json.loads(text)
    data["upper"]["Q"].append([None, "dual:r[99]", 1.0])
    with pytest.raises(Malformed, match=r"dual:r.99., but the follower has"):
        program_of(data, "a.json")


def test_other_spellings_that_mean_nothing_else_are_read() -> None:
    plain = two_followers()
    other = copy.deepcopy(plain)
    other["upper"]["sense"], other["lower"]["sense"] = "Minimize", "maximise"
    other["lower"]["row_sense"] = ["=<" if sense == "<=" else sense for sense in other["lower"]["row_sense"]]
    other["upper"]["row_sense"] = ["=="]
    other["y"]["type"] = ["c", "c"]
    assert same(program_of(other, "other.json"), program_of(plain, "plain.json"))
    for word in ("minimum", 1, None, ""):
        other["upper"]["sense"] = word
        with pytest.raises(Malformed, match="is no sense"):
            program_of(other, "other.json")


def test_rows_that_bind_nobody_are_left_out(tmp_path: Path) -> None:
    stated = moore_bard()
    rows = stated.follower_rows
    free = replace(
        stated,
        follower_rows=replace(
            rows,
            upper=np.where(np.arange(len(rows)) == 0, np.inf, rows.upper),
            lower=np.where(np.arange(len(rows)) == 0, -np.inf, rows.lower),
        ),
    )
    for name in ("a.mps", "a.json"):
        assert len(read(write(free, tmp_path / name)[0]).follower_rows) == len(rows) - 1


# -- several followers -----------------------------------------------------------------------------------------------


def two_followers() -> dict[str, Any]:
    return dict(json.loads((FOLDER / "pao_pao2_two_followers.json").read_text("utf-8")))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"followers": [{"y": ["y1"], "rows": [0, 1, 2]}, {"y": ["y2", "y1"], "rows": [3, 4, 5]}]}, "'y1' belongs to two"),
        ({"followers": [{"y": ["y1"], "rows": [0, 1, 2]}, {"y": ["y2"], "rows": [2, 3, 4, 5]}]}, "row 2 belongs to two"),
        ({"followers": [{"y": ["y1"], "rows": [0, 1, 2]}, {"y": ["y2"], "rows": [3, 4]}]}, "row 5 of lower belongs to no"),
        ({"followers": [{"y": ["y1", "y2"], "rows": [0, 1, 2, 3, 4, 6]}]}, "6 is not a row"),
        ({"followers": [{"y": ["y1"], "rows": [0, 1, 2, 3, 4, 5]}]}, "'y2' belongs to no follower"),
        ({"followers": [{"y": ["y1", ["y2"]], "rows": []}]}, "not a variable of y"),
        ({"followers": [{"y": ["y1"], "rows": [0, 1, 3]}, {"y": ["y2"], "rows": [2, 4, 5]}]}, "has a variable of followers"),
        ({"name": "two\nlines"}, "is not a name"),
        ({"extensions": ["equilibria"]}, "an extension that is not known"),
    ],
)  # fmt: skip
def test_followers_that_are_not_told_apart_are_refused(change: dict[str, Any], says: str) -> None:
    with pytest.raises(Malformed) as error:
        program_of(two_followers() | change, "two.json")
    assert says in str(error.value), error.value


def test_several_followers_are_told_apart_by_name() -> None:
    assert program_of(two_followers(), "two.json").members == ("follower 1", "follower 2")


# -- mutated at random -----------------------------------------------------------------------------------------------

WORDS = (
    "NAME ROWS RHS RANGES BOUNDS ENDATA N L G E UP LO FX FR MI PL BV LI UI 1e30 -1e30 inf 1D5 -5 0 x y r1 'MARKER' 'INTORG' "
    "'INTEND' @NUMVARS @VARSBEGIN @OBJSENSE MAX LC LR OS IC IB M # * \0 --1 1e400 ² \u0663"
)
VALUES = [None, True, 1, 1e30, "x", "", [], {}, [[1]], "dual:e[0]", "dual:e[99]", 10**400, "=", ["x", "y", 1], "\ud800"]
PAIRS = [(PROGRAM, NAMED), (PROGRAM, KEYWORDS), (ATTACKED, ATTACK)]


@st.composite
def mutated(draw: st.DrawFn, text: str) -> str:
    lines = text.split("\n")
    for _ in range(draw(st.integers(1, 3))):
        at, how = draw(st.integers(0, len(lines) - 1)), draw(st.integers(0, 4))
        words = lines[at].split() or [""]
        place = draw(st.integers(0, len(words) - 1))
        if how == 0:
            lines[at] = lines[draw(st.integers(0, len(lines) - 1))]
        elif how == 1:
            lines[at] = lines[at][: draw(st.integers(0, len(lines[at])))]
        else:
            words[place : place + how - 2] = [draw(st.sampled_from(WORDS.split()) | st.text(max_size=3))]
            lines[at] = " " * draw(st.integers(0, 1)) + " ".join(words)
    return draw(st.sampled_from(["\n", "\r\n", "\r"])).join(lines)


@settings(max_examples=400, deadline=None)
@given(st.data(), st.sampled_from(PAIRS), st.booleans())
def test_a_mutated_pair_is_read_or_refused(data: st.DataObject, pair: tuple[str, str], is_program: bool) -> None:
    program, auxiliary = pair
    text = data.draw(mutated(program if is_program else auxiliary))
    try:
        problem = both(text, auxiliary) if is_program else both(program, text)
    except Malformed as error:
        assert all(finding.what and finding.fix and finding.place.startswith("p.") for finding in error.findings)
        return
    for columns in (problem.leader, problem.follower):
        assert np.all(columns.lower <= columns.upper)


def places(data: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    keys = list(data) if isinstance(data, dict) else range(len(data)) if isinstance(data, list) else []
    return [found for key in keys for found in ((*place, key), *places(data[key], (*place, key)))]


@settings(max_examples=200, deadline=None)
@given(st.data(), st.sampled_from([*VALUES, "gone"]))
def test_mutated_data_are_read_or_refused(data: st.DataObject, value: Any) -> None:
    drawn = copy.deepcopy(two_followers())
    for key in ("source", "known", "checked", "notes", "class"):
        drawn.pop(key, None)
    *path, last = data.draw(st.sampled_from(places(drawn)))
    part = drawn
    for key in path:
        part = part[key]
    if value == "gone":
        del part[last]
    else:
        part[last] = copy.deepcopy(value)
    try:
        parse_neutral(json.dumps(drawn, indent=1), "a.json")
    except Malformed as error:
        assert str(error).encode() and error.findings


# -- solved ----------------------------------------------------------------------------------------------------------

# Bard (1998), example 5.1.1: the follower takes the least y, max(3 − x, 1.5 x − 2), so that x − 4 y = −5 x + 8 = −12 at x = 4.
BARD = """NAME bard511
ROWS
 N F
 G r1
 L r2
 L r3
 L r4
COLUMNS
 x F 1 r1 1
 x r2 -2 r3 2
 x r4 3
 y F -4 r1 1
 y r2 1 r3 1
 y r4 -2
RHS
 RHS r1 3 r3 12
 RHS r4 4
ENDATA
"""
BARD_FOLLOWER = "@NUMVARS\n1\n@NUMCONSTRS\n4\n@VARSBEGIN\ny 1\n@VARSEND\n@CONSTRSBEGIN\nr1\nr2\nr3\nr4\n@CONSTRSEND\n"
# Weights 3, 4, 5 and values 5, 6, 7, room 8, two attacks: without the second and third item the follower takes 5.
KNAPSACK = """ROWS
 N worth
 L weight
COLUMNS
 M 'MARKER' 'INTORG'
 a worth -5 weight 3
 b worth -6 weight 4
 c worth -7 weight 5
 M 'MARKER' 'INTEND'
RHS
 RHS weight 8
ENDATA
"""
# The first program with a follower who takes the greatest y: at x = 2 it is 4, at 1 and 3 at most 3.
GREATEST = KEYWORDS.replace("LO 1", "LO -1")
KNAPSACK_ATTACK = "N 3\nM 4\nLO -5\nLO -6\nLO -7\nOS 1\nIC 1\nIC 1\nIC 1\nIB 2\n"


@pytest.mark.parametrize(
    ("problem", "method", "value"),
    [
        (both(BARD, BARD_FOLLOWER), complementarity, -12.0),
        (both(KNAPSACK, KNAPSACK_ATTACK), value_function, 5.0),
        (both(PROGRAM, GREATEST), value_function, -42.0),
        (read(FOLDER / "pairs" / "moore_bard1990.mps"), value_function, -22.0),
        (read(FOLDER / "pairs" / "candler_townsley1982.mps"), complementarity, -29.2),
    ],
    ids=["bard511", "knapsack", "moore_up", "moore_bard1990", "candler_townsley1982"],
)
def test_a_pair_is_solved_to_its_known_optimum(problem: BilevelProblem, method: Any, value: float) -> None:
    solution = method.solve(problem)
    assert problem.shown(solution.value) == pytest.approx(value, abs=1e-6)
    assert certify(problem, solution).proof is ProofLevel.OPTIMAL


def test_a_stored_pair_says_what_the_json_file_says() -> None:
    for pair, file in (("moore_bard1990", "moore_bard1990_ex1"), ("candler_townsley1982", "bolib_CandlerTownsley1982")):
        one, other = read(FOLDER / "pairs" / f"{pair}.mps"), as_a_pair_says(read(FOLDER / f"{file}.json"))
        if pair == "moore_bard1990":
            # The last row is written as 2 x + 10 y ≥ 15 in one file, negated in the other.
            rows = other.follower_rows
            sign = np.array([1.0, 1.0, 1.0, -1.0])
            lower, upper = np.where(sign < 0, -rows.upper, rows.lower), np.where(sign < 0, inf, rows.upper)
            turned = Rows(rows.names, sp.csr_array(rows.matrix.toarray() * sign[:, None]), lower, upper)
            other = replace(other, follower_rows=turned)
        assert same(one, other)


def test_the_stored_interdiction_has_its_optimum_by_enumeration() -> None:
    problem = read(FOLDER / "pairs" / "knapsack_interdiction.mps")
    choices = np.array(np.meshgrid(*[[0.0, 1.0]] * 10)).reshape(10, -1).T
    rows = problem.follower_rows
    weight, cost = rows.matrix.toarray()[0, 10:], problem.follower_objective.linear[10:]
    carried = choices[choices @ weight <= rows.upper[0]]
    allowed = choices[choices @ problem.rows.matrix.toarray()[0, :10] <= problem.rows.upper[0]]
    # The follower's best with nothing of what is attacked, for each attack that can be paid.
    answers = [np.min((carried @ cost)[(carried @ attack) == 0.0]) for attack in allowed]
    assert min(-answer for answer in answers) == 115.0
    np.testing.assert_array_equal(problem.objective.linear[10:], -cost)
