"""From an argument to a file of claims: find it, read it, refuse it with all findings at once and their places."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from importlib import resources
from pathlib import Path as File
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from coercivity.engine.data import document as documents
from coercivity.engine.data.document import Document
from coercivity.engine.data.reader import dotted
from coercivity.engine.errors import Finding, InvalidInstance, UsageError
from coercivity.models.licensing.claims.check import faults
from coercivity.models.licensing.claims.data import Claims
from coercivity.models.licensing.data.schema import Breach, LicensingShape, breaches

DEFAULT = "counter-punch"


class ClaimsShape(LicensingShape):
    """What may stand at each path of a file of claims."""

    def __init__(self) -> None:
        self._schema = Claims.model_json_schema(by_alias=True)


def load(name: str | None = None) -> Claims:
    """The claims of a file, of a shipped file by its name, or of the shipped audit of the founding article.

    Raises
    ------
    UsageError
        There is neither a file nor a shipped one of that name.
    InvalidInstance
        The file cannot be accepted; all findings.
    """
    return build(documents.read(find(name)))


def load_text(text: str, name: str = "text") -> Claims:
    """The claims that a text holds; raises as :func:`load`."""
    return build(documents.parse(text, name))


def find(name: str | None) -> str:
    """The path of a file of claims; raises :class:`UsageError` where there is none."""
    folder = resources.files("coercivity.instances") / "claims"
    shipped = {entry.name.removesuffix(".yaml"): str(entry) for entry in folder.iterdir() if entry.name[-5:] == ".yaml"}
    if name is None:
        return shipped[DEFAULT]
    if name == "-" or File(name).is_file():
        return name
    if name in shipped:
        return shipped[name]
    near = difflib.get_close_matches(name, shipped, 1, 0.5)
    fix = f"did you mean {near[0]}?" if near else f"shipped claims: {', '.join(sorted(shipped))}"
    raise UsageError(name or "''", "neither a file nor the name of shipped claims", fix)


def build(document: Document) -> Claims:
    """The claims of a document that was read before; raises as :func:`load`."""
    try:
        claims = Claims.model_validate(document.data, context={"rates": _rates(document.data), "assumed": None})
    except ValidationError as error:
        raise _invalid(document, _breaches(error.errors(include_url=False), document.data)) from None
    found = [Breach(path, what, fix) for path, what, fix in faults(claims)]
    if found:
        raise _invalid(document, found)
    return claims


def _rates(data: Mapping[str, Any]) -> dict[str, float]:
    """The exchange rates that can be used; what is wrong with the others the validation says."""
    money = data.get("money")
    rates = money.get("exchange_rates") if isinstance(money, dict) else None
    return {
        code: float(rate)
        for code, rate in (rates.items() if isinstance(rates, dict) else ())
        if re.fullmatch("[A-Z]{3}", code) and code != "USD" and type(rate) in (int, float) and 0 < rate < 1e12
    }


def _breaches(errors: list[ErrorDetails], data: Mapping[str, Any]) -> list[Breach]:
    """The errors as sentences; what may stand where is asked of this schema, not of that of instances."""
    shape, found = ClaimsShape(), []
    for error in errors:
        for breach in breaches([error], data):
            if error["type"] == "missing":
                fix = f"add {breach.path[-1]}: {shape.describe(breach.path)}"
                found.append(Breach(breach.path, breach.what, fix, is_missing=True))
            elif error["type"] == "extra_forbidden":
                known = shape.keys(breach.path[:-1])
                near = difflib.get_close_matches(str(breach.path[-1]), known, 1, 0.6)
                fix = f"did you mean '{near[0]}'?" if near else f"keys here: {', '.join(known)}"
                found.append(Breach(breach.path, breach.what, fix, True, meant=near[0] if near else None))
            else:
                found.append(breach)
    meant = {(*breach.path[:-1], breach.meant) for breach in found if breach.meant}
    return [breach for breach in found if not (breach.is_missing and breach.path in meant)]


def _invalid(document: Document, found: list[Breach]) -> InvalidInstance:
    """All findings by line."""
    placed = []
    for breach in found:
        is_block = isinstance(documents.at(document.data, breach.path), dict | list)
        is_key = breach.is_key or breach.is_missing or (breach.path in document.values and is_block)
        finding = Finding(document.place(breach.path, is_key), dotted(breach.path), breach.what, breach.fix)
        placed.append((document.position(breach.path, is_key), finding))
    placed.sort(key=lambda pair: (0, 0) if isinstance(pair[0], str) else pair[0])
    return InvalidInstance(document.name, list(dict.fromkeys(finding for _, finding in placed)))
