"""From an argument to an instance: find the file, read it, override, validate; all findings at once, with places."""

from __future__ import annotations

import difflib
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path as File
from typing import Any

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap

from coercivity.engine.data import document as documents
from coercivity.engine.data import workbook
from coercivity.engine.data.document import Document
from coercivity.engine.data.inheritance import UnknownBase, inherited
from coercivity.engine.data.reader import Path, Position, dotted
from coercivity.engine.errors import Finding, InvalidInstance, UsageError, check_name
from coercivity.models.licensing.data.crosschecks.market import cross_check
from coercivity.models.licensing.data.instance import SCHEMA, Instance
from coercivity.models.licensing.data.quantity import Quantity
from coercivity.models.licensing.data.record import SharedNumber
from coercivity.models.licensing.data.schema import breaches, json_schema, shape

__all__ = ["build", "completed", "effective", "find", "json_schema", "load", "load_text", "shipped"]

BEHAVIOUR = "coercivity/behaviour/1"
RECORD = "coercivity/record/1"
PARTS = (BEHAVIOUR, RECORD, SCHEMA)
"""The schemas of files that parts can be taken from; those of the first two hold parts for instances and are none."""

Placed = tuple[Position | str, Finding]


def load(path: str, sets: Sequence[str] = (), variants: Sequence[str] = ()) -> Instance:
    """The instance that an argument names, with variants and then overrides applied.

    Parameters
    ----------
    path : a file, the name of a shipped instance, or ``-`` for standard input
    sets : overrides ``PATH=VALUE``
    variants : names of variants of the file, applied in this order

    Raises
    ------
    UsageError
        No such file or variant, or an override of a path that does not exist.
    InvalidInstance
        The data cannot be accepted; all findings.
    """
    return build(documents.read(find(path)), sets, variants)


def load_text(text: str, name: str = "text", sets: Sequence[str] = (), variants: Sequence[str] = ()) -> Instance:
    """The instance that a text holds; raises as :func:`load`."""
    return build(documents.parse(text, name), sets, variants)


def build(document: Document, sets: Sequence[str] = (), variants: Sequence[str] = ()) -> Instance:
    """The instance of a document that was read before; raises as :func:`load`."""
    document = completed(document)
    return validated(applied(document, sets, variants), document)


def completed(document: Document, above: tuple[str, ...] = ()) -> Document:
    """The document with what it takes over from other files (``base: behaviour.trust``); raises as :func:`load`.

    A file of that name beside the document's own goes before one that is shipped. What is taken may take over in turn.

    Parameters
    ----------
    above : the files that are being completed and may not be taken from
    """
    above = (*above, document.name)

    @cache
    def opened(name: str) -> Document:
        beside = _beside(document.name, name)
        found = _shipped(name) if beside is None else documents.read(beside)
        if found.name in above:
            raise UnknownBase(f"files beside it; {name} takes over from this one")
        return completed(found, above)

    return inherited(document, opened)


def _beside(own: str, name: str) -> str | None:
    """The file of that name that lies beside a document and may be taken from, if there is one."""
    path = File(own).with_name(f"{name}.yaml") if _is_file(own) else None
    if path is None or not re.fullmatch(r"[\w-]+", name) or not _is_file(str(path)):
        return None
    return str(path) if _header(path.read_text("utf-8", errors="replace"), "schema") in PARTS else None


@cache
def _shipped(name: str) -> Document:
    """A shipped file that parts may be taken from: shared behaviour, a record, or an instance."""
    known = {file.name.removesuffix(".yaml"): file for schema in PARTS for _, file in _files(schema)}
    if name not in known:
        raise UnknownBase(*sorted(known))
    return documents.parse(known[name].read_bytes(), str(known[name]))


def shared_numbers() -> dict[str, SharedNumber]:
    """What the file of shared behaviour lets the record of the cases choose (``fitted``), by name.

    Raises
    ------
    InvalidInstance
        An entry that cannot be read; the first.
    """
    behaviour, found = _shipped("behaviour"), {}
    for name, entry in (behaviour.data.get("fitted") or {}).items():
        try:
            found[name] = SharedNumber.model_validate(entry)
        except ValidationError as error:
            first = error.errors()[0]
            where = ("fitted", name, *first["loc"])
            fix = "state paths, points and evidence"
            finding = Finding(behaviour.place(("fitted", name), True), dotted(where), first["msg"], fix)
            raise InvalidInstance(behaviour.name, [finding]) from None
    return found


def applied(document: Document, sets: Sequence[str] = (), variants: Sequence[str] = ()) -> Document:
    """The document with variants and then overrides applied; raises as :func:`load`."""
    changed = document
    for name in variants:
        changed = _with_variant(changed, document, name)
    for text in sets:
        path, equals, value = text.partition("=")
        if not equals or not path.strip():
            raise UsageError(f"--set {text}", "not of the form PATH=VALUE", "e.g. --set leader.discount_rate=0.08")
        changed = documents.override(changed, path, value, f"--set {text}", shape())
    return changed


def _with_variant(changed: Document, original: Document, name: str) -> Document:
    variants = original.data.get("variants")
    known = [str(key) for key in variants] if isinstance(variants, dict) else []
    if name not in known:
        near = difflib.get_close_matches(name, known, 1, 0.6)
        fix = f"did you mean '{near[0]}'?" if near else f"variants of this file: {', '.join(known) or 'none'}"
        raise UsageError(f"--variant {name}", f"unknown variant '{name}'", fix)
    for path, value in _overrides(original, name).items():
        try:
            changed = documents.replace(changed, path, value, f"variant {name}", shape())
        except UsageError as error:
            where: Path = ("variants", name, "set", path)
            found = Finding(original.place(where, True), dotted(where), error.what, error.fix)
            raise InvalidInstance(original.name, [found]) from None
    return changed


def _overrides(document: Document, name: str) -> Mapping[str, Any]:
    """What a variant sets; nothing where it is malformed, which the validation then says."""
    variants = document.data.get("variants")
    variant = variants.get(name) if isinstance(variants, dict) else None
    overrides = variant.get("set") if isinstance(variant, dict) else None
    return overrides if isinstance(overrides, dict) else {}


def validated(document: Document, original: Document) -> Instance:
    """The instance that a document says, after what ``original`` was changed into; raises as :func:`load`."""
    try:
        instance = Instance.model_validate(document.data, context=_context(document.data))
    except ValidationError as error:
        errors = error.errors(include_url=False)
        broken = breaches(errors, document.data)
        found = [
            placed(document, breach.path, breach.what, breach.fix, breach.is_key or breach.is_missing)
            for breach in broken
        ]
        known = {breach.path for breach in broken}
        found += [blank for path, blank in _blanks(document) if path not in known]
        raise invalid(document, found) from None
    found = [blank for _, blank in _blanks(document)]
    found.extend(placed(document, path, what, fix) for path, what, fix in cross_check(instance))
    found.extend(_variant_faults(instance, original))
    if found:
        raise invalid(document, found)
    return instance


def _blanks(document: Document) -> Iterator[tuple[Path, Placed]]:
    """Keys with nothing written after them; an override or a variant may say ``null`` to take an optional block away."""
    for path in document.values:
        if not path or documents.at(document.data, path) is not None or path[0] == "variants":
            continue
        if not any(path[:end] in document.origins for end in range(1, len(path) + 1)):
            fix = "write what is meant, or remove the key"
            yield path, placed(document, path, "nothing is written here", fix, is_key=True)


def _context(data: Mapping[str, Any]) -> dict[str, Any]:
    """What quantities need to be read: exchange rates, and the reason that covers bare numbers."""
    money = data.get("money")
    rates = money.get("exchange_rates") if isinstance(money, dict) else None
    usable = {
        code: float(rate)
        for code, rate in (rates.items() if isinstance(rates, dict) else ())
        if re.fullmatch("[A-Z]{3}", code) and code != "USD" and type(rate) in (int, float) and 0 < rate < 1e12
    }
    assumed = data.get("assumed")
    return {"rates": usable, "assumed": assumed if isinstance(assumed, str) and assumed.strip() else None}


def _variant_faults(instance: Instance, document: Document) -> Iterator[Placed]:
    """Paths of variants, used or not, that lead nowhere."""
    for name, variant in instance.variants.items():
        for path in variant.set:
            try:
                documents.locate(document, path, f"variant {name}", shape())
            except UsageError as error:
                yield placed(document, ("variants", name, "set", path), error.what, error.fix, True)


def placed(document: Document, path: Path, what: str, fix: str, is_key: bool = False) -> Placed:
    """A finding at ``path``, and the position that it is sorted by."""
    # A scalar is shown where it stands, a block at its key.
    is_key = is_key or (path in document.values and isinstance(documents.at(document.data, path), dict | list))
    return document.position(path, is_key), Finding(document.place(path, is_key), dotted(path), what, fix)


def invalid(document: Document, found: Sequence[Placed]) -> InvalidInstance:
    """All findings, those of the file by line, then those of overrides."""
    in_order = sorted(
        found, key=lambda pair: (isinstance(pair[0], str), (0, 0) if isinstance(pair[0], str) else pair[0])
    )
    return InvalidInstance(document.name, list(dict.fromkeys(finding for _, finding in in_order)))


def find(name: str) -> str:
    """The path of an instance: ``-`` and existing files as they are, else the shipped instance of that name.

    Raises
    ------
    UsageError
        There is neither a file nor a shipped instance of that name.
    """
    if name == "-" or _is_file(name):
        return name
    known = {stem: str(file) for stem, file in _files()}
    short = name.removesuffix(".yaml").rsplit("/", 1)[-1]
    if name in known:
        return known[name]
    near = difflib.get_close_matches(short, known, 3, 0.5)
    fix = f"did you mean {' or '.join(near)}?" if near else f"shipped instances: {', '.join(known) or 'none'}"
    raise UsageError(name or "''", "neither a file nor the name of a shipped instance", fix)


def _is_file(name: str) -> bool:
    try:
        return File(name).exists() and bool(name) and not File(name).is_dir()
    except (OSError, ValueError):
        return False


def shipped() -> list[tuple[str, str, str]]:
    """The instances that come with the package: name, title, path."""
    return [(name, _header(file.read_text("utf-8"), "title"), str(file)) for name, file in _files()]


def shipped_text(name: str) -> str:
    """The file of a shipped instance as it is written, its record with it, so that it can be taken anywhere.

    Raises
    ------
    UsageError
        There is none of that name.
    """
    files = {known: path for known, _, path in shipped()}
    check_name("NAME", name, files, "shipped instances")
    text = File(files[name]).read_text("utf-8")
    records = {known: file.read_text("utf-8") for known, file in _files(RECORD)}
    for line, key, record in re.findall(r"^(([a-z_]+): \{base: ([\w-]+)\.\2\}\n)", text, re.MULTILINE):
        if record in records:
            text = text.replace(line, _block(records[record], key))
    for record, written in records.items():
        said = re.compile(rf"^#[^\n]*\b{re.escape(record)}\.yaml[^\n]*\n", re.MULTILINE)
        if said.search(text):
            # The sources that only the record cites come first.
            cited = _block(written, "sources").partition("sources:\n")[2].rstrip("\n")
            text = said.sub("", text).replace("\nsources:\n", f"\nsources:\n{cited}\n" if cited else "\nsources:\n", 1)
    return text


def _block(text: str, key: str) -> str:
    """The lines of a key of the top level with the comments directly above it; nothing where it is not."""
    found = re.search(rf"^(?:#[^\n]*\n)*{key}:[^\n]*\n(?:(?![a-z_#]).*\n)*", text, re.MULTILINE)
    return found[0] if found else ""


def _files(schema: str = SCHEMA) -> list[tuple[str, Traversable]]:
    """The licensing instances of the package by name, in alphabetical order; or the files of another schema."""
    found = [(file.name.removesuffix(".yaml"), file) for file in _walk(resources.files("coercivity.instances"))]
    return sorted(
        (pair for pair in found if _header(pair[1].read_text("utf-8"), "schema") == schema), key=lambda pair: pair[0]
    )


def _walk(folder: Traversable) -> Iterator[Traversable]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _walk(entry)
        elif entry.name.endswith(".yaml"):
            yield entry


def _header(text: str, key: str) -> str:
    """The text at a key of the top level, without reading the whole document."""
    line = re.search(rf"^{key}:[ \t]*(.+?)[ \t]*(?:[ \t]#.*)?$", text, re.MULTILINE)
    return line[1].strip("'\"") if line else ""


def effective(instance: Instance) -> str:
    """The instance as YAML with every default and unit written out; it reads back to the same fingerprint."""
    stream = io.StringIO()
    yaml = YAML()
    yaml.default_flow_style = False
    yaml.width = 4096
    yaml.dump(_plain(instance), stream)
    return stream.getvalue()


def _plain(node: object) -> Any:
    if isinstance(node, Quantity):
        return _quantity(node)
    if isinstance(node, BaseModel):
        fields = {field.alias or key: getattr(node, key) for key, field in type(node).model_fields.items()}
        return {key: _plain(value) for key, value in fields.items() if value is not None}
    if isinstance(node, dict):
        return {key: _plain(value) for key, value in node.items()}
    return [_plain(item) for item in node] if isinstance(node, list | tuple) else node


def _quantity(quantity: Quantity) -> CommentedMap:
    """A quantity in one line, its numbers with the unit and every digit."""

    def written(number: float) -> Any:
        return number if quantity.unit in ("1", "1/yr") else f"{number!r} {quantity.unit}"

    fields = quantity.model_dump(exclude={"unit", "low", "high", "value", "source", "overridden"}, exclude_none=True)
    table = CommentedMap(value=written(quantity.value))
    if quantity.source:
        table["source"] = list(quantity.source) if len(quantity.source) > 1 else quantity.source[0]
    table.update(fields)
    if quantity.low is not None and quantity.high is not None:
        table["range"] = [written(quantity.low), written(quantity.high)]
    if quantity.overridden:
        table["overridden"] = True
    table.fa.set_flow_style()
    return table


def to_workbook(instance: Instance, file: str) -> File:
    """Write an instance, as it is after overrides, into a workbook; raises as :func:`workbook.write`."""
    return workbook.write(documents.parse(effective(instance), instance.name).data, file)
