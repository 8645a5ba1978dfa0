"""Behaviour that the cases share: taken over whole, with its places and sources, and the same as in april-2025."""

from __future__ import annotations

import json
from pathlib import Path as File

import pytest
from click.testing import CliRunner

from coercivity.cli import main_group
from coercivity.engine.data.document import at, parse, read
from coercivity.engine.errors import InvalidInstance
from coercivity.models.licensing.data.load import build, completed, effective, find, load, load_text

SHARED = File(find("april-2025")).with_name("behaviour.yaml")
# Where the case that most of it comes from writes the same number.
ALIKE = {
    "buyers.discount_rate": "buyers.discount_rate",
    "buyers.premium": "buyers.price_risk.premium",
    "buyers.absorption": "buyers.price_risk.absorption",
    "buyers.shares.weeks": "blocs.us.tiers.weeks",
    "leader.discount_rate": "leader.discount_rate",
    "cost_of_capital": "cost_of_capital",
    "stocks.first": "stocks.cover_steps.0.share",
    "stocks.second": "stocks.cover_steps.1.share",
    "stocks.third": "stocks.cover_steps.2.share",
    "substitution.yearly_limit": "options.thrifting.yearly_limit",
    "substitution.lead_time": "options.thrifting.lead_time",
    "substitution.life": "options.thrifting.life",
    "plant_life": "rivals.us_light.expansion.life",
    "downstream.share": "downstream.share",
    "downstream.limit": "downstream.limit",
    "countermeasures.threshold": "countermeasures.us_industrial_policy.threshold",
    "hazard": "postures.case_by_case.hazard",
    "concession.cap": "concession.cap",
    "concession.share": "concession.share",
    "leverage.squeeze": "leverage.lengths.0",
    "leverage.recovery": "leverage.recovery",
    **{f"trust.states.{name}.fear": f"trust.states.{name}.fear" for name in ("assured", "doubted", "distrusted")},
    **{
        f"postures.{name}.{key}": f"postures.{name}.{key}"
        for name in ("general_licence", "case_by_case", "slow_licence")
        for key in ("licensed", "processing", "hazard")
    },
}


@pytest.mark.parametrize("shared", ALIKE)
def test_the_case_it_comes_from_takes_them_over_or_argues_them_alike(shared: str) -> None:
    base, case = read(str(SHARED)).data, completed(read(find("april-2025"))).data
    path = tuple(int(part) if part.isdecimal() else part for part in ALIKE[shared].split("."))
    one, other = at(base, tuple(shared.split("."))), at(case, path)
    assert (one["value"], one.get("range")) == (other["value"], other.get("range"))


@pytest.mark.parametrize("name", ["cobalt-2025", "gallium-2023"])
def test_a_case_says_what_it_takes_over_and_reads_back_without_it(name: str) -> None:
    document = read(find(name))
    assert "base:" in File(find(name)).read_text("utf-8")
    instance = build(document)
    assert completed(document).place(("trust", "states", "doubted", "fear", "value")).startswith(str(SHARED))
    text = effective(instance)
    assert "base:" not in text
    assert load_text(text).fingerprint() == instance.fingerprint()


def test_what_is_taken_over_can_be_changed_and_keeps_its_reason_until_then() -> None:
    stated = load("gallium-2023")
    assert "diversifying" in str(stated.trust.states["doubted"].fear.assumption)  # type: ignore[union-attr]
    changed = load("gallium-2023", ["trust.states.doubted.fear=3"], ["no_leakage"])
    assert float(changed.trust.states["doubted"].fear) == 3.0  # type: ignore[union-attr]


def test_a_slip_in_a_base_is_told_with_its_place(tmp_path: File) -> None:
    text = File(find("cobalt-2025")).read_text("utf-8").replace("behaviour.trust", "behaviour.trsut")
    (tmp_path / "mine.yaml").write_text(text, "utf-8")
    line = 1 + text[: text.index("behaviour.trsut")].count("\n")
    with pytest.raises(InvalidInstance, match=r"(?s)trust\.base.*did you mean 'behaviour\.trust'") as refused:
        load(str(tmp_path / "mine.yaml"))
    assert f"mine.yaml:{line}:" in str(refused.value)
    assert CliRunner().invoke(main_group, ["validate", str(tmp_path / "mine.yaml")]).exit_code == 3


def test_a_fault_in_what_is_taken_over_is_at_its_own_place() -> None:
    text = (
        File(find("cobalt-2025"))
        .read_text("utf-8")
        .replace("trust: {base: behaviour.trust}", "trust: {base: behaviour.stocks}")
    )
    with pytest.raises(InvalidInstance, match=r"behaviour\.yaml:\d+:\d+: trust\.first: unknown key"):
        build(parse(text, "mine.yaml"))


def test_every_shared_number_is_used_or_has_its_reason() -> None:
    schema = json.loads(CliRunner().invoke(main_group, ["schema"]).stdout)
    assert "base" in schema["$defs"]["Trust"]["properties"]
    assert "base" not in schema["properties"]


SPLIT = ["april-2025", "gallium-2023", "japan-2010"]


@pytest.mark.parametrize("name", SPLIT)
def test_a_new_file_holds_its_record_and_is_the_same_game(name: str) -> None:
    written = File(find(name)).read_text("utf-8")
    printed = CliRunner().invoke(main_group, ["new", name]).stdout
    assert f"observations: {{base: {name}-record.observations}}" in written
    assert f"{name}-record" not in printed
    for key in ("sources", "observations", "calibration"):
        assert printed.count(f"\n{key}:\n") == 1
    assert load_text(printed).fingerprint() == load(name).fingerprint()


def test_a_file_beside_the_instance_goes_before_a_shipped_one_and_faults_are_at_its_lines(tmp_path: File) -> None:
    name = "gallium-2023"
    record = File(find(name)).with_name(f"{name}-record.yaml").read_text("utf-8")
    (tmp_path / "mine.yaml").write_text(File(find(name)).read_text("utf-8"), "utf-8")
    assert load(str(tmp_path / "mine.yaml")).fingerprint() == load(name).fingerprint()
    changed = record.replace("value: 8.83 t", "value: 9.5 t")
    (tmp_path / f"{name}-record.yaml").write_text(changed, "utf-8")
    fact = load(str(tmp_path / "mine.yaml")).observations["oct_dec"].recorded
    assert fact is not None
    assert fact.value == 9.5
    wrong = record.replace("value: 8.83 t", "value: 8.83 USD")
    line = 1 + wrong[: wrong.index("8.83 USD")].count("\n")
    (tmp_path / f"{name}-record.yaml").write_text(wrong, "utf-8")
    with pytest.raises(InvalidInstance, match=rf"{name}-record\.yaml:{line}:\d+: observations\.oct_dec"):
        load(str(tmp_path / "mine.yaml"))


@pytest.mark.parametrize("other", ["../mine", "nothing-here", "mine.txt"])
def test_only_a_file_of_ours_beside_it_is_taken_from(tmp_path: File, other: str) -> None:
    (tmp_path / "notes.yaml").write_text("schema: something/else\nobservations: {}\n", "utf-8")
    text = File(find("cobalt-2025")).read_text("utf-8").replace("behaviour.trust}", f"{other}.trust}}")
    (tmp_path / "mine.yaml").write_text(text, "utf-8")
    with pytest.raises(InvalidInstance, match="there is no file"):
        load(str(tmp_path / "mine.yaml"))
    (tmp_path / "mine.yaml").write_text(text.replace(f"{other}.trust", "notes.observations"), "utf-8")
    with pytest.raises(InvalidInstance, match="there is no file 'notes'"):
        load(str(tmp_path / "mine.yaml"))


def test_what_is_taken_over_may_take_over_in_turn_but_not_in_a_circle(tmp_path: File) -> None:
    # november-2026 takes blocks of april-2025, whose numbers are those of behaviour.
    assert "base: april-2025." in File(find("november-2026")).read_text("utf-8")
    place = completed(read(find("november-2026"))).place(("buyers", "discount_rate", "value"))
    assert place.startswith(str(SHARED))
    one = "schema: coercivity/record/1\nobservations: {base: two.observations}\n"
    (tmp_path / "one.yaml").write_text(one, "utf-8")
    (tmp_path / "two.yaml").write_text(one.replace("two", "one"), "utf-8")
    with pytest.raises(InvalidInstance, match="takes over from this one"):
        completed(read(str(tmp_path / "one.yaml")))
