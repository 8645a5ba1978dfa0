"""Discretion: what a leader would do once followers' irreversible decisions are made, and what a promise is worth.

Accepts: payoffs U[i, j] of a leader that announced i, was believed, and then plays j, over a finite set of
commitments; the followers' irreversible decisions are those of their best response to i, all others answer j.

A commitment is *self-enforcing* if U[i, i] ≥ U[i, j] for all j: nothing is gained by breaking the promise. The
discretionary value is that of the best self-enforcing commitment. Where there is none, the commitment with the least
regret max_j U[i, j] − U[i, i] stands in, and that is said. The value of commitment is what the best commitment pays
beyond it.

Bound: exact over the set that is given, for the payoffs that are given; no claim about commitments outside of it.
Source: Kydland and Prescott, "Rules rather than discretion", Journal of Political Economy 85 (1977).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from coercivity.engine.programs.hot import Floats


@dataclass(frozen=True)
class Discretion:
    """What can be upheld without a promise.

    Attributes
    ----------
    names : the commitments
    regret : [i] what breaking each promise would gain at most, ≥ 0
    temptation : [i] number of the commitment that would gain it
    stable : numbers of the self-enforcing commitments, best first
    chosen : number of the best of them, or of the one with the least regret
    value : what the chosen one pays when kept
    commitment : what the best commitment pays
    """

    names: tuple[str, ...]
    regret: Floats
    temptation: tuple[int, ...]
    stable: tuple[int, ...]
    chosen: int
    value: float
    commitment: float

    @property
    def value_of_commitment(self) -> float:
        """What the best commitment pays beyond discretion."""
        return self.commitment - self.value


def discretion(names: Sequence[str], payoffs: Floats, tolerance: float) -> Discretion:
    """What of a set of commitments survives once followers have invested.

    Parameters
    ----------
    payoffs : [i, j] announced i, played j
    tolerance : gains smaller than this tempt nobody; in the unit of the payoffs

    >>> found = discretion(["hard", "soft"], np.array([[5.0, 6.0], [9.0, 8.0]]), 1e-9)
    >>> found.stable, found.names[found.chosen], found.value, found.value_of_commitment
    ((), 'soft', 8.0, 0.0)
    """
    kept = np.diagonal(payoffs)
    regret = np.maximum(payoffs.max(axis=1) - kept, 0.0)
    temptation = tuple(int(j) for j in payoffs.argmax(axis=1))
    stable = sorted(np.flatnonzero(regret <= tolerance).tolist(), key=lambda i: -kept[i])
    chosen = stable[0] if stable else int(np.lexsort((-kept, regret))[0])
    return Discretion(tuple(names), regret, temptation, tuple(stable), chosen, float(kept[chosen]), float(kept.max()))
