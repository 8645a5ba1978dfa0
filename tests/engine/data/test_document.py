"""Documents: plain data with places, refusals that say where, overrides path by path."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coercivity.engine.data.document import Document, override, parse, read
from coercivity.engine.data.piped import PIPED
from coercivity.engine.data.reader import dotted
from coercivity.engine.errors import InvalidInstance, UsageError

TEXT = """\
leader:
  discount_rate: {value: 5 %/yr, source: bank, grade: A, year: 2024, range: [4 %/yr, 6 %/yr]}
  title: Leader  # not quoted
steps:
  - {share: 0.5}
  - {share: 0.25}
country: no
"""


@pytest.fixture
def document() -> Document:
    return parse(TEXT, "a.yaml")


def test_places_are_lines_and_columns_from_one(document: Document) -> None:
    assert document.place(("leader", "title")) == "a.yaml:3:10"
    assert document.place(("leader", "title"), of_key=True) == "a.yaml:3:3"
    assert document.place(("steps", 1, "share")) == "a.yaml:6:13"
    assert document.place(("steps", 1, "absent")) == document.place(("steps", 1)) == "a.yaml:6:5"
    assert document.place(()) == "a.yaml:1:1"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("NO", "NO"),
        ("yes", "yes"),
        ("true", True),
        ("~", None),
        ("", None),
        ("12", 12),
        ("012", 12),
        ("0x1F", 31),
        ("1_000", "1_000"),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("2025-04", "2025-04"),
        ("2025-04-01", "2025-04-01"),
        ("12:30", "12:30"),
        ("'5'", "5"),
        ("12 kt/yr", "12 kt/yr"),
        ("[a, 1]", ["a", 1]),
    ],
)
def test_scalars_follow_the_core_schema(text: str, value: object) -> None:
    found = parse(f"key: {text}\n", "a.yaml").data["key"]
    assert found == value
    assert type(found) is type(value)


def test_anchors_and_merge_keys_keep_the_place_of_what_they_bring() -> None:
    document = parse("a: &one {x: 1, y: 2}\nb:\n  <<: *one\n  y: 3\nc: *one\n", "a.yaml")
    assert document.data == {"a": {"x": 1, "y": 2}, "b": {"x": 1, "y": 3}, "c": {"x": 1, "y": 2}}
    assert document.place(("b", "x")) == "a.yaml:1:13"
    assert document.place(("b", "y")) == "a.yaml:4:6"
    merged = parse("a: &a {x: 1}\nb: &b {x: 2, z: 3}\nc: {<<: [*a, *b]}\n", "a.yaml")
    assert merged.data["c"] == {"x": 1, "z": 3}
    assert merged.place(("c", "x")) == "a.yaml:1:11"


BOMB = "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + "".join(
    f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]\n" for level in range(1, 10)
)


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("a: 1\nb: 2\na: 3\n", "f:3:1", "duplicate key 'a'"),
        ("x: {a: 1, a: 2}", "f:1:11", "duplicate key 'a'"),
        ("a: .nan", "f:1:4", "not a finite number"),
        ("a: [1, -.inf]", "f:1:8", "not a finite number"),
        ("a: 1e999", "f:1:4", "not a finite number"),
        ("a: " + "9" * 5000, "f:1:4", "not a finite number"),
        ("", "f:1:1", "empty"),
        ("# nothing\n", "f:1:1", "empty"),
        ("- 1\n- 2\n", "f:1:1", "not a mapping"),
        ("5", "f:1:1", "not a mapping"),
        ("a: 1\n---\nb: 2\n", "f:2:1", "second document"),
        ("a: [1\n", "f:2:1", "not YAML"),
        ("a:\n\tb: 1\n", "f:2:1", "not YAML"),
        ("a: b: c", "f:1:5", "not YAML"),
        ("a: !!str 5", "f:1:4", "a tag"),
        ("a: !!python/object/apply:os.system ['true']", "f:1:4", "a tag"),
        ("a: *b", "f:1:4", "an alias of nothing"),
        ("a: &a [*a]", "f:1:8", "inside its own anchor"),
        ("? [a]\n: 1\n", "f:1:3", "a key that is not"),
        ("a: {<<: 5}", "f:1:9", "merges something"),
        ("a: " + "[" * 500, "f:1:63", "nested too deeply"),
        (BOMB, "f:1:1", "too large once its aliases"),
        ("a: \x07", "f:1:4", "does not allow"),
        ('a: "\\ud800"', "f:1:4", "half of a character"),
        (b"a: 1\nb: \xff\xfe", "f:2:4", "not a text in UTF-8"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "f:1:1", "not a text in UTF-8"),
        ("a: 1\n".encode("utf-16"), "f:1:1", "not a text in UTF-8"),
    ],
)
def test_refusals_say_where(text: str | bytes, place: str, words: str) -> None:
    with pytest.raises(InvalidInstance) as refused:
        parse(text, "f")
    finding = refused.value.findings[0]
    assert words in finding.what
    assert finding.place == place
    assert finding.fix


def test_all_findings_at_once() -> None:
    with pytest.raises(InvalidInstance) as refused:
        parse("a: .nan\nb: 1\nb: 2\nc: !x 1\n", "f")
    assert [finding.place for finding in refused.value.findings] == ["f:1:4", "f:3:1", "f:4:4"]


def test_byte_order_mark_is_no_part_of_the_first_key() -> None:
    assert parse(b"\xef\xbb\xbfa: 1", "f").data == {"a": 1}


def test_read_refuses_what_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "april.yaml").write_text("a: 1")
    assert read(str(tmp_path / "april.yaml")).data == {"a": 1}
    with pytest.raises(UsageError, match="no such file") as refused:
        read(str(tmp_path / "aprl.yaml"))
    assert "april.yaml" in refused.value.fix
    for path, words in ((str(tmp_path), "directory"), ("a\0b", "cannot be read"), ("x" * 5000, "cannot be read")):
        with pytest.raises(UsageError, match=words):
            read(path)
    with pytest.raises(UsageError):
        read("")


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    PIPED.hand_over(io.StringIO("a: 1"))
    assert read("-").place(("a",)) == "stdin:1:4"


def test_an_overridden_quantity_loses_source_and_range(document: Document) -> None:
    changed = override(document, "leader.discount_rate", "0.08", "--set leader.discount_rate=0.08")
    assert changed.data["leader"]["discount_rate"] == {
        "value": 0.08,
        "assumption": "set by --set leader.discount_rate=0.08",
        "overridden": True,
    }
    assert changed.place(("leader", "discount_rate", "value")) == "--set leader.discount_rate=0.08"
    assert changed.place(("leader", "title")) == "a.yaml:3:10"
    assert document.data["leader"]["discount_rate"]["source"] == "bank"
    assert override(document, "leader.discount_rate.value", "0.08", "--set leader.discount_rate=0.08") == changed


def test_an_overridden_scalar_and_a_position_in_a_list(document: Document) -> None:
    assert override(document, "steps.1.share", "0.5", "o").data["steps"] == [{"share": 0.5}, {"share": 0.5}]
    assert override(document, "country", "[1, {a: b}]", "o").data["country"] == [1, {"a": "b"}]
    assert override(document, "country", '"12 kt/yr"', "o").data["country"] == "12 kt/yr"
    again = override(override(document, "country", "x", "first"), "country", "y", "second")
    assert again.place(("country",)) == "second"


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("leadr.title", "x", "'leader.title'"),
        ("leader.titel", "x", "'leader.title'"),
        ("title", "x", "did you mean 'leader.title'"),
        ("steps.7.share", "x", "steps."),
        ("steps.first", "x", "steps"),
        ("", "x", "at the top"),
        ("zzz", "x", "at the top: leader, steps, country"),
        ("country", "", "no value"),
        ("country", "[1", "not YAML"),
        ("country", ".inf", "not a finite number"),
        ("country", "!!str 1", "a tag"),
    ],
)
def test_refused_overrides(document: Document, path: str, value: str, words: str) -> None:
    with pytest.raises(UsageError) as refused:
        override(document, path, value, f"--set {path}={value}")
    assert words in str(refused.value)
    assert refused.value.where == f"--set {path}={value}"


PIECES = st.sampled_from(
    [*"ab:-[]{},&*!|>'\"%@`#?~<\n\t 0.1\\\0\x85é", "<<: ", "&a", "*a", "- ", ": ", "\n  ", "---\n"]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=40).map("".join))
def test_any_text_is_read_or_refused_with_a_place(text: str) -> None:
    try:
        document = parse(text, "f")
    except InvalidInstance as refused:
        assert refused.findings
        assert all(finding.place.startswith("f:") for finding in refused.findings)
    else:
        assert all(dotted(path) is not None for path in document.values)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    try:
        parse(content, "f")
    except InvalidInstance as refused:
        assert refused.findings
