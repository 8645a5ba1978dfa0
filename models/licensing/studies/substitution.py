"""Values of a study's parameters written into an instance without reading a file again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from coercivity.engine.data import document as documents
from coercivity.engine.data.reader import dotted
from coercivity.engine.errors import Finding, InvalidInstance
from coercivity.models.licensing.answers.threshold.parameter import Parameter
from coercivity.models.licensing.data.crosschecks.market import cross_check
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.data.load import build, effective
from coercivity.models.licensing.data.quantity import Quantity
from coercivity.models.licensing.data.schema import shape

# Rounding that factors and inverse distributions leave behind, as a share of a number.
SAME = 1e-12


class Writer:
    """Writes values of parameters into one instance.

    Numbers go straight into their place; a parameter that moves a date or the calendar is written into the document,
    and the whole read again. What the format allows is the caller's to know (:meth:`allows`); whether numbers fit
    together is checked at every point.
    """

    def __init__(self, instance: Instance, parameters: Sequence[Parameter]) -> None:
        self.stated, self.parameters = instance, tuple(parameters)
        self._numbers = frozenset(path for one in parameters if not one.is_whole for path in one.paths)
        self._document: documents.Document | None = None

    def changes(self, values: Sequence[float]) -> dict[str, float]:
        """The numbers that values change, by path; what stays as stated is left out, so that equal questions are told."""
        found: dict[str, float] = {}
        for parameter, value in zip(self.parameters, values, strict=True):
            if parameter.is_whole:
                if round(value) != round(parameter.now):
                    found[f"{parameter.kind}:{parameter.paths[0]}"] = float(round(value))
                continue
            factor = parameter.kind == "factor"
            for path, stated in zip(parameter.paths, parameter.values, strict=True):
                number = value * stated if factor else value
                if abs(number - stated) > SAME * abs(stated):
                    found[path] = float(number)
        return found

    def instance(self, values: Sequence[float]) -> Instance:
        """The instance at values of the parameters.

        Raises
        ------
        InvalidInstance
            The values do not fit with each other or with the rest; all findings.
        """
        instance = self.stated
        dates = [(one, value) for one, value in zip(self.parameters, values, strict=True) if one.is_whole]
        if any(round(value) != round(one.now) for one, value in dates):
            instance = self._rewritten(dates)
        changed: dict[str, Any] = {}
        for path, number in self.changes(values).items():
            if path in self._numbers:
                _put(changed, path.split("."), number)
        if changed:
            instance = _rebuilt(instance, changed)
        faults = cross_check(instance, is_drawn=True)
        found = [Finding(instance.name, dotted(path), what, fix) for path, what, fix in faults]
        if found:
            raise InvalidInstance(instance.name, found)
        return instance

    def allows(self, parameter: Parameter, value: float) -> bool:
        """Whether the format lets a parameter have a value, beside everything else as stated."""
        document = self._text()
        try:
            for path, written in parameter.changes(value):
                document = documents.replace(document, path, written, "study", shape())
            build(document)
        except InvalidInstance:
            return False
        return True

    def _text(self) -> documents.Document:
        if self._document is None:
            self._document = documents.parse(effective(self.stated), self.stated.name)
        return self._document

    def _rewritten(self, dates: Sequence[tuple[Parameter, float]]) -> Instance:
        document = self._text()
        for parameter, value in dates:
            for path, written in parameter.changes(value):
                document = documents.replace(document, path, written, "study", shape())
        return build(document)


def _put(tree: dict[str, Any], keys: Sequence[str], number: float) -> None:
    for key in keys[:-1]:
        tree = tree.setdefault(key, {})
    tree[keys[-1]] = number


def _rebuilt(node: Any, changes: Mapping[str, Any] | float) -> Any:
    """A node with the numbers below it changed; what does not change is shared."""
    if isinstance(node, Quantity):
        return node.model_copy(update={"value": changes})
    assert isinstance(changes, Mapping)
    if isinstance(node, BaseModel):
        return node.model_copy(update={key: _rebuilt(getattr(node, key), below) for key, below in changes.items()})
    if isinstance(node, dict):
        return node | {key: _rebuilt(node[key], below) for key, below in changes.items()}
    return tuple(_rebuilt(item, changes[str(at)]) if str(at) in changes else item for at, item in enumerate(node))
