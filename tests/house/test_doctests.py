"""Every example in a docstring is run."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[2]
SAYING = sorted(
    ".".join(("coercivity", *file.relative_to(HOUSE).with_suffix("").parts)).removesuffix(".__init__")
    for room in ("engine", "models")
    for file in (HOUSE / room).rglob("*.py")
    if ">>>" in file.read_text("utf-8")
)


@pytest.mark.parametrize("module", SAYING)
def test_examples_say_what_they_do(module: str) -> None:
    found = doctest.testmod(importlib.import_module(module))
    assert found.attempted
    assert not found.failed


def test_there_are_examples() -> None:
    assert len(SAYING) > 20
