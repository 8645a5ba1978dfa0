"""Answer first: of a comparison only some strategies are answered and certified, and the page says which are not."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner

from coercivity import cli
from coercivity.models.licensing.answers import commands
from coercivity.models.licensing.answers.verdict.first import first_page
from coercivity.models.licensing.data.load import load


def test_the_baseline_and_the_best_at_a_first_look_are_certified() -> None:
    instance = load("template")
    whole = commands.compare(instance)
    some = commands.compare(instance, certify=1)
    named = {one.strategy.name: one for one in whole.strategies}
    assert whole.uncertified is None
    assert len(instance.strategies) > 2
    assert some.uncertified is not None
    kept = [one.strategy.name for one in some.strategies]
    assert kept[-1] == whole.strategies[-1].strategy.name
    assert instance.baseline in kept
    assert set(kept) | set(some.uncertified) == set(named)
    # What is left out is what the first look put last, and what it was told is worth is what an answer would be.
    for name, value in some.uncertified.items():
        assert value == pytest.approx(named[name].leader.value_musd, rel=1e-4, abs=0.1)
        chosen = [one.leader.value_musd for one in some.strategies if one.strategy.name not in (instance.baseline,)]
        assert value <= max(chosen) + 0.1
    for one in some.strategies:
        assert one.leader.value_musd == pytest.approx(named[one.strategy.name].leader.value_musd, rel=1e-9)


def test_the_page_says_what_is_not_certified() -> None:
    some = commands.compare(load("template"), certify=0)
    assert some.first is not None
    (told,) = [statement for statement in some.first.sure if statement.code == "uncertified"]
    assert some.uncertified is not None
    assert told.numbers == some.uncertified
    assert told.says.startswith(
        f"{len(some.strategies)} of {len(some.strategies) + len(some.uncertified)} strategies are certified"
    )
    assert "none of the others leads" in told.says
    high = dict.fromkeys(some.uncertified, 1e9)
    page = first_page(load("template"), some.strategies, some.search, None, high)
    assert any("one of the others may lead" in statement.says for statement in page.sure)


def test_a_limit_bounds_the_whole_command_where_the_menu_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "LARGE", 1)
    instance = load("template")
    looked: list[Mapping[str, float]] = []

    def look(take: Callable[[], Mapping[str, float]]) -> Mapping[str, float]:
        looked.append(take())
        return looked[-1]

    found = commands.compare(instance, limit=0.0, look=look)
    assert len(looked) == 1
    # The baseline is answered whatever the time, and every other strategy is told as it was looked at.
    assert [one.strategy.name for one in found.strategies][:-1] == [instance.baseline]
    assert found.uncertified == {name: value for name, value in looked[0].items() if name != instance.baseline}


def test_a_near_search_of_a_large_menu_is_verified_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(commands, "LARGE", 1)
    asked = ["compare", "one-buyer", "--out", str(tmp_path), "--format", "json", "--hinges", "0"]
    for options in ([], ["--certify", "0"], ["--wide"]):
        ran = CliRunner().invoke(cli.main_group, [*asked, *options])
        assert ran.exit_code == 0, ran.stderr
    for saved in tmp_path.glob("*/result.json"):
        again = CliRunner().invoke(cli.main_group, ["verify", str(saved)])
        assert again.exit_code == 0, again.output
    assert len(list(tmp_path.glob("*/result.json"))) == 3


def test_the_command_saves_what_it_left_out_and_verify_repeats_it(tmp_path: Path) -> None:
    ran = CliRunner().invoke(
        cli.main_group,
        ["compare", "template", "--certify", "1", "--out", str(tmp_path), "--format", "json", "--hinges", "0"],
    )
    assert ran.exit_code == 0, ran.stderr
    result = json.loads(ran.stdout)
    assert result["uncertified"]
    (saved,) = tmp_path.glob("*/result.json")
    again = CliRunner().invoke(cli.main_group, ["verify", str(saved)])
    assert again.exit_code == 0, again.output
