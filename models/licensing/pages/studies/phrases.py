"""What the pages of all studies share: values with their units, how many points there were, and what failed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from coercivity.engine.report.text import Block, Column, Prose, Table, amount
from coercivity.models.licensing.answers.threshold.parameter import ParameterFacts
from coercivity.models.licensing.pages.words import heading, texts

Data = Mapping[str, Any]
MOST_FAILURES = 20
MOST_VALUES = 4
PAIRED = "All strategies are weighed at the same points, so that what strikes all of them alike cancels."


def at(block: Data, value: float | None) -> str:
    """A value of a parameter with its unit.

    >>> at({"kind": "value", "unit": "1", "month": None}, 0.25), at({"kind": "factor", "unit": "1", "month": None}, 2.0)
    ('25 %', '2 times')
    """
    facts = ParameterFacts("", block["kind"], block["unit"], 1, 0.0, None, None, block["month"])
    return facts.shown(value)


def title(result: Data) -> str:
    """What was asked of which instance."""
    return heading(result)


def pair(result: Data) -> str:
    """The strategy that a study is about, and what it is held against, in words."""
    others = result["against"]
    if not others:
        return f"the payoff of {result['strategy']}"
    against = others[0] if len(others) == 1 else "the best of all others"
    return f"{result['strategy']} less {against}"


def subject(result: Data, is_first: bool = True) -> str:
    """The same as the subject of a sentence, at its beginning or inside."""
    words = pair(result) if not result["against"] else f"the difference {pair(result)}"
    return words[0].upper() + words[1:] if is_first else words


def opening(result: Data) -> str:
    """How many points were asked, of what, and how they ended."""
    design, runs = result["design"], result["runs"]
    varied = len(design["parameters"])
    said = f"{design['points']:,} points ({design['kind']}) over {varied} number{'s' if varied != 1 else ''}"
    ends = [f"{runs[name]:,} {name}" for name in ("infeasible", "failed", "not run") if runs[name]]
    reused = f", {runs['reused']:,} of them known before" if runs.get("reused") else ""
    seed = f", seed {design['seed']}" if design["seed"] is not None else ""
    return f"{said}{seed}{reused}" + (f"; {', '.join(ends)}." if ends else ".")


def shard_block(result: Data) -> list[Block]:
    """What a share of a study says: nothing but how far it came."""
    i, n = result["shard"]
    said = [
        opening(result),
        f"This was share {i} of {n}; run the command without --shard, in the same place, to read all of them together.",
    ]
    return [Prose(title(result), said)]


def failures(result: Data) -> Iterator[Table]:
    """The points without an answer: the values that moved most, and why."""
    found = result["failures"]
    if found:
        blocks = {block["parameter"]: block for block in result["design"]["parameters"]}
        rows = [[row["point"], _values(row["values"], blocks), row["message"]] for row in found[:MOST_FAILURES]]
        more = f"{len(found) - MOST_FAILURES:,} more are in points.csv." if len(found) > MOST_FAILURES else ""
        yield Table(
            "Points without an answer", [Column("point"), *texts("values", "why")], rows, stacks=True, note=more
        )


def _values(values: Data, blocks: Mapping[str, Data]) -> str:
    """The values of a point, those farthest from the stated ones first."""

    def distance(name: str) -> float:
        block = blocks.get(name)
        if block is None or block["high"] == block["low"]:
            return 0.0
        return abs(float(values[name]) - float(block["now"])) / (float(block["high"]) - float(block["low"]))

    names = sorted(values, key=lambda name: -distance(name))
    told = [f"{name} {at(blocks[name], values[name]) if name in blocks else amount(values[name])}" for name in names]
    return "; ".join(told[:MOST_VALUES]) + (" …" if len(told) > MOST_VALUES else "")


def closing(result: Data) -> list[Block]:
    """What a reader must know: what the file warns of, and how exact the figures are."""
    return [Prose("Mind", [*result["caveats"], result["precision"]])]
