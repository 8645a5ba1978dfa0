"""Studies of a game from the command line's side: what varies, what comes out, how they end, and that they go on."""

from __future__ import annotations

import json
import re
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result

from coercivity.cli import main_group
from coercivity.engine.errors import InvalidInstance, UsageError
from coercivity.engine.study.axes import Axis
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.data.load import load, shipped
from coercivity.models.licensing.leader.commit import Game
from coercivity.models.licensing.studies.substitution import Writer
from coercivity.models.licensing.studies.sweep import _crossings
from coercivity.models.licensing.studies.vary import grid_points, of_range, uncertain, varied
from tests.rich_instance import changed, loaded, reacting

TOY = "one-buyer"


def run(*arguments: str, at: Path) -> Result:
    """A command in this process, in a folder of its own."""
    arguments = (*arguments, "--out", str(at / "runs"), "--jobs", "1")
    return CliRunner().invoke(main_group, arguments, env={"COLUMNS": "160"})


def told(*arguments: str, at: Path) -> dict[str, Any]:
    found = run(*arguments, "--format", "json", at=at)
    assert found.exit_code == 0, found.output
    return dict(json.loads(found.stdout))


def instance_with_ranges() -> Instance:
    data = reacting()
    number = {"value": "8 %/yr", "range": ["4 %/yr", "12 %/yr"], "assumption": "test"}
    data = changed(data, "leader.discount_rate", number)
    number = {"value": "9 %/yr", "range": ["4 %/yr", "20 %/yr"], "distribution": "lognormal", "assumption": "test"}
    return loaded(changed(data, "buyers.discount_rate", number))


# -- what varies ---------------------------------------------------------------------------------------------------


def test_every_range_of_the_instance_is_an_axis_with_its_distribution() -> None:
    axes = {one.parameter.name: one.axis for one in uncertain(instance_with_ranges())}
    assert axes["leader.discount_rate"] == Axis("leader.discount_rate", 0.04, 0.12, 0.08, "triangular")
    assert axes["buyers.discount_rate"].distribution == "lognormal"
    uniform = {one.parameter.name: one.axis for one in uncertain(instance_with_ranges(), "uniform")}
    assert uniform["leader.discount_rate"].distribution == "uniform"


@pytest.mark.parametrize(
    ("text", "points"),
    [
        ("concession.value=0:400:5", [0, 100, 200, 300, 400]),
        ("concession.value=100:400:3:log", [100, 200, 400]),
        ("concession.value=400,0,100", [0, 100, 400]),
        ("concession.value=0.1 billion USD/yr : 0.4 billion USD/yr : 2", [100, 400]),
        ("segments.*.value=1:1.5:2", [1, 1.5]),
    ],
)
def test_a_text_says_what_varies(text: str, points: list[float]) -> None:
    found = varied(load(TOY), [text])
    (values,) = grid_points(found).values()
    assert np.allclose(values, points)


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        (["concession.valeu=0:1:3"], "concession.value"),
        (["concession.value"], "no range"),
        (["concession.value=5:1:3"], "not below"),
        (["concession.value=1:1:3"], "not below"),
        (["concession.value=0:400:1"], "at least 2"),
        (["concession.value=0:400:x"], "at least 2"),
        (["concession.value=0:400:1000000000"], "at most 10,000,000"),
        (["concession.value=0:400:3:lin"], "neither limits"),
        (["concession.value=0:nan:3"], "finite"),
        (["concession.value=0 kg:400 kg:3"], "USD"),
        (["concession.value=-400:400:3"], "not a value that it may have"),
        (["leader.discount_rate=0:2:3"], "not a value that it may have"),
        (["concession.value=7,7"], "single value"),
        (["segments.*.value=1:2:2", "segments.toys.value=60:70:2"], "twice|too"),
        (["title=1:2:3"], "not a number"),
    ],
)
def test_what_cannot_vary_is_refused_with_a_reason(texts: list[str], says: str) -> None:
    with pytest.raises(UsageError) as error:
        varied(load(TOY), texts)
    assert re.search(says, str(error.value)), error.value


def test_a_file_without_ranges_says_so() -> None:
    with pytest.raises(UsageError, match="no number of this instance has a range"):
        uncertain(load(TOY))


# -- values in their place -----------------------------------------------------------------------------------------


def test_values_written_in_place_are_those_written_into_the_file() -> None:
    stated = load(TOY)
    axes = varied(stated, ["segments.*.value=1:2:2", "concession.value=0:400:2", "leader.discount_rate=0.01:0.2:2"])
    writer = Writer(stated, [one.parameter for one in axes])
    quick = writer.instance([1.5, 250.0, 0.05])
    slow = load(
        TOY,
        ["segments.toys.value=90 USD/kg", "segments.cars.value=1500 USD/kg", "concession.value=250 million USD/yr",
         "leader.discount_rate=0.05"],
    )  # fmt: skip
    pairs = zip(quick.quantities(), slow.quantities(), strict=True)
    assert all(one[0] == other[0] and one[1].value == pytest.approx(other[1].value) for one, other in pairs)
    assert dict(writer.changes([1.0, 100.0, stated.leader.discount_rate.value])) == {}
    with pytest.raises(InvalidInstance):
        writer.instance([0.5, 250.0, 0.05])


@pytest.mark.parametrize("name", ["april-2025", "cobalt-2025", "gallium-2023", "japan-2010"])
def test_every_draw_and_every_end_of_a_range_of_the_shipped_instances_is_an_instance(name: str) -> None:
    stated = load(name)
    axes = uncertain(stated, "uniform")
    writer = Writer(stated, [one.parameter for one in axes])
    now = [one.parameter.now for one in axes]
    draw = np.random.default_rng(7)
    for _ in range(40):
        writer.instance([float(one.axis.at(u)) for one, u in zip(axes, draw.random(len(axes)), strict=True)])
    for at, one in enumerate(axes):
        for end in (one.axis.low, one.axis.high):
            writer.instance([*now[:at], end, *now[at + 1 :]])


def test_no_shipped_range_is_left_out() -> None:
    for name, _, _ in shipped():
        stated = load(name)
        ranged = [path for path, one in stated.quantities() if one.low is not None and one.low != one.high]
        if ranged:
            assert {one.parameter.name for one in uncertain(stated)} <= set(ranged)
            assert of_range(stated, ranged[0]).axis.low == dict(stated.quantities())[ranged[0]].low


# -- sweeps --------------------------------------------------------------------------------------------------------


def test_a_sweep_is_the_evaluation_at_every_point(tmp_path: Path) -> None:
    result = told("sweep", TOY, "--vary", "concession.value=0:400:5", at=tmp_path)
    assert [point["values"] for point in result["points"]] == [[0], [100], [200], [300], [400]]
    for point in result["points"]:
        game = Game(load(TOY, [f"concession.value={point['values'][0]} million USD/yr"]))
        for name, payoff in point["payoff_musd"].items():
            assert payoff == pytest.approx(game.evaluate(game.announce(name)).optimistic, abs=1e-2)
    # Open trade is worth 30.1 whatever the concession; half 20.2 and 0.3016 more per million: 32.9 in the middle.
    (crossing,) = result["crossings"]
    assert crossing == pytest.approx(32.9, abs=0.1)
    threshold = CliRunner().invoke(main_group, ["threshold", TOY, "concession.value", "--no-save", "--format", "json"])
    exact = json.loads(threshold.stdout)["parameters"][0]["break_evens"][0]["value"]
    assert crossing == pytest.approx(exact, rel=1e-3)


def test_a_grid_of_two_numbers_has_every_pair_once(tmp_path: Path) -> None:
    result = told(
        "sweep", TOY, "--vary", "concession.value=0:400:3", "--vary", "leader.discount_rate=0.01:0.2:2", at=tmp_path
    )
    pairs = [tuple(point["values"]) for point in result["points"]]
    assert len(set(pairs)) == 6 == result["runs"]["done"]
    assert sum(result["best_share"].values()) == pytest.approx(1.0)


def test_crossings_of_a_line() -> None:
    at = np.array([0.0, 1.0, 2.0, 4.0])
    assert _crossings(at, np.array([1.0, -1.0, np.nan, 1.0])) == [0.5]
    assert _crossings(at, np.array([1.0, 0.0, -1.0, 3.0])) == [1.0, 2.5]


def test_solve_finds_the_best_on_the_menu_at_every_point(tmp_path: Path) -> None:
    result = told("sweep", TOY, "--vary", "concession.value=0:400:2", "--what", "solve", at=tmp_path)
    for point in result["points"]:
        payoff = point["payoff_musd"]
        assert payoff["optimal"] >= max(payoff["open"], payoff["half"]) - 1e-2
        best = Game(load(TOY, [f"concession.value={point['values'][0]} million USD/yr"])).best_commitment()[0]
        assert payoff["optimal"] == pytest.approx(best.optimistic, abs=1e-6)


# -- Monte-Carlo, indices, boxes -------------------------------------------------------------------------------------


def test_monte_carlo_adds_up(tmp_path: Path) -> None:
    arguments = ("montecarlo", TOY, "--vary", "concession.value=0:100", "--runs", "80", "--parquet", "--charts")
    result = told(*arguments, at=tmp_path)
    rows = {row["strategy"]: row for row in result["summaries"]}
    assert sum(row["wins"] for row in rows.values()) == pytest.approx(1.0)
    # Open does not depend on the concession; half is worth 20.2 + 0.3016 a million: 35.3 on average over 0 to 100.
    assert rows["open"]["mean_musd"] == pytest.approx(30.1, abs=0.1)
    assert rows["half"]["mean_musd"] == pytest.approx(35.3, abs=3 * rows["half"]["standard_error_musd"] + 0.1)
    assert rows["open"]["quantiles_musd"]["p5"] == pytest.approx(rows["open"]["quantiles_musd"]["p95"])
    assert result["choice"]["expected"] == ["half"]
    assert result["perfect_information_musd"]["value"] == pytest.approx(rows["half"]["expected_regret_musd"])
    (folder,) = [entry for entry in (tmp_path / "runs").iterdir() if entry.is_dir()]
    points, payoffs = (pd.read_csv(folder / f"{name}.csv") for name in ("points", "payoffs"))
    assert (len(points), len(payoffs)) == (80, 160)
    assert payoffs.groupby("point").regret_musd.min().abs().max() == 0
    import duckdb

    again = duckdb.sql(f"SELECT * FROM '{folder / 'payoffs.parquet'}'").df()
    assert np.array_equal(again.payoff_musd, payoffs.payoff_musd)
    page = (folder / "charts.html").read_text("utf-8")
    assert {"regret.svg", "payoffs.svg", "distribution.svg", "leverage.svg"} <= {file.name for file in folder.iterdir()}
    assert re.search(r"(src|href)=.https?:", page) is None


def test_common_random_numbers_survive_a_change_of_strategies(tmp_path: Path) -> None:
    arguments = ("montecarlo", TOY, "--vary", "concession.value=0:100", "--runs", "20")
    both = told(*arguments, at=tmp_path)
    alone = told(*arguments, "--strategies", "half", at=tmp_path)
    means = {row["strategy"]: row["mean_musd"] for row in both["summaries"]}
    assert alone["summaries"][0]["mean_musd"] == pytest.approx(means["half"], abs=1e-9)


def test_indices_of_a_payoff_that_one_number_decides(tmp_path: Path) -> None:
    result = told(
        "sensitivity", TOY, "--vary", "concession.value=0:400", "--vary", "segments.cars.value=900:1100",
        "--strategy", "half", "--alone", "--runs", "64", at=tmp_path,
    )  # fmt: skip
    rows = {row["parameter"]: row for row in result["indices"]}
    assert rows["concession.value"]["first_order"]["estimate"] == pytest.approx(1.0, abs=0.1)
    assert rows["segments.cars.value"]["total"]["estimate"] < 0.02
    morris = told(
        "sensitivity", TOY, "--vary", "concession.value=0:400", "--vary", "segments.cars.value=900:1100",
        "--strategy", "half", "--alone", "--method", "morris", "--runs", "6", at=tmp_path,
    )  # fmt: skip
    effect = next(row for row in morris["indices"] if row["parameter"] == "concession.value")
    assert effect["mu_star_musd"]["estimate"] == pytest.approx(
        120.6, rel=0.02
    )  # 0.3016 a million, over 400, a little less where cars are worth less


def test_a_box_is_where_half_wins(tmp_path: Path) -> None:
    result = told("discover", TOY, "--vary", "concession.value=0:100", "--strategy", "half", "--against", "open",
                  "--runs", "240", at=tmp_path)  # fmt: skip
    (box,) = result["boxes"]
    (limit,) = box["restrictions"]
    assert limit["low"] == pytest.approx(32.9, abs=3.0)
    assert limit["high"] is None
    assert box["score"]["density"] > 0.9
    sure = run("discover", TOY, "--vary", "concession.value=200:400", "--strategy", "half", "--against", "open",
               "--runs", "60", at=tmp_path)  # fmt: skip
    assert sure.exit_code == 0
    assert "no region" in " ".join(sure.stdout.split())


# -- how they end, and that they go on -------------------------------------------------------------------------------

# Each alone is allowed, but not a use that is worth less than the price.
PRICE = "leader.price.magnets"
FAILING = ("sweep", TOY, "--vary", "segments.toys.value=52,70", "--vary", f"{PRICE}=50,55")


def test_points_that_fail_are_told_and_the_rest_is_kept(tmp_path: Path) -> None:
    found = run(*FAILING, at=tmp_path)
    assert found.exit_code == 6
    assert "1 of 4 points failed" in found.output
    assert "Points without an answer" in found.stdout
    assert "segments.toys.value 52 USD/kg" in " ".join(found.stdout.split())
    indices = run(
        "sensitivity",
        TOY,
        "--vary",
        "segments.toys.value=52:70",
        "--vary",
        f"{PRICE}=50:55",
        "--runs",
        "16",
        at=tmp_path,
    )
    assert indices.exit_code == 2
    assert "missing or failed" in indices.output
    stopped = run(*FAILING, "--max-failures", "0", "--ledger", str(tmp_path / "other.sqlite"), at=tmp_path)
    assert stopped.exit_code == 6


def test_a_second_run_asks_nothing_again_but_what_failed(tmp_path: Path) -> None:
    first = told("sweep", TOY, "--vary", "concession.value=0:400:5", at=tmp_path)
    again = told("sweep", TOY, "--vary", "concession.value=0:400:5", at=tmp_path)
    assert (first["runs"]["reused"], again["runs"]["reused"]) == (0, 5)
    assert again["points"] == first["points"]
    wider = told("sweep", TOY, "--vary", "concession.value=0:800:5", at=tmp_path)
    assert wider["runs"]["reused"] == 3  # 0, 200 and 400
    other = told("sweep", TOY, "--vary", "concession.value=0:400:5", "--set", "leader.discount_rate=0.2", at=tmp_path)
    assert other["runs"]["reused"] == 0


def test_shards_are_read_together(tmp_path: Path) -> None:
    asked = ("sweep", TOY, "--vary", "concession.value=0:400:5")
    for part in ("1/3", "2/3"):
        found = run(*asked, "--shard", part, at=tmp_path)
        assert found.exit_code == 0
        assert f"share {part[0]} of 3" in found.stdout
    whole = told(*asked, at=tmp_path)
    assert whole["runs"]["reused"] == 3
    assert whole["runs"]["done"] == 5
    wrong = run(*asked, "--shard", "4/3", at=tmp_path)
    assert wrong.exit_code == 2


def test_a_dry_run_computes_nothing_that_is_kept(tmp_path: Path) -> None:
    found = run("montecarlo", TOY, "--vary", "concession.value=0:100", "--runs", "1000", "--dry-run", at=tmp_path)
    assert found.exit_code == 0
    assert "1,000 points" in found.stdout
    ledger = sqlite3.connect(tmp_path / "runs" / "ledger.sqlite")
    assert ledger.execute("SELECT count(*) FROM runs").fetchone() == (0,)


def test_the_manifest_replays(tmp_path: Path) -> None:
    result = told("montecarlo", TOY, "--vary", "concession.value=0:100", "--runs", "10", at=tmp_path)
    (folder,) = [entry for entry in (tmp_path / "runs").iterdir() if entry.is_dir()]
    asked = result["manifest"]["options"]
    again = told(
        "montecarlo", str(folder / "instance.yaml"), "--vary", *asked["vary"], "--runs", str(asked["runs"]),
        "--seed", str(asked["seed"]), at=tmp_path,
    )  # fmt: skip
    assert again["summaries"] == result["summaries"]
    assert result["manifest"]["program"] == again["manifest"]["program"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--no-save", "--charts"), "saves nothing"),
        (("--shard", "1/2", "--parquet"), "a shard saves no result"),
        (("--scheduler", "tcp://nowhere:1"), "--executor dask"),
        (("--strategy", "open", "--against", "open"), "the strategy itself"),
        (("--strategies", "opne"), "did you mean 'open'"),
    ],
)
def test_what_does_not_fit_together_is_refused(tmp_path: Path, arguments: tuple[str, ...], says: str) -> None:
    found = run("sweep", TOY, "--vary", "concession.value=0:1:2", *arguments, at=tmp_path)
    assert found.exit_code == 2
    assert says in found.output
