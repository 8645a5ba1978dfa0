"""What the multipliers of the audit's program earn the leader, read off the program's rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from coercivity.engine.programs.hot import Floats

if TYPE_CHECKING:
    from coercivity.models.licensing.audit.program import ScenarioProgram


def rent_weight(program: ScenarioProgram) -> Floats:
    """The leader's value of a unit of every row's multiplier, its sign turned; thousand USD."""
    audit, rents = program.audit, program.instance.leader.rents
    weight = np.zeros(len(program.low))
    odds = audit.probabilities(leader=True)
    factor = audit.factors(float(program.instance.leader.discount_rate))
    licences = program.licence_rows | program.release_rows
    for rows, captured in ((licences, float(rents.licence)), (program.exporter_rows, float(rents.exporter))):
        for row, (w, t, *_) in rows.items():
            # Before a breakdown the scenarios share one price, so only the weight of the shared node counts:
            # how its multiplier is split over the copies is arbitrary.
            same = together(program, w, t)
            scale = odds[same].sum() * factor[t] / (program.chance[same].sum() * program.factor[t])
            weight[row] = captured * scale * program.high[row]
    return weight


def rent_groups(program: ScenarioProgram) -> tuple[np.ndarray, Floats, Floats, Floats]:
    """The rows that make one price, and what it is worth to the leader, up to which premium, and how high it can be.

    Returns
    -------
    group : number of every row's price; -1 for a row without rent. Before a breakdown the copies of a node have one
    worth : the leader's value of a unit of the price, thousand USD
    cap : the price beyond which it earns no more; in the unit of the multipliers
    most : the price that no licence exceeds, the worth of the last use; infinite for others
    """
    premium = program.instance.leader.rents.premium
    assert premium is not None
    highest = max(float(segment.value or 0.0) for segment in program.instance.segments.values())
    weight, group = rent_weight(program), np.full(len(program.low), -1)
    numbers: dict[tuple[object, ...], int] = {}
    worth: list[float] = []
    cap: list[float] = []
    most: list[float] = []
    whole = {(w, t - back, *cell) for w, t, *cell in program.release_rows.values() for back in range(3)}
    kinds: dict[str, Mapping[int, tuple[int, ...]]] = {
        "licence": program.licence_rows,
        "release": program.release_rows,
        "exporters": program.exporter_rows,
    }
    for kind, rows in kinds.items():
        for row, (w, t, *cell) in rows.items():
            same = together(program, w, t)
            if not weight[row] or (kind == "licence" and any((v, t, *cell) in whole for v in same)):
                continue
            key = (kind, min(same), t, *cell)
            if key not in numbers:
                numbers[key] = len(worth)
                dollar = program.chance[same].sum() * program.factor[t]
                worth.append(weight[row])
                cap.append(float(premium) * dollar)
                most.append(highest * dollar if kind == "licence" else np.inf)
            group[row] = numbers[key]
    return group, np.array(worth), np.array(cap), np.array(most)


def together(program: ScenarioProgram, w: int, t: int) -> list[int]:
    """The scenarios that are still one in period ``t`` with scenario ``w``."""
    first = program.audit.first[t]
    struck = [v for v, strike in enumerate(program.audit.departures, start=1) if strike <= first]
    return [w] if w in struck else [v for v in range(program.scenarios) if v not in struck]
