"""Whatever stands at a path of the template: it is read, or refused with a place; never anything else."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path as File
from typing import Any

import pytest

from coercivity.engine.data.document import Document, parse
from coercivity.engine.errors import CoercivityError, InvalidInstance
from coercivity.models.licensing.data.load import build, load_text
from coercivity.models.licensing.data.plausibility.warnings import implausible

TEMPLATE = (File(__file__).parents[4] / "instances" / "toy" / "template.yaml").read_text("utf-8")
# A place holder for what JSON cannot write: it is put in its place as text.
HEXADECIMAL = "0x" + "F" * 700
ODD: tuple[Any, ...] = (None, 7, "x", "", [], {}, True, "2025-01-01", -1, [None], {"null": None}, [[]], {"a": {"b": 1}})
# Every path and every odd value are paired; so many of the pairs go through the text of a file, which takes longer.
OF_TEXTS = 37


def paths(node: Any, here: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    yield here
    for key, value in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        yield from paths(value, (*here, key))


DATA = parse(TEMPLATE, "template.yaml").data
PATHS = list(paths(DATA))


def replaced(path: tuple[str | int, ...], value: Any) -> Any:
    data = copy.deepcopy(DATA)
    node: Any = data
    for key in path[:-1]:
        node = node[key]
    if not path:
        return value
    node[path[-1]] = value
    return data


def read(document: Document | str) -> None:
    """Read it, or let it be refused as a document should be."""
    try:
        instance = load_text(document, "odd.yaml") if isinstance(document, str) else build(document)
    except CoercivityError as error:
        assert isinstance(error, InvalidInstance)
        assert error.findings and all(finding.place.startswith("odd.yaml") for finding in error.findings)
        assert all(len(str(finding)) < 2000 for finding in error.findings)
    else:
        instance.fingerprint()
        implausible(instance)


PAIRS = [(path, value) for path in PATHS for value in ODD]


@pytest.mark.parametrize("part", range(4))
def test_any_value_at_any_path_is_read_or_refused(part: int) -> None:
    for path, value in PAIRS[part::4]:
        data = replaced(path, value)
        if path:
            read(Document("odd.yaml", data))


def test_any_value_at_any_path_of_a_text_is_read_or_refused() -> None:
    for path, value in PAIRS[::OF_TEXTS]:
        read(json.dumps(replaced(path, value)))


def test_a_number_of_hundreds_of_digits_is_refused_at_any_path() -> None:
    for path in PATHS[1::5]:
        text = json.dumps(replaced(path, HEXADECIMAL)).replace(f'"{HEXADECIMAL}"', HEXADECIMAL)
        with pytest.raises(InvalidInstance, match="not a finite number"):
            load_text(text, "odd.yaml")


@pytest.mark.parametrize("key", ["null", "~", "5", "1.5", "true", "NO", "on", "Yes", "0x10", ".nan"])
def test_a_key_that_some_reader_takes_for_no_text_is_refused_with_its_place(key: str) -> None:
    for block in ("sources", "groups", "strategies"):
        text = TEMPLATE.replace(f"\n{block}:\n", f"\n{block}:\n  {key}: {{}}\n", 1)
        with pytest.raises(InvalidInstance) as refused:
            load_text(text, "odd.yaml")
        line = text[: text.index(f"  {key}: {{}}")].count("\n") + 1
        assert f"odd.yaml:{line}:3: " in str(refused.value)
        assert "is not a text" in str(refused.value)


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ("name: template", "name: 5", "name"),
        ("name: template", "name: no", "name"),
        ("name: template", "name:", "name"),
        ("title: North\n", "title: null\n", "blocs.north.title"),
        ("postures: [open, reliable, slow]", "postures: [open, null, slow]", "menu.postures.1"),
        ("postures: [open, reliable, slow]", "postures: [open, 5, slow]", "menu.postures.1"),
        ("reference: coercion", "reference: on", "concession.reference"),
        ("reference: coercion", "reference:", "concession.reference"),
        ("processing: 45 day", "processing:", "postures.slow.processing"),
        ("processing: 45 day", "processing: ~", "postures.slow.processing"),
        (
            "processing: 45 day",
            "processing: {value: 45 day, assumption: why, grade: }",
            "postures.slow.processing.grade",
        ),
        ("as_of: 2025-01", "as_of: 2025-01\nassumed_by:", "assumed_by"),
    ],
)
def test_what_is_no_text_or_nothing_is_refused_with_its_place(old: str, new: str, path: str) -> None:
    with pytest.raises(InvalidInstance) as refused:
        load_text(TEMPLATE.replace(old, new, 1), "odd.yaml")
    found = [finding for finding in refused.value.findings if finding.path == path]
    assert found and all(finding.place.startswith("odd.yaml:") and finding.fix for finding in found)


def test_a_variant_and_an_override_may_take_a_block_away() -> None:
    text = TEMPLATE.replace("variants:\n", "variants:\n  alone: {title: No concession, set: {concession: null}}\n")
    assert load_text(text, variants=["alone"]).concession is None
    assert load_text(text, sets=["concession=null"]).concession is None


@pytest.mark.parametrize("name", ["optimal", "Optimal", "OPTIMAL", "'optimal, change 3'", "optimal_2"])
@pytest.mark.parametrize("block", ["strategies", "variants"])
def test_the_name_of_the_answer_is_nobody_elses(block: str, name: str) -> None:
    row = {"strategies": "{title: Mine, rules: [{posture: open}]}", "variants": "{title: Mine, set: {}}"}[block]
    text = TEMPLATE.replace(f"\n{block}:\n", f"\n{block}:\n  {name}: {row}\n", 1)
    with pytest.raises(InvalidInstance) as refused:
        load_text(text, "odd.yaml")
    assert "the name of what the engine finds" in str(refused.value)
