"""The instance in the window over which conceding spares pain: month by month, and nothing can be built or redesigned."""

from __future__ import annotations

import math

from coercivity.models.licensing.data.instance import Calendar, Instance


def decision_month(instance: Instance) -> int:
    """Months from the announcement to the first one in which a concession is in force from the beginning."""
    assert instance.concession is not None
    return math.ceil(float(instance.concession.begins) - 1e-9)


def window_months(instance: Instance) -> int:
    """Length of the window in months: up to the decision, and from there as long as the instance says."""
    assert instance.concession is not None and instance.concession.window is not None
    return decision_month(instance) + math.ceil(float(instance.concession.window) - 1e-9)


def in_window(instance: Instance) -> Instance:
    """The same world from the announcement to the end of the window, on months, with investment frozen."""
    calendar = Calendar(start=instance.calendar.start, months=window_months(instance), quarters=0, years=0)
    # Nothing is ordered, and nothing closes: what stands is paid for either way.
    frozen = {"expansion": None, "standing_cost": None}
    rivals = {name: rival.model_copy(update=frozen) for name, rival in instance.rivals.items()}
    return instance.model_copy(update={"calendar": calendar, "rivals": rivals, "options": {}})
