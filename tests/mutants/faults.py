"""The list of seeded faults, read from the file beside this one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from ruamel.yaml import YAML

LIST = Path(__file__).with_name("faults.yaml")


class Kind(StrEnum):
    """What a fault is seeded to spoil."""

    ANSWER = "answer"
    BOUND = "bound"
    STUDY = "study"  # the fast writing of the program, which answers of studies alone are made with
    HARMLESS = "harmless"


@dataclass(frozen=True)
class Fault:
    """One seeded fault.

    Attributes
    ----------
    file : from the root of the tree
    old, new : the text that is replaced, which occurs exactly once, and what stands there instead
    reason : why it may pass unseen, where it may
    """

    room: str
    file: str
    name: str
    old: str
    new: str
    kind: Kind = Kind.ANSWER
    reason: str = ""

    def spoil(self, root: Path) -> None:
        """Seed the fault into a copy of the tree."""
        path = root / self.file
        text = path.read_text("utf-8")
        if text.count(self.old) != 1:
            raise ValueError(f"{self.name}: {self.old!r} occurs {text.count(self.old)} times in {self.file}, not once")
        path.write_text(text.replace(self.old, self.new), "utf-8")


def every() -> list[Fault]:
    """All faults of the list, room by room."""
    groups = YAML(typ="safe").load(LIST.read_text("utf-8"))
    return [
        Fault(**{**row, "room": group["room"], "file": group["file"], "kind": Kind(row.get("kind", Kind.ANSWER))})
        for group in groups
        for row in group["faults"]
    ]
