"""What is legal and improbable: each kind of slip is told with its place, and what is shipped gives no warning."""

from __future__ import annotations

import json
from pathlib import Path as File
from typing import Any

import pytest
from click.testing import CliRunner, Result

from coercivity.cli import main_group
from coercivity.engine.data.document import parse
from coercivity.engine.errors import InvalidInstance
from coercivity.models.licensing.data.examine import examine
from coercivity.models.licensing.data.load import load, load_text, shipped
from coercivity.models.licensing.data.plausibility.warnings import implausible
from tests.rich_instance import changed, reacting, text_of

TEMPLATE = File(__file__).parents[4] / "instances" / "toy" / "template.yaml"


def template() -> dict[str, Any]:
    return parse(TEMPLATE.read_text("utf-8"), "template.yaml").data


def warned(data: dict[str, Any], *changes: tuple[str, Any]) -> list[tuple[str, str]]:
    """Path and sentence of every warning about the data with some nodes changed."""
    for path, value in changes:
        data = changed(data, path, value)
    return [(".".join(map(str, path)), what) for path, what, _ in implausible(load_text(text_of(data), "odd.yaml"))]


ALIEN = {
    "title": "Plant",
    "owner": "north",
    "product": "metal",
    "serves": {},
    "capacity": "100 t/yr",
    "unit_cost": "48 USD/kg",
}
NOBODY = {"title": "Nobody"}
SLOW = [{"posture": "slow"}]
TEMPLATES: list[tuple[str, Any, str, str]] = [
    # money
    ("money.exchange_rates", {"CNY": 7.18}, "money.exchange_rates.CNY", "far from what it ever was"),
    ("money.exchange_rates", {"EUR": 110}, "money.exchange_rates.EUR", "far from what it ever was"),
    ("money.exchange_rates", {"XYZ": 700}, "money.exchange_rates.XYZ", "far from what it ever was"),
    ("segments.critical.value", "900 USD/g", "segments.critical.value", "times what others"),
    ("stocks.surplus_cost", "2 USD/kg/day", "stocks.surplus_cost", "above the highest price"),
    ("stocks.cover_steps.1.penalty", "8 USD/kg/day", "stocks.cover_steps.1.penalty", "value of the cheapest use"),
    ("leader.buffer_cost", "30 USD/kg/month", "leader.buffer_cost", "above a fifth"),
    ("leader.idle_cost", "2 USD/g", "leader.idle_cost", "more than the highest price"),
    ("postures.open.export_tax", "60 USD/kg", "postures.open.export_tax", "more than any product costs"),
    ("leader.tax_passed_on", "50 %", "leader.tax_passed_on", "no posture takes a tax"),
    ("leader.unit_cost.metal", "38 USD/t", "leader.unit_cost.metal", "under a price of 50"),
    ("leader.unit_cost.metal", "0 USD/kg", "leader.unit_cost.metal", "under a price of 50"),
    ("leader.unit_cost.metal", "50 USD/kg", "leader.unit_cost.metal", "earns nothing"),
    ("rivals.north_plant.unit_cost", "48 USD/t", "rivals.north_plant.unit_cost", "of the leader's price"),
    ("rivals.north_plant.serves.south", "1000 USD/kg", "rivals.north_plant.serves.south", "sells for 50"),
    ("rivals.north_plant.expansion.capex", "80000 USD/(kg/yr)", "rivals.north_plant.expansion.capex", "never ordered"),
    ("rivals.north_plant.expansion.capex", "80 USD/(t/yr)", "rivals.north_plant.expansion.capex", "next to nothing"),
    ("options.redesign.cost", "120000 USD/(kg/yr)", "options.redesign.cost", "never ordered"),
    ("options.redesign.running_cost", "-5500 USD/kg", "options.redesign.running_cost", "saves more"),
    ("routes.south_north.cost", "6 USD/g", "routes.south_north.cost", "sells for 50"),
    ("concession.value", "300 billion USD/yr", "concession.value", "beside exports worth"),
    ("concession.value", "300 USD/yr", "concession.value", "beside exports worth"),
    ("rivals.north_plant.unit_cost", "576 USD/kg", "rivals.north_plant.unit_cost", "times the leader's price"),
    ("rivals.north_plant.standing_cost", "3 USD/g", "rivals.north_plant.standing_cost", "a year to stand is 60.0 times"),
    ("stocks.holding_cost", "0.5 USD/t/month", "stocks.holding_cost", "next to nothing"),
    # masses
    ("leader.home_use", "6 t/yr", "leader.home_use", "next to nothing"),
    ("rivals.north_plant.capacity", "1.3 t/yr", "blocs.north.demand.metal", "demand exceeds imports"),
    ("leader.capacity", "0 t/yr", "leader.capacity", "no capacity to export"),
    ("leader.capacity", "10.5 t/yr", "leader.capacity", "below the imports"),
    ("leader.capacity", "10500 kt/yr", "leader.capacity", "times the imports"),
    ("leader.home_use", "6000 kt/yr", "leader.home_use", "times the exports"),
    ("blocs.north.demand.metal", "5000 t/month", "blocs.north.demand.metal", "demand exceeds imports"),
    ("blocs.north.demand.metal", "5000 kt/yr", "blocs.north.demand.metal", "demand exceeds imports"),
    ("blocs.north.imports.metal", "4 t/yr", "blocs.north.demand.metal", "demand exceeds imports"),
    ("rivals.north_plant.capacity", "1300 t/month", "rivals.north_plant.capacity", "times the demand"),
    ("rivals.north_plant.capacity", "1300 kt/yr", "rivals.north_plant.capacity", "times the demand"),
    ("rivals.north_plant.expansion.potential", "3000 kt/yr", "rivals.north_plant.expansion.potential", "times the demand"),
    ("routes.south_north.capacity", "300 kt/yr", "routes.south_north.capacity", "could be re-exported"),
    (
        "leader.capacity",
        {"value": "10500 t/yr", "range": ["9 t/yr", "12 kt/yr"], "assumption": "why"},
        "leader.capacity",
        "the range runs from",
    ),
    ("strategies.coercion.fed_volumes", {"2025-02": "300 kt"}, "strategies.coercion.fed_volumes.2025-02", "usual exports"),
    # rates
    ("leader.discount_rate", "50 %/yr", "leader.discount_rate", "50 % a year"),
    ("buyers.discount_rate", 0.7, "buyers.discount_rate", "70 % a year"),
    ("cost_of_capital", 1, "cost_of_capital", "100 % a year"),
    ("cost_of_capital", 0, "cost_of_capital", "costs nothing"),
    ("leader.capacity_growth", "40 %/yr", "leader.capacity_growth", "40 % a year"),
    ("blocs.south.growth.metal", "-40 %/yr", "blocs.south.growth.metal", "-40 % a year"),
    ("postures.slow.hazard", "60 %", "postures.slow.hazard", "more likely than not"),
    ("postures.slow.leader_hazard", "80 %", "postures.slow.leader_hazard", "more likely than not"),
    ("postures.reliable.licensed", "250 %", "postures.reliable.licensed", "licences for 250 %"),
    ("postures.slow.breakdown.lasts", "60 month", "postures.slow.breakdown.lasts", "longer than the strategic phases"),
    ("postures.reliable.buffer", "120 month", "postures.reliable.buffer", "no squeeze would be felt"),
    ("tiers.weeks.cover", "10 yr", "tiers.weeks.cover", "no squeeze would be felt"),
    ("concession.lasts", "200 yr", "concession.lasts", "longer than the whole calendar"),
    ("rivals.north_plant.expansion.life", "1500 yr", "rivals.north_plant.expansion.life", "times the calendar"),
    ("rivals.north_plant.expansion.life", "1 yr", "rivals.north_plant.expansion.life", "takes 24 months to come"),
    ("leverage.recovery", "60 yr", "leverage.recovery", "longer than the whole calendar"),
    ("postures.slow.processing", "400 day", "postures.slow.processing", "longer than the shortest phase"),
    ("tiers.weeks.cover", "0 month", "tiers.weeks.cover", "stock for 0 days"),
    ("options.redesign.lead_time", "12 day", "options.redesign.lead_time", "there after 12 days"),
    # dates
    ("money.year", 1700, "money.year", "dollars of 1700"),
    ("money.year", 2999, "money.year", "later than anything"),
    ("as_of", "2999-01", "as_of", "has not come"),
    ("as_of", "1952-01", "calendar.start", "facts are those of 1952-01"),
    ("sources.CUSTOMS.date", "2999", "sources.CUSTOMS.date", "has not come"),
    ("sources.CUSTOMS.date", "1066-10-14", "sources.CUSTOMS.date", "a source of 1066"),
    ("sources.CUSTOMS.date", "soon", "sources.CUSTOMS.date", "holds no year"),
    ("concession.begins", "600 month", "concession.begins", "when the calendar is over"),
    ("concession.begins", "40 month", "concession.begins", "trade is open again"),
    ("rivals.north_plant.expansion.opens", "2999-01", "rivals.north_plant.expansion.opens", "after the end"),
    ("rivals.north_plant.expansion.opens", "1999-01", "rivals.north_plant.expansion.opens", "before the start"),
    (
        "blocs.north.reserve",
        {"months": "1 month", "begins": "2050-01", "penalty": "1 USD/kg/month"},
        "blocs.north.reserve.begins",
        "after the end",
    ),
    # what is empty
    ("groups.nobody", NOBODY, "groups.nobody", "no bloc is in group 'nobody'"),
    ("blocs.north.group", "others", "groups.target", "the target of the concession"),
    ("products.metal.segments", {"ordinary": "100 %", "critical": 0}, "segments.critical", "no product has a share"),
    ("tiers.years", {"title": "Hoarders", "cover": "6 month"}, "tiers.years", "no bloc has makers"),
    ("rivals.south_plant", ALIEN, "rivals.south_plant.serves", "serves nobody"),
    ("rivals.south_plant", ALIEN | {"capacity": "0 t/yr"}, "rivals.south_plant", "neither capacity"),
    (
        "rivals.south_plant",
        ALIEN | {"by_product": {"of": "north_plant", "ratio": 0}},
        "rivals.south_plant.by_product.ratio",
        "nothing of 'south_plant' comes with 'north_plant'",
    ),
    (
        "rivals.south_plant",
        {key: value for key, value in ALIEN.items() if key != "unit_cost"}
        | {"steps": [{"share": share, "unit_cost": "45 USD/kg"} for share in ("100 %", "0 %")]},
        "rivals.south_plant.steps.1.share",
        "a step of nothing",
    ),
    ("rivals.north_plant.expansion.potential", "0 t/yr", "rivals.north_plant.expansion.potential", "nothing can be ordered"),
    ("options.redesign.potential", {"ordinary": 0}, "options.redesign.potential", "no demand can be designed out"),
    ("options.redesign.yearly_limit", 0, "options.redesign.yearly_limit", "no demand can be designed out"),
    ("routes.south_north.capacity", "0 t/yr", "routes.south_north.capacity", "nothing can be re-exported"),
    ("menu.postures", ["open"], "menu.postures", "leaves nothing to search"),
    ("menu.postures", ["open", "reliable"], "menu.postures", "no posture on the menu restricts"),
    ("postures.slow.breakdown.delivered", "100 %", "postures.slow.breakdown.delivered", "everything is delivered"),
    ("concession.share", 0, "concession.share", "comes to nothing"),
    ("groups.others.title", " ", "groups.others.title", "without words"),
    # the play
    ("baseline", "coercion", "baseline", "restricts licences"),
    ("strategies.open.rules", SLOW, "strategies.open.rules", "restricts licences"),
    ("concession.reference", "open", "concession.reference", "there is no pressure"),
    ("concession.reference", "reliable", "concession.reference", "there is no pressure"),
    ("concession.relief", "slow", "concession.relief", "no posture is tighter"),
    ("strategies.targeted.rules", [SLOW[0] | {"group": "target"}, {"posture": "open"}], "strategies.targeted.rules.0", "says nothing"),
    ("strategies.again", {"title": "Again", "rules": SLOW}, "strategies.again", "the same postures everywhere"),
]  # fmt: skip

REACTING: list[tuple[str, Any, str, str]] = [
    ("trust.states.wary.fear", 50, "trust.states.wary.fear", "a factor of 50"),
    ("trust.states.lost", {"title": "Lost", "fear": 5}, "trust.states.lost", "no conduct leads"),
    ("trust.states.wary.breakdown.lasts", "100 yr", "trust.states.wary.breakdown.lasts", "strategic phases"),
    ("countermeasures.duties.patience", "100 month", "countermeasures.duties.patience", "never set off"),
    ("countermeasures.duties.delay", "100 yr", "countermeasures.duties.delay", "when the calendar is over"),
    ("countermeasures.duties.lasts", "500 yr", "countermeasures.duties.lasts", "it lasts 500 years"),
    ("countermeasures.duties.cost", "200 billion USD/yr", "countermeasures.duties.cost", "beside exports"),
    ("firms.major.export_margin", "10 USD/g", "firms.major.export_margin", "a margin of 10000"),
    ("firms.major.home_sales", "200 kt/yr", "firms.major.home_sales", "times all exports"),
    ("home.price", "0.03 USD/kg", "home.price", "at home against"),
    ("buyers.price_risk.volatility", "180 %", "buyers.price_risk.volatility", "swings by 180 %"),
    ("rivals.mine.support.begins", "2024-06", "rivals.mine.support.begins", "before the start"),
    ("rivals.mine.slip.by", "100 yr", "rivals.mine.slip.by", "whole calendar"),
    ("rivals.mine.slip.share", 0, "rivals.mine.slip", "nothing comes late"),
    ("rivals.mine.committed.0.capacity", "10000 t/yr", "rivals.mine.committed.0.capacity", "times the demand"),
    ("observations.exports.tonnes", "100 kt", "observations.exports.tonnes", "at the rate of the imports"),
    ("strategies.half.if_conceded", [{"posture": "half"}], "strategies.half.if_conceded", "nothing changes"),
    ("strategies.open.if_conceded", [{"posture": "half"}], "strategies.open.if_conceded", "never restricts the target"),
]


@pytest.mark.parametrize(
    ("path", "value", "where", "words"), TEMPLATES, ids=[f"{p}-{w[:20]}" for p, _, _, w in TEMPLATES]
)
def test_an_odd_template_gives_a_warning(path: str, value: Any, where: str, words: str) -> None:
    found = warned(template(), (path, value))
    assert any(place == where and words in what for place, what in found), found
    assert len(found) <= 4, found  # one slip is not shown in every light


@pytest.mark.parametrize(
    ("path", "value", "where", "words"), REACTING, ids=[f"{p}-{w[:20]}" for p, _, _, w in REACTING]
)
def test_odd_reactions_give_a_warning(path: str, value: Any, where: str, words: str) -> None:
    known = warned(reacting())
    found = [one for one in warned(reacting(), (path, value)) if one not in known]
    assert any(place == where and words in what for place, what in found), found


@pytest.mark.parametrize("name", [name for name, _, _ in shipped()])
def test_what_is_shipped_gives_no_warning(name: str) -> None:
    assert examine(name).sentences() == []


def test_what_a_variant_empties_is_meant_and_what_it_gets_wrong_is_not(tmp_path: File) -> None:
    variants = {
        "closed": {"title": "No leakage", "set": {"routes.south_north.capacity": "0 t/yr"}},
        "wrong": {"title": "A slip", "set": {"leader.capacity": "10 t/yr"}},
        "idle": {"title": "Nothing", "set": {"leader.capacity": "10500 t/yr"}},
    }
    (tmp_path / "odd.yaml").write_text(text_of(changed(template(), "variants", variants)), "utf-8")
    found = examine(str(tmp_path / "odd.yaml")).warnings
    assert [(one.path, one.what.partition(":")[0]) for one in found] == [
        ("leader.capacity", "variant wrong"),
        ("variants.idle", "the variant changes nothing"),
    ]
    assert all(one.place.count(":") == 2 for one in found)


def test_faults_of_variants_are_told_at_once_and_those_of_the_file_once(tmp_path: File) -> None:
    variants = {
        "torn": {"title": "A slip", "set": {"products.metal.segments.ordinary": "50 %"}},
        "lost": {"title": "A slip", "set": {"leader.capacty": "5 t/yr"}},
    }
    data = changed(changed(template(), "variants", variants), "concession.target", "nobody")
    (tmp_path / "odd.yaml").write_text(text_of(data), "utf-8")
    with pytest.raises(InvalidInstance) as refused:
        examine(str(tmp_path / "odd.yaml"))
    found = [(one.path, one.what) for one in refused.value.findings]
    assert [path for path, _ in found] == [
        "concession.target",
        "variants.lost.set.leader.capacty",
        "products.metal.segments",
    ]
    assert found[-1][1].startswith("variant torn: ")


# -- the command ---------------------------------------------------------------------------------------------------


def run(folder: File, *arguments: str, **changes: Any) -> Result:
    data = template()
    for path, value in changes.items():
        data = changed(data, path.replace("__", "."), value)
    (folder / "odd.yaml").write_text(text_of(data), "utf-8")
    command, *options = arguments
    return CliRunner().invoke(main_group, [command, str(folder / "odd.yaml"), *options])


def test_warnings_are_printed_with_place_and_fix_and_are_no_faults(tmp_path: File) -> None:
    result = run(tmp_path, "validate", leader__capacity="0 t/yr", money__year=1700)
    assert result.exit_code == 0 and "template is valid" in result.stdout
    lines = result.stderr.splitlines()
    assert len(lines) == 4 and "odd.yaml:" in lines[0] and "warning" not in result.stdout
    assert ": money.year: warning: dollars of 1700" in lines[0] and lines[1].startswith("  fix: ")


def test_strict_takes_warnings_for_faults(tmp_path: File) -> None:
    assert run(tmp_path, "validate", "--strict").exit_code == 0
    result = run(tmp_path, "validate", "--strict", money__year=1700)
    assert result.exit_code == 3 and "money.year: dollars of 1700" in result.stderr and not result.stdout


def test_json_holds_the_warnings(tmp_path: File) -> None:
    said = json.loads(run(tmp_path, "validate", "--format", "json", money__year=1700).stdout)
    assert said["ok"] and [one["path"] for one in said["warnings"]] == ["money.year"]
    said = json.loads(run(tmp_path, "validate", "--strict", "--format", "json", money__year=1700).stdout)
    assert not said["ok"] and [one["path"] for one in said["findings"]] == ["money.year"]


def test_other_commands_say_in_one_line_how_many_warnings_there_are(tmp_path: File) -> None:
    result = run(tmp_path, "sources", "--format", "json", "--set", "leader.discount_rate=0.06", money__year=1700)
    assert json.loads(result.stdout)["command"] == "sources"
    assert result.stderr.splitlines() == [
        f"1 warning: coercivity validate {tmp_path / 'odd.yaml'} --set leader.discount_rate=0.06"
    ]
    assert run(tmp_path, "sources", "--quiet", money__year=1700).stderr == ""
    assert run(tmp_path, "sources").stderr == ""


def test_a_file_that_is_loaded_by_name_says_the_same(tmp_path: File) -> None:
    (tmp_path / "odd.yaml").write_text(text_of(changed(template(), "money.year", 1700)), "utf-8")
    assert implausible(load(str(tmp_path / "odd.yaml")))
