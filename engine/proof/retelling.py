"""A saved result beside the same result told again: every part compared, what is missing or not recognised refused."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from coercivity.engine.data.values import to_plain
from coercivity.engine.proof.check import Check

SEAL = "seal"
# Two tellings of a number differ by no more than the first part of it, or the second of the largest beside it.
RELATIVE, BESIDE = 1e-6, 1e-8


@dataclass(frozen=True)
class JudgedCheck:
    """One check of a saved result."""

    strategy: str  # or the part of the result that the check is about
    name: str  # what was compared
    gap: float  # distance between what is stated and what was found again, in the figure's own unit
    scale: float  # what the gap is measured against, in the same unit
    tolerance: float  # share of the scale that the gap may be
    ok: bool  # whether the gap is within tolerance


def judged(strategy: str, check: Check) -> JudgedCheck:
    """A check with the strategy, or the part of the result, that it is about."""
    return JudgedCheck(strategy, check.name, check.gap, check.scale, check.tolerance, check.ok)


def plain(data: Any) -> Any:
    """Data as JSON gives it back: lists for tuples, texts for keys, None for what is not a finite number.

    >>> plain({1: (float("nan"), 2.0)})
    {'1': [None, 2.0]}
    """
    if isinstance(data, Mapping):
        return {str(key): plain(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [plain(value) for value in data]
    if isinstance(data, float):
        return data if math.isfinite(data) else None
    return data.item() if hasattr(data, "item") else data


def seal(result: Any) -> str:
    """A hash of everything that a result says, but for the seal itself in its manifest.

    It tells that nothing was touched since the result was saved, times and versions included; whether what it says is
    true is for the judge to say.
    """
    told = to_plain(result)
    manifest = {key: value for key, value in told.get("manifest", {}).items() if key != SEAL}
    text = json.dumps(plain({**told, "manifest": manifest}), sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def seal_check(result: Mapping[str, Any]) -> Check:
    """Whether a result is as it was saved."""
    manifest = result.get("manifest")
    stated = manifest.get(SEAL) if isinstance(manifest, Mapping) else None
    return holds("the seal is that of what the result says", stated == seal(result))


def holds(name: str, is_so: bool) -> Check:
    """The check that something is so."""
    return Check(name, 0.0 if is_so else 1.0, 1.0)


def compared(
    stated: Mapping[str, Any], again: Mapping[str, Any], told: str, apart: frozenset[str] = frozenset()
) -> Iterator[Check]:
    """A check for each part of a result, that it says the same again, and a failed one for each part that is not known.

    Parameters
    ----------
    stated, again : the saved result and what it should say
    told : how a check's name begins
    apart : parts that are judged elsewhere
    """
    stated, again = plain(stated), plain(again)
    for key in sorted(set(again) - apart):
        where = differs(stated.get(key), again[key]) if key in stated else "missing"
        name = f"{told}: {key}"
        yield holds(name, True) if where is None else Check(name, math.inf, 1.0)
    for key in sorted(set(stated) - set(again) - apart):
        yield Check(f"{key!r} is a part of such a result", math.inf, 1.0)


def differs(stated: Any, again: Any, beside: float = 0.0) -> str | None:
    """Where two tellings differ first, as a path; None where they say the same.

    >>> differs({"a": [1.0, 2.0]}, {"a": [1.0, 2.0 + 1e-9]}), differs({"a": [1.0, 2.0]}, {"a": [1.0, 3.0]})
    (None, 'a.1')
    >>> differs(True, 1.0), differs({"a": 1}, {"a": 1, "b": 2}), differs({"a": 1, "c": 2}, {"a": 1})
    ('here', 'b', 'c')
    """
    if isinstance(stated, dict) and isinstance(again, dict):
        odd = sorted(set(stated) ^ set(again))
        if odd:
            return str(odd[0])
        if {"gap", "scale", "tolerance"} <= set(again) and _is_number(again["gap"]):
            return _check_differs(stated, again)
        return _first([(key, stated[key], again[key]) for key in again])
    if isinstance(stated, list) and isinstance(again, list):
        if len(stated) != len(again):
            return f"{len(stated)} entries, not {len(again)}"
        return _first([(str(at), one, other) for at, (one, other) in enumerate(zip(stated, again, strict=True))])
    if _is_number(stated) and _is_number(again):
        room = max(RELATIVE * abs(again), BESIDE * beside)
        return None if abs(stated - again) <= max(room, 1e-12) else "here"
    return None if type(stated) is type(again) and stated == again else "here"


def _check_differs(stated: dict[str, Any], again: dict[str, Any]) -> str | None:
    """Of a check the gap may move by rounding, which its own scale and tolerance measure; the rest stays."""
    room = max(1e-3 * again["tolerance"] * again["scale"], RELATIVE * abs(again["gap"]))
    if not _is_number(stated["gap"]) or abs(stated["gap"] - again["gap"]) > room:
        return "gap"
    return _first([(key, stated[key], again[key]) for key in again if key not in ("gap", "scale")]) or _first(
        [("scale", stated["scale"], again["scale"])]
    )


def _first(entries: list[tuple[str, Any, Any]]) -> str | None:
    beside = max([0.0, *(abs(other) for _, _, other in entries if _is_number(other) and len(entries) > 1)])
    for key, one, other in entries:
        where = differs(one, other, beside)
        if where is not None:
            return key if where == "here" else f"{key}.{where}"
    return None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
