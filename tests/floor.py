"""The lowest versions that pyproject.toml states, as constraints for pip: ``python tests/floor.py > constraints``."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

HOUSE = Path(__file__).parents[1]
# Run before anything is installed: the room is found in the tree, under no package.
sys.path.insert(0, str(HOUSE / "engine" / "desk"))

from stated import Requirement, parsed  # noqa: E402

sys.path.pop(0)

EXTRAS = ("charts", "cluster", "cockpit", "excel", "parquet")
# What the tests there need; the tools that look at the code are not run there.
TOOLS = ("hypothesis", "pytest")


def lowest() -> dict[str, str | None]:
    """The lowest version of every package that the program and its extras need, by name."""
    stated = tomllib.loads((HOUSE / "pyproject.toml").read_text("utf-8"))["project"]
    extras = stated["optional-dependencies"]
    found: list[Requirement] = [parsed(text) for text in stated["dependencies"]]
    found += [parsed(text) for extra in EXTRAS for text in extras[extra]]
    found += [one for one in map(parsed, extras["test"]) if one.name in TOOLS]
    return {one.name: one.least for one in found}


if __name__ == "__main__":
    for name, version in lowest().items():
        print(f"{name}=={version}")  # noqa: T201
