"""Whether the installation can do what the games need: a shipped instance is read, and one of its strategies weighed."""

from __future__ import annotations

from coercivity.engine.desk import terminal
from coercivity.engine.desk.doctor import Diagnosis, examine, expect, table
from coercivity.engine.errors import AuditFailed


def doctor(form: str) -> None:
    """Print the diagnoses.

    Raises
    ------
    AuditFailed
        Something does not work.
    """
    found = diagnoses()
    failed = [one.name for one in found if not one.ok]
    data = {"schema_version": 1, "command": "doctor", "ok": not failed, "checks": [vars(one) for one in found]}
    terminal.show(form, data, lambda: [table(found)])
    if failed:
        raise AuditFailed("doctor", f"not working: {', '.join(failed)}", "do what the details say")


def diagnoses() -> list[Diagnosis]:
    """The diagnoses of this installation, the engine's and those of the games."""
    return examine({"instances are read": _instances, "a game is solved": _game, "a program is solved": _program})


def _instances() -> str:
    from coercivity.models.licensing.data.load import load, shipped

    names = [name for name, _, _ in shipped()]
    expect("one-buyer" in names, True, "one-buyer among the shipped instances")
    found = load("one-buyer", sets=("leader.discount_rate=10 %/yr",))
    return expect(round(float(found.leader.discount_rate), 9), 0.1, "the discount rate of one-buyer, set to 10 %/yr")


def _game() -> str:
    from coercivity.models.licensing.answers.commands import solve
    from coercivity.models.licensing.data.load import load

    proof = solve(load("one-buyer"), "half").certificate.proof
    return expect(proof, "BILEVEL_FEASIBLE", "the proof of strategy half of one-buyer")


def _program() -> str:
    from coercivity.engine.bilevel.formats import read
    from coercivity.models.program.answer import Question, answer
    from coercivity.models.program.files import located

    proof = answer(read(located("moore_bard1990")), Question("auto")).certificate.proof
    return expect(proof, "OPTIMAL", "the proof of moore_bard1990")
