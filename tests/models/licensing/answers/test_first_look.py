"""What is known before everything is: named strategies on the hot path, and what a long search has found so far."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner

from coercivity.cli import main_group
from coercivity.engine.desk.interrupts import stoppable
from coercivity.engine.desk.terminal import Progress
from coercivity.models.licensing.answers import commands
from coercivity.models.licensing.answers.game import StrategyAnswers
from coercivity.models.licensing.data.load import effective
from coercivity.models.licensing.desk import compare as desk
from coercivity.models.licensing.leader.commit import Game
from coercivity.models.licensing.leader.search import LicenceScreen
from tests.rich_instance import loaded, reacting, rich
from tests.small_games import instance_of, small_data


@pytest.mark.parametrize("data", [rich(), reacting(), small_data(3), small_data(8)])
def test_the_first_look_is_what_is_certified_later(data: dict) -> None:  # type: ignore[type-arg]
    instance = instance_of(data)
    look, game = StrategyAnswers(instance).first_look(), Game(instance)
    assert list(look.values()) == sorted(look.values(), reverse=True)
    for name, value in look.items():
        exact = game.evaluate(game.announce(name)).optimistic
        assert value >= exact - 1e-6 * max(1.0, abs(exact))
        assert value == pytest.approx(exact, rel=2e-2, abs=2.0)


def test_a_large_menu_is_searched_best_first_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "LARGE", 3)
    said, looked = list[str](), list[Mapping[str, float]]()

    def look(take: Callable[[], Mapping[str, float]]) -> Mapping[str, float]:
        looked.append(take())
        return looked[-1]

    found = commands.compare(loaded(rich()), tell=said.append, look=look)
    assert looked == [StrategyAnswers(loaded(rich())).first_look()]
    assert said and all(line.startswith("Best found so far: ") for line in said)
    assert found.promises is None
    # A menu this small is looked at whole on the way: that is a proof.
    assert found.search.complete and found.search.best_first is None
    assert found.strategies[-1].certificate.proof == "OPTIMAL"
    whole = commands.compare(loaded(rich()), prove=True)
    assert whole.promises is not None
    values = [result.strategies[-1].certificate.optimistic_musd for result in (found, whole)]
    assert values[0] == pytest.approx(values[1])


def test_a_first_look_is_remembered(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(commands, "LARGE", 3)
    run = {"jobs": 1, "hinges": 0.0, "memory": tmp_path / "ledger.sqlite"}
    first, again, other = list[str](), list[str](), list[str]()
    desk.compare(loaded(rich()), run, commands.silent, first.append)
    assert first[0].startswith("First look, million USD, not certified yet: ")
    changed = rich()
    changed["leader"]["discount_rate"] = {"value": "9 %/yr", "assumption": "another leader"}
    desk.compare(loaded(changed), run, commands.silent, other.append)
    assert other[0].startswith("First look") and other[0] != first[0]
    monkeypatch.setattr(StrategyAnswers, "first_look", lambda *_: pytest.fail("it was looked at before"))
    desk.compare(loaded(rich()), run, lambda *step: again.append(step[0]), again.append)
    assert again[:2] == [first[0], "building"], "what is remembered is told before anything is built"
    assert sum(line.startswith("First look") for line in again) == 1


def test_a_search_that_is_no_proof_claims_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "LARGE", 3)
    found = commands.solve(loaded(rich()), limit=0.0)
    assert found.search is not None and found.search.best_first is not None
    assert not found.search.best_first.finished and commands.is_stopped(found)
    assert found.certificate.proof != "OPTIMAL"
    assert any("the search was stopped" in line for line in found.certificate.assumptions)
    named = StrategyAnswers(loaded(rich())).first_look()
    assert found.certificate.optimistic_musd >= named["open"] - 1e-3 * abs(named["open"])


@pytest.fixture
def heard() -> Iterator[None]:
    """Ctrl-C is heard, also where whoever runs the tests has them ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


STAGES = {
    "searching": "interrupted before the whole menu was searched",
    "certifying": "interrupted while answers were certified",
    "comparing": "interrupted while answers were certified",
    "breaking promises": "interrupted before promises were looked at",
    "ranges": "interrupted before all stated ranges were looked at",
}


def pressed_at(stage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Press Ctrl-C once when a stage is told to have come somewhere."""
    say, is_done = Progress.__call__, list[str]()

    def told(self: Progress, now: str, done: int, total: int) -> None:
        say(self, now, done, total)
        if now == stage and not is_done:
            is_done.append(now)
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(Progress, "__call__", told)


@pytest.mark.usefixtures("heard")
@pytest.mark.parametrize("stage", STAGES)
def test_ctrl_c_ends_a_stage_and_not_the_answer(stage: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(commands, "LARGE", 3)
    monkeypatch.chdir(tmp_path)
    Path("game.yaml").write_text(effective(loaded(rich())), "utf-8")
    pressed_at(stage, monkeypatch)
    asked = ["compare", "game.yaml", "--jobs", "1", "--promises", "--format", "json"]
    found = CliRunner().invoke(main_group, asked)
    assert (found.exit_code, "Ending here" in found.stderr) == (130, True), found.stderr
    told = json.loads(found.stdout)
    assert told["manifest"]["status"] == STAGES[stage]
    names, named = [one["strategy"]["name"] for one in told["strategies"]], loaded(rich()).strategies
    assert names[0] == "open" and names[-1] == "optimal"
    assert set(names[:-1]) | set(told.get("uncertified") or ()) == set(named)
    is_early = stage in ("searching", "certifying", "comparing")
    assert (len(names) == 2) == is_early, "what comes after is not begun"
    assert (told["promises"] is None) == (stage != "ranges")
    assert told["search"]["complete"] == (stage != "searching")
    assert ("hinges" in told) == (stage == "ranges")
    (saved,) = Path("runs").glob("*/result.json")
    again = CliRunner().invoke(main_group, ["verify", str(saved)])
    assert again.exit_code == 0, again.output


@pytest.mark.usefixtures("heard")
def test_ctrl_c_twice_ends_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with stoppable(lambda _: None) as stop:
        assert not stop()
        os.kill(os.getpid(), signal.SIGINT)
        assert stop()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)


def test_where_ctrl_c_is_ignored_it_stays_so() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with stoppable(lambda _: None) as stop:
            os.kill(os.getpid(), signal.SIGINT)
            assert not stop()
    finally:
        signal.signal(signal.SIGINT, before)


def test_ctrl_c_reaches_whoever_calls_from_python(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> tuple[float, ...]:
        raise KeyboardInterrupt

    monkeypatch.setattr(LicenceScreen, "screen", interrupted)
    with pytest.raises(KeyboardInterrupt):
        commands.compare(loaded(rich()))
