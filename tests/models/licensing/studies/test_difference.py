"""The difference of two instances and of two results: told whole, with units and origins, and what it moves."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from coercivity.cli import main_group
from coercivity.models.licensing.answers.commands import silent, solve
from coercivity.models.licensing.data.load import effective, load, load_text
from coercivity.models.licensing.studies.changes.difference import changed, instances_differ
from coercivity.models.licensing.studies.changes.effect import effects_of

TOY = "one-buyer"


def run(*arguments: str, stdin: str | None = None, columns: int = 100) -> Result:
    return CliRunner().invoke(main_group, list(arguments), stdin, env={"COLUMNS": str(columns)})


def test_an_instance_does_not_differ_from_itself_or_from_its_copy() -> None:
    for name in (TOY, "gallium-2023"):
        instance = load(name)
        found = instances_differ(instance, load_text(effective(instance), name))
        assert found.changes == []
        assert found.same == len(list(instance.quantities()))


def test_a_changed_number_is_told_with_unit_value_and_origin() -> None:
    (change,) = changed(load(TOY), load(TOY, sets=["leader.discount_rate=0.08"]))
    assert (change.path, change.unit, change.before and change.before.value) == ("leader.discount_rate", "1/yr", 0.05)
    assert change.after is not None
    assert change.after.value == 0.08
    assert "value" in change.what
    (back,) = changed(load(TOY, sets=["leader.discount_rate=0.08"]), load(TOY))
    assert (back.before, back.after) == (change.after, change.before)


def test_origin_and_range_count_as_differences_too() -> None:
    text = effective(load(TOY))
    assert "value: 0.05" in text
    other = load_text(text.replace("value: 0.05", "value: 0.05, range: [0.04, 0.06]", 1))
    (change,) = changed(load(TOY), other)
    assert change.what == ["range"]
    assert change.after is not None
    assert (change.after.low, change.after.high) == (0.04, 0.06)


def test_a_block_that_only_one_has_is_told_once() -> None:
    one, other = load("template"), load("template", variants=["no_concession"])
    assert [(change.path, change.what) for change in changed(one, other) if "concession" in change.path]
    told = [change.path for change in changed(one, load(TOY)) if change.what == ["removed"]]
    assert len(told) == len(set(told))
    assert not any(path.startswith(f"{above}.") for path in told for above in told)


def test_alone_and_rest_add_up_to_what_both_instances_are_worth() -> None:
    one = load(TOY)
    other = load(TOY, sets=["leader.discount_rate=0.08", "concession.value=200 million USD/yr", "title=Other"])
    found = effects_of(one, other, (), silent)
    assert {effect.path for effect in found.alone} == {"leader.discount_rate", "concession.value"}
    for name in one.strategies:
        alone = sum(effect.moves_musd[name] for effect in found.alone)
        assert found.before_musd[name] + alone + found.rest_musd[name] == pytest.approx(found.after_musd[name])
        for instance, payoffs in ((one, found.before_musd), (other, found.after_musd)):
            assert payoffs[name] == pytest.approx(solve(instance, name).leader.value_musd, abs=0.1)
    by_path = {effect.path: effect.moves_musd for effect in found.alone}
    only = load(TOY, sets=["leader.discount_rate=0.08"])
    for name in one.strategies:
        moved = solve(only, name).leader.value_musd - solve(one, name).leader.value_musd
        assert by_path["leader.discount_rate"][name] == pytest.approx(moved, abs=0.1)


def test_a_number_that_does_not_fit_alone_is_told_and_no_failure() -> None:
    one = load(TOY)
    # A price above what the buyers' uses are worth stands only together with dearer uses.
    uses = [path for path, _ in one.quantities() if path.startswith("segments.") and path.endswith(".value")]
    dearer = [f"{path}={20_000 + at} USD/kg" for at, path in enumerate(uses)]
    other = load(TOY, sets=["leader.price.magnets=10000 USD/kg", *dearer])
    alone = {effect.path: effect for effect in effects_of(one, other, ("open",), silent).alone}
    assert alone["leader.price.magnets"].message
    assert alone["leader.price.magnets"].moves_musd == {}


def test_every_form_is_printed_and_sixty_columns_are_enough() -> None:
    asked = ("diff", TOY, "--set", "leader.discount_rate=0.08", "--effect")
    found = run(*asked, columns=60)
    assert found.exit_code == 0, found.stderr
    assert max(map(len, found.stdout.splitlines())) <= 60
    data = json.loads(run(*asked, "--format", "json").stdout)
    assert data["command"] == "diff"
    (row,) = csv.DictReader(io.StringIO(run(*asked, "--format", "csv").stdout))
    assert float(row["after"]) == 0.08
    assert float(row["moves open [million USD]"]) == data["effects"]["alone"][0]["moves_musd"]["open"]
    assert "They say the same." in run("diff", TOY, TOY).stdout


def test_two_results_are_compared_by_payoff_rank_and_instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    told = []
    for rate in ("0.05", "0.08"):
        solved = run(
            "solve", TOY, "--strategy", "half", "--set", f"leader.discount_rate={rate}", "--no-save", "--format", "json"
        )
        Path(f"{rate}.json").write_text(solved.stdout, "utf-8")
        told.append(json.loads(solved.stdout))
    found = json.loads(run("diff", "0.05.json", "0.08.json", "--format", "json").stdout)
    (one,) = found["strategies"]
    values = [result["leader"]["value_musd"] for result in told]
    assert [one["before"]["value_musd"], one["after"]["value_musd"]] == values
    assert one["moves_musd"] == pytest.approx(values[1] - values[0])
    assert sum(one["terms_musd"].values()) == pytest.approx(one["moves_musd"])
    assert "leader.discount_rate" in [change["path"] for change in found["changes"]]
    shown = run("diff", "0.05.json", "0.08.json", columns=60)
    assert "half is best in both" in " ".join(shown.stdout.split())
    assert max(map(len, shown.stdout.splitlines())) <= 60


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((TOY,), "nothing to compare with"),
        ((TOY, "one-byer"), "did you mean one-buyer"),
        ((TOY, "result.json"), "the other one is"),
        (("result.json", "result.json", "--effect"), "as they were saved"),
        ((TOY, "template", "--strategies", "open"), "only --effect"),
        ((TOY, "template", "--effect", "--strategies", "opne"), "did you mean 'open'"),
        (("-", "-"), "one thing only"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    arguments: tuple[str, ...], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("result.json").write_text("{}", "utf-8")
    found = run("diff", *arguments)
    assert (found.exit_code, found.stdout) == (2, "")
    assert says in found.stderr


def test_an_entry_that_is_no_number_is_tried_alone_too() -> None:
    one, other = load("template"), load("template", sets=["concession.target=others"])
    changes = [change.path for change in changed(one, other)]
    found = effects_of(one, other, ("coercion", "targeted"), silent)
    assert [effect.path for effect in found.alone] == changes
    for name in ("coercion", "targeted"):
        assert found.rest_musd[name] == pytest.approx(0.0, abs=1e-3)
