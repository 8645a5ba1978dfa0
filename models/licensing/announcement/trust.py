"""Trust: an automaton that postures move, and that sets what buyers fear."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.data.reactions import Fading, TrustState
from coercivity.models.licensing.data.strategies import Breakdown, Posture
from coercivity.models.licensing.market.periods import Floats, Grid

HIGHEST_HAZARD = 0.9
"""No fear makes a breakdown certain: what buyers would then do for the other case would be undetermined."""


class TrustPath:
    """The state in which each phase begins, for a path of postures.

    Attributes
    ----------
    states : names of the states by phase; empty without an automaton
    """

    def __init__(self, instance: Instance, used: Sequence[frozenset[str]], kept: Sequence[float] = ()) -> None:
        self.instance = instance
        self.states = _walk(instance, used)
        self._kept = kept

    def state(self, phase: int) -> TrustState | None:
        """The state in which a phase begins; None without an automaton."""
        trust = self.instance.trust
        return trust.states[self.states[phase]] if trust is not None else None

    def hazard(self, phase: int, postures: Sequence[Posture]) -> float:
        """Chance of a breakdown in a phase as buyers see it: the greatest in force, times what this state makes of it.

        The licensing system breaks down as a whole; a buyer who sees its neighbour squeezed fears for itself.
        """
        worst = max(float(posture.hazard) for posture in postures)
        state, trust = self.state(phase), self.instance.trust
        if state is None or trust is None:
            return worst
        fear = float(state.fear)
        if self._kept:
            calm = min(float(other.fear) for other in trust.states.values())
            fear = calm + (fear - calm) * self._kept[phase]
        return min(HIGHEST_HAZARD, fear * worst)

    def breakdown(self, phase: int, posture: Posture) -> Breakdown:
        """What is feared: what the state says, or else the posture."""
        state = self.state(phase)
        return posture.breakdown if state is None or state.breakdown is None else state.breakdown


def kept_fear(
    fading: Fading, grid: Grid, bounds: Sequence[tuple[int, int]], licence: Floats, forecast: Floats
) -> list[float]:
    """The part of fear that is left in each phase [h], given licences and forecast imports [t,b,k] while licences hold.

    The clock runs in months whose deliveries are full and goes back to zero in any other; in a phase it is the mean over
    its months of one half to the power of years on the clock over the half-life.
    """
    is_full: np.ndarray = np.asarray((licence >= float(fading.full) * forecast * (1.0 - 1e-9)).all(axis=(1, 2)))
    clock, left = 0.0, []
    for full, months in zip(is_full, grid.length, strict=True):
        for _ in range(int(months)):
            left.append(0.5 ** ((clock + 0.5) / (12.0 * float(fading.half_life))) if full else 1.0)
            clock = clock + 1.0 if full else 0.0
    month = [*np.cumsum([0, *grid.length]).astype(int).tolist()]
    return [float(np.mean(left[month[first] : month[last]])) for first, last in bounds]


def _walk(instance: Instance, used: Sequence[frozenset[str]]) -> tuple[str, ...]:
    trust = instance.trust
    if trust is None:
        return ()
    rank = {name: position for position, name in enumerate(trust.conducts)}
    state, states = trust.initial, []
    for names in used:
        states.append(state)
        conducts = [instance.postures[name].conduct for name in names]
        worst = max((conduct for conduct in conducts if conduct is not None), key=rank.__getitem__)
        state = trust.moves.get(state, {}).get(worst, state)
    return tuple(states)
