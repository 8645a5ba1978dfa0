"""The price corridor: what it spares buyers and what it costs whoever defends it.

A price swings around its mean by a share ε, normal with standard deviation σ. A corridor of half-width w cuts off
what lies beyond: E[(|ε| − w)⁺] = 2(σ φ(w/σ) − w Φ(−w/σ)) of the mean price. Buyers would pay a premium to be rid of
a dollar of expected swing; the leader absorbs it at a cost of its own. The mean price stays what it is.
"""

from __future__ import annotations

import math

from coercivity.models.licensing.data.instance import Instance


def beyond(volatility: float, width: float) -> float:
    """Expected swing outside of a corridor, as a share of the price.

    >>> round(beyond(0.25, 0.0), 4), round(beyond(0.25, 0.1), 4)
    (0.1995, 0.1152)
    """
    scaled = width / volatility
    density = math.exp(-scaled * scaled / 2.0) / math.sqrt(2.0 * math.pi)
    return 2.0 * (volatility * density - width * 0.5 * math.erfc(scaled / math.sqrt(2.0)))


def relief_by_width(instance: Instance) -> dict[float, tuple[float, float]]:
    """For each width in the instance: what buyers are spared, and the expected swing absorbed; shares of the price."""
    risk = instance.buyers.price_risk
    if risk is None:
        return {}
    found = {}
    for posture in instance.postures.values():
        if posture.corridor is not None:
            swing = beyond(float(risk.volatility), float(posture.corridor))
            found[float(posture.corridor)] = (float(risk.premium) * swing, swing)
    return found
