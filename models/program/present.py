"""An answer to a bilevel program in letters: what it is worth, what is proved, and every variable by name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from coercivity.engine.report.text import Block, Column, Prose, Table, amount, number
from coercivity.models.program.values import ProgramAnswer, Safety, Size

SOURCE = "problem.json"
# A fraction that is longer is left to JSON.
LONGEST = 60


def blocks(result: ProgramAnswer) -> list[Block]:
    """The report: sentences, the values of both players' variables, the certificate."""
    found: list[Block] = [Prose(_title(result.program), list(_says(result)))]
    for player, values in (("leader", result.leader), ("follower", result.follower)):
        if values is not None:
            rows = [[name, _exact(value)] for name, value in values.items()]
            found.append(
                Table(f"The {player}'s variables", [Column("variable", "text"), Column("value", "text")], rows)
            )
    if result.prices:
        rows = [[name, _exact(value)] for name, value in result.prices.items()]
        found.append(Table("Prices of the follower's rows", [Column("row", "text"), Column("price", "text")], rows))
    checks = [[check.name, check.ok, check.gap, check.scale] for check in result.certificate.checks]
    if checks:
        columns = [Column("check", "text"), Column("ok", "text"), Column("gap", "gap"), Column("scale")]
        found.append(Table("Checks, recomputed from the problem alone", columns, checks, stacks=True))
    return found


def rows(result: ProgramAnswer) -> list[dict[str, Any]]:
    """The answer as rows: player, variable, value, with the figures of the leader first."""
    figures = {
        "value": result.value, "optimistic": result.optimistic, "pessimistic": result.pessimistic,
        "bound": result.certificate.bound, "status": result.status, "method": result.method, "seconds": result.seconds,
        "proof": result.certificate.proof,
    }  # fmt: skip
    parts = {"answer": figures, "leader": result.leader, "follower": result.follower, "prices": result.prices}
    return [
        {"part": part, "name": name, "value": value}
        for part, values in parts.items()
        for name, value in (values or {}).items()
    ]


def drawn(result: ProgramAnswer) -> dict[str, str]:
    """No pictures: a program from a file says nothing of what its variables are."""
    return {}


def _title(program: Size) -> str:
    followers = "the follower" if program.followers == 1 else f"the {program.followers} followers"
    parts = [
        f"{_many(columns, 'variable')} and {_many(rows, 'row')} of {who}"
        for who, columns, rows in (
            ("the leader", program.leader_columns, program.leader_rows),
            (followers, program.follower_columns, program.follower_rows),
        )
    ]
    return f"{program.name}: {', '.join(parts)}"


def _says(result: ProgramAnswer) -> Iterator[str]:
    certificate, sense = result.certificate, result.program.sense
    if result.value is None:
        yield f"No optimum {'was found' if result.status in ('LIMIT', 'UNPROVED') else 'exists'}: {result.says}."
    else:
        word = "reached" if result.attained else "approached, and reached by no commitment"
        yield f"The leader's value is {amount(result.value, 8)} ({sense}imised, {word})."
        bound = certificate.bound
        side = "more" if sense == "max" else "less"
        yield (
            "No bound was found." if bound is None else f"No commitment is proved to give {side} than {amount(bound, 8)}."
            if certificate.proof != "OPTIMAL" else f"No commitment gives {side} than {amount(bound, 8)}."
        )  # fmt: skip
        yield from _ties(result)
    yield f"Method: {result.method}, as {result.why}. {number(result.seconds, 3)} s, {_many(result.nodes, 'node')}."
    yield from (f"Note: {note}." for note in result.notes)
    yield f"Proof: {certificate.proof}, {certificate.says}."
    if (safe := certificate.safe) is not None:
        yield from _safety(safe)
    yield from (f"It rests on this: {assumption}." for assumption in certificate.assumptions)
    if certificate.refutation is not None:
        yield "The bound is refuted: a commitment with a best response was found that is worth more to the leader."
    if certificate.proof == "OPTIMAL" and result.value is not None and not certificate.confirmed:
        yield "The judge tried to refute the bound and could not; it has not searched every commitment itself."
    yield from (f"Judge: {note}." for note in certificate.notes)


def _safety(safe: Safety) -> Iterator[str]:
    yield f"Rounding: {safe.level}, {safe.says}."
    if safe.bound is not None:
        yield f"The bound proved with rounding counted is {safe.bound!r}, in {_many(safe.nodes, 'node')}."
    if safe.value is not None:
        yield f"The exact value is {safe.value if len(safe.value) <= LONGEST else f'a fraction of {len(safe.value)} digits'}."
    if safe.reason is not None:
        yield f"Not more is guaranteed, as {safe.reason}."


def _ties(result: ProgramAnswer) -> Iterator[str]:
    low, high = result.optimistic, result.pessimistic
    if result.certificate.coupling_violation:
        yield (
            "Among the follower's best responses to this commitment are some that break the leader's own rows, by up to "
            f"{amount(result.certificate.coupling_violation)}."
        )
    elif low is not None and high is None:
        yield "If the follower breaks ties against the leader, nothing bounds the harm."
    elif low is not None and high is not None and abs(low - high) > 1e-6 * max(1.0, abs(low)):
        yield f"That is if the follower breaks ties in the leader's favour; against it the value is {amount(high, 8)}."


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _exact(value: float) -> str:
    return f"{value:.10g}"
