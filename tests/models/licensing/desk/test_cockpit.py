"""The cockpit's server: every route, whom it refuses, whose wish wins, and that nothing is lost, leaked or left running."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from coercivity.engine.errors import UsageError
from coercivity.models.licensing.answers.commands import solve
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.data.load import load, load_text
from coercivity.models.licensing.desk.cockpit import command, facts, wishes
from coercivity.models.licensing.desk.cockpit.keeping import kept
from coercivity.models.licensing.desk.cockpit.reading import KEPT, Reader
from coercivity.models.licensing.desk.cockpit.solver import Solver, refusal
from coercivity.models.licensing.desk.cockpit.turns import Turns
from coercivity.models.licensing.desk.cockpit.wishes import Wish

starlette = pytest.importorskip("starlette", reason="needs the extra cockpit")
pytest.importorskip("httpx", reason="needs httpx, which Starlette's test client stands on")

from starlette.testclient import TestClient  # noqa: E402

from coercivity.models.licensing.desk.cockpit import server  # noqa: E402

PORT = 8765
ADDRESS = f"http://127.0.0.1:{PORT}"
RATE = "leader.discount_rate"
HALF = {"client": "a", "values": {}, "strategy": "half"}


@pytest.fixture(scope="module")
def game() -> Instance:
    """A game by hand in which the discount rate has a range."""
    text = (Path(__file__).parents[4] / "instances" / "toy" / "one-buyer.yaml").read_text("utf-8")
    found = load_text(text, "one-buyer.yaml")
    rate = found.leader.discount_rate.model_copy(update={"low": 0.0, "high": 0.2})
    return found.model_copy(update={"leader": found.leader.model_copy(update={"discount_rate": rate})})


@pytest.fixture(scope="module")
def client(game: Instance, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    cockpit = server.Cockpit(game, "one-buyer", tmp_path_factory.mktemp("runs"))
    with TestClient(server.application(cockpit, PORT), base_url=ADDRESS) as found:
        found.cockpit = cockpit  # type: ignore[attr-defined]
        yield found


def posted(client: TestClient, path: str, data: Any = HALF, **headers: str) -> Any:
    return client.post(path, json=data, headers=headers)


# -- what is read ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["one-buyer", "template"])
def test_a_reading_is_what_solve_certifies(name: str) -> None:
    instance = load(name)
    reader = Reader(instance)
    for strategy in instance.strategies:
        found, proved = reader.read(Wish({}, strategy)), solve(instance, strategy)
        scale = 1e-4 * max(1.0, abs(proved.leader.value_musd))
        assert found["value"] == pytest.approx(proved.leader.value_musd, abs=scale)
        assert sum(found["terms"].values()) == pytest.approx(found["value"])
        assert found["probability"] == pytest.approx(proved.leader.probability, abs=1e-4)
        paid = found["cost"] - reader.read(Wish({}, instance.baseline))["cost"]
        assert paid == pytest.approx(proved.market.market_pain_musd, abs=10 * scale)
        assert not found["certified"]


def test_a_moved_number_is_what_an_override_says(game: Instance) -> None:
    found = Reader(game).read(Wish({RATE: 0.1}, "half"))
    proved = solve(load("one-buyer", [f"{RATE}=0.1"]), "half")
    assert found["value"] == pytest.approx(proved.leader.value_musd, abs=1e-2)


def test_a_grid_is_read_like_the_strategy_that_it_copies(game: Instance) -> None:
    reader = Reader(game)
    postures = tuple(tuple(tuple(row) for row in groups) for groups in facts.grid_of(game, "half"))
    grid = reader.read(Wish({}, wishes.GRID, postures))
    assert grid["value"] == pytest.approx(reader.read(Wish({}, "half"))["value"])
    assert reader.verdict(Wish({}, wishes.GRID, postures))["order"][0]["value_musd"] == pytest.approx(grid["value"])


def test_what_is_remembered_is_bounded_and_does_not_change_the_answer(game: Instance) -> None:
    reader = Reader(game)
    first = reader.read(Wish({RATE: 0.05}, "half"))
    for step in range(KEPT + 20):
        reader.read(Wish({RATE: 0.1 + step / 1e4}, "half"))
    assert len(reader._kept) == KEPT
    assert reader.read(Wish({RATE: 0.05}, "half"))["value"] == pytest.approx(first["value"])


# -- routes ------------------------------------------------------------------------------------------------------


def test_the_page_is_ours_alone(client: TestClient) -> None:
    for name in server.FILES:
        found = client.get(f"/{name}")
        assert found.status_code == 200
        assert "default-src 'none'" in found.headers["content-security-policy"]
        assert "unsafe" not in found.headers["content-security-policy"]
        foreign = found.text.replace("http://www.w3.org/2000/svg", "")
        assert "http://" not in foreign
        assert "https://" not in foreign
        assert not {"innerHTML", "outerHTML", "eval(", "document.write"} & set(found.text.split())
    page = client.get("/").text
    assert 'aria-live="polite"' in page
    assert " style=" not in page
    assert " onclick=" not in page


def test_the_game_is_told(client: TestClient) -> None:
    found = client.get("/api/game").json()
    assert [one["name"] for one in found["strategies"]] == ["open", "half"]
    assert found["assumptions"][0]["path"] == RATE
    assert set(found["assumptions"][0]) >= {"value", "unit", "low", "high", "source", "reason", "grade"}
    assert found["order"] == "in the order of the file"


def test_a_wish_is_answered(client: TestClient) -> None:
    stated = posted(client, "/api/reading").json()
    moved = posted(client, "/api/reading", HALF | {"values": {RATE: 0.15}}).json()
    assert moved["value"] < stated["value"]
    verdict = posted(client, "/api/verdict").json()
    assert verdict["sentences"][0].startswith("Half pays the leader most: 50.4 million USD")
    assert [one["strategy"] for one in verdict["order"]] == ["half", "open"]


def test_a_view_is_kept_as_a_command_and_a_variant(client: TestClient, game: Instance) -> None:
    assert "refused" in posted(client, "/api/kept", HALF | {"values": {RATE: 0.9}}).json()
    found = posted(client, "/api/kept", HALF | {"values": {RATE: 0.15}}).json()
    assert found["command"] == f"coercivity solve one-buyer --strategy half --set {RATE}=0.15"
    text = (Path(__file__).parents[4] / "instances" / "toy" / "one-buyer.yaml").read_text("utf-8")
    changed = load_text(text + found["variant"], "mine.yaml", variants=["cockpit"])
    assert float(changed.leader.discount_rate) == 0.15
    grid = {"values": {}, "postures": facts.grid_of(game, "half")}
    found = posted(client, "/api/kept", grid).json()
    assert found["command"] == "coercivity solve FILE --strategy cockpit"
    assert "posture: half" in found["variant"]
    assert "nothing to keep" in posted(client, "/api/kept").json()["variant"]


def ended(client: TestClient, name: str) -> dict[str, Any]:
    for _ in range(600):
        state: dict[str, Any] = client.get(f"/api/certificates/{name}").json()
        if state["state"] != "running":
            return state
        time.sleep(0.1)
    raise AssertionError("a certificate that never ends")


def test_a_view_is_certified(client: TestClient, game: Instance) -> None:
    name = posted(client, "/api/certificates", HALF | {"values": {RATE: 0.1}}).json()["certificate"]
    grid = {"values": {}, "postures": facts.grid_of(game, "half")}
    other = posted(client, "/api/certificates", grid).json()["certificate"]
    full = posted(client, "/api/certificates")
    assert (full.status_code, full.json()["refused"]) == (429, "Other certificates or briefs are being made.")
    for one, rate in ((name, 0.1), (other, None)):
        state = ended(client, one)
        assert (state["state"], state["proof"]) == ("done", "BILEVEL_FEASIBLE")
        assert all(check["ok"] for check in state["checks"])
        values = {} if rate is None else {RATE: rate}
        assert state["optimistic"] == pytest.approx(Reader(game).read(Wish(values, "half"))["value"], abs=1e-2)


def test_a_certificate_can_be_cancelled(client: TestClient) -> None:
    name = posted(client, "/api/certificates").json()["certificate"]
    process = client.cockpit.certificates[name]._process  # type: ignore[attr-defined]
    pid = process.pid
    assert client.delete(f"/api/certificates/{name}").json() == {"state": "cancelled"}
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert client.get(f"/api/certificates/{name}").json() == {"state": "cancelled"}
    assert client.get("/api/certificates/none").status_code == 404
    refused = posted(client, "/api/certificates", HALF | {"strategy": "hlaf"}).json()["certificate"]
    assert "did you mean 'half'" in json.dumps(ended(client, refused))


# -- what is refused ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"host": f"evil.example:{PORT}"},
        {"host": "127.0.0.1:1"},
        {"host": ""},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:1"},
        {"origin": f"https://127.0.0.1:{PORT}"},
        {"sec-fetch-site": "cross-site"},
    ],
)
@pytest.mark.parametrize("path", ["/", "/api/game", "/api/reading", "/nowhere"])
def test_who_comes_from_elsewhere_is_refused(client: TestClient, path: str, headers: dict[str, str]) -> None:
    method = "POST" if path == "/api/reading" else "GET"
    found = client.request(method, path, headers=headers, json=HALF if method == "POST" else None)
    assert found.status_code == 403
    assert set(found.json()) == {"refused", "fix"}


def test_our_own_page_is_let_in(client: TestClient) -> None:
    for host in ("127.0.0.1", "localhost", "LOCALHOST"):
        headers = {"host": f"{host}:{PORT}", "origin": f"http://{host}:{PORT}", "sec-fetch-site": "same-origin"}
        assert posted(client, "/api/reading", **headers).status_code == 200


DEEP = "[" * 50_000
BAD: list[tuple[Any, str]] = [
    (b"{", "not JSON"),
    (b"[]", "not an object"),
    (DEEP.encode(), "not JSON"),
    (b'{"client": "a", "strategy": "half", "values": {"x": NaN}}', "not JSON"),
    ({"strategy": "half"}, "client: not a name"),
    ({"client": "a"}, "strategy: not a name"),
    (HALF | {"client": "a" * 500}, "client: not a name"),
    (HALF | {"strategy": "hlaf"}, "no such name among the strategies"),
    (HALF | {"strategy": "__import__('os').system('true')"}, "no such name among the strategies"),
    (HALF | {"values": [1]}, "not an object of numbers"),
    (HALF | {"values": {RATE: "0.1"}}, "not a finite number"),
    (HALF | {"values": {RATE: True}}, "not a finite number"),
    (HALF | {"values": {RATE: 10**400}}, "not a finite number"),
    (HALF | {"values": {"leader.discuont_rate": 0.1}}, "no such name"),
    (HALF | {"values": {RATE: 0.9}}, "outside the range that the file states"),
    (HALF | {"values": {"concession.value": -5.0}}, "not a value that it may have"),
    (HALF | {"postures": []}, "not a grid"),
    (HALF | {"postures": [[["half"]]] * 3}, "not one posture for every phase"),
    (HALF | {"postures": [[["hlaf"]], [["half"]]]}, "the grid"),
]


@pytest.mark.parametrize(("wish", "words"), BAD, ids=lambda value: str(value)[:40])
def test_a_bad_wish_is_refused_in_a_sentence(client: TestClient, wish: Any, words: str) -> None:
    headers = {"content-type": "application/json"}
    body = wish if isinstance(wish, bytes) else json.dumps(wish).encode()
    found = client.post("/api/reading", content=body, headers=headers)
    assert found.status_code in (400, 422)
    assert words in found.json()["refused"]
    assert posted(client, "/api/reading").status_code == 200


def test_large_bodies_forms_and_other_methods_are_refused(client: TestClient) -> None:
    large = client.post("/api/reading", content=b" " * 200_000, headers={"content-type": "application/json"})
    assert (large.status_code, "100,000 bytes" in large.json()["refused"]) == (400, True)
    form = client.post("/api/reading", data={"client": "a", "strategy": "half"})
    assert (form.status_code, "not JSON" in form.json()["refused"]) == (400, True)
    assert client.get("/api/reading").status_code == 405
    assert client.get("/..%2f..%2fpyproject.toml").status_code == 404


def test_an_error_is_a_sentence_that_gives_nothing_away() -> None:
    assert refusal(UsageError("here", "no", "yes")) == {"refused": "here: no", "fix": "yes"}
    assert refusal(ZeroDivisionError("secret"))["refused"] == "The program failed: ZeroDivisionError."


# -- turns -------------------------------------------------------------------------------------------------------


def test_the_latest_wish_wins_and_keeps_its_place() -> None:
    asked: list[str] = []

    def ask(kind: str, wish: Wish) -> dict[str, Any]:
        asked.append(wish.strategy)
        time.sleep(0.02)
        return {"strategy": wish.strategy}

    async def play() -> list[dict[str, Any]]:
        turns = Turns(ask)
        running = asyncio.create_task(turns.run())
        told = [asyncio.create_task(turns.wish("a", "read", Wish({}, f"a{n}"))) for n in range(5)]
        told.append(asyncio.create_task(turns.wish("b", "read", Wish({}, "b"))))
        told.append(asyncio.create_task(turns.wish("a", "read", Wish({}, "a5"))))
        found = await asyncio.gather(*told)
        running.cancel()
        return found

    found = asyncio.run(play())
    assert found == [{"overtaken": True}] * 5 + [{"strategy": "b"}, {"strategy": "a5"}]
    assert asked == ["a5", "b"]


def resident(pid: int) -> int:
    """Bytes of memory that a process holds."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc")
def test_fifty_clients_lose_nothing_and_memory_is_flat(game: Instance) -> None:
    solver = Solver(game)

    async def play(wishes_each: int) -> tuple[int, int]:
        turns = Turns(solver.ask)
        running = asyncio.create_task(turns.run())

        async def fly(client: int) -> list[dict[str, Any]]:
            told = []
            for step in range(wishes_each):
                wish = Wish({RATE: round(0.2 * ((37 * client + step) % 997) / 997, 6)}, ("open", "half")[step % 2])
                told.append(asyncio.create_task(turns.wish(str(client), "read", wish)))
                if step % 4 == 3:  # now and then somebody waits for the answer
                    await told[-1]
            return await asyncio.gather(*told)

        answers = [one for client in await asyncio.gather(*map(fly, range(50))) for one in client]
        running.cancel()
        assert all("value" in one or one == {"overtaken": True} for one in answers)
        assert turns.solved + turns.overtaken == len(answers)
        return len(answers), turns.overtaken

    try:
        asyncio.run(play(20))
        before = resident(solver.pid or 0), resident(os.getpid())
        assert asyncio.run(play(80)) == (4000, 3000)
        after = resident(solver.pid or 0), resident(os.getpid())
        assert all(late - early < 20e6 for early, late in zip(before, after, strict=True))
        assert solver.started == 1
    finally:
        solver.close()


# -- processes ---------------------------------------------------------------------------------------------------


def test_a_worker_that_dies_comes_back(client: TestClient) -> None:
    solver = client.cockpit.solver  # type: ignore[attr-defined]
    before = posted(client, "/api/reading").json()
    started, pid = solver.started, solver.pid
    os.kill(pid, signal.SIGKILL)
    assert posted(client, "/api/reading").json() == before
    assert (solver.started, solver.pid != pid) == (started + 1, True)


def test_a_wish_that_kills_is_refused(game: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    solver = Solver(game)

    class Deaf:
        def send(self, wish: object) -> None:
            raise BrokenPipeError

    monkeypatch.setattr(Solver, "_running", lambda self: Deaf())
    assert solver.ask("read", Wish({}, "half"))["refused"] == "The solver's process ended 2 times over this wish."


def test_nothing_outlives_the_server(game: Instance, tmp_path: Path) -> None:
    cockpit = server.Cockpit(game, "one-buyer", tmp_path)
    with TestClient(server.application(cockpit, PORT), base_url=ADDRESS) as client:
        assert posted(client, "/api/reading").status_code == 200
        name = posted(client, "/api/certificates").json()["certificate"]
        pids = [cockpit.solver.pid, cockpit.certificates[name]._process.pid]
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    assert "being closed" in cockpit.solver.ask("read", Wish({}, "half"))["refused"]


# -- the command -------------------------------------------------------------------------------------------------


def test_a_missing_extra_and_a_taken_port_are_sentences(monkeypatch: pytest.MonkeyPatch) -> None:
    with command.listening(0) as taken:
        taken.listen()
        port = taken.getsockname()[1]
        assert taken.getsockname()[0] == "127.0.0.1"
        with pytest.raises(UsageError, match=rf"--port {port}: cannot be used"):
            command.listening(port)
    monkeypatch.setattr(command.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"the extra 'cockpit'.*\n.*pip install starlette uvicorn"):
        command.require_extra()


def test_assumptions_come_in_the_order_that_a_saved_comparison_knows(tmp_path: Path) -> None:
    instance = load("april-2025")
    hinge = "postures.checked.hazard"
    saved = {
        "command": "compare",
        "instance": {"hash": instance.fingerprint()},
        "hinges": {"turns": [{"parameter": hinge}]},
    }
    for name, text in (("a", json.dumps(saved)), ("b", "{"), ("c", "[]"), ("d", "{}")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "result.json").write_text(text, "utf-8")
    found = facts.facts(instance, "april-2025", tmp_path)
    assert found["assumptions"][0]["path"] == hinge
    assert "saved comparison" in found["order"]
    assert not [one for one in found["assumptions"] if one["path"].startswith(wishes.RECORDS)]
    assert "record" in facts.facts(instance, "april-2025", tmp_path / "none")["order"]


def test_what_is_kept_is_quoted(game: Instance) -> None:
    given = command.given_as("my game.yaml", ["a=b c"], ["x"])
    assert given == "'my game.yaml' --variant x --set 'a=b c'"
    found = kept(game, given, Wish({"concession.value": 100.0}, "half"))["command"]
    assert found.endswith("--strategy half --set 'concession.value=100.0 million USD/yr'")
