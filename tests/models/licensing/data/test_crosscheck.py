"""Every cross-check is seen to fail, at its place, with words that say what to do."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from coercivity.engine.errors import InvalidInstance
from coercivity.models.licensing.announcement import announce as announcement
from coercivity.models.licensing.data.crosschecks import play as crosscheck_play
from coercivity.models.licensing.data.crosschecks.market import cross_check
from tests.rich_instance import CURVE, DELETE, OBSERVATION, changed, loaded, rich

STEP = {"share": "50 %", "penalty": "2 USD/kg/month"}
REST = {"title": "Rest", "rules": [{"posture": "half", "phase": "late"}]}

CASES: list[tuple[str, Any, str, str]] = [
    # path, value put there, path of the finding, words of the finding and its fix
    ("blocs.west.demand.magnets.source", "survay", "blocs.west.demand.magnets", "source 'survay'; 'survey'"),
    ("blocs.west.demand.magnets.year", 1949, "blocs.west.demand.magnets", "1949 is no plausible year"),
    ("blocs.west.demand.magnets.year", 2041, "blocs.west.demand.magnets", "between 1950 and 2040"),
    ("money.exchange_rates.USD", 1, "money.exchange_rates.USD", "unit of account"),
    ("phases.squeeze.begins", "2025-02", "phases.squeeze.begins", "does not begin with the calendar; 2025-01"),
    ("phases.late.begins", "2025-08", "phases.late.begins", "no period begins in 2025-08; 2025-07 or 2025-10"),
    ("phases.late.begins", "2025-01", "phases.squeeze.begins", "put the phases in order"),
    ("phases.late.begins", "2030-01", "phases.late.begins", "outside of the calendar"),
    ("phases.squeeze.breakdown", "2025-07", "phases.squeeze.breakdown", "outside of its own phase; 2025-01 to 2025-06"),
    ("phases.late.breakdown", "2025-08", "phases.late.breakdown", "no period begins in 2025-08"),
    ("tail", "2025-11", "tail", "no period begins in 2025-11; 2025-10 or 2026-01"),
    ("tail", "2028-01", "tail", "outside of the calendar"),
    ("tail", "2025-04", "phases.late.begins", "the tail after the last one"),
    ("rivals.mine.expansion.lead_time", "25 month", "tail", "lasts 24 months; rivals.mine, 25 months; add years"),
    ("options.thrift.lead_time", "3 yr", "tail", "options.thrift, 36 months"),
    ("products.magnets.segments.toys", "10 %", "products.magnets.segments", "add up to 0.9, not 1"),
    ("products.magnets.segments.toyz", "0 %", "products.magnets.segments.toyz", "unknown segment; 'toys'"),
    ("products.magnets.segments", {"cars": 1}, "products.magnets.segments", "nothing for segment 'toys'"),
    ("segments.cars.value", "60 USD/kg", "segments.cars.value", "not above the segment before it"),
    ("segments.toys.value", "55 USD/kg", "segments.toys.value", "highest price, 55 USD/kg; would never buy"),
    ("stocks.cover_steps.0.share", "40 %", "stocks.cover_steps", "add up to 0.9, not 1"),
    ("stocks.cover_steps.1.penalty", "2 USD/kg/month", "stocks.cover_steps.1.penalty", "not above the step before"),
    ("stocks.cover_steps.0.penalty", "0.5 USD/kg/month", "stocks.cover_steps.0.penalty", "above the holding cost"),
    ("blocs.outside", rich()["blocs"]["west"], "blocs.outside", "'outside' is reserved"),
    ("blocs.all", rich()["blocs"]["west"], "blocs.all", "'all' is reserved"),
    ("blocs.west.group", "alies", "blocs.west.group", "unknown group 'alies'; known: all, far"),
    ("blocs.west.demand.light", DELETE, "blocs.west.demand", "nothing for product 'light'; add light: …"),
    ("blocs.west.imports.light", DELETE, "blocs.west.imports", "nothing for product 'light'"),
    ("blocs.west.growth.magnet", 0, "blocs.west.growth.magnet", "unknown product 'magnet'; did you mean 'magnets'?"),
    ("blocs.west.tiers.weeks", "90 %", "blocs.west.tiers", "add up to 0.9, not 1"),
    ("blocs.west.tiers.week", "0 %", "blocs.west.tiers.week", "unknown tier 'week'; 'weeks'"),
    ("blocs.east.cover.week", "2 month", "blocs.east.cover.week", "unknown tier 'week'; 'weeks'"),
    ("blocs.west.reserve.penalty", "0.5 USD/kg/month", "blocs.west.reserve.penalty", "would stay empty"),
    ("blocs.west.reserve.penalty", "3 USD/kg/month", "blocs.west.reserve.penalty", "before the working cover"),
    ("leader.price.light", DELETE, "leader.price", "nothing for product 'light'"),
    ("leader.unit_cost.light", DELETE, "leader.unit_cost", "nothing for product 'light'"),
    ("leader.unit_cost.light", "56 USD/kg", "leader.price.light", "is below the unit cost, 56"),
    ("rivals.mine.product", "magnet", "rivals.mine.product", "unknown product 'magnet'; 'magnets'"),
    ("rivals.mine.owner", "outsid", "rivals.mine.owner", "unknown owner 'outsid'; 'outside'"),
    ("rivals.mine.serves.eastt", "0 USD/kg", "rivals.mine.serves.eastt", "unknown bloc 'eastt'; 'east'"),
    ("rivals.mine.unit_cost", "1000 USD/kg", "rivals.mine.unit_cost", "not below the value of 'cars', 1000"),
    ("rivals.mine.committed.0.begins", "2028-01", "rivals.mine.committed.0.begins", "outside of the calendar"),
    ("options.thrift.product", "magnet", "options.thrift.product", "unknown product 'magnet'"),
    ("options.thrift.moves_to", "ligt", "options.thrift.moves_to", "unknown product 'ligt'; 'light'"),
    ("options.thrift.moves_to", "magnets", "options.thrift.moves_to", "cannot move to the product it leaves"),
    ("options.thrift.potential.car", "1 %", "options.thrift.potential.car", "unknown segment 'car'; 'cars'"),
    ("routes.back_door.source", "wst", "routes.back_door.source", "unknown bloc 'wst'; 'west'"),
    ("routes.back_door.destination", "nowhere", "routes.back_door.destination", "unknown bloc; known: west, east"),
    ("routes.back_door.destination", "west", "routes.back_door.destination", "back to where it starts"),
    ("routes.back_door.owner", "nobody", "routes.back_door.owner", "unknown owner 'nobody'"),
    ("postures.half.hazard", 0.0001, "postures.half.hazard", "too small to be told from none; at least 0.001"),
    ("postures.half.leader_hazard", 0.0009, "postures.half.leader_hazard", "too small"),
    ("strategies.half.rules.0.posture", "hlf", "strategies.half.rules.0.posture", "unknown posture 'hlf'; 'half'"),
    ("strategies.half.rules.0.phase", "lat", "strategies.half.rules.0.phase", "unknown phase 'lat'; 'late'"),
    ("strategies.half.rules.0.group", "al", "strategies.half.rules.0.group", "unknown group 'al'; 'all'"),
    ("strategies.half.rules.0.product", "x", "strategies.half.rules.0.product", "unknown product 'x'"),
    ("strategies.rest", REST, "strategies.rest.rules", "no rule gives a posture for phase 'squeeze'"),
    ("strategies.half.fed_volumes.2025-07", "1 t", "strategies.half.fed_volumes.2025-07", "not a period of one month"),
    ("strategies.half.fed_volumes.2026-01", "1 t", "strategies.half.fed_volumes.2026-01", "outside of the strategic"),
    ("menu.postures.0", "opn", "menu.postures.0", "unknown posture 'opn'; 'open'"),
    ("menu.postures.0", "half", "menu.postures.1", "stands twice"),
    ("menu.bundles", [["all"]], "menu.bundles", "group 'far' stands in no bundle; add [far]"),
    ("menu.bundles.1.0", "fa", "menu.bundles.1.0", "unknown group 'fa'; 'far'"),
    ("menu.bundles.1.0", "all", "menu.bundles.1.0", "stands in two bundles"),
    ("menu.bundles.1", [], "menu.bundles.1", "a bundle of no group"),
    ("concession.relief", "opn", "concession.relief", "unknown posture 'opn'; 'open'"),
    ("concession.target", "west", "concession.target", "unknown group 'west'"),
    ("concession.reference", "haf", "concession.reference", "unknown strategy 'haf'; 'half'"),
    ("concession.cap", "20 %", "concession.cap", "the cap is below the probability"),
    ("concession.cap", DELETE, "concession", "neither types nor a curve nor all of reference; cap missing"),
    ("concession.curve", CURVE, "concession.reference", "'reference' beside a curve"),
    ("leverage.until", "2028-02", "leverage.until", "outside of the calendar; 2028-01"),
    ("leverage.until", "2025-01", "leverage.until", "outside of the calendar"),
    ("observations.exports.strategy", "quarter", "observations.exports.strategy", "unknown strategy 'quarter'"),
    ("observations.exports.bloc", "wst", "observations.exports.bloc", "unknown bloc 'wst'; 'west'"),
    ("observations.exports.begins", "2024-12", "observations.exports.begins", "outside of the calendar"),
    ("observations.exports.ends", "2028-01", "observations.exports.ends", "outside of the calendar; 2027-12"),
    ("observations.exports.ends", "2025-01", "observations.exports.ends", "is before 2025-02"),
    ("observations.exports.tonnes", DELETE, "observations.exports", "no recorded value; tonnes"),
    ("observations.exports.share", 0.5, "observations.exports.share", "recorded as 'tonnes', not as 'share'"),
    ("observations.exports.measure", "rival_world_share", "observations.exports.tonnes", "not as 'tonnes'"),
    ("observations.exports.measure", "export_share", "observations.exports", "of no bloc; add bloc"),
    ("variants.closed.set", {"routes.backdoor.cost": 1}, "variants.closed.set.routes.backdoor.cost", "unknown path"),
]


def findings(data: dict[str, Any]) -> list[Any]:
    with pytest.raises(InvalidInstance) as refused:
        loaded(data)
    return list(refused.value.findings)


def assert_found(data: dict[str, Any], path: str, words: str) -> None:
    found = findings(data)
    texts = [f"{finding.what} {finding.fix}" for finding in found if finding.path == path]
    assert any(all(word in text for word in words.split("; ")) for text in texts), [str(finding) for finding in found]
    assert all(finding.fix for finding in found)
    assert all(finding.place.startswith("rich.yaml:") for finding in found)


def test_the_rich_instance_has_no_fault() -> None:
    assert cross_check(loaded(rich())) == []


@pytest.mark.parametrize(
    ("path", "value", "where", "words"), CASES, ids=[f"{path}-{words[:20]}" for path, _, _, words in CASES]
)
def test_each_check_is_seen_to_fail(path: str, value: Any, where: str, words: str) -> None:
    assert_found(changed(rich(), path, value), where, words)


@pytest.mark.parametrize(
    ("path", "value", "where", "words"),
    [
        ("0.pressure", "1 million USD", "concession.curve.0.pressure", "does not begin at a pressure of 0"),
        ("2.pressure", "10 million USD", "concession.curve.2.pressure", "does not rise"),
        ("2.probability", "10 %", "concession.curve.2.probability", "the probability falls"),
    ],
)
def test_concession_curves(path: str, value: str, where: str, words: str) -> None:
    data = rich()
    for key in ("reference", "probability", "cap"):
        del data["concession"][key]
    data["concession"]["curve"] = copy.deepcopy(CURVE)
    assert cross_check(loaded(data)) == []
    assert_found(changed(data, f"concession.curve.{path}", value), where, words)


def test_all_faults_come_at_once_in_the_order_of_the_file() -> None:
    data = changed(rich(), "blocs.west.group", "x")
    data = changed(data, "menu.postures.0", "y")
    data = changed(data, "segments.cars.value", "1 USD/kg")
    data["observations"]["twin"] = OBSERVATION | {"strategy": "z"}
    found = findings(data)
    lines = [int(finding.place.split(":")[1]) for finding in found]
    assert lines == sorted(lines)
    assert {"blocs.west.group", "menu.postures.0", "segments.cars.value", "observations.twin.strategy"} <= {
        finding.path for finding in found
    }


def test_observations_fit_their_measure() -> None:
    share = {key: value for key, value in OBSERVATION.items() if key != "tonnes"} | {"share": 0.4}
    data = rich()
    data["observations"]["split"] = share | {"measure": "export_share", "bloc": "west"}
    data["observations"]["rivals"] = share | {"measure": "rival_foreign_share"}
    data["observations"]["shortage"] = OBSERVATION | {"measure": "shortage"}
    assert cross_check(loaded(data)) == []


def test_a_hazard_that_is_accepted_is_never_below_the_floor_of_the_announcement() -> None:
    assert crosscheck_play.SMALLEST_HAZARD >= announcement.HAZARD_FLOOR


def test_structural_faults_come_alone() -> None:
    data = changed(changed(rich(), "blocs.west.group", "x"), "leader.title", DELETE)
    assert [finding.path for finding in findings(data)] == ["leader.title"]
