"""The glossary: it has the words that reports use, one meaning each, and `explain` finds them however they are written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from coercivity.cli import main_group
from coercivity.engine.proof.certificate import ProofLevel
from coercivity.models.explanation import explained, fields, keys
from coercivity.models.glossary import folded, meaning, words
from coercivity.models.licensing.answers.verdict.wording import TERMS
from coercivity.models.licensing.data.load import load
from coercivity.models.licensing.data.provenance import KINDS
from coercivity.models.licensing.data.schema import told_fields, written_out


def run(*arguments: str, columns: int = 100) -> Result:
    return CliRunner().invoke(main_group, ["explain", *arguments], env={"COLUMNS": str(columns)})


# Words that newcomers stumbled on, and heads of the tables of a comparison and a brief.
HEADS = (
    "menu", "posture", "phase", "pain", "leverage", "market left", "worth if kept", "tilt", "proof levels", "payoff",
    "market pain", "shortage, t", "gain from breaking it", "optimistic", "pessimistic", "best change would add",
    "without leakage", "relative follower gap", "probability", "break-even", "range", "stale", "seal", "bloc",
)  # fmt: skip


@pytest.mark.parametrize("head", HEADS)
def test_the_words_of_reports_are_in_the_glossary(head: str) -> None:
    assert meaning(head.partition(",")[0]) is not None


@pytest.mark.parametrize(("key", "label"), TERMS.items())
def test_every_term_of_the_payoff_is_found_by_label_and_by_key(key: str, label: str) -> None:
    assert meaning(label) is not None
    assert meaning(key) is meaning(label) or key == "tail"


@pytest.mark.parametrize("level", ProofLevel)
def test_proof_levels_say_their_own_sentence(level: ProofLevel) -> None:
    found = meaning(level.name)
    assert found is not None
    assert found.says == level.sentence


@pytest.mark.parametrize("kind", KINDS)
def test_where_a_number_comes_from_is_explained(kind: str) -> None:
    assert meaning(kind) is not None


def test_every_spelling_leads_to_one_word_and_every_word_onwards() -> None:
    known = words()
    spelt = [folded(other) for word in known.values() for other in word.also]
    assert len(spelt) == len(set(spelt))
    small = {folded(word) for word in known if word not in ProofLevel.__members__}
    assert not small & set(spelt)
    assert {other for word in known.values() for other in word.see} <= set(known)
    for name, word in known.items():
        assert meaning(name) is word
        assert word.says
        assert word.says[-1] == "." or name in ProofLevel.__members__
        assert all(meaning(other) is not None for other in word.also)


@pytest.mark.parametrize("name", ["one-buyer", "april-2025"])
def test_every_number_of_an_instance_is_explained(name: str) -> None:
    unknown = []
    for path, _ in load(name).quantities():
        try:
            explained(path)
        except Exception:
            unknown.append(path)
    assert unknown == []


def test_fields_and_keys_are_told_with_their_units() -> None:
    (found,) = explained("leader.idle_cost").meanings
    assert (found.kind, found.unit) == ("field", "USD/kg")
    (steps,) = explained("rivals.*.steps.*.share").meanings
    assert (steps.unit, steps.says[:14]) == ("1", "of what stands")
    assert {one.kind for one in explained("pain_musd").meanings} == {"word", "key"}
    assert all(one.says for one in (*fields(), *keys()))


def test_every_field_of_an_instance_says_what_it_means() -> None:
    told = told_fields()
    assert [one.path for one in told if not one.says or one.says.startswith("a quantity in")] == []
    assert [one.path for one in told if one.says.startswith("a share, e.g.")] == []
    assert len({one.path for one in told}) == len(told) > 250
    # What editors show is the same sentence, where a field does not leave it to its block.
    shown = written_out()["$defs"]["Reserve"]["properties"]["months"]["description"]
    assert shown == next(one.says for one in told if one.path == "blocs.*.reserve.months")


def test_fields_that_mean_the_same_are_told_once() -> None:
    told = run("begins").stdout
    assert "concession.begins: a field of an instance (month)" in " ".join(told.split())


def test_spelling_is_forgiven_and_what_is_near_is_suggested() -> None:
    for word in ("Market-Left", "market_left", "MARKET  LEFT"):
        assert explained(word).meanings[0].word == "market left"
    assert explained("OPTIMAL").meanings[0].says != explained("optimal").meanings[0].says
    found = run("leverge")
    assert (found.exit_code, found.stdout) == (2, "")
    assert "did you mean 'leverage'" in found.stderr
    assert "lists all words" in run("xyzzyplugh").stderr


@pytest.mark.parametrize("columns", [60, 100])
def test_everything_is_printed_in_every_form(columns: int) -> None:
    for arguments in ((), ("pain",), ("value_musd",)):
        found = run(*arguments, columns=columns)
        assert found.exit_code == 0
        assert max(map(len, found.stdout.splitlines())) <= columns
        assert json.loads(run(*arguments, "--format", "json").stdout)["command"] == "explain"
        assert run(*arguments, "--format", "csv").stdout.startswith("word,kind,meaning,unit,where\n")
    assert len(json.loads(run("--format", "json").stdout)["meanings"]) == len(words())


def test_the_glossary_comes_with_the_package() -> None:
    stated = (Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8")
    assert '"glossary.yaml"' in stated
