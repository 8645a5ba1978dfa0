"""A file looked over whole: faults and warnings of what it says by itself and under each of its variants."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel

from coercivity.engine.data import document as documents
from coercivity.engine.data.document import Document
from coercivity.engine.data.reader import Path, dotted
from coercivity.engine.errors import Finding, InvalidInstance, UsageError
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.data.load import Placed, applied, completed, find, invalid, placed, validated
from coercivity.models.licensing.data.plausibility.warnings import implausible
from coercivity.models.licensing.data.quantity import Quantity


@dataclass(frozen=True)
class Examined:
    """A valid instance, and what is legal and improbable in its file."""

    name: str
    instance: Instance
    warnings: tuple[Finding, ...]

    def sentences(self) -> list[str]:
        """The warnings as they are printed, each with its place and its fix."""
        return [str(replace(warning, what=f"warning: {warning.what}")) for warning in self.warnings]

    def refuse(self) -> None:
        """Take warnings for faults.

        Raises
        ------
        InvalidInstance
            There are warnings.
        """
        if self.warnings:
            raise InvalidInstance(self.name, self.warnings)


def examine(path: str, sets: Sequence[str] = (), variants: Sequence[str] = ()) -> Examined:
    """The instance that an argument names with all warnings; without ``variants`` each of the file's is looked at too.

    Raises
    ------
    UsageError
        As :func:`coercivity.models.licensing.data.load.load`.
    InvalidInstance
        Faults of the file and of its variants, all at once.
    """
    document = completed(documents.read(find(path)))
    stated = _Look(document, sets, variants)
    others = [] if variants else [_Look(document, sets, [name]) for name in _variants(document)]
    faults = [*stated.faults, *(fault for look in others for fault in look.marked(look.faults, stated.faults))]
    if stated.instance is None or faults:
        raise InvalidInstance(document.name, list(dict.fromkeys(faults)))
    warnings = [*stated.warnings, *(one for look in others for one in look.marked(look.warnings, stated.warnings))]
    warnings += [look.empty() for look in others if look.instance and _said(look.instance) == _said(stated.instance)]
    return Examined(document.name, stated.instance, tuple(dict.fromkeys(warnings)))


def notice(instance: Instance, argument: str, sets: Sequence[str] = (), variants: Sequence[str] = ()) -> str:
    """One line that says how many warnings there are and how to read them; empty where there are none."""
    count = len(implausible(instance))
    options = [word for name in variants for word in ("--variant", name)] + [
        word for one in sets for word in ("--set", one)
    ]
    words = shlex.join(["coercivity", "validate", argument, *options])
    return f"{count} warning{'s' if count != 1 else ''}: {words}" if count else ""


class _Look:
    """What is found in a document with some variants applied."""

    def __init__(self, document: Document, sets: Sequence[str], variants: Sequence[str]) -> None:
        self.document, self.variants = document, variants
        self.instance: Instance | None = None
        self.faults: tuple[Finding, ...] = ()
        self.warnings: tuple[Finding, ...] = ()
        try:
            changed = applied(document, sets, variants)
            self.instance = validated(changed, document)
        except InvalidInstance as error:
            self.faults = error.findings
        except UsageError:
            # What --set names is not there under every variant; under the one that was asked for it must be.
            if not sets or not _is_applicable(document, variants):
                raise
        else:
            found: list[Placed] = [placed(changed, path, what, fix) for path, what, fix in implausible(self.instance)]
            self.warnings = invalid(changed, found).findings

    def marked(self, found: Sequence[Finding], known: Sequence[Finding]) -> list[Finding]:
        """What is found here and not among ``known``, with the name of the variant, at its place in the file."""
        told = {(one.path, one.what) for one in known}
        name = self.variants[0]
        return [
            replace(one, place=self._place(one), what=f"variant {name}: {one.what}")
            for one in found
            if (one.path, one.what) not in told
        ]

    def _place(self, found: Finding) -> str:
        if found.place.startswith(f"{self.document.name}:"):
            return found.place
        name = self.variants[0]
        written = documents.at(self.document.data, ("variants", name, "set"))
        for key in written if isinstance(written, dict) else ():
            if f"{found.path}.".startswith(f"{key}.") or key.startswith(f"{found.path}."):
                return self.document.place(("variants", name, "set", key), True)
        return self.document.place(("variants", name), True)

    def empty(self) -> Finding:
        """A warning that the variant changes nothing."""
        path: Path = ("variants", self.variants[0])
        what, fix = "the variant changes nothing", "set something else, or drop it"
        return Finding(self.document.place(path, True), dotted(path), what, fix)


def _is_applicable(document: Document, variants: Sequence[str]) -> bool:
    """Whether variants can be applied by themselves, more than none of them."""
    try:
        applied(document, (), variants)
    except (UsageError, InvalidInstance):
        return False
    return bool(variants)


def _variants(document: Document) -> list[str]:
    variants = document.data.get("variants")
    return list(variants) if isinstance(variants, dict) else []


def _said(instance: Instance) -> Any:
    """The data of an instance without where its numbers come from."""
    return _bare({key: getattr(instance, key) for key in type(instance).model_fields})


def _bare(node: object) -> Any:
    if isinstance(node, Quantity):
        return node.value
    if isinstance(node, BaseModel):
        return {key: _bare(getattr(node, key)) for key in type(node).model_fields}
    if isinstance(node, Mapping):
        return {key: _bare(value) for key, value in node.items()}
    return [_bare(one) for one in node] if isinstance(node, list | tuple) else node
