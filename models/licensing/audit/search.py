"""The search judged: whether it looked at the whole menu, and whether its bounds hold where they are tried.

The menu is counted from the instance. A seeded sample of strategies, with those whose bounds come next to the best, is
evaluated by the audit and held against the bounds that the search gave them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from coercivity.engine.programs.hot import Floats
from coercivity.engine.proof.check import Check, at_most
from coercivity.models.licensing.audit import rules as rules
from coercivity.models.licensing.audit.rules import Postures
from coercivity.models.licensing.data.instance import Instance

# Strategies evaluated: drawn at random, and with the highest bounds after the best.
DRAWN, NEXT = 6, 2


@dataclass(frozen=True)
class Looked:
    """What a finished search says of itself.

    Attributes
    ----------
    choices : [n,s] the joint strategies, the number of a posture for each slot
    bounds : [n] what none of them is worth more than, million USD
    resolved : of how many the exact value was computed, in the order of their bounds
    """

    choices: NDArray[np.int64]
    bounds: Floats
    resolved: int


def search_checks(
    instance: Instance, looked: Looked, bound: float, unit: float, worth: Callable[[Postures], float]
) -> tuple[Check, ...]:
    """Whether a search supports its bound, million USD.

    Parameters
    ----------
    unit : the least size that a figure is measured against
    worth : the optimistic value of a path of postures, by the audit
    """
    slots, options = rules.slots(instance), len(instance.menu.postures)
    choices = np.asarray(looked.choices).reshape(len(looked.choices), -1)
    is_menu = choices.shape[1] == slots and bool(np.all((choices >= 0) & (choices < options)))
    seen = len(np.unique(choices, axis=0)) if is_menu else 0
    order = np.argsort(-looked.bounds, kind="stable")
    left = float(looked.bounds[order[looked.resolved]]) if looked.resolved < len(order) else -np.inf
    checks = [
        Check("every strategy on the menu was screened", float(abs(options**slots - seen)), 1.0, 0.0),
        at_most("no strategy left aside has a bound above the one claimed", left, bound, unit)
        if left > -np.inf
        else Check("no strategy left aside has a bound above the one claimed", 0.0, 1.0),
    ]
    if not is_menu:
        return tuple(checks)
    random = np.random.default_rng(int(instance.fingerprint()[:8], 16))
    drawn = random.choice(len(order), min(DRAWN, len(order)), replace=False)
    tried = sorted({int(at) for at in (*drawn, *order[: 1 + NEXT])})
    values = [worth(rules.on_menu(instance, choices[at].tolist())) for at in tried]
    excess = [value - float(looked.bounds[at]) for at, value in zip(tried, values, strict=True)]
    worst = int(np.argmax(excess))
    return (
        *checks,
        at_most(
            "no strategy of a sample is worth more than its bound",
            values[worst], float(looked.bounds[tried[worst]]), unit,
        ),
        at_most("no strategy of a sample is worth more than the bound claimed", max(values), bound, unit),
    )  # fmt: skip


SEARCHED = frozenset(
    {
        "every strategy on the menu was screened",
        "no strategy left aside has a bound above the one claimed",
        "no strategy of a sample is worth more than its bound",
        "no strategy of a sample is worth more than the bound claimed",
    }
)
