"""What a saved comparison says that it hinges on, found again."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from coercivity.engine.data.values import to_plain
from coercivity.engine.proof.check import Check
from coercivity.engine.proof.retelling import holds, plain
from coercivity.engine.study.memory.ledger import Ledger
from coercivity.models.licensing.answers.commands import Comparison, Solution
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.studies.reasons.hinges import Means, hinges_of

# Two searches start their programs from different places: figures agree to so much of themselves, or of a million USD.
EXACT, LITTLE = 1e-5, 1e-3


def hinges_judged(instance: Instance, told: Solution | Comparison) -> Iterator[Check]:
    """Whether as many numbers, looked at again, turn the ranking where it is said that they do; nothing where none was."""
    if not isinstance(told, Comparison) or told.hinges is None:
        return
    with tempfile.TemporaryDirectory(prefix="coercivity-") as folder, Ledger(Path(folder) / "ledger.sqlite") as ledger:
        again = hinges_of(instance, told.strategies, Means(ledger, again=told.hinges))
    where = _apart(plain(to_plain(told.hinges)), plain(to_plain(again)), "hinges")
    yield holds("the same numbers turn the ranking at the same values" if where is None else where, where is None)


def _apart(stated: Any, again: Any, place: str) -> str | None:
    """Where two tellings differ first; None where they say the same."""
    if isinstance(stated, dict) and isinstance(again, dict) and set(stated) == set(again):
        return next((where for key in again if (where := _apart(stated[key], again[key], f"{place}.{key}"))), None)
    if isinstance(stated, list) and isinstance(again, list) and len(stated) == len(again):
        pairs = enumerate(zip(stated, again, strict=True))
        return next((where for at, (one, other) in pairs if (where := _apart(one, other, f"{place}.{at}"))), None)
    if isinstance(stated, float) and isinstance(again, float):
        room = max(EXACT * abs(again), LITTLE if place.endswith("_musd") else 0.0)
        return None if abs(stated - again) <= room else place
    return None if type(stated) is type(again) and stated == again else place
