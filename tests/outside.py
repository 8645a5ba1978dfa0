"""What must hold wherever the package was installed: run by the environment that has it, in a folder far from the sources.

    python tests/outside.py

The folder that it works in has modules of its own under every common name. Exit 1 with a sentence where something fails.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path

COMMON = ("cli", "engine", "models", "instances", "tests", "benchmarks")
SCRIPT = str(Path(sys.executable).with_name("coercivity"))
WORK = (
    ([SCRIPT, "instances"], "one-buyer"),
    ([sys.executable, "-m", "coercivity", "solve", "one-buyer", "--no-save", "--jobs", "2"], "million USD"),
    ([SCRIPT, "solve", "moore_bard1990", "--no-save"], "-22"),
    ([SCRIPT, "doctor"], "yes"),
    (
        [
            sys.executable,
            "-c",
            "import models, coercivity as co; print(models.MINE, co.solve('one-buyer').leader.value_musd)",
        ],
        "models",
    ),
)


def top_names() -> set[str]:
    """What the distribution puts at the top of the environment, beside what describes it."""
    files = metadata.files("coercivity") or []
    # An editable installation has a finder, compiled when it is first used.
    beside = ("coercivity-", "..", "__editable__", "__pycache__")
    return {file.parts[0] for file in files if not file.parts[0].startswith(beside)}


def main() -> int:
    """Do a little of everything; 1 where something fails."""
    strange = top_names() - {"coercivity"}
    if strange:
        print(f"the distribution installs {', '.join(sorted(strange))} beside coercivity")
        return 1
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for module in COMMON:
            (folder / f"{module}.py").write_text(f'MINE = "{module}"\n', "utf-8")
        for command, expected in WORK:
            told = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
            if told.returncode or expected not in told.stdout:
                print(f"{' '.join(command)} ended with {told.returncode}: {(told.stderr or told.stdout)[-500:]}")
                return 1
    print(f"{len(WORK)} commands did their work among {', '.join(COMMON)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
