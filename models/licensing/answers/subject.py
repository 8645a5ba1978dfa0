"""The instance that a result is about, as every result states it."""

from __future__ import annotations

from dataclasses import dataclass

from coercivity.engine.data.values import sometimes
from coercivity.models.licensing.data.instance import Instance


@dataclass(frozen=True)
class Subject:
    """The instance that a result is about."""

    name: str  # as the command line takes it
    title: str  # in a few words
    hash: str  # of what the instance says
    money: str | None = sometimes()  # in which all money is stated, only where the result has any

    @property
    def heading(self) -> str:
        """What was asked: the instance, and the money of its figures."""
        return f"{self.name}: {self.title}" + (f" ({self.money})" if self.money else "")


def subject_of(instance: Instance) -> Subject:
    """What a result says of an instance."""
    money = f"constant US dollars of {instance.money.year}"
    return Subject(instance.name, instance.title, instance.fingerprint(), money)
