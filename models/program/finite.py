"""The answer to a finite game: the best mixture under both readings, each with its certificate, and the best pure action."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from coercivity.engine.data.values import from_plain, to_plain
from coercivity.engine.desk import runs
from coercivity.engine.errors import AuditFailed
from coercivity.engine.finite.commitment import MOST, Commitment, pure, solve
from coercivity.engine.finite.game import FiniteGame, data_of, game_of
from coercivity.engine.finite.judge import UNPROVED, PureClaim, certify, certify_pure
from coercivity.engine.proof.certificate import Certificate
from coercivity.engine.proof.retelling import compared, holds, judged
from coercivity.engine.report.text import Block, Column, Prose, Table, amount
from coercivity.models.program.answer import MANIFEST_OF_THE_RUN
from coercivity.models.program.values import (
    GameAnswer,
    GameJudgement,
    GameSize,
    ProgramVerification,
    PureAction,
    Reading,
)

SOURCE = "game.json"
SCHEMA_VERSION = 1
AGAIN = "save it again with coercivity solve"


def fingerprint(game: FiniteGame) -> str:
    """A hash of what the game says."""
    return hashlib.sha256(json.dumps(data_of(game), sort_keys=True).encode()).hexdigest()


def answer(game: FiniteGame, method: str) -> GameAnswer:
    """The optimal commitments and their certificates.

    Raises
    ------
    UsageError
        The method is none for a finite game, or the answers are too many for it.
    """
    strong = solve(game, method=method)
    return told(game, strong, solve(game, is_pessimistic=True) if game.answers() <= MOST else None)


def told(game: FiniteGame, strong: Commitment, weak: Commitment | None) -> GameAnswer:
    """Two claims and the judgement on them; None where there is none against the leader."""
    return GameAnswer(
        schema_version=SCHEMA_VERSION,
        command="solve",
        program=GameSize(
            name=game.name, kind="finite-game", hash=fingerprint(game), sense="max", leader_actions=len(game.actions),
            types=len(game.types), answers=game.answers(),
        ),
        status="OPTIMAL",
        **vars(_reading(game, strong)),
        optimistic=strong.value,
        pessimistic=None if weak is None else weak.value,
        against=None if weak is None else _reading(game, weak),
        pure={reading: _pure(game, reading, *best) for reading, best in pure(game).items()},
        manifest={"versions": runs.versions(), "effective_instance": json.dumps(data_of(game), indent=1) + "\n"},
    )  # fmt: skip


def _pure(game: FiniteGame, reading: str, action: str, value: float) -> PureAction:
    judged = certify_pure(game, PureClaim(action, value, reading == "pessimistic"))
    return PureAction(action, value, judged.proof.name)


def _reading(game: FiniteGame, claim: Commitment) -> Reading:
    pairs = zip(game.types, claim.answers, strict=True)
    return Reading(
        value=claim.value,
        attained=claim.attained,
        leader=dict(zip(game.actions, claim.mixture.tolist(), strict=True)),
        follower={kind.name: kind.actions[action] for kind, action in pairs},
        method=claim.method,
        programs=claim.programs,
        seconds=round(claim.seconds, 6),
        certificate=_judgement(certify(game, claim)),
    )


def _judgement(found: Certificate) -> GameJudgement:
    gaps = [check.gap / check.scale for check in found.follower_checks]
    return GameJudgement(
        proof=found.proof.name,
        says=found.proof.sentence,
        value=found.value,
        bound=found.bound,
        optimistic=found.optimistic,
        pessimistic=found.pessimistic,
        follower_gap=max(gaps, default=None),
        attained=found.attained,
        assumptions=found.assumptions,
        checks=found.checks,
    )


def verify(result: Mapping[str, Any]) -> ProgramVerification:
    """The checks that a saved answer passes and fails; the game in it is taken as given.

    Raises
    ------
    AuditFailed
        The result carries no game, or its figures are not of it.
    """
    saved = from_plain(GameAnswer, result)
    try:
        game = game_of(json.loads(saved.manifest["effective_instance"]), "manifest.effective_instance")
        weak = None if saved.against is None else _claim(game, saved.against, True)
        again = told(game, _claim(game, saved, False), weak)
    except (KeyError, TypeError, ValueError) as error:
        raise AuditFailed("result", f"it does not carry a game and its answer ({error!r})", AGAIN) from None
    # Where the answers can be listed, the reading against the leader is part of the answer.
    checks = [judged("all", holds("both readings are there", (weak is not None) == (game.answers() <= MOST)))]
    for label, reading in _readings(again, "for the leader", "against the leader"):
        checks += [judged(label, check) for check in reading.certificate.checks]
    told_again = compared(result, to_plain(again), "told again", frozenset({"manifest"}))
    checks += [judged("told again", check) for check in told_again]
    kept = {key: value for key, value in result["manifest"].items() if key not in MANIFEST_OF_THE_RUN}
    of_game = {"effective_instance": again.manifest["effective_instance"]}
    checks += [judged("manifest", check) for check in compared(kept, of_game, "told again")]
    return ProgramVerification(
        schema_version=SCHEMA_VERSION,
        command="verify",
        instance={"name": game.name},
        ok=all(check.ok for check in checks),
        checks=checks,
    )


def _readings(result: GameAnswer, strong: str, weak: str) -> Iterator[tuple[str, GameAnswer | Reading]]:
    """The readings that an answer has, each with its label."""
    yield strong, result
    if result.against is not None:
        yield weak, result.against


def _claim(game: FiniteGame, stated: GameAnswer | Reading, is_pessimistic: bool) -> Commitment:
    if stated.certificate.bound is None:
        raise ValueError("a bound is missing")
    return Commitment(
        np.array([stated.leader[action] for action in game.actions]),
        stated.value,
        stated.certificate.bound,
        tuple(kind.actions.index(stated.follower[kind.name]) for kind in game.types),
        is_pessimistic,
        stated.attained,
        stated.method,
        stated.seconds,
        stated.programs,
        tuple(said for said in stated.certificate.assumptions if said != UNPROVED),
    )


def blocks(result: GameAnswer) -> list[Block]:
    """The report: what commitment is worth under both readings, the mixtures, the answers, the checks."""
    program, against, proved = result.program, result.against, result.certificate
    said = [
        f"Committed to a mixture the leader is worth {amount(result.value, 8)} if ties are broken in its favour. "
        f"Proof: {proved.proof}, {proved.says}.",
    ]
    if against is None:
        said.append("Against the leader: the types' answers are too many to be listed.")
    else:
        how = "" if against.attained else ", a limit that no mixture reaches"
        said.append(
            f"If they are broken against it: {amount(against.value, 8)}{how}. Proof: {against.certificate.proof}."
        )
    best, worst = (result.pure[reading] for reading in ("optimistic", "pessimistic"))
    said.append(
        f"With a single action the best are {best.action}, {amount(best.value, 8)}, and with ties against the leader "
        f"{worst.action}, {amount(worst.value, 8)}. Proof: {best.proof} and {worst.proof}."
    )
    said += [f"It rests on this: {assumption}." for assumption in proved.assumptions]
    kinds = f"{program.types} type{'' if program.types == 1 else 's'}"
    return [
        Prose(f"{program.name}: {program.leader_actions} actions against {kinds} of follower", said),
        *_strategies(result, [Column("against", "text")] if against else []),
        _checks(result),
    ]


def _strategies(result: GameAnswer, against: list[Column]) -> Iterator[Table]:
    """The mixture and the answers to it, with ties broken for the leader and, in the last column, against it."""
    readings = [reading for _, reading in _readings(result, "", "")]
    mixture = [[action, *(f"{one.leader[action]:.8g}" for one in readings)] for action in result.leader]
    note = "against: with ties broken against it" if against else ""
    yield Table(
        "The leader's mixture", [Column("action", "text"), Column("share", "text"), *against], mixture, note=note
    )
    answers = [[kind, *(one.follower[kind] for one in readings)] for kind in result.follower]
    yield Table("The follower's answers", [Column("type", "text"), Column("answer", "text"), *against], answers)


def _checks(result: GameAnswer) -> Table:
    table = [
        [label, check.name, check.ok, check.gap, check.scale]
        for label, reading in _readings(result, "for", "against")
        for check in reading.certificate.checks
    ]
    words = [Column(head, "text") for head in ("ties", "check", "ok")]
    heads = [*words, Column("gap", "gap"), Column("scale")]
    return Table("Checks, recomputed from the game alone", heads, table, keys=2, stacks=True)


def rows(result: GameAnswer) -> list[dict[str, Any]]:
    """The answer as rows: reading, part, name, value."""
    found: list[tuple[str, str, str, Any]] = []
    blocks = dict(_readings(result, "optimistic", "pessimistic"))
    for reading, pure_one in result.pure.items():
        if block := blocks.get(reading):
            found.append((reading, "answer", "value", block.value))
            found.append((reading, "answer", "proof", block.certificate.proof))
            found += [(reading, "leader", action, share) for action, share in block.leader.items()]
            found += [(reading, "follower", kind, action) for kind, action in block.follower.items()]
        found.append((reading, "pure", pure_one.action, pure_one.value))
    return [dict(zip(("reading", "part", "name", "value"), row, strict=True)) for row in found]


def drawn(result: GameAnswer) -> dict[str, str]:
    """No pictures: a game from a file says nothing of what its actions are."""
    return {}
