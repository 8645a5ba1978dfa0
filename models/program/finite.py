"""The answer to a finite game: the best mixture under both readings, each with its certificate, and the best pure action."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from coercivity.engine.desk import runs
from coercivity.engine.errors import AuditFailed
from coercivity.engine.finite.commitment import MOST, Commitment, pure, solve
from coercivity.engine.finite.game import FiniteGame, data_of, game_of
from coercivity.engine.finite.judge import UNPROVED, PureClaim, certify, certify_pure
from coercivity.engine.proof.certificate import Certificate
from coercivity.engine.proof.retelling import compared, holds
from coercivity.engine.report.text import Block, Column, Prose, Table, amount
from coercivity.models.program.answer import MANIFEST_OF_THE_RUN, row_of

SOURCE = "game.json"
SCHEMA_VERSION = 1
AGAIN = "save it again with coercivity solve"


def fingerprint(game: FiniteGame) -> str:
    """A hash of what the game says."""
    return hashlib.sha256(json.dumps(data_of(game), sort_keys=True).encode()).hexdigest()


def answer(game: FiniteGame, method: str) -> dict[str, Any]:
    """The optimal commitments and their certificates, as plain data.

    Raises
    ------
    UsageError
        The method is none for a finite game, or the answers are too many for it.
    """
    strong = solve(game, method=method)
    return told(game, strong, solve(game, is_pessimistic=True) if game.answers() <= MOST else None)


def told(game: FiniteGame, strong: Commitment, weak: Commitment | None) -> dict[str, Any]:
    """Two claims and the judgement on them, as plain data; None where there is none against the leader."""
    block = _reading(game, strong)
    return {
        "schema_version": SCHEMA_VERSION,
        "command": "solve",
        "program": {
            "name": game.name, "kind": "finite-game", "hash": fingerprint(game), "sense": "max",
            "leader_actions": len(game.actions), "types": len(game.types), "answers": game.answers(),
        },
        "status": "OPTIMAL",
        **block,
        "optimistic": strong.value,
        "pessimistic": None if weak is None else weak.value,
        "against": None if weak is None else _reading(game, weak),
        "pure": _pure(game),
        "manifest": {"versions": runs.versions(), "effective_instance": json.dumps(data_of(game), indent=1) + "\n"},
    }  # fmt: skip


def _pure(game: FiniteGame) -> dict[str, dict[str, Any]]:
    """The best single action under each reading, and how much of that is proved."""
    found = {}
    for reading, (action, value) in pure(game).items():
        judged = certify_pure(game, PureClaim(action, value, reading == "pessimistic"))
        found[reading] = {"action": action, "value": value, "proof": judged.proof.name}
    return found


def proofs(result: Mapping[str, Any]) -> dict[str, str]:
    """The proof level of every reading that an answer prints, by its name."""
    found = {"for the leader": result["certificate"]["proof"]}
    if result["against"] is not None:
        found["against the leader"] = result["against"]["certificate"]["proof"]
    return found | {f"the best single action, {reading}": one["proof"] for reading, one in result["pure"].items()}


def _reading(game: FiniteGame, claim: Commitment) -> dict[str, Any]:
    pairs = zip(game.types, claim.answers, strict=True)
    return {
        "value": claim.value,
        "attained": claim.attained,
        "leader": dict(zip(game.actions, claim.mixture.tolist(), strict=True)),
        "follower": {kind.name: kind.actions[action] for kind, action in pairs},
        "method": claim.method,
        "programs": claim.programs,
        "seconds": round(claim.seconds, 6),
        "certificate": _certificate(certify(game, claim)),
    }


def _certificate(found: Certificate) -> dict[str, Any]:
    gaps = [check.gap / check.scale for check in found.follower_checks]
    return {
        "proof": found.proof.name,
        "says": found.proof.sentence,
        "value": found.value,
        "bound": found.bound,
        "optimistic": found.optimistic,
        "pessimistic": found.pessimistic,
        "follower_gap": max(gaps, default=None),
        "attained": found.attained,
        "assumptions": list(found.assumptions),
        "checks": [
            {"name": c.name, "gap": c.gap, "scale": c.scale, "tolerance": c.tolerance, "ok": c.ok} for c in found.checks
        ],
    }


def verify(result: Mapping[str, Any]) -> dict[str, Any]:
    """The checks that a saved answer passes and fails; the game in it is taken as given.

    Raises
    ------
    AuditFailed
        The result carries no game, or its figures are not of it.
    """
    rows: list[dict[str, Any]] = []
    try:
        game = game_of(json.loads(result["manifest"]["effective_instance"]), "manifest.effective_instance")
        weak = None if result["against"] is None else _claim(game, result["against"], True)
        again = told(game, _claim(game, result, False), weak)
        # Where the answers can be listed, the reading against the leader is part of the answer.
        rows.append(row_of("all", holds("both readings are there", (weak is not None) == (game.answers() <= MOST))))
        for label, stated in (("for the leader", again), ("against the leader", again["against"])):
            rows += [
                check | {"strategy": label}
                for check in (stated or {"certificate": {"checks": []}})["certificate"]["checks"]
            ]
        rows += [
            row_of("told again", check) for check in compared(result, again, "told again", frozenset({"manifest"}))
        ]
        kept = {key: value for key, value in result["manifest"].items() if key not in MANIFEST_OF_THE_RUN}
        of_game = {"effective_instance": again["manifest"]["effective_instance"]}
        rows += [row_of("manifest", check) for check in compared(kept, of_game, "told again")]
    except (KeyError, TypeError, ValueError) as error:
        raise AuditFailed("result", f"it does not carry a game and its answer ({error!r})", AGAIN) from None
    return {
        "schema_version": SCHEMA_VERSION, "command": "verify", "instance": {"name": game.name},
        "ok": all(row["ok"] for row in rows), "checks": rows,
    }  # fmt: skip


def _claim(game: FiniteGame, stated: Mapping[str, Any], is_pessimistic: bool) -> Commitment:
    return Commitment(
        np.array([float(stated["leader"][action]) for action in game.actions]),
        float(stated["value"]),
        float(stated["certificate"]["bound"]),
        tuple(kind.actions.index(stated["follower"][kind.name]) for kind in game.types),
        is_pessimistic,
        bool(stated["attained"]),
        str(stated["method"]),
        float(stated["seconds"]),
        int(stated["programs"]),
        tuple(said for said in stated["certificate"]["assumptions"] if said != UNPROVED),
    )


def blocks(result: Mapping[str, Any]) -> list[Block]:
    """The report: what commitment is worth under both readings, the mixtures, the answers, the checks."""
    program, against = result["program"], result["against"]
    said = [
        f"Committed to a mixture the leader is worth {amount(result['value'], 8)} if ties are broken in its favour. "
        f"Proof: {result['certificate']['proof']}, {result['certificate']['says']}.",
    ]
    if against is None:
        said.append("Against the leader: the types' answers are too many to be listed.")
    else:
        how = "" if against["attained"] else ", a limit that no mixture reaches"
        said.append(
            f"If they are broken against it: {amount(against['value'], 8)}{how}. Proof: {against['certificate']['proof']}."
        )
    best, worst = (result["pure"][reading] for reading in ("optimistic", "pessimistic"))
    said.append(
        f"With a single action the best are {best['action']}, {amount(best['value'], 8)}, and with ties against the leader "
        f"{worst['action']}, {amount(worst['value'], 8)}. Proof: {best['proof']} and {worst['proof']}."
    )
    said += [f"It rests on this: {assumption}." for assumption in result["certificate"]["assumptions"]]
    kinds = f"{program['types']} type{'' if program['types'] == 1 else 's'}"
    found: list[Block] = [
        Prose(f"{program['name']}: {program['leader_actions']} actions against {kinds} of follower", said)
    ]
    columns = [Column("action", "text"), Column("share", "text")] + ([Column("against", "text")] if against else [])
    rows = [
        [action, f"{share:.8g}"] + ([f"{against['leader'][action]:.8g}"] if against else [])
        for action, share in result["leader"].items()
    ]
    found.append(
        Table("The leader's mixture", columns, rows, note="against: with ties broken against it" if against else "")
    )
    columns = [Column("type", "text"), Column("answer", "text")] + ([Column("against", "text")] if against else [])
    rows = [[kind, one] + ([against["follower"][kind]] if against else []) for kind, one in result["follower"].items()]
    found.append(Table("The follower's answers", columns, rows))
    checks = [["for", result["certificate"]["checks"]]] + (
        [["against", against["certificate"]["checks"]]] if against else []
    )
    table = [[label, c["name"], c["ok"], c["gap"], c["scale"]] for label, listed in checks for c in listed]
    heads = [
        Column("ties", "text"),
        Column("check", "text"),
        Column("ok", "text"),
        Column("gap", "gap"),
        Column("scale"),
    ]
    found.append(Table("Checks, recomputed from the game alone", heads, table, keys=2, stacks=True))
    return found


def rows(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The answer as rows: reading, part, name, value."""
    found = []
    for reading, block in (("optimistic", result), ("pessimistic", result["against"])):
        if block is not None:
            found.append({"reading": reading, "part": "answer", "name": "value", "value": block["value"]})
            found.append(
                {"reading": reading, "part": "answer", "name": "proof", "value": block["certificate"]["proof"]}
            )
            for part in ("leader", "follower"):
                found += [
                    {"reading": reading, "part": part, "name": key, "value": one} for key, one in block[part].items()
                ]
        pure_one = result["pure"][reading]
        found.append({"reading": reading, "part": "pure", "name": pure_one["action"], "value": pure_one["value"]})
    return found


def drawn(result: Mapping[str, Any]) -> dict[str, str]:
    """No pictures: a game from a file says nothing of what its actions are."""
    return {}
