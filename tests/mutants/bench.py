"""Seeds faults one by one into copies of the tree and finds out who catches them: the certificate, a test, or nobody."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, Queue
from tempfile import TemporaryDirectory
from typing import Any

from tests.mutants.faults import Fault, Kind

ROOT = Path(__file__).parents[2]
COPIED = (
    "engine", "models", "instances", "tests", "benchmarks", "cli.py", "__init__.py", "__main__.py", "pyproject.toml", "README.md",
)  # fmt: skip
# The test files that are tried, by what the fault's file is about; the others are too slow for a run of all faults.
LEADER = (
    "test_toy",
    "test_reactions",
    "test_taxes",
    "test_fading",
    "test_fed",
    "test_strikes",
    "test_periods",
    "test_theorems_leader",
    "test_price_path",
)
BUYERS = ("test_toy", "test_fringe_audit", "test_formulation", "test_rivals", "test_contracts", "test_steps")
SEARCH = ("test_enumeration", "test_toy", "test_audit_search", "test_theorems_leader")
TESTS = {
    "periods": BUYERS, "market": BUYERS, "charges": BUYERS,
    "investment": BUYERS, "rivals of the market": BUYERS, "rivals": BUYERS, "formulation": BUYERS, "evaluate": BUYERS,
    "assemble": ("test_assemble", "test_rivals"), "commit": SEARCH, "search": SEARCH, "enumeration": SEARCH, "ties": SEARCH,
    "tight rows": ("test_method_tight_rows",), "pieces": ("test_ascent", "test_beside"), "interdiction tree": ("test_method_interdiction_tree",),
    "directions": ("test_method_directions",), "ties against the leader": ("test_pessimistic",), "products": ("test_written_out",),
    "products in rows": ("test_row_products", "test_method_complementarity"),
    "followers that meet": ("test_rivals",),
    "safe bounds": ("test_outward", "test_safe"),
}  # fmt: skip
SECONDS = 240


@dataclass(frozen=True)
class Verdict:
    """What a fault did and who caught it.

    Attributes
    ----------
    games : by game that was played: the parts moved, how it was refused, figures before and after
    tested : the test that failed; None where none was run or none failed
    """

    fault: Fault
    games: dict[str, Any] = field(default_factory=dict)
    tested: str | None = None

    def moved(self, part: str) -> list[str]:
        """The games of which a part moved."""
        return [name for name, row in self.games.items() if part in row["moved"]]

    @property
    def effect(self) -> str:
        """The weightiest part that moved anywhere."""
        return next((part for part in ("answer", "bound", "report") if self.moved(part)), "nothing")

    @property
    def silent(self) -> list[str]:
        """The games whose answer, or else bound, or else report moved and was not refused."""
        return [name for name in self.moved(self.effect) if not self.games[name]["refused"]]

    @property
    def is_refused(self) -> bool:
        """Whether the certificate refused every game in which an answer moved; of a bound or report, some game."""
        if self.effect == "answer":
            return not self.silent
        return any(row["refused"] for row in self.games.values())

    @property
    def caught_by(self) -> str:
        """Who caught it."""
        if self.is_refused:
            return "certificate"
        if self.tested is not None:
            return "test"
        return "harmless" if self.fault.kind is Kind.HARMLESS else "nobody"

    @property
    def says(self) -> str:
        """The first refusal, or the test, or why it may pass."""
        refusals = [row["refused"] for row in self.games.values() if row["refused"]]
        return (refusals[0] if self.is_refused else self.tested) or self.fault.reason


class Bench:
    """A snapshot of the tree, taken once so that others may go on editing, and the outcomes without a fault."""

    def __init__(self, folder: Path, games: Sequence[str] = ()) -> None:
        self.folder, self.games = folder, list(games)
        self.snapshot = folder / "snapshot" / "coercivity"
        self.snapshot.mkdir(parents=True)
        for name in COPIED:
            _copy(ROOT / name, self.snapshot / name)
        self.baseline = folder / "baseline.json"
        self.players: Queue[subprocess.Popen[str]] = Queue()
        found = self._play(self.snapshot)
        self.baseline.write_text(json.dumps(found), "utf-8")
        errors = {name: row["error"] for name, row in found.items() if "error" in row}
        if errors:
            raise RuntimeError(f"games without a fault: {errors}")

    def judge(self, fault: Fault, with_tests: bool = True) -> Verdict:
        """Seed one fault and see who catches it."""
        with TemporaryDirectory(dir=self.folder) as name:
            # The folder has the name of the package, so that the copy is imported and not what is installed.
            copy = Path(name) / "coercivity"
            copy.mkdir()
            for entry in COPIED:
                _copy(self.snapshot / entry, copy / entry)
            fault.spoil(copy)
            games = self._play(copy)
            verdict = Verdict(fault, games)
            if verdict.is_refused or not with_tests:
                return verdict
            return Verdict(fault, games, self._first_failure(copy, TESTS.get(fault.room, LEADER)))

    def judge_all(self, faults: Sequence[Fault], jobs: int, with_tests: bool = True) -> Iterator[Verdict]:
        """Seed faults one after the other, some at a time."""
        with ThreadPoolExecutor(jobs) as pool:
            yield from pool.map(lambda fault: self.judge(fault, with_tests), faults)

    def close(self) -> None:
        """End the players."""
        while not self.players.empty():
            with self.players.get() as player:
                player.stdin and player.stdin.close()

    def _play(self, copy: Path) -> dict[str, Any]:
        try:
            player = self.players.get_nowait()
        except Empty:
            command = [sys.executable, str(self.snapshot / "tests/mutants/play.py")]
            player = subprocess.Popen(command, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=_calm())
        assert player.stdin is not None and player.stdout is not None
        player.stdin.write(json.dumps([str(copy), str(self.baseline), self.games, SECONDS]) + "\n")
        player.stdin.flush()
        status = player.stdout.readline().strip()
        self.players.put(player)
        if status == "0":
            found: dict[str, Any] = json.loads((copy / "told.json").read_text("utf-8"))
            return found
        error = copy / "error.txt"
        why = error.read_text("utf-8") if error.exists() else f"ended with status {status}"
        return {"none": {"moved": ["answer"], "refused": why, "error": why}}

    @staticmethod
    def _first_failure(copy: Path, tests: Sequence[str]) -> str | None:
        files = [str(next((copy / "tests").rglob(f"{name}.py"))) for name in tests]
        command = [sys.executable, "-m", "pytest", "-x", "--tb=no", *files]
        try:
            done = subprocess.run(
                command, check=False, cwd=copy, env=_alone(copy), capture_output=True, text=True, timeout=SECONDS
            )
        except subprocess.TimeoutExpired:
            return "the tests did not end"
        if not done.returncode:
            return None
        failed = [line.split(" ")[1] for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
        return failed[0] if failed else done.stdout[-200:]


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns(".hypothesis"))
    else:
        shutil.copy(source, target)


def _calm() -> dict[str, str]:
    return os.environ | {"OMP_NUM_THREADS": "1"}


def _alone(copy: Path) -> dict[str, str]:
    """The environment of a process that imports what is in the copy."""
    return _calm() | {"PYTHONPATH": os.pathsep.join((str(copy.parent), str(copy)))}
