"""Finite games at every scale, against an oracle in exact fractions that knows neither the method nor its judge."""

from __future__ import annotations

import itertools
import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from coercivity.engine.finite.commitment import pure, solve
from coercivity.engine.finite.game import FiniteGame, FollowerType, game_of
from coercivity.engine.finite.judge import PureClaim, certify, certify_pure
from coercivity.engine.programs.exact import fractions, greatest
from coercivity.engine.proof.certificate import ProofLevel

CASES = {
    # The follower's payoffs of Conitzer and Sandholm's game in another unit, or beside a move that is never played.
    "follower in billionths": ([[1e-9, 0.0], [0.0, 2e-9]], [[2, 4], [1, 3]]),
    "follower in 1e15": ([[1e15, 0.0], [0.0, 2e15]], [[2, 4], [1, 3]]),
    "a forbidden move": ([[1, 0, -1e9], [0, 2, -1e9]], [[2, 4, 0], [1, 3, 0]]),
    "a move forbidden more strongly": ([[1, 0, -1e12], [0, 2, -1e12]], [[2, 4, 0], [1, 3, 0]]),
    "far from zero": ([[1e10 + 1, 1e10], [1e10, 1e10 + 2]], [[2, 4], [1, 3]]),
}


def game(leader, follower, chances=(1.0,)) -> FiniteGame:
    kinds = [
        FollowerType(f"t{t}", chance, tuple(f"b{k}" for k in range(np.shape(mine)[1])), np.array(own, float), np.array(mine, float))
        for t, (chance, own, mine) in enumerate(zip(chances, leader, follower, strict=True))
    ]  # fmt: skip
    return FiniteGame("scaled", tuple(f"a{k}" for k in range(len(kinds[0].leader))), tuple(kinds))


def over_simplex(gain, rows):
    """max gain · x + the rest ≥ 0 where rows ≥ 0 and the first columns sum to one; exact."""
    count = gain.index("rest")
    gain = [Fraction(part) for part in gain if part != "rest"]
    one = [Fraction(int(k < count)) for k in range(len(gain))]
    table = np.array([*rows, one, [-part for part in one]], dtype=object).reshape(len(rows) + 2, len(gain))
    return greatest(gain, table, [Fraction(0)] * len(rows) + [Fraction(1), Fraction(-1)])


def oracle(played: FiniteGame, exact, is_pessimistic: bool) -> Fraction:
    """The value of commitment to mixtures, every answer by a program in fractions.

    ``exact`` gives each type's payoffs (leader's, its own) as fractions: those of the decimals, not of the floats.
    """
    count, best = len(played.actions), None
    for answer in played.each_answer():
        stay, caps = [], []
        for t, action in enumerate(answer):
            mine = exact[t][1]
            for other in range(mine.shape[1]):
                lead = list(mine[:, action] - mine[:, other])
                if any(lead):
                    stay.append(lead)
                if other == action or (not any(lead) and is_pessimistic):
                    caps.append((t, list(exact[t][0][:, other])))
        if is_pessimistic and stay:
            inside = over_simplex([0] * count + ["rest", 1], [[*row, -sum(map(abs, row))] for row in stay])
            if inside is None or inside.value == 0:
                continue
        low = min(min(cap) for _, cap in caps)
        rows = [[*row, *[0] * len(exact)] for row in stay]
        rows += [[*(pay - low for pay in cap), *(-int(k == t) for k in range(len(exact)))] for t, cap in caps]
        chances = [Fraction(kind.probability) for kind in played.types]
        found = over_simplex([0] * count + ["rest", *chances], [list(map(Fraction, row)) for row in rows])
        if found is not None:
            value = found.value + low * sum(chances)
            best = value if best is None else max(best, value)
    assert best is not None
    return best


def drawn(seed: int):
    """A random game of one of the kinds that have gone wrong, with the fractions that its decimals mean, and its ratio."""
    random = np.random.default_rng(seed)
    kind = ("scaled", "tenths", "forbidden", "offset", "leader")[seed % 5]
    height, count = int(random.integers(2, 4)), int(random.integers(1, 3))
    leader, follower, exact, ratio = [], [], [], 10.0
    for _ in range(count):
        width = int(random.integers(2, 4))
        own, mine = random.integers(-3, 4, (height, width)), random.integers(-3, 4, (height, width))
        one, other = own.astype(float), mine.astype(float)
        pair = [fractions(own.astype(object)), fractions(mine.astype(object))]
        if kind == "scaled":
            power = int(random.integers(-10, 13))
            other, pair[1] = other * 10.0**power, pair[1] * Fraction(10) ** power
        elif kind == "tenths":
            # The same decimals as sums of other decimals, which round differently.
            split = random.integers(-3, 4, mine.shape)
            other = split * 0.1 + (mine - split) * 0.1
            pair[1] = pair[1] / 10
        elif kind == "forbidden":
            penalty = -(10.0 ** int(random.choice([6, 9, 12])))
            ratio = max(ratio, abs(penalty))
            is_forbidden = random.random(mine.shape) < 0.3
            is_forbidden[:, 0] = False
            other = np.where(is_forbidden, penalty, other)
            pair[1] = fractions(other)
        elif kind == "offset":
            other, ratio = other + 1e10, 1e10
            pair[1] = fractions(other)
        else:
            scale = 10.0 ** int(random.integers(-10, 13))
            one, pair[0] = one * scale, fractions(one * scale)
        leader.append(one)
        follower.append(other)
        exact.append(pair)
    return game(leader, follower, (1.0,) if count == 1 else (0.25, 0.75)), exact, ratio


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("method", ["programs", "mixed_integer"])
def test_units_offsets_and_forbidden_moves_change_no_answer(name, method) -> None:
    follower, leader = CASES[name]
    played = game([leader], [follower])
    claim = solve(played, method=method)
    assert claim.value == pytest.approx(11 / 3, rel=1e-12)
    assert claim.mixture == pytest.approx([2 / 3, 1 / 3], abs=1e-12)
    assert certify(played, claim).proof is ProofLevel.OPTIMAL
    assert pure(played) == {"optimistic": ("a1", 3.0), "pessimistic": ("a1", 3.0)}


def test_two_types_with_forbidden_moves() -> None:
    # Forbidden moves are never played: a1 has each type answer b2, strictly best, which pays (3·0 + 3)/2.
    big = -1e9
    leader = [[[3, 0, -2, -3], [-3, -1, 0, 3]], [[2, -3, 1], [1, 0, 3]]]
    follower = [[[big, -3, -1, big], [big, 0, 1, 0]], [[0, 0, big], [2, big, 3]]]
    played = game(leader, follower, (0.5, 0.5))
    for is_pessimistic in (False, True):
        claim = solve(played, is_pessimistic=is_pessimistic)
        assert (claim.value, claim.attained, claim.mixture.tolist()) == (1.5, True, [0.0, 1.0])
        assert certify(played, claim).proof is ProofLevel.OPTIMAL


def test_columns_equal_within_rounding_are_one_answer() -> None:
    played = game([[[1, 0], [0, 1]]], [[[0.1 + 0.2, 0.3], [0.3, 0.1 + 0.2]]])
    strong, weak = solve(played), solve(played, is_pessimistic=True)
    assert (strong.value, weak.value, weak.attained) == (1.0, 0.5, True)
    for claim in (strong, weak):
        assert certify(played, claim).proof is ProofLevel.OPTIMAL


@pytest.mark.parametrize("seed", range(150))
def test_random_games_at_every_scale_against_exact_fractions(seed) -> None:
    played, exact, ratio = drawn(seed)
    for is_pessimistic in (False, True):
        right = float(oracle(played, exact, is_pessimistic))
        claim = solve(played, is_pessimistic=is_pessimistic)
        proof = certify(played, claim).proof
        size = max(1e-300, *(float(np.abs(kind.leader).max()) for kind in played.types))
        is_right = abs(claim.value - right) <= 1e-9 * size
        assert is_right or proof < ProofLevel.OPTIMAL
        assert ratio > 1e9 or (is_right and proof is ProofLevel.OPTIMAL)


@pytest.mark.parametrize("seed", range(0, 150, 7))
def test_a_value_that_is_off_is_not_certified_at_any_scale(seed) -> None:
    played, _, _ = drawn(seed)
    for is_pessimistic in (False, True):
        claim = solve(played, is_pessimistic=is_pessimistic)
        spread = max(float(np.ptp(kind.leader)) for kind in played.types) or 1.0
        for step in (-1e-3 * spread, 1e-3 * spread):
            moved = type(claim)(**(vars(claim) | {"value": claim.value + step, "bound": claim.bound + step}))
            assert certify(played, moved).proof < ProofLevel.OPTIMAL


@pytest.mark.parametrize("seed", range(0, 60, 3))
def test_single_actions_are_certified_and_false_ones_are_not(seed) -> None:
    played, _, _ = drawn(seed)
    for reading, (action, value) in pure(played).items():
        is_pessimistic = reading == "pessimistic"
        assert certify_pure(played, PureClaim(action, value, is_pessimistic)).proof is ProofLevel.OPTIMAL
        size = max(float(np.abs(kind.leader).max()) for kind in played.types) or 1.0
        assert certify_pure(played, PureClaim(action, value + 1e-3 * size, is_pessimistic)).proof < ProofLevel.OPTIMAL
        for other in played.actions:
            worth = played.worth(np.eye(len(played.actions))[played.actions.index(other)])[int(is_pessimistic)]
            if worth < value:
                assert certify_pure(played, PureClaim(other, worth, is_pessimistic)).proof < ProofLevel.OPTIMAL
    assert certify_pure(played, PureClaim("nobody's", 0.0, False)).proof is ProofLevel.NOTHING


def test_names_are_texts(tmp_path: Path) -> None:
    from coercivity.engine.data.text import Malformed

    plain = {
        "format": "finite-game/1", "name": "n", "leader": {"actions": ["a"]},
        "types": [{"name": "f", "probability": 1.0, "actions": ["b"], "leader": [[1]], "follower": [[1]]}],
    }  # fmt: skip
    game_of(plain, "fine")
    for broken in (plain | {"name": None}, plain | {"name": 5}, plain | {"types": [plain["types"][0] | {"name": 5}]}):
        with pytest.raises(Malformed, match="not a text"):
            game_of(json.loads(json.dumps(broken)), "broken")


def test_the_oracle_knows_the_textbook() -> None:
    follower, leader = [[1, 0], [0, 2]], [[2, 4], [1, 3]]
    played = game([leader], [follower])
    exact = [[fractions(leader), fractions(follower)]]
    assert oracle(played, exact, False) == oracle(played, exact, True) == Fraction(11, 3)
    assert list(itertools.islice(played.each_answer(), 2)) == [(0,), (1,)]
