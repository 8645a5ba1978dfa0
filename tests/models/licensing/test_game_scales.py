"""Money and tonnes in other units: the same answer, and the same proof, of a whole game."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache

import pytest

from coercivity.engine.data.values import to_plain
from coercivity.models.licensing.answers.commands import Comparison, Solution, compare
from coercivity.models.licensing.answers.verify import verify
from coercivity.models.licensing.data.load import load_text
from tests.rich_instance import TOY

NUMBER = r"(?<![\w.])(\d+(?:\.\d+)?) "


def rescaled(text: str, money: float, tonnes: float) -> str:
    """An instance with every sum of money and every quantity of goods multiplied."""
    units = {
        "USD/kg/month": money / tonnes, "USD/(kg/yr)": money / tonnes, "USD/kg": money / tonnes,
        "million USD/yr": money, "million USD": money, "t/yr": tonnes,
    }  # fmt: skip
    pattern = NUMBER + "(" + "|".join(re.escape(unit) for unit in units) + ")"
    return re.sub(pattern, lambda found: f"{float(found[1]) * units[found[2]]!r} {found[2]}", text)


@cache
def answered(money: float, tonnes: float) -> Comparison:
    return compare(load_text(rescaled(TOY.read_text("utf-8"), money, tonnes)))


SCALES = [(1e-6, 1.0), (1e6, 1.0), (1.0, 1e-6), (1.0, 1e6), (1e-6, 1e-6), (1e6, 1e6), (1e6, 1e-6)]


@pytest.mark.parametrize(("money", "tonnes"), SCALES)
def test_units_change_neither_answer_nor_proof(money: float, tonnes: float) -> None:
    usual, found = answered(1.0, 1.0), answered(money, tonnes)
    for one, other in zip(usual.strategies, found.strategies, strict=True):
        name = one.strategy.name
        assert other.strategy.path == one.strategy.path, name
        assert other.certificate.proof == one.certificate.proof, [
            check for check in other.certificate.checks if not check.ok
        ]
        for key in ("value_musd", "pressure_musd"):
            theirs, ours = getattr(other.leader, key), getattr(one.leader, key)
            assert theirs / money == pytest.approx(ours, rel=1e-6, abs=1e-6), (name, key)
        assert other.leader.probability == pytest.approx(one.leader.probability, rel=1e-6, abs=1e-9)
        assert other.market.shortage_t / tonnes == pytest.approx(one.market.shortage_t, rel=1e-6, abs=1e-4)


def test_a_value_that_is_off_is_found_out_in_any_unit() -> None:
    for money, tonnes in SCALES[:4]:
        found = answered(money, tonnes)
        best = next(answer for answer in found.strategies if answer.strategy.is_optimum)
        leader = replace(best.leader, value_musd=best.leader.value_musd + 1e-3 * money)
        touched = Solution(
            schema_version=1,
            command="solve",
            instance=found.instance,
            **{**vars(best), "leader": leader},
            search=found.search,
            manifest=found.manifest,
        )
        names = {check.name for check in verify(to_plain(touched)).checks if not check.ok}
        assert "terms sum to the payoff" in names, (money, tonnes)
