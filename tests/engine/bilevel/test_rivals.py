"""Followers that meet: against the enumeration of all equilibria, in closed form, in both formats, and what is refused."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

from coercivity.engine.bilevel.formats import read, write
from coercivity.engine.bilevel.formats.mps.pair import read_pair
from coercivity.engine.bilevel.formats.neutral.reader import program_of
from coercivity.engine.bilevel.judge.certify import certify
from coercivity.engine.bilevel.problem import BilevelProblem, Rivals
from coercivity.engine.bilevel.reformulations.pessimistic import against
from coercivity.engine.bilevel.selection import METHODS, solve
from coercivity.engine.bilevel.solution import BilevelSolution, Limits, Status
from coercivity.engine.data.text import Malformed
from coercivity.engine.data.values import to_plain
from coercivity.engine.errors import UsageError
from coercivity.engine.programs.hot import LinearProgram, SolveStatus
from coercivity.engine.programs.mixed import precise
from coercivity.engine.proof.certificate import ProofLevel
from coercivity.models.program.answer import Question, answer, verify
from tests.bilevel_problems import objective, problem, variables


def drawn(seed: int, *, is_menu: bool = True) -> BilevelProblem:
    """Two followers of one or two columns in boxes, one row each that both may enter, costs that the other moves."""
    random = np.random.default_rng(seed)
    counts = [int(random.integers(1, 3)), 1]
    m = sum(counts)
    members = tuple(name for name, count in zip("AB", counts, strict=True) for _ in range(count))
    rows = []
    for own in ("A", "B"):
        line = np.r_[random.integers(-2, 3, 1), random.integers(0, 4, m)].astype(float)
        line[1 + members.index(own)] = float(random.integers(1, 4))
        rows.append((line.tolist(), "<=", float(random.integers(4, 12))))
    gradient = random.integers(-2, 3, (m, 1 + m)) * (random.random((m, 1 + m)) < 0.5)
    gradient[:, 1:][np.array(members)[:, None] == np.array(members)[None, :]] = 0
    linear = random.integers(-4, 5, m).astype(float)
    coupling = [([1.0, *random.integers(0, 3, m).tolist()], ">=", 1.0)] if seed % 3 == 0 else []
    spread = np.zeros((1 + m, 1 + m))
    spread[1:] = gradient
    given = problem(
        variables("x", [(0.0, 3.0)], [0] if is_menu else []), variables("y", [(0.0, 3.0)] * m),
        objective([float(random.integers(-2, 3)), *random.integers(-5, 6, m).astype(float)]),
        objective([0.0, *linear]), leader_rows=coupling, follower_rows=rows,
    )  # fmt: skip
    total = replace(given.follower_objective, quadratic=sp.csr_array(spread + spread.T))
    rivals = Rivals(("A", "B"), linear, sp.csr_array(gradient.astype(float)))
    return replace(given, follower_objective=total, members=members, rivals=rivals)


def enumerated(given: BilevelProblem) -> float:
    """The least value over all equilibria, each choice of a half of every pair tried; written from the definition alone."""
    rivals, n, m = given.rivals, len(given.leader), len(given.follower)
    assert rivals is not None
    sides: list[tuple[str, np.ndarray, float]] = []
    for owner, line, side in zip(
        rivals.owners, given.follower_rows.matrix.toarray(), given.follower_rows.upper, strict=True
    ):
        sides.append((owner, -line, -side))
    for j, name in enumerate(given.members):
        unit = np.eye(n + m)[n + j]
        sides += [(name, unit, given.follower.lower[j]), (name, -unit, -given.follower.upper[j])]
    best, count = inf, len(sides)
    for menu in itertools.product(
        *(range(int(low), int(high) + 1) for low, high in zip(given.leader.lower, given.leader.upper, strict=True))
    ):
        for tight in itertools.product([False, True], repeat=count):
            best = min(best, _least(given, rivals, np.array(menu, dtype=float), sides, tight))
    return best


def _least(given: BilevelProblem, rivals: Rivals, x: np.ndarray, sides: list[Any], tight: tuple[bool, ...]) -> float:
    n, m, count = len(given.leader), len(given.follower), len(sides)
    stationary = np.zeros((m, n + m + count))
    stationary[:, : n + m] = rivals.gradient.toarray()
    for k, (owner, line, _) in enumerate(sides):
        stationary[:, n + m + k] = [-line[n + j] if given.members[j] == owner else 0.0 for j in range(m)]
    lines = np.array([[*line, *[0.0] * count] for _, line, _ in sides])
    level = np.array([side for _, _, side in sides])
    own = np.hstack([given.rows.matrix.toarray(), np.zeros((len(given.rows), count))])
    program = LinearProgram(
        np.r_[given.objective.linear, np.zeros(count)],
        sp.csr_array(np.vstack([stationary, lines, own])),
        np.r_[-rivals.linear, level, given.rows.lower],
        np.r_[-rivals.linear, np.where(tight, level, inf), given.rows.upper],
        np.r_[x, np.full(m, -inf), np.zeros(count)],
        np.r_[x, np.full(m, inf), np.where(tight, inf, 0.0)],
        given.objective.constant,
    )
    hot = precise(program)
    return hot.objective if hot.optimise() is SolveStatus.OPTIMAL else inf


@pytest.mark.parametrize("start", range(0, 12, 4))
def test_the_best_equilibrium_is_that_of_an_enumeration(start: int) -> None:
    for seed in range(start, start + 4):
        given = drawn(seed)
        if len(given.follower) > 2:
            given = replace(given, leader=replace(given.leader, upper=np.ones(1)))
        right, found = enumerated(given), solve(given).solution
        proved = certify(given, found)
        assert proved.proof is ProofLevel.OPTIMAL, (seed, proved.notes)
        if right == inf:
            assert found.status is Status.INFEASIBLE, seed
        else:
            assert found.value == pytest.approx(right, abs=1e-6), seed


@pytest.mark.parametrize("seed", range(20, 32))
def test_methods_agree_on_what_the_judge_confirms(seed: int) -> None:
    given = drawn(seed, is_menu=False)
    one, other = (solve(given, method, Limits(seconds=20)).solution for method in ("complementarity", "tight_rows"))
    assert one.status is other.status
    assert certify(given, one).proof is certify(given, other).proof is ProofLevel.OPTIMAL
    if one.status is Status.OPTIMAL:
        assert one.value == pytest.approx(other.value, abs=1e-6)


def shared(name: str = "shared") -> dict[str, Any]:
    """Two users of one pipe of 10, a with a share of the second one of its own: every split of it is an equilibrium."""
    return {
        "format": "bilevel-neutral/1", "name": name,
        "x": {"names": ["x"], "lb": [0], "ub": [4], "type": ["C"]},
        "y": {"names": ["a", "b"], "lb": [0, 0], "ub": [8, 8], "type": ["C", "C"]},
        "upper": {"sense": "max", "cx": [-0.5], "cy": [1, 3], "c0": 0, "Q": [], "A": [], "B": [], "row_sense": [], "b": []},
        "lower": {
            "sense": "max", "dx": [0], "dy": [1, 1], "d0": 0, "Q": [], "C": [[1], [1]], "D": [[1, 1], [1, 1]],
            "row_sense": ["<=", "<="], "e": [10, 10],
        },
        "followers": [{"name": "A", "y": ["a"], "rows": [0]}, {"name": "B", "y": ["b"], "rows": [1]}],
    }  # fmt: skip


def test_the_leader_picks_among_equilibria_and_no_follower_gains() -> None:
    # a + b = 10 − x: the leader takes b = 8, a = 2 and leaves all of the pipe, worth 2 + 24.
    given = program_of(shared(), "shared.json")
    found = answer(given, Question("auto"))
    assert found.value == pytest.approx(26.0) and found.certificate.proof == "OPTIMAL" and found.certificate.confirmed
    assert (found.follower or {})["b"] == pytest.approx(8.0)
    assert verify(json.loads(json.dumps(to_plain(found)))).ok
    assert "followers that meet" in found.why
    # As one follower with the sum of their objectives the same pipe is split alike; a follower who may gain is found out.
    idle = BilevelSolution(np.array([0.0, 0.0, 8.0]), -24.0, -24.0, Status.OPTIMAL, "x")
    checks = certify(given, idle).follower_checks
    assert [check.name for check in checks if not check.ok] == ["the regret of follower A"]
    # An equilibrium that is not the best one is refuted.
    worse = BilevelSolution(np.array([0.0, 8.0, 2.0]), -14.0, -14.0, Status.OPTIMAL, "x")
    proved = certify(given, worse)
    assert proved.proof is ProofLevel.BILEVEL_FEASIBLE and proved.refutation_value == pytest.approx(-26.0)


def test_a_game_without_equilibrium_has_no_solution() -> None:
    # One wants to be where the other is, who wants to be elsewhere: matching pennies in [0, 1] has its mixed point alone.
    pennies = shared("pennies")
    pennies["y"]["ub"] = [1, 1]
    pennies["lower"] |= {"dy": [0, 0], "C": [], "D": [], "row_sense": [], "e": []}
    costs = [{"linear": {"a": -1.0}, "Q": [["a", "b", 2.0]]}, {"linear": {"b": 1.0}, "Q": [["b", "a", -2.0]]}]
    pennies["lower"]["dy"] = [-1.0, 1.0]
    pennies["followers"] = [
        {"name": name, "y": [y], "rows": [], "objective": cost} for name, y, cost in zip("AB", "ab", costs, strict=True)
    ]
    given = program_of(pennies, "pennies.json")
    found = answer(given, Question("auto"))
    assert found.follower == pytest.approx({"a": 0.5, "b": 0.5})
    assert found.certificate.proof == "OPTIMAL"
    pennies["upper"] |= {"A": [[0.0]], "B": [[1.0, 0.0]], "row_sense": [">="], "b": [0.75]}
    none = answer(program_of(pennies, "pennies.json"), Question("auto"))
    assert (none.status, none.certificate.proof) == ("INFEASIBLE", "OPTIMAL")


@pytest.mark.parametrize("seed", range(6))
def test_a_game_is_read_back_as_it_was_written(tmp_path: Path, seed: int) -> None:
    given = drawn(seed)
    for is_maximised in (False, True):
        game = replace(given, is_follower_maximised=is_maximised)
        back = read(write(game, tmp_path / f"game{is_maximised}.json")[0])
        _assert_same(back, game)
    plain = (
        replace(given, rivals=replace(given.rivals, gradient=sp.csr_array(given.rivals.gradient.shape)))
        if given.rivals
        else given
    )
    plain = replace(plain, follower_objective=objective([0.0, *(plain.rivals.linear if plain.rivals else ())]))
    back = read_pair(write(plain, tmp_path / "game.mps")[0])
    if back.rivals is not None:
        _assert_same(back, plain)
    assert back.members == plain.members


def _assert_same(one: BilevelProblem, other: BilevelProblem) -> None:
    assert one.rivals is not None and other.rivals is not None
    assert (one.members, one.rivals.owners) == (other.members, other.rivals.owners)
    assert np.array_equal(one.rivals.linear, other.rivals.linear)
    assert np.array_equal(one.rivals.gradient.toarray(), other.rivals.gradient.toarray())
    assert np.array_equal(one.follower_rows.matrix.toarray(), other.follower_rows.matrix.toarray())
    assert np.array_equal(one.follower_objective.quadratic.toarray(), other.follower_objective.quadratic.toarray())


def test_separate_followers_are_written_as_a_pair(tmp_path: Path) -> None:
    given = read(Path("instances/literature/pao_pao2_two_followers.json"))
    back = read_pair(write(given, tmp_path / "two.mps")[0])
    assert back.rivals is None and len(set(back.members)) == 2
    assert solve(back).solution.value == pytest.approx(18.5)


PAIR = (
    "NAME g\nROWS\n N obj\n L own\n L joint\nCOLUMNS\n x obj 1 own 1\n a obj -1 own 1\n b obj -1 joint 1\n a joint 1\n"
    "RHS\n RHS own 6 joint 8\nBOUNDS\n UP B x 4\n UP B a 9\n UP B b 9\nENDATA\n"
).replace(" a obj -1 own 1\n b obj -1 joint 1\n a joint 1\n", " a obj -1 own 1\n a joint 1\n b obj -1 joint 1\n")
AUX = "@FOLLOWER A\n@NUMVARS\n1\n@NUMCONSTRS\n1\n@VARSBEGIN\na -1\n@VARSEND\n@CONSTRSBEGIN\nown\n@CONSTRSEND\n"
AUX += AUX.replace("A", "B", 1).replace("a -1", "b -1").replace("own", "joint")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (AUX.replace("@FOLLOWER B", "@FOLLOWER A"), "name each follower once"),
        (AUX.replace("joint", "own"), "twice"),
        (AUX.replace("b -1", "b -1\na -2"), "twice"),
        (AUX.replace("@VARSEND\n@CONSTRSBEGIN\njoint", "@VARSEND\n@OBJSENSE\nMAX\n@CONSTRSBEGIN\njoint"), "another minimises"),
        (AUX.replace("@NUMVARS\n1", "@NUMVARS\n2", 1), "1 columns are listed"),
    ],
)  # fmt: skip
def test_faults_of_several_followers_in_a_pair_are_told(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "g.mps").write_text(PAIR, "utf-8")
    (tmp_path / "g.aux").write_text(text, "utf-8")
    with pytest.raises(Malformed, match=says):
        read_pair(tmp_path / "g.mps")


def test_a_pair_of_followers_that_meet_is_solved(tmp_path: Path) -> None:
    (tmp_path / "g.mps").write_text(PAIR, "utf-8")
    (tmp_path / "g.aux").write_text(AUX, "utf-8")
    given = read_pair(tmp_path / "g.mps")
    assert given.rivals is not None and given.members == ("A", "B")
    # a = 6 − x whatever b does, b = 8 − a: with x at nothing 6 and 2.
    found = answer(given, Question("auto"))
    assert found.value == pytest.approx(-8.0) and found.certificate.proof == "OPTIMAL"


def stating(*costs: dict[str, float] | None) -> list[dict[str, Any]]:
    """The two users of the pipe, with what they say that they pay."""
    parts = zip("ab", costs, strict=True)
    return [
        {"y": [y], "rows": [k], **({} if cost is None else {"objective": {"linear": cost}})}
        for k, (y, cost) in enumerate(parts)
    ]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"lower": {"Q": [["a", "b", 1.0]]}}, "a product of variables of two"),
        ({"followers": stating({"a": 1}, None)}, "no objective"),
        ({"followers": stating({"b": 1}, {})}, "not a variable of this"),
        ({"followers": stating({"a": 2}, {"b": 1})}, "do not add up"),
    ],
)  # fmt: skip
def test_what_is_not_said_of_followers_that_meet_is_refused(change: dict[str, Any], says: str) -> None:
    data = shared()
    for key, value in change.items():
        data[key] = data[key] | value if isinstance(value, dict) else value
    with pytest.raises(Malformed, match=says):
        program_of(data, "shared.json")


def test_classes_of_games_that_are_not_solved_are_refused() -> None:
    given = program_of(shared(), "shared.json")
    whole = replace(given, follower=replace(given.follower, is_integer=np.ones(2, dtype=bool)))
    with pytest.raises(UsageError, match="have integers"):
        solve(whole)
    with pytest.raises(UsageError, match="worst for the leader"):
        against(given)
    with pytest.raises(UsageError, match="followers meet"):
        answer(given, Question("auto", is_safe=True))
    curved = program_of(shared() | {"lower": shared()["lower"] | {"Q": [["a", "a", -1.0]]}}, "shared.json")
    with pytest.raises(UsageError, match="linear in what is their own"):
        solve(curved)


@pytest.mark.parametrize("name", list(METHODS))
def test_no_method_takes_the_sum_for_the_game(name: str) -> None:
    with pytest.raises(UsageError):
        METHODS[name].solve(program_of(shared(), "shared.json"))
