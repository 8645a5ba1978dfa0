"""Trust: an automaton that postures move, and that sets what buyers fear."""

from __future__ import annotations

from collections.abc import Sequence

from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.data.reactions import TrustState
from coercivity.models.licensing.data.strategies import Breakdown, Posture

HIGHEST_HAZARD = 0.9
"""No fear makes a breakdown certain: what buyers would then do for the other case would be undetermined."""


class TrustPath:
    """The state in which each phase begins, for a path of postures.

    Attributes
    ----------
    states : names of the states by phase; empty without an automaton
    """

    def __init__(self, instance: Instance, used: Sequence[frozenset[str]]) -> None:
        self.instance = instance
        self.states = _walk(instance, used)

    def state(self, phase: int) -> TrustState | None:
        """The state in which a phase begins; None without an automaton."""
        trust = self.instance.trust
        return trust.states[self.states[phase]] if trust is not None else None

    def hazard(self, phase: int, postures: Sequence[Posture]) -> float:
        """Chance of a breakdown in a phase as buyers see it: the greatest in force, times what this state makes of it.

        The licensing system breaks down as a whole; a buyer who sees its neighbour squeezed fears for itself.
        """
        worst = max(float(posture.hazard) for posture in postures)
        state = self.state(phase)
        return worst if state is None else min(HIGHEST_HAZARD, float(state.fear) * worst)

    def breakdown(self, phase: int, posture: Posture) -> Breakdown:
        """What is feared: what the state says, or else the posture."""
        state = self.state(phase)
        return posture.breakdown if state is None or state.breakdown is None else state.breakdown


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
