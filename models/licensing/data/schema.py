"""What an instance file may say, path by path: the JSON Schema for editors, and sentences for what breaks it."""

from __future__ import annotations

import difflib
import re
import reprlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic_core import ErrorDetails

from coercivity.engine.data.reader import Path
from coercivity.models.licensing.data.faults import RESERVED_FIX, is_reserved
from coercivity.models.licensing.data.instance import SCHEMA, Instance

Node = Mapping[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
UNIT = "x-unit"
BOUNDS = {
    "greater_than_equal": ("ge", "is below", "at least"),
    "greater_than": ("gt", "is not above", "more than"),
    "less_than_equal": ("le", "is above", "at most"),
    "less_than": ("lt", "is not below", "less than"),
}
KINDS = {
    "string_type": ("a text", 'write it in quotes, e.g. "2025"'),
    "int_type": ("a whole number", "write digits without quotes"),
    "int_parsing": ("a whole number", "write digits without quotes"),
    "int_from_float": ("a whole number", "write digits without quotes"),
    "float_type": ("a number", "write a plain number"),
    "float_parsing": ("a number", "write a plain number"),
    "bool_type": ("true or false", "write true or false"),
    "bool_parsing": ("true or false", "write true or false"),
    "dict_type": ("a block of rows", "write one `name: …` per line, indented"),
    "model_type": ("a block of keys", "write one `key: …` per line, indented"),
    "model_attributes_type": ("a block of keys", "write one `key: …` per line, indented"),
    "tuple_type": ("a list", "write [one, two], or one `- …` per line"),
    "list_type": ("a list", "write [one, two], or one `- …` per line"),
}
EXAMPLES = {"1": "25 %", "1/yr": "8 %/yr"}


def json_schema() -> dict[str, Any]:
    """The JSON Schema of an instance file, for editors that complete and check while one writes."""
    schema = written_out()
    return schema | {"$defs": _inheriting(schema["$defs"])}


def _inheriting(node: Any) -> Any:
    """A part of the schema whose blocks may be taken over from a shipped file, with keys of their own on top."""
    if isinstance(node, list):
        return [_inheriting(inner) for inner in node]
    if not isinstance(node, dict):
        return node
    found = {key: _inheriting(inner) for key, inner in node.items()}
    if node.get("additionalProperties") is False and isinstance(found.get("properties"), dict):
        words = "take this block over from a shipped file, e.g. behaviour.trust; what is written beside it comes on top"
        found["properties"] = found["properties"] | {"base": {"type": "string", "description": words}}
        if "required" in found:
            found["anyOf"] = [{"required": ["base"]}, {"required": found.pop("required")}]
    return found


@cache
def written_out() -> dict[str, Any]:
    """The JSON Schema of an instance in which nothing is taken over any more; one for all who ask, to be read only."""
    schema: dict[str, Any] = _tidy(Instance.model_json_schema(by_alias=True))
    head = {"$schema": DIALECT, "$id": f"urn:{SCHEMA.replace('/', ':')}", "title": "Coercivity licensing instance"}
    return head | schema


def _tidy(node: Any) -> Any:
    """Without the titles that repeat a key, and without defaults that say nothing."""
    if isinstance(node, list):
        return [_tidy(item) for item in node]
    if not isinstance(node, dict):
        return node
    tidy = {}
    for key, value in node.items():
        if key in ("properties", "patternProperties", "$defs"):
            tidy[key] = {name: _tidy(inner) for name, inner in value.items()}
        elif not (key == "title" or (key == "default" and value is None)):
            tidy[key] = _tidy(value)
    return tidy


class LicensingShape:
    """What may stand at each path of an instance file; a :class:`coercivity.engine.data.document.Shape`."""

    def __init__(self) -> None:
        self._schema = written_out()

    def allows(self, present: Path, absent: Path) -> bool:
        """Whether ``absent`` may be added: blocks that the schema names, and a row at most at the end."""
        for end in range(1, len(absent)):
            above = self._nodes((*present, *absent[: end - 1]))
            if not any(absent[end - 1] in node.get("properties", {}) for node in above):
                return False
        return bool(self._nodes((*present, *absent)))

    def keys(self, path: Path) -> list[str]:
        """The keys that the schema names at ``path``; none where rows are named freely."""
        found = [key for node in self._nodes(path) for key in _mapping(node).get("properties", {})]
        return list(dict.fromkeys(found))

    def is_quantity(self, path: Path, value: object) -> bool:
        """Whether ``value`` at ``path`` is a number about the world, and not one of the words allowed beside it."""
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            return False
        return self.holds_quantity(path) and not any(value == node.get("const") for node in self._nodes(path))

    def holds_quantity(self, path: Path) -> bool:
        """Whether a number about the world may stand at ``path``."""
        return any(UNIT in node for node in self._nodes(path))

    def describe(self, path: Path) -> str:
        """What is wanted at ``path``, in a few words with the unit."""
        nodes = self._nodes(path)
        words = next((node["description"] for node in nodes if "description" in node), "")
        for node in nodes:
            if UNIT in node:
                unit = node[UNIT]
                example = EXAMPLES.get(unit, f"… {unit}")
                return f"{example} ({words})" if words and not words.startswith("a ") else example
            if "examples" in node:
                return str(node["examples"][0]) + (f" ({words})" if words else "")
            if "enum" in node or "const" in node:
                return " or ".join(str(word) for word in node.get("enum", [node.get("const")]))
        kind = {"object": "a block", "array": "a list", "string": "a text", "integer": "a whole number"}
        text = next((kind[node["type"]] for node in nodes if node.get("type") in kind), "…")
        return f"{text} ({words.splitlines()[0].rstrip('.')})" if words else text

    def _nodes(self, path: Path) -> list[Node]:
        nodes = self.expanded(self._schema)
        for part in path:
            nodes = [inner for node in nodes for step in _step(node, part) for inner in self.expanded(step)]
        return nodes

    def expanded(self, node: Node) -> list[Node]:
        """The alternatives that a node stands for, null left out, its own description kept."""
        if UNIT in node:
            return [node]
        own = {"description": node["description"]} if "description" in node else {}
        if "$ref" in node:
            return [{**inner, **own} for inner in self.expanded(self._schema["$defs"][node["$ref"].split("/")[-1]])]
        for key in ("anyOf", "oneOf"):
            if key in node:
                return [{**inner, **own} for option in node[key] for inner in self.expanded(option)]
        return [] if node.get("type") == "null" else [node]


@cache
def shape() -> LicensingShape:
    """The shape of instance files, made once."""
    return LicensingShape()


@dataclass(frozen=True)
class Told:
    """A field of an instance file, with ``*`` for a name or a position: what it means and what may stand there."""

    path: str
    says: str
    takes: str
    unit: str | None
    is_needed: bool


def told_fields() -> list[Told]:
    """Every field that an instance may have, in the order of the format: what ``json_schema`` tells editors."""
    schema = written_out()
    return list(_told_of(schema, ()))


def _told_of(block: Node, above: tuple[str, ...]) -> Iterator[Told]:
    for key, node in block.get("properties", {}).items():
        says = str(node.get("description", ""))
        yield from _told(node, (*above, key), says, key in block.get("required", ()))


def _told(node: Node, path: tuple[str, ...], says: str, is_needed: bool) -> Iterator[Told]:
    forms = shape().expanded(node)
    rows = [row for form in forms if UNIT not in form for row in _rows(form)]
    # Rows are told once, under the star that stands for any of them.
    if not rows or (says and any("properties" in inner for row in rows for inner in shape().expanded(row))):
        told = says or next((str(form["description"]) for form in forms if "description" in form), "")
        takes = " or ".join(dict.fromkeys(_takes(form) for form in forms))
        unit = next((form[UNIT] for form in forms if UNIT in form), None)
        yield Told(".".join(path), " ".join(told.partition("\n\n")[0].split()), takes, unit, is_needed)
    for form in forms:
        if UNIT not in form:
            yield from _told_of(form, path)
    for row in rows:
        # Numbers and texts in rows mean what the rows mean; a block says itself what it is.
        is_block = any("properties" in inner for inner in shape().expanded(row) if UNIT not in inner)
        yield from _told(row, (*path, "*"), "" if is_block else says, is_needed)


def _rows(form: Node) -> list[Node]:
    found = [*form.get("patternProperties", {}).values(), form.get("additionalProperties"), form.get("items")]
    return [row for row in found if isinstance(row, Mapping) and row]


def _takes(form: Node) -> str:
    if UNIT in form:
        return "a number or %" if form[UNIT] == "1" else str(form[UNIT])
    if "const" in form or "enum" in form:
        return " or ".join(f"`{word}`" for word in form.get("enum", [form.get("const")]))
    if "examples" in form:
        return "a month"
    kinds = {"array": "a list", "string": "a text", "integer": "a whole number", "number": "a number"}
    return kinds.get(form.get("type", ""), "a block" if "properties" in form else "rows" if "type" in form else "any")


def _mapping(node: Node) -> Node:
    """The long form of a quantity, or the node itself."""
    return next((form for form in node["oneOf"] if form["type"] == "object"), node) if UNIT in node else node


def _step(node: Node, part: str | int) -> list[Node]:
    """What a node holds under a key or a position."""
    node = _mapping(node)
    if isinstance(part, int):
        return [node["items"]] if "items" in node else []
    if part in node.get("properties", {}):
        return [node["properties"][part]]
    rows = [inner for pattern, inner in node.get("patternProperties", {}).items() if re.search(pattern, part)]
    rest = node.get("additionalProperties", not node)
    return rows or ([rest] if isinstance(rest, Mapping) else [{}] if rest else [])


@dataclass(frozen=True)
class Breach:
    """One way in which data break the schema: where, whether its key is meant, what is wrong, what to do."""

    path: Path
    what: str
    fix: str
    is_key: bool = False
    is_missing: bool = False
    meant: str | None = None


def breaches(errors: Sequence[ErrorDetails], data: Mapping[str, Any]) -> list[Breach]:
    """The errors of a validation as sentences, each place once."""
    words: dict[Path, list[str]] = {}
    found: list[Breach] = []
    for error in errors:
        path, is_key = _path(error, data)
        if error["type"] == "literal_error" and shape().holds_quantity(path):
            # One of two ways to write the value: the other one has an error of its own at the same path.
            words.setdefault(path, []).append(str(error["ctx"]["expected"]))
        else:
            found.append(_breach(error, path, is_key))
    merged = [_beside_words(breach, words.get(breach.path, [])) for breach in found]
    meant = {(*breach.path[:-1], breach.meant) for breach in merged if breach.meant}
    return [breach for breach in merged if not (breach.is_missing and breach.path in meant)]


def _beside_words(breach: Breach, words: list[str]) -> Breach:
    return Breach(breach.path, breach.what, f"{breach.fix}, or {' or '.join(words)}") if words else breach


def _path(error: ErrorDetails, data: Any) -> tuple[Path, bool]:
    """The path in the data of an error, without the marks that a choice between types leaves in its location."""
    location = list(error["loc"])
    is_key = bool(location) and location[-1] == "[key]"
    path: Path = ()
    for number, part in enumerate(location):
        is_there = part in data if isinstance(data, dict) else isinstance(data, list) and part in range(len(data))
        is_missing = error["type"] == "missing" and number == len(location) - 1
        if is_there:
            data = data[part]
        if is_there or is_missing:
            path = (*path, part)
    return path, is_key


def _breach(error: ErrorDetails, path: Path, is_key: bool) -> Breach:
    kind, context, given = error["type"], error.get("ctx", {}), reprlib.repr(error.get("input"))
    if kind in ("quantity", "month", "name"):
        return Breach(path, context["what"], context["fix"], is_key)
    if kind == "missing":
        key = path[-1]
        return Breach(path, f"missing key '{key}'", f"add {key}: {shape().describe(path)}", is_missing=True)
    if kind == "extra_forbidden":
        return _unknown_key(path)
    if kind == "literal_error":
        near = difflib.get_close_matches(str(error.get("input")), re.findall(r"'([^']+)'", context["expected"]), 1, 0.6)
        fix = f"did you mean '{near[0]}'?" if near else f"write {context['expected']}"
        return Breach(path, f"{given} is not known here", fix, is_key)
    if (
        kind == "string_pattern_mismatch"
        and path[:1] in (("strategies",), ("variants",))
        and is_reserved(str(path[-1]))
    ):
        return Breach(path, f"the name {given} is taken", RESERVED_FIX, is_key)
    if kind == "string_pattern_mismatch":
        what = f"{given} is not a name of the right form"
        return Breach(path, what, _pattern_fix(context["pattern"]), is_key)
    if kind in BOUNDS:
        key, relation, limit = BOUNDS[kind]
        return Breach(path, f"{given} {relation} {context[key]:g}", f"write {limit} {context[key]:g}", is_key)
    if kind in KINDS:
        wanted, fix = KINDS[kind]
        return Breach(path, f"{given} is not {wanted}", fix, is_key)
    if kind == "too_short":
        return Breach(path, "nothing in it", f"add at least {context['min_length']}: {shape().describe(path)}", is_key)
    return Breach(path, f"{given}: {error['msg'].lower()}", shape().describe(path), is_key)


def _unknown_key(path: Path) -> Breach:
    key, known = str(path[-1]), shape().keys(path[:-1])
    near = difflib.get_close_matches(key, known, 1, 0.6)
    fix = f"did you mean '{near[0]}'?" if near else f"keys here: {', '.join(known)}"
    return Breach(path, f"unknown key '{key}'", fix, is_key=True, meant=near[0] if near else None)


def _pattern_fix(pattern: str) -> str:
    if "A-Z" in pattern:
        return "write three capital letters, e.g. EUR"
    return "use small letters, digits and _ (a hyphen in the instance's own name), beginning with a letter"
