"""What the pages of all studies share: values with their units, how many points there were, and what failed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from coercivity.engine.report.text import Block, Column, Prose, Table, amount
from coercivity.models.licensing.pages.words import texts
from coercivity.models.licensing.studies.values import DesignFacts, Discovered, Sensitivity, StudyAnswer, Sweep

MOST_FAILURES = 20
MOST_VALUES = 4
PAIRED = "All strategies are weighed at the same points, so that what strikes all of them alike cancels."


def pair(result: Sweep | Sensitivity | Discovered) -> str:
    """The strategy that a study is about, and what it is held against, in words."""
    if not result.against:
        return f"the payoff of {result.strategy}"
    against = result.against[0] if len(result.against) == 1 else "the best of all others"
    return f"{result.strategy} less {against}"


def subject(result: Sweep | Sensitivity | Discovered, is_first: bool = True) -> str:
    """The same as the subject of a sentence, at its beginning or inside."""
    words = pair(result) if not result.against else f"the difference {pair(result)}"
    return words[0].upper() + words[1:] if is_first else words


def opening(result: StudyAnswer) -> str:
    """How many points were asked, of what, and how they ended."""
    design, runs = result.design, result.runs
    varied = len(design.parameters)
    said = f"{design.points:,} points ({design.kind}) over {varied} number{'s' if varied != 1 else ''}"
    ends = [f"{runs[name]:,} {name}" for name in ("infeasible", "failed", "not run") if runs[name]]
    reused = f", {runs['reused']:,} of them known before" if runs.get("reused") else ""
    seed = f", seed {design.seed}" if design.seed is not None else ""
    return f"{said}{seed}{reused}" + (f"; {', '.join(ends)}." if ends else ".")


def shard_block(result: StudyAnswer, shard: tuple[int, int]) -> list[Block]:
    """What a share of a study says: nothing but how far it came."""
    i, n = shard
    said = [
        opening(result),
        f"This was share {i} of {n}; run the command without --shard, in the same place, to read all of them together.",
    ]
    return [Prose(result.instance.heading, said)]


def failures(result: StudyAnswer) -> Iterator[Table]:
    """The points without an answer: the values that moved most, and why."""
    found = result.failures
    if found:
        rows = [[row.point, _values(row.values, result.design), row.message] for row in found[:MOST_FAILURES]]
        more = f"{len(found) - MOST_FAILURES:,} more are in points.csv." if len(found) > MOST_FAILURES else ""
        yield Table(
            "Points without an answer", [Column("point"), *texts("values", "why")], rows, stacks=True, note=more
        )


def _values(values: Mapping[str, float], design: DesignFacts) -> str:
    """The values of a point, those farthest from the stated ones first."""

    def distance(name: str) -> float:
        facts = design.parameter(name)
        if facts is None or facts.high == facts.low:
            return 0.0
        return abs(values[name] - facts.now) / (facts.high - facts.low)

    def shown(name: str) -> str:
        facts = design.parameter(name)
        return f"{name} {facts.shown(values[name]) if facts else amount(values[name])}"

    names = sorted(values, key=lambda name: -distance(name))
    return "; ".join(map(shown, names[:MOST_VALUES])) + (" …" if len(names) > MOST_VALUES else "")


def closing(result: StudyAnswer) -> list[Block]:
    """What a reader must know: what the file warns of, and how exact the figures are."""
    return [Prose("Mind", [*result.caveats, result.precision])]
