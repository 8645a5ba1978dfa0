"""The menu of the search: joint strategies as choices of a posture for every slot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from coercivity.models.licensing.announcement.licences import Path
from coercivity.models.licensing.data.instance import Instance


@dataclass(frozen=True)
class Menu:
    """The joint strategies that the search ranges over: one posture per slot, a slot being a phase and a bundle.

    Attributes
    ----------
    postures : the postures on the menu
    bundles : numbers of the groups that are treated alike
    phases, groups, products : sizes of a path
    """

    postures: tuple[str, ...]
    bundles: tuple[tuple[int, ...], ...]
    phases: int
    groups: int
    products: int

    @property
    def slots(self) -> int:
        """Number of decisions in a joint strategy."""
        return self.phases * len(self.bundles)

    def __len__(self) -> int:
        paths: int = len(self.postures) ** self.slots
        return paths

    def path(self, choice: Sequence[int]) -> Path:
        """The path that fills slot ``phase · bundles + bundle`` with the posture of that number."""
        count = len(self.bundles)
        rows = []
        for phase in range(self.phases):
            names = [""] * self.groups
            for bundle, members in enumerate(self.bundles):
                for group in members:
                    names[group] = self.postures[int(choice[phase * count + bundle])]
            rows.append(tuple((name,) * self.products for name in names))
        return tuple(rows)

    def choice(self, path: Path) -> tuple[int, ...] | None:
        """The choice that gives a path; None if the path is not on the menu."""
        picked = []
        for phase in path:
            for members in self.bundles:
                names = {name for group in members for name in phase[group]}
                if len(names) != 1 or next(iter(names)) not in self.postures:
                    return None
                picked.append(self.postures.index(names.pop()))
        return tuple(picked)


def menu_of(instance: Instance) -> Menu:
    """The menu of an instance."""
    groups = tuple(instance.groups)
    bundles = instance.menu.bundles or tuple((group,) for group in groups)
    numbered = tuple(tuple(groups.index(group) for group in bundle) for bundle in bundles)
    return Menu(instance.menu.postures, numbered, len(instance.phases), len(groups), len(instance.products))
