"""What was promised (docs/stability.md): files of earlier releases are read and say the same; names that were public stay."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

import coercivity
from coercivity.cli import main_group
from coercivity.engine.data.values import meanings, parts_of
from coercivity.engine.errors import ExitCode
from coercivity.models.kinds import KINDS
from coercivity.models.licensing.data.load import load
from coercivity.models.licensing.data.schema import told_fields

HOUSE = Path(__file__).parents[2]
RELEASES = HOUSE / "tests/releases"
OLD = RELEASES / "0.4.0"


def told(*arguments: str) -> str:
    found = CliRunner().invoke(main_group, [*arguments])
    assert found.exit_code == 0, found.output
    return found.stdout


@pytest.mark.parametrize("name", ["template.yaml", "one-buyer.yaml"])
def test_an_instance_of_0_4_0_means_what_it_meant(name: str) -> None:
    old, new = load(str(OLD / name)), load(name.removesuffix(".yaml"))
    values = dict(new.quantities())
    assert [path for path, one in old.quantities() if float(values[path]) != float(one)] == []


def test_the_real_instance_of_0_4_0_is_read() -> None:
    assert len(dict(load(str(HOUSE / "benchmarks/instances/april-2025-0.4.0.yaml")).quantities())) > 250


@pytest.mark.parametrize("name", ["solve", "compare"])
def test_a_result_of_0_4_0_is_shown_with_its_figures(name: str) -> None:
    saved = json.loads((OLD / f"{name}.json").read_text("utf-8"))
    answers = saved.get("strategies", [saved])
    shown = told("runs", "show", str(OLD / f"{name}.json"))
    assert all(f"{answer['leader']['value_musd']:.1f}" in shown for answer in answers)


def test_a_comparison_of_0_4_0_is_briefed_and_compared() -> None:
    brief = told("brief", str(OLD / "compare.json"), "--format", "table")
    assert "The best commitment on the menu pays the leader most: 50.4 million USD" in brief
    found = json.loads(told("diff", str(OLD / "compare.json"), str(OLD / "compare.json"), "--format", "json"))
    assert {one["moves_musd"] for one in found["strategies"]} == {0.0}


@pytest.mark.parametrize(("name", "says"), [("program", "leader's value is -22"), ("game", "worth 2.5 if ties")])
def test_programs_and_games_of_0_4_0_are_shown(name: str, says: str) -> None:
    assert says in told("runs", "show", str(OLD / f"{name}.json"))


def test_a_result_of_another_version_is_judged_and_not_waved_through() -> None:
    found = CliRunner().invoke(main_group, ["verify", str(OLD / "solve.json"), "--no-search"])
    assert found.exit_code == 7
    assert "Proved again: BILEVEL_FEASIBLE" in found.stdout


def options(group: click.Group, name: str = "") -> dict[str, list[str]]:
    """Every command with its options and arguments."""
    found: dict[str, list[str]] = {}
    for key, command in group.commands.items():
        if isinstance(command, click.Group):
            found |= options(command, f"{name}{key} ")
        else:
            found[f"{name}{key}"] = sorted(text for one in command.params for text in one.opts)
    return found


def public() -> dict[str, Any]:
    """What others build on, as of today."""
    parts = dict.fromkeys(part for kind in KINDS.values() for part in parts_of(kind))
    return {
        "names": sorted(coercivity.__all__),
        "commands": options(main_group),
        "exit codes": {code.name: code.value for code in ExitCode},
        "kinds": sorted(KINDS),
        "keys": {part.__name__: sorted(meanings(part)) for part in parts},
        "fields": [one.path for one in told_fields()],
        "needed": [one.path for one in told_fields() if one.is_needed],
    }


def missing(before: Any, after: Any, where: str = "") -> list[str]:
    """What was there before and is there no longer, or is another value."""
    if isinstance(before, dict):
        return [lost for key in before for lost in missing(before[key], after.get(key), f"{where}/{key}")]
    if isinstance(before, list):
        return [f"{where}/{one}" for one in before if one not in (after or ())]
    return [] if before == after else [where]


def test_what_was_public_in_1_0_still_is() -> None:
    frozen = json.loads((RELEASES / "1.0.0.json").read_text("utf-8"))
    today = public()
    # What need not be said any longer takes nothing from anybody.
    assert missing({key: value for key, value in frozen.items() if key != "needed"}, today) == []
    # A field that is needed now and was not then would refuse a file that was valid.
    assert [path for path in today["needed"] if path in frozen["fields"] and path not in frozen["needed"]] == []


def test_the_version_is_stated_in_one_place_and_repeated_rightly() -> None:
    version = tomllib.loads((HOUSE / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    assert f"\nversion: {version}\n" in (HOUSE / "CITATION.cff").read_text("utf-8")
    assert f"\n## [{version}] - " in (HOUSE / "CHANGELOG.md").read_text("utf-8")
    assert f"*The Coercivity authors. Version {version}." in (HOUSE / "docs/paper.md").read_text("utf-8")


def test_what_has_gone_is_found() -> None:
    assert missing({"names": ["solve", "gone"], "codes": {"DONE": 0}}, {"names": ["solve"], "codes": {"DONE": 1}}) == [
        "/names/gone",
        "/codes/DONE",
    ]
