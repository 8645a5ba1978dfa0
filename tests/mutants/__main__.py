"""Every seeded fault, what it does to an answer, and who caught it.

    python -m tests.mutants [--quick] [--jobs N] [NAME …]

A NAME picks the faults whose room or name holds it. Exit 1 if a fault is caught by nobody.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.mutants.bench import Bench, Verdict
from tests.mutants.faults import Fault, every

QUICK = 8


def chosen(names: Sequence[str], quick: bool) -> list[Fault]:
    """The faults that are asked for; quickly, one in so many."""
    found = [fault for fault in every() if not names or any(name in (fault.room, fault.name) for name in names)]
    found = found or [fault for fault in every() if any(name in f"{fault.room}: {fault.name}" for name in names)]
    return found[::QUICK] if quick else found


def row(verdict: Verdict) -> str:
    """A row of the table: room, fault, what it moved, who caught it and how, where it passed in silence."""
    fault = verdict.fault
    silent = f" (silent: {', '.join(verdict.silent)})" if verdict.silent and verdict.effect == "answer" else ""
    cells = (
        fault.room,
        fault.name,
        verdict.effect,
        verdict.caught_by + silent,
        " ".join(verdict.says.replace("|", "/").split())[:100],
    )
    return f"| {' | '.join(cells)} |"


def summary(verdicts: Sequence[Verdict]) -> list[str]:
    """The two measures, and what is left."""
    answer = [verdict for verdict in verdicts if verdict.effect == "answer"]
    refused = sum(verdict.caught_by == "certificate" for verdict in answer)
    lines = [f"Of {len(answer)} faults that moved an answer, {refused} were caught by the certificate."]
    for effect, said in (
        ("bound", "spoilt only a bound"),
        ("report", "moved only a report"),
        ("nothing", "moved no game"),
    ):
        mine = [verdict for verdict in verdicts if verdict.effect == effect]
        caught = sum(verdict.caught_by in ("certificate", "test") for verdict in mine)
        lines.append(f"Of {len(mine)} that {said}, {caught} were caught by the certificate or a test.")
    harmless = sum(verdict.caught_by == "harmless" for verdict in verdicts)
    missed = sum(verdict.caught_by == "nobody" for verdict in verdicts)
    return [*lines, f"Harmless, with a reason: {harmless}. Caught by nobody: {missed}."]


def tell(text: str) -> None:
    """Print it at once: a run takes long."""
    print(text, flush=True)  # noqa: T201


def main() -> int:
    """Run the faults and print the table and the summary."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--quick", action="store_true", help=f"one fault in {QUICK}")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--no-tests", action="store_true", help="the certificate alone")
    parser.add_argument("--json", type=Path, help="also write what every game gave")
    asked = parser.parse_args()
    faults, verdicts = chosen(asked.names, asked.quick), []
    tell("| room | fault | moved | caught by | how |\n|---|---|---|---|---|")
    with TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        for verdict in bench.judge_all(faults, asked.jobs, not asked.no_tests):
            verdicts.append(verdict)
            tell(row(verdict))
        bench.close()
    tell("\n" + "\n".join(summary(verdicts)))
    if asked.json:
        found = [{"fault": row(verdict), "games": verdict.games, "tested": verdict.tested} for verdict in verdicts]
        asked.json.write_text(json.dumps(found, indent=1), "utf-8")
    return int(any(verdict.caught_by == "nobody" for verdict in verdicts))


if __name__ == "__main__":
    sys.exit(main())
