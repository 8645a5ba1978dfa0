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
    apart : whether every product has a slot of its own
    """

    postures: tuple[str, ...]
    bundles: tuple[tuple[int, ...], ...]
    phases: int
    groups: int
    products: int
    apart: bool = False

    @property
    def slots(self) -> int:
        """Number of decisions in a joint strategy."""
        return self.phases * len(self.bundles) * self.lots

    @property
    def lots(self) -> int:
        """Number of sets of products that are treated alike: all of them, or each by itself."""
        return self.products if self.apart else 1

    def governs(self, slot: int) -> tuple[int, tuple[int, ...], tuple[int, ...]]:
        """What a slot decides: the phase, the groups, the products."""
        phase, rest = divmod(slot, len(self.bundles) * self.lots)
        bundle, lot = divmod(rest, self.lots)
        return phase, self.bundles[bundle], (lot,) if self.apart else tuple(range(self.products))

    def __len__(self) -> int:
        paths: int = len(self.postures) ** self.slots
        return paths

    def path(self, choice: Sequence[int]) -> Path:
        """The path that fills every slot with the posture of that number: phase by phase, bundle by bundle, product by product."""
        names = [[[""] * self.products for _ in range(self.groups)] for _ in range(self.phases)]
        for slot in range(self.slots):
            phase, groups, products = self.governs(slot)
            for group in groups:
                for product in products:
                    names[phase][group][product] = self.postures[int(choice[slot])]
        return tuple(tuple(tuple(row) for row in groups) for groups in names)

    def choice(self, path: Path) -> tuple[int, ...] | None:
        """The choice that gives a path; None if the path is not on the menu."""
        picked = []
        for slot in range(self.slots):
            phase, groups, products = self.governs(slot)
            names = {path[phase][group][product] for group in groups for product in products}
            if len(names) != 1 or next(iter(names)) not in self.postures:
                return None
            picked.append(self.postures.index(names.pop()))
        return tuple(picked)


def menu_of(instance: Instance) -> Menu:
    """The menu of an instance."""
    groups = tuple(instance.groups)
    bundles = instance.menu.bundles or tuple((group,) for group in groups)
    numbered = tuple(tuple(groups.index(group) for group in bundle) for bundle in bundles)
    sizes = (len(instance.phases), len(groups), len(instance.products))
    return Menu(instance.menu.postures, numbered, *sizes, apart=instance.menu.products == "apart")
