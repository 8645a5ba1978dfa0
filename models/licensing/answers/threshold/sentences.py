"""Thresholds between two strategies in words."""

from __future__ import annotations

from collections.abc import Iterator

from coercivity.models.licensing.answers.threshold.values import BreakEven, Line, ParameterTurns, Threshold
from coercivity.models.licensing.answers.verdict.wording import TERMS, musd

MAIN = 0.1  # a term is named if it closes this share of the gap


def sentences(result: Threshold) -> tuple[str, ...]:
    """What turns the ranking, in words; the nearest turning points that the sources allow come first."""
    one, other = result.strategy, result.against
    gap = result.values_musd[one] - result.values_musd[other]
    leads, trails = (one, other) if gap >= 0 else (other, one)
    said = [f"As stated {leads} is worth {musd(abs(gap))} more to the leader than {trails}."]
    if result.grid is not None:
        return (*said, *_line_says(result.grid))
    return (*said, *(_says(block, leads, trails, abs(gap)) for block in nearest_first(result)))


def nearest_first(result: Threshold) -> list[ParameterTurns]:
    """The parameters, those with a break-even inside their range first, then by how far it is from the present value."""

    def order(block: ParameterTurns) -> tuple[int, float]:
        if not block.break_evens:
            return (2, 0.0)
        scale = abs(block.now) or 1.0
        return (0 if block.is_inside else 1, min(abs(turn.value - block.now) / scale for turn in block.break_evens))

    return sorted(result.parameters or (), key=order)


def _says(block: ParameterTurns, leads: str, trails: str, gap: float) -> str:
    """One parameter in a sentence or three."""
    if not block.break_evens:
        low, high = map(block.shown, block.searched)
        least = min(abs(point.difference_musd) for point in block.scan)
        return f"{block.parameter}: no break-even from {low} to {high}; {leads} stays ahead, by {musd(least)} where it is closest."
    above = [turn for turn in block.break_evens if turn.value > block.now]
    below = [turn for turn in block.break_evens if turn.value <= block.now][::-1]
    parts = []
    for side, found in (("rises above", above), ("falls below", below)):
        for count, turn in enumerate(found):
            at = block.shown(turn.value)
            winner = turn.better_above if side == "rises above" else turn.better_below
            if count:
                parts.append(f"Beyond {at} {winner} leads again.")
            else:
                parts.append(f"{winner} overtakes once it {side} {at}{_why(turn, gap)}.")
    return f"{block.parameter} (now {block.shown(block.now)}{_support(block)}): {' '.join(parts)}"


def _support(block: ParameterTurns) -> str:
    span = block.range_shown()
    if span is None:
        return "; no range is stated"
    return f"; the break-even lies {'inside' if block.is_inside else 'outside'} the range {span}"


def _why(turn: BreakEven, gap: float) -> str:
    """The one or two terms of the payoff that close the gap."""
    moved = turn.terms_moved_musd or {}
    total = sum(moved.values())
    closing = sorted((item for item in moved.items() if item[1] * total > 0), key=lambda item: -abs(item[1]))[:2]
    told = [f"{TERMS.get(term, term)} {musd(abs(change))}" for term, change in closing if abs(change) >= MAIN * gap]
    return f", where the gap of {musd(gap)} is closed mainly by: {', '.join(told)}" if told else ""


def _line_says(grid: Line) -> Iterator[str]:
    first, second, rows = grid.first, grid.second, grid.rows
    winners = {row.wins_throughout for row in rows}
    if len(winners) == 1 and None not in winners:
        span = f"{first.parameter} from {first.shown(rows[0].at)} to {first.shown(rows[-1].at)}"
        least, most = map(second.shown, grid.searched)
        span += f" and {second.parameter} from {least} to {most}"
        yield f"No pair of values turns it: {winners.pop()} wins with {span}."
        return
    for row in rows:
        at = first.shown(row.at)
        if row.break_evens:
            found = "; ".join(f"{second.shown(turn.value)} ({turn.better_above} above)" for turn in row.break_evens)
            yield f"With {first.parameter} at {at} the two tie at {second.parameter} of {found}."
        elif row.wins_throughout:
            yield f"With {first.parameter} at {at} {row.wins_throughout} wins at every value searched."
