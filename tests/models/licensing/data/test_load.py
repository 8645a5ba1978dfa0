"""Loading: overrides, sentences for every error, round trips, shipped instances, provenance."""

from __future__ import annotations

import copy
import io
import json
from pathlib import Path as File
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coercivity.engine.data.document import read
from coercivity.engine.data.piped import PIPED
from coercivity.engine.errors import ExitCode, InvalidInstance, UsageError
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.data.load import build, effective, find, json_schema, load, load_text, shipped
from coercivity.models.licensing.data.provenance import counts, sources_table
from tests.rich_instance import DELETE, TOY, changed, loaded, rich, text_of


def same(instance: Instance) -> bool:
    """Whether the effective instance reads back to the same data."""
    return load_text(effective(instance)).fingerprint() == instance.fingerprint()


STRUCTURE: list[tuple[str, Any, str, str]] = [
    ("blocs.west.demnd", {}, "blocs.west.demnd", "unknown key 'demnd'; did you mean 'demand'?"),
    ("zzz", 1, "zzz", "unknown key 'zzz'; keys here: schema"),
    ("leader.capacity", DELETE, "leader.capacity", "missing key 'capacity'; … t/yr; export capacity"),
    ("postures.half.hazard", DELETE, "postures.half.hazard", "missing key; add hazard: 25 %"),
    ("buyers.discount_rate", DELETE, "buyers.discount_rate", "add discount_rate: 8 %/yr"),
    ("tail", DELETE, "tail", "add tail: 2025-04"),
    ("tail", "2025-13", "tail", "is not a month; YYYY-MM"),
    ("leader.title", 5, "leader.title", "5 is not a text; in quotes"),
    ("sources.survey.date", 2025, "sources.survey.date", "2025 is not a text; in quotes"),
    ("leader", [], "leader", "[] is not a block of keys"),
    ("leader", None, "leader", "not a block of keys"),
    ("blocs", "x", "blocs", "'x' is not a block of rows"),
    ("menu.postures", "open", "menu.postures", "'open' is not a list"),
    ("menu.postures", [], "menu.postures", "nothing in it"),
    ("calendar.months", True, "calendar.months", "not a whole number"),
    ("calendar.months", "six", "calendar.months", "not a whole number"),
    ("calendar.months", 1.5, "calendar.months", "not a whole number"),
    ("calendar.months", 0, "calendar.months", "0 is below 1; at least 1"),
    ("calendar.months", 241, "calendar.months", "241 is above 240; at most 240"),
    ("money.exchange_rates.EUR", -1, "money.exchange_rates.EUR", "-1 is not above 0"),
    ("money.exchange_rates.EUR", "x", "money.exchange_rates.EUR", "'x' is not a number"),
    ("money.exchange_rates.euro", 1, "money.exchange_rates.euro", "three capital letters"),
    ("blocs.West", rich()["blocs"]["west"], "blocs.West", "'West' is not a name; small letters"),
    ("buyers.rationing", "pro_rta", "buyers.rationing", "not known here; did you mean 'pro_rata'?"),
    ("schema", "coercivity/licensing/2", "schema", "'coercivity/licensing/1'"),
    ("postures.half.licensed", "opne", "postures.half.licensed", "'opne' is not a number; or 'open'"),
    ("leader.capacity", "3000", "leader.capacity", "has no unit; quantity in t/yr"),
    ("leader.capacity", 3000, "leader.capacity", "has no unit"),
    ("leader.capacity", "3000 MT", "leader.capacity", "unknown unit 'MT'"),
    ("leader.capacity", "3000 t", "leader.capacity", "not a quantity in t/yr"),
    ("leader.capacity", "-1 t/yr", "leader.capacity", "is below 0 t/yr"),
    ("leader.capacity", "1_ t/yr", "leader.capacity", "not a number that can be held"),
    ("leader.capacity", "1e308 trillion t/yr", "leader.capacity", "not a finite number"),
    ("leader.capacity", "1 t**9**9**9**9", "leader.capacity", "without powers"),
    ("leader.discount_rate", 10**400, "leader.discount_rate", "is not a finite number"),
    ("leader.capacity", {"value": "1 t/yr"}, "leader.capacity", "either 'source' or 'assumption'"),
    ("leader.capacity", {"assumption": "x"}, "leader.capacity", "a quantity without 'value'"),
    ("leader.capacity", {"value": "1 t/yr", "assumption": " "}, "leader.capacity", "without its reason"),
    ("leader.capacity", {"value": "1 t/yr", "assumtion": "x"}, "leader.capacity", "did you mean 'assumption'?"),
    ("blocs.west.demand.magnets.grade", DELETE, "blocs.west.demand.magnets", "a sourced quantity without 'grade'"),
    ("blocs.west.demand.magnets.grade", None, "blocs.west.demand.magnets", "a sourced quantity without 'grade'"),
    ("blocs.west.demand.magnets.grade", "E", "blocs.west.demand.magnets.grade", "'E' is not known here"),
    ("blocs.west.demand.magnets.source", [], "blocs.west.demand.magnets", "a source without its name"),
    ("blocs.west.demand.magnets.range", ["2 kt/yr", "3 kt/yr"], "blocs.west.demand.magnets", "outside its own range"),
    ("blocs.west.demand.magnets.range", DELETE, "blocs.west.demand.magnets", "a distribution without a range"),
    ("assumed", DELETE, "leader.capacity", "neither a source nor an assumption"),
    ("variants.closed.set", [], "variants.closed.set", "not a block of rows"),
]


@pytest.mark.parametrize(
    ("path", "value", "where", "words"), STRUCTURE, ids=[f"{p}-{w[:25]}" for p, _, _, w in STRUCTURE]
)
def test_every_fault_of_structure_is_a_sentence(path: str, value: Any, where: str, words: str) -> None:
    with pytest.raises(InvalidInstance) as refused:
        loaded(changed(rich(), path, value))
    assert refused.value.exit_code == ExitCode.INVALID_INSTANCE
    texts = [f"{finding.what} {finding.fix}" for finding in refused.value.findings if finding.path == where]
    assert any(all(word in text for word in words.split("; ")) for text in texts), str(refused.value)
    assert all(finding.fix and finding.place.startswith("rich.yaml:") for finding in refused.value.findings)


def test_a_misspelled_key_is_one_finding_at_its_own_place() -> None:
    text = TOY.read_text("utf-8").replace("    demand:", "    demnd:")
    with pytest.raises(InvalidInstance) as refused:
        load_text(text, "toy.yaml")
    (finding,) = refused.value.findings
    line = next(number for number, line in enumerate(text.splitlines(), 1) if "demnd" in line)
    assert finding.place == f"toy.yaml:{line}:5"
    assert str(finding).endswith("fix: did you mean 'demand'?")


def test_overrides_are_stronger_than_variants_and_these_than_the_file() -> None:
    data = rich()
    assert float(loaded(data).leader.discount_rate) == 0.05
    assert float(loaded(data, variants=["low_rate"]).leader.discount_rate) == 0.02
    both = loaded(data, variants=["low_rate", "closed"], sets=["leader.discount_rate=8 %/yr"])
    assert float(both.leader.discount_rate) == 0.08
    assert both.leader.discount_rate.assumption == "set by --set leader.discount_rate=8 %/yr"
    assert both.routes["back_door"].capacity.assumption == "set by variant closed"
    assert float(both.routes["back_door"].capacity) == 0
    assert same(both)


def test_an_overridden_sourced_number_is_no_longer_sourced() -> None:
    quantity = loaded(rich(), sets=["blocs.west.demand.magnets=5 kt/yr"]).blocs["west"].demand["magnets"]
    assert (quantity.value, quantity.source, quantity.low, quantity.overridden) == (5000.0, (), None, True)


@pytest.mark.parametrize(
    ("override", "path", "value"),
    [
        ("buyers.rationing=pro_rata", "buyers.rationing", "pro_rata"),
        ("strategies.open.story=x", "strategies.open.story", "x"),
        ("postures.half.processing=7 days", "postures.half.processing", 7.0),
        ("postures.half.licensed=open", "postures.half.licensed", "open"),
        ("postures.open.licensed=50 %", "postures.open.licensed", 0.5),
        ('postures.half.leader_hazard="20 %"', "postures.half.leader_hazard", 0.2),
        ("stocks.cover_steps.0.penalty=3 USD/kg/month", "stocks.cover_steps.0.penalty", 3.0),
        ("leader.capacity.value=12 kt/yr", "leader.capacity", 12000.0),
        ("segments.toys.value=70 USD/kg", "segments.toys.value", 70.0),
        ("blocs.west.cover.weeks=2 month", "blocs.west.cover.weeks", 2.0),
        ("money.exchange_rates.JPY=0.007", "money.exchange_rates.JPY", 0.007),
        ("rivals.mine.expansion=null", "rivals.mine.expansion", None),
        ("leverage.lengths=[2 month]", "leverage.lengths.0", 2.0),
        ("strategies.mine={title: M, rules: [{posture: half}]}", "strategies.mine.title", "M"),
        ("title='no'", "title", "no"),
    ],
)
def test_what_the_schema_allows_can_be_set(override: str, path: str, value: Any) -> None:
    instance = loaded(rich(), sets=[override])
    node: Any = instance
    for part in path.split("."):
        node = node[int(part)] if part.isdecimal() else node[part] if isinstance(node, dict) else getattr(node, part)
    assert getattr(node, "value", node) == value
    if hasattr(node, "overridden") and "lengths" not in path:
        assert node.overridden
    assert same(instance)


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("leadr.discount_rate=1", "'leader.discount_rate'"),
        ("leader.discountrate=1", "'leader.discount_rate'"),
        ("discount_rate=1", "'leader.discount_rate'"),
        ("buyers.rationin=x", "'buyers.rationing'"),
        ("blocs.wst.cover.weeks=1 month", "'blocs.west.cover.weeks'"),
        ("stocks.cover_steps.5.penalty=1", "stocks.cover_steps"),
        ("leader.discount_rate.foo=3", "leader.discount_rate"),
        ("leader", "PATH=VALUE"),
        ("=3", "PATH=VALUE"),
        (".=3", "unknown path"),
        ("leader..title=3", "unknown path"),
        ("leader.title=", "no value"),
        ("leader.title=[", "not YAML"),
    ],
)
def test_overrides_that_lead_nowhere(override: str, words: str) -> None:
    with pytest.raises(UsageError) as refused:
        loaded(rich(), sets=[override])
    assert refused.value.exit_code == ExitCode.USAGE
    assert refused.value.where == f"--set {override}"
    assert words in str(refused.value)


def test_findings_in_overridden_values_name_the_override() -> None:
    for override in ("leader.capacity=12 MT", "leader.price.magnet=9 USD/kg", "blocs.west.reserve.months=1 week"):
        data = rich()
        del data["blocs"]["west"]["reserve"]
        with pytest.raises(InvalidInstance) as refused:
            loaded(data, sets=[override])
        assert refused.value.findings[-1].place == f"--set {override}"


def test_variants_that_are_not_there_or_lead_nowhere() -> None:
    with pytest.raises(UsageError, match="did you mean 'low_rate'"):
        loaded(rich(), variants=["low_rat"])
    data = changed(rich(), "variants.closed.set", {"routes.backdoor.cost": "1 USD/kg"})
    for variants in ([], ["closed"]):
        with pytest.raises(InvalidInstance) as refused:
            loaded(data, variants=variants)
        (finding,) = refused.value.findings
        assert finding.place.startswith("rich.yaml:")
        assert "'routes.back_door.cost'" in finding.fix


def test_one_document_builds_many_instances() -> None:
    document = read(str(TOY))
    before = copy.deepcopy(document.data)
    rates = [float(build(document, [f"leader.discount_rate={rate}"]).leader.discount_rate) for rate in (0.01, 0.02)]
    assert rates == [0.01, 0.02]
    assert document.data == before


def test_find_and_shipped(tmp_path: File, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find("-") == "-"
    assert find(str(TOY)) == str(TOY)
    assert File(find("one-buyer")) == TOY
    with pytest.raises(UsageError, match="did you mean one-buyer"):
        find("one-byer")
    for name in ("", "nothing/of/the/kind", "a\0b", "x" * 5000, str(tmp_path)):
        with pytest.raises(UsageError):
            find(name)
    assert ("one-buyer", "One buyer, one rival, twelve months", str(TOY)) in shipped()
    PIPED.hand_over(io.StringIO(TOY.read_text("utf-8")))
    assert load("-").fingerprint() == load("one-buyer").fingerprint()


@pytest.mark.parametrize("name", [name for name, _, _ in shipped()])
def test_shipped_instances_load_and_read_back(name: str) -> None:
    document = read(find(name))
    instance = build(document)
    assert same(instance)
    for variant in instance.variants:
        assert build(document, variants=[variant]).fingerprint() != instance.fingerprint()


def test_the_effective_instance_keeps_every_digit() -> None:
    instance = loaded(
        rich(), sets=["leader.discount_rate=0.1234567890123456", "leader.capacity=0.1 lot".replace("lot", "kt/yr")]
    )
    again = load_text(effective(instance))
    assert list(again.quantities()) == list(instance.quantities())
    assert again.fingerprint() == instance.fingerprint()


@settings(max_examples=25, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_any_title_survives_the_round_trip(title: str) -> None:
    assert same(loaded(changed(rich(), "title", title)))


@settings(max_examples=20, deadline=None)
@given(st.floats(min_value=0, max_value=1e300))
def test_any_number_survives_the_round_trip(number: float) -> None:
    data = rich()
    data["leverage"]["recovery"] = f"{number!r} month"
    instance = loaded(data)
    assert instance.leverage is not None
    assert float(instance.leverage.recovery) == number
    assert same(instance)


def test_json_schema_is_one_that_accepts_what_we_accept() -> None:
    schema = json_schema()
    assert schema["$id"] == "urn:coercivity:licensing:1"
    assert schema["properties"]["schema"]["const"] == "coercivity/licensing/1"
    text = json.dumps(schema)
    assert "function-before" not in text
    assert '"title": "Begins"' not in text
    validator = pytest.importorskip("jsonschema").Draft202012Validator(schema)
    assert list(validator.iter_errors(rich())) == []
    assert list(validator.iter_errors(changed(rich(), "leader.titel", "x"))) != []
    assert list(validator.iter_errors(changed(rich(), "tail", "2025-13"))) != []


def test_provenance_tells_sourced_assumed_derived_and_overridden() -> None:
    data = changed(rich(), "blocs.east.demand.magnets.derivation", "imports plus output")
    rows = {row.path: row for row in sources_table(loaded(data, sets=["leader.discount_rate=0.08"]))}
    sourced = rows["blocs.west.demand.magnets"]
    assert (sourced.kind, sourced.stale, sourced.grade, sourced.year) == ("sourced", True, "B", 2020)
    assert (sourced.sources, sourced.reference) == (("survey",), "Bureau, Survey, 2024-01, urn:survey")
    assert (sourced.value, sourced.unit, sourced.low, sourced.high) == (1200.0, "t/yr", 1000.0, 2000.0)
    assert rows["blocs.east.demand.magnets"].kind == "derived"
    assert rows["blocs.east.demand.magnets"].reason == "imports plus output"
    assert rows["leader.discount_rate"].kind == "overridden"
    assert rows["leader.capacity"].kind == "assumed"
    assert rows["leader.capacity"].reason.startswith("toy numbers")
    assert not rows["leader.capacity"].stale
    tally = counts(list(rows.values()))
    assert (tally["sourced"], tally["derived"], tally["overridden"], tally["stale"]) == (1, 1, 1, 2)
    assert tally["total"] == len(rows) == tally["assumed"] + 3


JUNK: list[Any] = [
    *(None, True, 0, -1, 1.5, 10**400, "", "x", "5 %", "1 t", "1e400 t", "2025-01", "9999-12", "{what}", "all", "open"),
    *([], {}, [1], {"value": 1}, {"value": {"value": 1}, "assumption": "x"}, {"source": [None]}, "1 t" + "/t" * 30),
]


def paths(node: Any, above: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every path of the data but the root."""
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [path for key, value in items for path in [(*above, key), *paths(value, (*above, key))]]


def mutate(data: Any, draw: Any) -> None:
    """Delete, retype, misspell, or move one random node in place."""
    every = paths(data)
    if not every:
        return
    path = draw(st.sampled_from(every))
    node = data
    for part in path[:-1]:
        node = node[part]
    action = draw(st.sampled_from(["delete", "retype", "misspell", "swap"]))
    if action == "delete":
        del node[path[-1]]
    elif action == "misspell" and isinstance(node, dict):
        node[draw(st.sampled_from(["", "x", path[-1] + "x", path[-1][1:], path[-1].upper()]))] = node.pop(path[-1])
    elif action == "swap":
        other: Any = data
        for part in draw(st.sampled_from(every)):
            other = other[part] if part in (other if isinstance(other, dict) else range(len(other))) else other
        node[path[-1]] = copy.deepcopy(other)
    else:
        node[path[-1]] = draw(
            st.sampled_from(JUNK) | st.text(max_size=8) | st.floats(allow_nan=False, allow_infinity=False)
        )


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_mutated_instance_loads_or_is_refused_with_places(data: st.DataObject) -> None:
    wanted = rich()
    for _ in range(data.draw(st.integers(1, 3))):
        mutate(wanted, data.draw)
    try:
        instance = loaded(wanted)
    except InvalidInstance as refused:
        assert refused.findings
        assert all(finding.place.startswith("rich.yaml:") and finding.what for finding in refused.findings)
        assert str(refused)
    else:
        assert same(instance)
        assert counts(sources_table(instance))["total"] > 0


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_a_random_override_is_taken_or_refused(data: st.DataObject) -> None:
    every = [".".join(str(part) for part in path) for path in paths(rich())]
    path = data.draw(st.sampled_from(every)) + data.draw(st.sampled_from(["", "", "", ".value", ".x", "x", ".0"]))
    value = data.draw(
        st.sampled_from(JUNK).map(json.dumps) | st.text(st.characters(exclude_characters="\0"), max_size=8)
    )
    try:
        instance = loaded(rich(), sets=[f"{path}={value}"])
    except (InvalidInstance, UsageError) as refused:
        assert str(refused)
    else:
        assert same(instance)


def test_the_text_helper_is_read_as_the_same_data() -> None:
    assert load_text(text_of(rich())).fingerprint() == loaded(rich()).fingerprint()
