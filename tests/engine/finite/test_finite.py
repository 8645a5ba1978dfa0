"""Finite games: known commitments, theorems on random games, what the judge catches, and files for Gambit."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from coercivity import cli
from coercivity.engine.data.text import Malformed
from coercivity.engine.data.values import to_plain
from coercivity.engine.errors import UsageError
from coercivity.engine.finite.commitment import pure, solve
from coercivity.engine.finite.gambit import strategic, tree, write_gambit
from coercivity.engine.finite.game import CONITZER_SANDHOLM, FiniteGame, FollowerType, data_of, game_of, read_finite
from coercivity.engine.finite.judge import certify
from coercivity.engine.proof.certificate import ProofLevel
from coercivity.models.program.finite import answer, verify

FOLDER = Path(__file__).parents[3] / "instances" / "finite"


def drawn(seed: int) -> FiniteGame:
    """Up to three types with payoffs among few integers, so that ties and equivalent answers are common."""
    random = np.random.default_rng(seed)
    height, types = int(random.integers(1, 5)), []
    count = int(random.integers(1, 4))
    for t in range(count):
        width = int(random.integers(1, 4))
        leader, follower = (random.integers(-3, 4, (height, width)).astype(float) for _ in range(2))
        types.append(FollowerType(f"t{t}", 1.0 / count, tuple(map(str, range(width))), leader, follower))
    return FiniteGame("drawn", tuple(map(str, range(height))), tuple(types))


def test_conitzer_and_sandholm() -> None:
    # VALIDATION, case 8: pure commitment 3, optimum 11/3 at 2/3. There the follower is indifferent, and against the
    # leader it would take the other answer: the same value is then a limit.
    game = read_finite(FOLDER / "conitzer_sandholm2006.json")
    found = solve(game)
    assert found.value == pytest.approx(11 / 3)
    assert found.mixture == pytest.approx([2 / 3, 1 / 3])
    assert pure(game) == {"optimistic": ("down", 3.0), "pessimistic": ("down", 3.0)}
    weak = solve(game, is_pessimistic=True)
    assert (weak.value, weak.attained) == (pytest.approx(11 / 3), False)
    assert 11 / 3 - 1e-3 < game.worth(weak.mixture)[1] < 11 / 3


def test_two_types_worked_out_by_hand() -> None:
    # With up at p, the first type answers right up to 2/3 and the second left up to 1/2: 0.5 (3 + p) + 0.5 · 3p up to 1/2,
    # 3 − p from there to 2/3, 0.5 (1 + p) + 0.5 · 3 (1 − p) beyond. At 1/2 the second type's tie pays the leader the same.
    found = solve(read_finite(FOLDER / "two_types.json"), is_pessimistic=True)
    assert (found.value, found.attained) == (pytest.approx(2.5), True)
    assert found.mixture == pytest.approx([0.5, 0.5])


def test_an_equivalent_answer_is_broken_against_the_leader_everywhere() -> None:
    # Von Stengel and Zamir (2010): both answers always pay the follower 0, so against the leader the worse counts.
    kind = FollowerType("f", 1.0, ("a", "b"), np.array([[4.0, 0.0], [0.0, 4.0]]), np.zeros((2, 2)))
    game = FiniteGame("equivalent", ("up", "down"), (kind,))
    assert solve(game).value == pytest.approx(4.0)
    weak = solve(game, is_pessimistic=True)
    assert (weak.value, weak.attained) == (pytest.approx(2.0), True)


def test_in_a_zero_sum_game_commitment_is_worth_the_minimax_value() -> None:
    # Rock, paper, scissors with stakes 1, 2, 3: by symmetry of a skew matrix the value is 0.
    payoff = np.array([[0.0, -1.0, 2.0], [1.0, 0.0, -3.0], [-2.0, 3.0, 0.0]])
    game = FiniteGame("skew", ("r", "p", "s"), (FollowerType("f", 1.0, ("r", "p", "s"), payoff, -payoff),))
    for is_pessimistic in (False, True):
        assert solve(game, is_pessimistic=is_pessimistic).value == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("seed", range(40))
def test_theorems_on_random_games(seed: int) -> None:
    game = drawn(seed)
    strong, mixed, weak = (
        solve(game, method="programs"),
        solve(game, method="mixed_integer"),
        solve(game, is_pessimistic=True),
    )
    assert strong.value == pytest.approx(mixed.value, abs=1e-7)
    assert weak.value <= strong.value + 1e-9
    assert game.worth(strong.mixture)[0] == pytest.approx(strong.value, abs=1e-7)
    random = np.random.default_rng(seed)
    mixtures = [*random.dirichlet(np.ones(len(game.actions)), 200), *np.eye(len(game.actions))]
    assert max(game.worth(mixture)[0] for mixture in mixtures) <= strong.value + 1e-7
    assert max(game.worth(mixture)[1] for mixture in mixtures) <= weak.value + 1e-7
    for claim in (strong, mixed, weak):
        assert certify(game, claim).proof is ProofLevel.OPTIMAL


def test_the_judge_catches_every_kind_of_false_claim() -> None:
    game = read_finite(FOLDER / "conitzer_sandholm2006.json")
    right, weak = solve(game), solve(game, is_pessimistic=True)
    false = {
        "value": replace(right, value=4.0, bound=4.0),
        "bound below the value": replace(right, bound=3.0),
        "bound above the value": replace(right, bound=4.0),
        "mixture": replace(right, mixture=np.array([0.5, 0.5])),
        "mixture that sums to more": replace(right, mixture=np.array([0.7, 0.7])),
        "shape": replace(right, mixture=np.array([1.0])),
        "answer": replace(right, answers=(0,), mixture=np.array([0.5, 0.5]), value=2.5, bound=2.5),
        "no such answer": replace(right, answers=(7,)),
        "worse mixture as if best": replace(right, mixture=np.array([0.0, 1.0]), value=3.0, bound=3.0),
        "attained": replace(weak, attained=True),
        "far from its limit": replace(weak, mixture=np.array([0.5, 0.5])),
        "limit too low": replace(weak, value=3.6, bound=3.6),
    }
    assert certify(game, right).proof is certify(game, weak).proof is ProofLevel.OPTIMAL
    assert [name for name, claim in false.items() if certify(game, claim).proof is ProofLevel.OPTIMAL] == []


def test_a_bound_that_is_not_proved_again_is_an_assumption() -> None:
    random = np.random.default_rng(1)
    kinds = tuple(
        FollowerType(f"t{t}", 0.1, ("a", "b", "c"), random.normal(size=(3, 3)), random.normal(size=(3, 3)))
        for t in range(10)
    )
    game = FiniteGame("many", ("x", "y", "z"), kinds)
    found = certify(game, solve(game))
    assert found.proof is ProofLevel.BILEVEL_FEASIBLE
    assert "too many" in found.assumptions[0]
    with pytest.raises(UsageError, match="more than"):
        solve(game, is_pessimistic=True)
    assert answer(game, "auto").pessimistic is None


def test_a_saved_answer_verifies_and_a_touched_one_does_not() -> None:
    found = json.loads(json.dumps(to_plain(answer(read_finite(FOLDER / "bagwell1995.json"), "auto"))))
    assert found["value"] == pytest.approx(5.5)
    assert verify(found).ok
    for key, value in (
        ("value", 6.0),
        ("optimistic", 6.0),
        ("pessimistic", 5.0),
        ("leader", {"S": 1.0, "C": 0.0}),
        ("pure", {}),
    ):
        assert not verify(found | {key: value}).ok, key


# -- files -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        (("format",), "finite-game/2", "is not known"),
        (("extra",), 1, "unknown key"),
        (("leader", "actions"), [], "not a list of names"),
        (("leader", "actions"), ["up", "up"], "there twice"),
        (("leader", "actions"), ["up"], "1 rows of 2"),
        (("types",), [], "at least one type"),
        (("types", 0, "probability"), 0.5, "sum to 0.5"),
        (("types", 0, "probability"), True, "not a number"),
        (("types", 0, "leader"), [[1, 2]], "2 rows of 2 numbers"),
        (("types", 0, "leader", 0, 0), "much", "not a finite number"),
        (("types", 0, "follower", 0), [1, 2, 3], "2 rows of 2 numbers"),
    ],
)
def test_a_wrong_file_is_refused_with_its_place(path: tuple[Any, ...], value: Any, says: str) -> None:
    data: Any = copy.deepcopy(dict(CONITZER_SANDHOLM))
    place = data
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(Malformed) as error:
        game_of(data, "wrong.json")
    assert says in str(error.value)
    assert "wrong.json" in str(error.value)


@pytest.mark.parametrize("name", ["conitzer_sandholm2006", "bagwell1995", "two_types"])
def test_every_shipped_game_round_trips_and_is_solved(name: str) -> None:
    game = read_finite(FOLDER / f"{name}.json")
    assert data_of(game_of(data_of(game), name)) == data_of(game)
    found = CliRunner().invoke(cli.main_group, ["solve", name, "--no-save", "--format", "json", "--require", "OPTIMAL"])
    assert found.exit_code == 0, found.stderr
    assert json.loads(found.stdout)["against"]["certificate"]["proof"] == "OPTIMAL"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--declare", "multipliers=1", "--because", "x"), "--declare"),
        (("--limit", "3"), "--limit"),
        (("--method", "big_m"), "no such method"),
    ],
)
def test_an_option_of_programs_is_refused(options: tuple[str, ...], says: str) -> None:
    found = CliRunner().invoke(cli.main_group, ["solve", "two_types", "--no-save", *options])
    assert found.exit_code == 2
    assert says in found.stderr


def test_the_strategic_form_lists_the_leaders_action_fastest() -> None:
    body = strategic(read_finite(FOLDER / "two_types.json")).split("\n\n")[-1].splitlines()
    # Profiles (up, left, left), (down, left, left), (up, right, left): the leader earns half of each type's entry.
    assert body[:3] == ["5/2 1.0 0.0", "1/2 0.0 1.0", "7/2 0.0 0.0"]
    assert len(body) == 8


def test_the_tree_shows_the_move_or_hides_it() -> None:
    game = read_finite(FOLDER / "two_types.json")

    def places(text: str) -> set[str]:
        return {line.split()[3] for line in text.splitlines() if line.startswith('p "" 2')}

    assert places(tree(game)) == {"1", "2", "3", "4"}
    assert places(tree(game, is_simultaneous=True)) == {"1", "2"}
    assert tree(game).count('\nt "') == 8


def test_chances_are_fractions_that_sum_to_one_and_labels_are_quoted() -> None:
    kinds = [FollowerType(f'a "{t}"', 1 / 3, ("x",), np.array([[1e-7]]), np.array([[0.1]])) for t in range(3)]
    text = tree(FiniteGame('say "no"', ("up",), tuple(kinds)))
    assert text.count("1/3") == 3
    assert '"say \\"no\\""' in text
    assert "{ 0.0000001, 0.1 }" in text
    assert Fraction("0.0000001") == Fraction(1, 10**7)


def test_nothing_is_written_over_and_other_names_are_refused(tmp_path: Path) -> None:
    game = game_of(CONITZER_SANDHOLM, "example")
    write_gambit(game, tmp_path / "game.nfg")
    with pytest.raises(UsageError, match="not written over"):
        write_gambit(game, tmp_path / "game.nfg")
    with pytest.raises(UsageError, match="no format of Gambit"):
        write_gambit(game, tmp_path / "game.txt")
    found = CliRunner().invoke(cli.main_group, ["export", "moore_bard1990", str(tmp_path / "moore.efg")])
    assert found.exit_code == 2
    assert "no finite game" in found.stderr


def test_gambit_reads_both_files_and_agrees(tmp_path: Path) -> None:
    gambit = pytest.importorskip("pygambit")
    game = read_finite(FOLDER / "bagwell1995.json")
    one = gambit.read_nfg(str(write_gambit(game, tmp_path / "game.nfg")))
    (profile,) = gambit.nash.enumpure_solve(one).equilibria
    assert float(profile.payoff("leader")) == 4.0  # without commitment C dominates
    two = gambit.read_efg(str(write_gambit(game, tmp_path / "game.efg")))
    # Every pure equilibrium of the tree, the subgame-perfect one among them.
    payoffs = {float(found.payoff("leader")) for found in gambit.nash.enumpure_solve(two).equilibria}
    assert payoffs == {4.0, pure(game)["optimistic"][1]}
