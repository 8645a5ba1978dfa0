"""The template: every commented example holds by itself and all of them together; starting from a case."""

from __future__ import annotations

import re

import pytest
from click.testing import CliRunner

from coercivity.cli import main_group
from coercivity.engine.errors import InvalidInstance
from coercivity.models.licensing.answers.backtest.comparison import backtested
from coercivity.models.licensing.data.load import load, load_text, shipped_text

TEMPLATE = shipped_text("template").splitlines()
SIGN = re.compile(r"^( *)#: (.*)$")
# Each example is a comment and the lines below it; where several stand together a comment begins the next.
STARTS = [at for at, line in enumerate(TEMPLATE) if (found := SIGN.match(line)) and found[2].startswith("# ")]


def held(at: int | None = None) -> str:
    """The template with one example taken in, or with all."""
    end = len(TEMPLATE) if at is None else next((start for start in STARTS if start > at), len(TEMPLATE))
    lines = []
    for number, line in enumerate(TEMPLATE):
        found = SIGN.match(line)
        is_meant = found and (at is None or at <= number < end)
        lines.append(f"{found[1]}{found[2]}" if found and is_meant else line)
    return "\n".join(lines) + "\n"


def test_the_newer_blocks_have_examples() -> None:
    examples = "\n".join(line for line in TEMPLATE if SIGN.match(line))
    blocks = (
        "tariff", "shared_shortage", "price_path", "unit_cost_path", "standing_cost", "feed", "contract", "steps", "by_product",
        "export_tax", "granted", "window", "observations",
    )  # fmt: skip
    assert [block for block in blocks if f" {block}:" not in examples and f" {block}: " not in examples] == []


@pytest.mark.parametrize("at", STARTS)
def test_every_example_holds_by_itself(at: int) -> None:
    assert load_text(held(at)).fingerprint() != load("template").fingerprint()


def test_all_examples_hold_together_and_are_played() -> None:
    instance = load_text(held())
    assert len(backtested(instance).moments) == len(instance.observations) == 2


def test_a_wrong_example_would_be_found() -> None:
    with pytest.raises(InvalidInstance):
        load_text(held().replace("feed: {dependence: 50 %", "feed: {dependance: 50 %"))


def test_new_starts_from_a_case() -> None:
    like = CliRunner().invoke(main_group, ["new", "--like", "gallium-2023"])
    assert like.stdout == CliRunner().invoke(main_group, ["new", "gallium-2023"]).stdout == shipped_text("gallium-2023")
    assert CliRunner().invoke(main_group, ["new"]).stdout == shipped_text("template")
    assert CliRunner().invoke(main_group, ["new", "--like", "gallium-2032"]).exit_code == 2
