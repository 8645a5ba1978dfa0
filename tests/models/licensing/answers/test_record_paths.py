"""The record through time: each series in one unit beside the model's, by hand; pictures saved with the backtest."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from coercivity.cli import main_group
from coercivity.engine.errors import ExitCode
from coercivity.models.licensing.answers.backtest.comparison import backtested
from coercivity.models.licensing.answers.backtest.values import RecordedPath
from tests.models.licensing.answers.test_backtest import YEAR, row, toy
from tests.rich_instance import loaded

FACTS = {
    "change": row("exports_change", -0.4, against="90 t", tolerance="10 %"),
    "gap": row("export_gap", -120.0, begins="2025-04", ends="2025-06", against="270 t", tolerance="30 t"),
    "all": row("exports", 542.0, **YEAR, plus="2 t", tolerance="24 t", window="beside"),
    "bought": row("demand_change", -0.5, against="100 t", tolerance="5 %"),
    "price": row("price", 150.0, tolerance="10 USD/kg"),
    "stop": row("first_stop", 6.0, **YEAR, segment="cars", above="1 %", tolerance="1 week"),
}


@pytest.fixture(scope="module")
def paths() -> dict[str, RecordedPath]:
    found = backtested(loaded(toy(observations=FACTS)), is_drawn=True).paths
    assert found is not None
    return {path.measure: path for path in found}


def test_changes_gaps_and_tonnes_are_one_series_by_the_month(paths: dict[str, RecordedPath]) -> None:
    exports = paths["exports"]
    assert list(paths) == ["exports", "purchases", "price"]  # a stop is no series
    assert exports.unit == "t/month"
    told = [(span.recorded, span.low, span.high) for span in exports.record]
    # 60 % of 90 t; 150 t in three months; 542 t less the two that were shipped before, in twelve.
    expected = [(54.0, 45.0, 63.0), (50.0, 40.0, 60.0), (45.0, 43.0, 47.0)]
    assert [pytest.approx(one) for one in expected] == told
    model = dict(zip(exports.months, exports.model, strict=True))
    assert model["2025-03"] == pytest.approx(45.0)
    assert exports.months[0] == "2025-01"
    assert exports.months[-1] > "2025-12"


def test_what_is_bought_everywhere_is_told_in_tonnes_and_prices_as_they_are(paths: dict[str, RecordedPath]) -> None:
    bought, price = paths["purchases"], paths["price"]
    assert bought.record[0].recorded == pytest.approx(50.0)
    assert dict(zip(bought.months, bought.model, strict=True))["2025-03"] == pytest.approx(55.0)
    assert (price.unit, price.record[0].low, price.record[0].high) == ("USD/kg", 140.0, 160.0)


def test_without_pictures_no_series_is_told() -> None:
    assert backtested(loaded(toy(observations=FACTS))).paths is None


def test_the_pictures_are_saved_with_what_they_rest_on(tmp_path: Path) -> None:
    pytest.importorskip("vl_convert")
    asked = ["--quiet", "backtest", "cobalt-2025", "--charts", "--out", str(tmp_path), "--format", "json"]
    run = CliRunner().invoke(main_group, asked)
    assert run.exit_code == 0, run.stderr
    (folder,) = tmp_path.iterdir()
    names = {file.name for file in folder.iterdir()}
    pictures = {"tonnes.svg", "shares.svg", "errors.svg", "charts.html"}
    assert names == pictures | {"result.json", "report.txt", "instance.yaml"}
    saved = json.loads((folder / "result.json").read_text("utf-8"))
    assert saved["paths"] == json.loads(run.stdout)["paths"]
    assert "judged moments are inside their tolerance" in (folder / "report.txt").read_text("utf-8")
    assert saved["moments"][0]["title"].split(",")[0] in (folder / "charts.html").read_text("utf-8")


def test_all_cases_have_no_pictures_of_their_own() -> None:
    assert CliRunner().invoke(main_group, ["backtest", "--all", "--charts"]).exit_code == ExitCode.USAGE
