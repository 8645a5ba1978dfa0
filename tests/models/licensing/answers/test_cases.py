"""All cases in one table, the two naive forecasts by hand, and every case of the world in small."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from coercivity.cli import main_group
from coercivity.engine.data.values import from_plain
from coercivity.engine.errors import ExitCode
from coercivity.engine.report.text import text
from coercivity.models.licensing.answers.backtest import cases as every
from coercivity.models.licensing.answers.backtest.comparison import moments_of
from coercivity.models.licensing.answers.backtest.values import Cases, LeftOut, Moment
from coercivity.models.licensing.answers.commands import solve
from coercivity.models.licensing.data.load import load, shared_numbers, shipped
from coercivity.models.licensing.leader.commit import Game
from coercivity.models.licensing.pages import cases as present
from coercivity.models.licensing.pages import listing
from tests.models.licensing.answers.test_backtest import YEAR, row, toy
from tests.rich_instance import loaded

OPEN = ["november-2026"]  # no record yet
HOUSE = Path(__file__).parents[4]
WORLD = ["april-2025", "cobalt-2025", "gallium-2023", "japan-2010"]
HALF = {"begins": "2025-01", "ends": "2025-02"}
QUARTER = {"begins": "2025-04", "ends": "2025-06"}


def told(name: str, observations: dict[str, Any], **calibration: Any) -> Moment:
    """One moment of the toy, 90 t a month of the leader's and 10 t of the mine's on the first day."""
    data = toy(observations={key: {"tolerance": _tolerance(one), **one} for key, one in observations.items()})
    if calibration:
        fitted = {
            "path": "postures.half.licensed",
            "moments": ["fitted"],
            "points": ["25 %", "50 %"],
            "found": "50 %",
            "loss": 0.0,
        }
        data["observations"]["fitted"] = row(
            "exports", 45.0, begins="2025-03", ends="2025-03", window="fit", tolerance="1 t"
        )
        data["calibration"] = {"fitted": {"half": fitted}, **calibration}
    return next(moment for moment in moments_of(loaded(data)) if moment.name == name)


def _tolerance(one: dict[str, Any]) -> str:
    return next(
        unit
        for key, unit in {"tonnes": "1 t", "share": "1 %", "price": "1 USD/kg", "weeks": "1 week"}.items()
        if key in one
    )


@pytest.mark.parametrize(
    ("measure", "persistent", "keys"),
    [
        ("exports", 180.0, HALF),
        ("exports", 1082.0, {**YEAR, "plus": "2 t"}),
        ("exports_change", -0.1, {"against": "100 t"}),
        ("leader_share", 0.9, {}),
        ("demand_change", 0.0, {"against": "100 t"}),
        ("rival_sales", 10.0, {"rival": "mine"}),
        ("price_ratio", 1.0, {}),
        ("shortage", 0.0, {}),
        ("designed_out", 0.0, {}),
        ("licence_use", None, {}),
        ("first_stop", None, {**YEAR, "above": "1 %"}),
    ],
)
def test_without_a_record_trade_stays_as_it_stood(measure: str, persistent: float | None, keys: dict[str, Any]) -> None:
    moment = told("fact", {"fact": row(measure, 0.5, **keys)})
    assert moment.persistent == (None if persistent is None else pytest.approx(persistent))


def test_the_last_known_record_of_the_same_kind_goes_on() -> None:
    record = {
        "before": row("exports", 40.0, **HALF),
        "other": row("exports", 7.0, "open", **HALF),
        "later": row("exports", 60.0, begins="2025-07", ends="2025-07"),
        "fact": row("exports", 50.0, begins="2025-08", ends="2025-10"),
    }
    # 40 t in two months are 60 t in three; July was not known in March, and another strategy is another world.
    assert told("fact", record, until="2025-02").persistent == pytest.approx(60.0)
    assert told("fact", record, until="2025-07").persistent == pytest.approx(180.0)
    assert told("fact", record).persistent == pytest.approx(270.0)
    assert told("before", record, until="2025-07").persistent == pytest.approx(180.0)
    share = {"before": row("leader_share", 0.7), "fact": row("leader_share", 0.8, **QUARTER)}
    assert told("fact", share, until="2025-03").persistent == pytest.approx(0.7)


@pytest.fixture(scope="module")
def table() -> Cases:
    return every.all_cases()


def test_every_case_with_a_record_is_a_row(table: Cases) -> None:
    assert [case.name for case in table.cases] == WORLD
    assert table.ok
    assert not table.failed
    assert table.judged == sum(case.judged for case in table.cases) > table.hits > 0
    for case in table.cases:
        assert case.facts == len(load(case.name).observations)
        assert case.skill == pytest.approx(1 - float(case.error or 0) / float(case.open_error or 0))
        assert case.judged + case.fed + case.fitted <= case.facts
    # A case that is worse than to say that nothing happens is not one to draw conclusions from.
    assert all(float(case.skill or -1) > 0 for case in table.cases)


def rows_in(page: str) -> dict[str, list[str]]:
    """The table of all cases as a text has it: the cells of each row by case."""
    cells = [line.split() for line in page.splitlines()]
    return {row[0]: row[1:] for row in cells if len(row) == 9 and row[0] in WORLD and row[-1][0] in "+-"}


def test_every_case_has_a_page_that_tells_its_record_and_is_run_in_full(table: Cases) -> None:
    overview, makefile = ((HOUSE / name).read_text("utf-8") for name in ("docs/cases/README.md", "Makefile"))
    assert re.search(r"^CASES := (.*)$", makefile, re.MULTILINE).group(1).split() == [*WORLD, *OPEN]  # type: ignore[union-attr]
    shown, printed = rows_in(overview), rows_in(text(present.blocks(table), 100))
    assert shown == printed
    for name in OPEN:
        assert f"]({name}.md)" in overview
        assert f"docs/cases/{name}.md" in (HOUSE / "README.md").read_text("utf-8")
    for case in table.cases:
        page = " ".join((HOUSE / f"docs/cases/{case.name}.md").read_text("utf-8").split())
        assert f"]({case.name}.md)" in overview
        assert f"docs/cases/{case.name}.md" in (HOUSE / "README.md").read_text("utf-8")
        assert f"{case.hits} of {case.judged} judged facts; skill {printed[case.name][-2]} over" in page
    assert f"{table.hits} of {table.judged} facts are hit" in " ".join(overview.split())


def test_what_the_page_says_of_one_case_left_out_is_what_make_cases_wrote_and_of_these_cases(table: Cases) -> None:
    written = json.loads((HOUSE / "docs/cases/left-out.json").read_text("utf-8"))
    found = from_plain(LeftOut, written)
    assert text(present.left_out(found)[:3], 100) in (HOUSE / "docs/cases/README.md").read_text("utf-8")
    numbers = shared_numbers()
    assert {one.name: one.points for one in found.numbers} == {name: one.points for name, one in numbers.items()}
    # The column of the stated numbers is that of the table above it: a case that has changed since is found.
    stated = {case.name: (case.judged, case.stated.hits, case.stated.error) for case in found.cases}
    for case in table.cases:
        assert stated[case.name] == (case.judged, case.hits, pytest.approx(case.error, rel=1e-6)), "make cases"


def test_the_table_fits_a_terminal_and_says_what_it_comes_to(table: Cases) -> None:
    said = text(present.blocks(table), 100)
    assert max(map(len, said.splitlines())) <= 100
    assert f"{table.hits} of {table.judged} judged facts" in said
    assert len(table.to_frame()) == len(WORLD) == len(present.rows(table))


def test_a_case_that_fails_does_not_keep_the_others_from_being_told() -> None:
    found = every.all_cases(names=["cobalt-2025", "no-such-case", "one-buyer"])
    assert [case.name for case in found.cases] == ["cobalt-2025"]
    assert [one.name for one in found.failed] == ["no-such-case"]
    assert not found.ok
    assert "no-such-case" in text(present.blocks(found), 100)
    assert present.rows(found)[-1]["reason"] == found.failed[0].reason


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main_group, ["--quiet", *arguments])


def test_the_command_exits_six_where_a_case_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(every, "shipped", lambda: [("cobalt-2025", "", ""), ("gone-2020", "", "")])
    answer = run("backtest", "--all", "--format", "json")
    assert answer.exit_code == ExitCode.FAILED_RUNS
    assert [case["name"] for case in json.loads(answer.stdout)["cases"]] == ["cobalt-2025"]
    assert "gone-2020" in answer.stderr


@pytest.mark.parametrize("arguments", [[], ["--all", "cobalt-2025"], ["--all", "--refit"], ["--all", "--set", "a=1"]])
def test_all_stands_alone_and_one_is_named_without_it(arguments: list[str]) -> None:
    assert run("backtest", *arguments).exit_code == ExitCode.USAGE


def test_the_gallery_tells_size_record_and_the_skill_that_was_asked_for(table: Cases) -> None:
    plain, told_too = listing.shipped_instances(), listing.shipped_instances(table)
    assert [entry.name for entry in plain.instances] == [name for name, _, _ in shipped()]
    assert all(entry.skill is None for entry in plain.instances)
    assert [entry.name for entry in told_too.instances if entry.skill is not None] == WORLD
    magnets = plain.instances[0]
    assert (magnets.blocs, magnets.products, magnets.paths, magnets.ends) == (6, 2, 6**6, "2040-12")
    for found in (plain, told_too):
        assert max(map(len, text(listing.listed(found), 100).splitlines())) <= 100


@pytest.mark.parametrize("name", ["cobalt-2025", "gallium-2023"])
def test_what_went_is_a_best_response_in_the_new_cases(name: str) -> None:
    answer = solve(load(name), "as_it_went")
    assert answer.certificate.proof == "BILEVEL_FEASIBLE"


def test_a_duty_brings_the_state_more_than_quotas_which_bring_less_than_open_trade() -> None:
    game = Game(load("cobalt-2025"))
    worth = {name: game.evaluate(game.announce(name)).optimistic for name in ("open", "as_it_went", "levy_half")}
    assert worth["as_it_went"] < worth["open"] < worth["levy_half"]
