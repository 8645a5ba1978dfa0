"""Golden files: the JSON of every command on small inputs, frozen, compared byte for byte but for times and versions.

``make golden`` writes them anew; the difference is then read like a change of code.
"""

from __future__ import annotations

import json
import os
import re
import shlex
from math import isclose
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from coercivity.cli import main_group

FILES = Path(__file__).parent / "golden"
SEARCHED = {"compare", "discover", "frontier", "montecarlo", "sensitivity", "solve", "sweep", "threshold"}
# A file's name and the command whose answer it holds.
COMMANDS = {
    "solve_one_buyer": "solve one-buyer",
    "solve_one_buyer_half": "solve one-buyer --strategy half",
    "solve_template": "solve template",
    "compare_one_buyer": "compare one-buyer",
    "compare_template": "compare template",
    "frontier_template": "frontier template",
    "threshold_one_buyer": "threshold one-buyer concession.value",
    "threshold_template_grid": "threshold template concession.value 'segments.*.value' --grid",
    "sweep_one_buyer": "sweep one-buyer --vary concession.value=0:400:5",
    "montecarlo_one_buyer": "montecarlo one-buyer --vary concession.value=0:400 --runs 50",
    "sensitivity_one_buyer": "sensitivity one-buyer --vary concession.value=0:400 --runs 16",
    "sensitivity_one_buyer_morris": "sensitivity one-buyer --vary concession.value=0:400 --method morris --runs 4",
    "discover_one_buyer": "discover one-buyer --vary concession.value=0:100 --runs 90",
    "why_template": "why template --strategy open --against coercion",
    "why_template_figure": "why template --strategy coercion --figure blocs.north.pain",
    "why_template_date": "why template --date leverage",
    "audit": "audit --without-model",
    "backtest_japan_2010": "backtest japan-2010",
    "validate_template": "validate template",
    "instances": "instances",
    "sources_one_buyer": "sources one-buyer",
    "solve_moore_bard1990": "solve moore_bard1990",
    "solve_mibs_general_example": "solve mibs_general_example",
    "solve_dempe2015_ex3_3_quad": "solve dempe2015_ex3_3_quad",
    "solve_conitzer_sandholm2006": "solve conitzer_sandholm2006",
    "solve_two_types": "solve two_types",
}
# What may differ between two runs of one program: times, versions, and the seal over both.
PASSING = {"finished", "seal", "seconds", "solver_seconds", "started", "system", "version", "versions"}
# Of a study's manifest: the hash of the sources that answered.
SOURCES = "program"
NUMBER = re.compile(r"(?<![\w\"])-?\d+(?:\.\d+)?(?:e[+-]?\d+)?(?![\w\"])")
# Another processor may round the last digits otherwise.
ROUNDING = {"rel_tol": 1e-8, "abs_tol": 1e-9}


def lasting(value: Any) -> Any:
    """An answer without what is passing."""
    if isinstance(value, dict):
        hashed = isinstance(value.get(SOURCES), str)
        return {
            key: None if key in PASSING or (hashed and key == SOURCES) else lasting(inner)
            for key, inner in value.items()
        }
    return [lasting(inner) for inner in value] if isinstance(value, list) else value


def told(command: str) -> str:
    words = shlex.split(command)
    alone = ["--no-save", "--jobs", "1"] if words[0] in SEARCHED else []
    run = CliRunner().invoke(main_group, [*words, *alone, "--format", "json"], env={"COLUMNS": "100"})
    assert run.exit_code == 0, run.stderr
    return json.dumps(lasting(json.loads(run.stdout)), indent=1, ensure_ascii=False) + "\n"


def same(text: str, golden: str) -> bool:
    """Whether two texts are the same in every byte, but for the rounding of numbers."""
    if NUMBER.sub("#", text) != NUMBER.sub("#", golden):
        return False
    pairs = zip(NUMBER.findall(text), NUMBER.findall(golden), strict=True)
    return all(one == other or isclose(float(one), float(other), **ROUNDING) for one, other in pairs)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_answer_is_the_frozen_one(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = FILES / f"{name}.json"
    monkeypatch.chdir(tmp_path)
    text = told(COMMANDS[name])
    if "COERCIVITY_GOLDEN" in os.environ:
        file.write_text(text, "utf-8")
    golden = file.read_text("utf-8")
    if not same(text, golden):
        assert text.splitlines() == golden.splitlines()


def test_no_golden_file_is_left_over() -> None:
    assert {file.stem for file in FILES.iterdir()} == set(COMMANDS)


def test_a_changed_figure_word_or_key_is_found() -> None:
    golden = '{"payoff": 12.5, "name": "open"}'
    assert same('{"payoff": 12.5000000001, "name": "open"}', golden)
    for other in ('{"payoff": 12.5001, "name": "open"}', '{"payoff": 12.5, "name": "half"}', '{"payoff": 12.5}'):
        assert not same(other, golden)
