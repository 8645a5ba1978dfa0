"""Games written for other solvers: the program says what the game says, and what it cannot say is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from coercivity import cli
from coercivity.engine.bilevel import selection as choice
from coercivity.engine.bilevel.formats import read, write
from coercivity.engine.bilevel.judge.certify import certify
from coercivity.engine.errors import UsageError
from coercivity.engine.proof.certificate import ProofLevel
from coercivity.models.licensing.data.load import load
from coercivity.models.licensing.leader.commit import Game
from coercivity.models.licensing.leader.export import problem_of

LINEAR = ("leader.rents.licence=0", "leader.rents.exporter=0", "concession.value=0 million USD/yr")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli.main_group, list(arguments))


@pytest.mark.parametrize("name", ["one-buyer", "template"])
def test_the_exported_program_is_worth_what_the_game_is(name: str) -> None:
    instance = load(name, LINEAR)
    game, problem = Game(instance), problem_of(instance)
    worth = {strategy: game.evaluate(game.announce(strategy)).optimistic for strategy in instance.strategies}
    found = choice.solve(problem).solution
    assert found.point is not None
    assert -found.value == pytest.approx(max(worth.values()), rel=1e-9)
    picked = dict(zip(problem.leader.names, found.point, strict=False))
    assert [key for key, on in picked.items() if on == 1.0] == [max(worth, key=lambda key: worth[key])]


@pytest.mark.parametrize("strategy", ["open", "half"])
def test_every_strategy_alone_has_its_own_payoff_and_survives_the_file(strategy: str, tmp_path: Path) -> None:
    instance = load("one-buyer", LINEAR)
    game = Game(instance)
    write(problem_of(instance, [strategy]), tmp_path / "buyer.mps")
    again = read(tmp_path / "buyer.mps")
    found = choice.solve(again).solution
    assert -again.shown(found.value) == pytest.approx(game.evaluate(game.announce(strategy)).optimistic, rel=1e-9)
    assert certify(again, found).proof is ProofLevel.OPTIMAL


def test_what_is_not_linear_is_refused_with_every_reason_at_once() -> None:
    with pytest.raises(UsageError) as refusal:
        problem_of(load("one-buyer"))
    assert "exporter rent" in refusal.value.what
    assert "probability of the concession" in refusal.value.what
    assert "--set leader.rents.exporter=0" in refusal.value.fix
    with pytest.raises(UsageError, match="did you mean 'half'"):
        problem_of(load("one-buyer", LINEAR), ["halv"])


def test_the_command_writes_both_files_and_writes_over_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    sets = [part for override in LINEAR for part in ("--set", override)]
    found = run("export", "one-buyer", "buyer.mps", *sets)
    assert found.exit_code == 0, found.stderr
    assert {file.name for file in tmp_path.iterdir()} == {"buyer.mps", "buyer.aux"}
    again = run("export", "one-buyer", "buyer.mps", *sets)
    assert again.exit_code == 2
    assert "not written over" in again.stderr
    assert run("export", "buyer.mps", "buyer.json").exit_code == 0
    assert "30.1383" in run("solve", "buyer.json", "--no-save").stdout
    assert "no format" in run("export", "buyer.mps", "buyer.lp").stderr
    assert run("export", "conejo2016_price_maker", "price.mps").exit_code == 2
