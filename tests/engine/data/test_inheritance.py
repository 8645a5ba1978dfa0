"""Parts taken over from another document: what comes on top, where it is said to stand, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from coercivity.engine.data.document import Document, at, parse
from coercivity.engine.data.inheritance import UnknownBase, inherited
from coercivity.engine.errors import InvalidInstance

SHARED = """\
sources:
  A: {title: first}
  B: {title: second}
  C: {title: third}
trust:
  initial: calm
  fear: {value: 4, source: A}
  states:
    calm: {title: Calm, weight: {value: 1, source: [B, A]}}
rate: {value: 7 %, assumption: usual}
prize: {value: {value: 6, assumption: said}, share: {value: 1, source: C}}
steps: [{value: 1, source: C}]
"""


def taken(text: str) -> Document:
    def opened(name: str) -> Document:
        if name != "shared":
            raise UnknownBase("shared")
        return parse(SHARED, "shared.yaml")

    return inherited(parse(text, "mine.yaml"), opened)


def test_what_stands_beside_base_comes_on_top_and_a_number_is_whole() -> None:
    found = taken("trust: {base: shared.trust, initial: tense, states: {calm: {title: Ours}, tense: {title: New}}}")
    assert found.data["trust"]["initial"] == "tense"
    assert found.data["trust"]["states"] == {
        "calm": {"title": "Ours", "weight": {"value": 1, "source": ["B", "A"]}},
        "tense": {"title": "New"},
    }
    prize = taken("prize: {base: shared.prize, share: {value: 2, assumption: ours}}").data["prize"]
    assert prize == {"value": {"value": 6, "assumption": "said"}, "share": {"value": 2, "assumption": "ours"}}
    own = taken("trust: {base: shared.trust, fear: {value: 9, assumption: ours}}")
    assert own.data["trust"]["fear"] == {"value": 9, "assumption": "ours"}
    assert taken("a: [{base: shared.rate}, 5]").data == {"a": [{"value": "7 %", "assumption": "usual"}, 5]}


def test_cited_sources_come_along_and_no_others() -> None:
    found = taken("sources: {A: {title: mine}}\ntrust: {base: shared.trust}")
    assert found.data["sources"] == {"A": {"title": "mine"}, "B": {"title": "second"}}
    assert "sources" not in taken("rate: {base: shared.rate}").data
    assert found.place(("sources", "B")) == "shared.yaml:3:6"


def test_places_are_where_a_thing_is_written() -> None:
    found = taken("x: 1\ntrust:\n  base: shared.trust\n  initial: tense")
    assert found.place(("trust", "fear", "value")) == "shared.yaml:7:17"
    assert found.place(("trust", "initial")) == "mine.yaml:4:12"
    assert found.place(("x",)) == "mine.yaml:1:4"
    assert all(at(found.data, path) is not None for path in found.values)


def test_without_a_base_a_document_is_as_it_was() -> None:
    document = parse("a: {b: 1}\nbase: top", "mine.yaml")
    assert inherited(document, lambda name: document) is document


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("a: {base: sharde.trust}", "mine.yaml:1:11", "no file 'sharde'.*did you mean 'shared'"),
        ("a: {base: shared.trsut}", "mine.yaml:1:11", "'shared.trsut' is no block.*did you mean 'shared.trust'"),
        ("a: {base: shared.trust.states.calmer}", "mine.yaml:1:11", "did you mean 'shared.trust.states.calm'"),
        ("a: {base: shared.trust.initial}", "mine.yaml:1:11", "is no block"),
        ("a: {base: shared}", "mine.yaml:1:11", "is no block"),
        ("a: {base: shared.rate, value: 8 %}", "mine.yaml:1:11", "a number is taken whole"),
    ],
)
def test_a_base_that_leads_nowhere_is_refused_with_its_place(text: str, place: str, words: str) -> None:
    with pytest.raises(InvalidInstance, match=f"(?s){words}") as refused:
        taken(text)
    assert [finding.place for finding in refused.value.findings] == [place]


def test_all_of_them_are_told_at_once() -> None:
    with pytest.raises(InvalidInstance) as refused:
        taken("a: {base: nowhere.x}\nb: [{base: shared.y}]")
    assert [finding.path for finding in refused.value.findings] == ["a.base", "b.0.base"]


def test_a_base_that_is_no_text_is_left_for_the_schema() -> None:
    data: Any = {"a": {"base": 5}}
    assert taken("a: {base: 5}").data == data
