"""In short: two or three sentences that a decision maker can repeat, no bolder than the intervals that they rest on."""

from __future__ import annotations

import math
from collections.abc import Iterator

from coercivity.engine.report.text import Block, Prose
from coercivity.models.licensing.answers.backtest.values import Backtest
from coercivity.models.licensing.answers.frontier.values import Frontier
from coercivity.models.licensing.answers.threshold.sentences import nearest_first
from coercivity.models.licensing.answers.threshold.values import Threshold
from coercivity.models.licensing.pages.words import musd
from coercivity.models.licensing.studies.values import (
    Discovered,
    ElementaryEffects,
    MonteCarlo,
    Regions,
    Sensitivity,
    SobolIndices,
    Wins,
)

NORMAL = 1.96  # standard errors to either side that hold 95 %
Result = MonteCarlo | Sensitivity | Discovered | Frontier | Threshold | Backtest


def in_short(result: Result) -> list[Block]:
    """The closing sentences of a study; nothing where it has nothing to say."""
    told = list(sentences(result))
    return [Prose("In short", told)] if told else []


def sentences(result: Result) -> Iterator[str]:
    """The sentences themselves."""
    if isinstance(result, MonteCarlo):
        yield from _montecarlo(result)
    elif isinstance(result, Sensitivity):
        yield from _sensitivity(result)
    elif isinstance(result, Discovered):
        yield from _discovered(result)
    elif isinstance(result, Frontier):
        yield from _frontier(result)
    elif isinstance(result, Threshold):
        yield from _threshold(result)
    else:
        yield from _backtest(result)


def share_between(share: float, n: int) -> tuple[float, float]:
    """Wilson's interval that holds a share of n draws with 95 %.

    >>> [round(end, 2) for end in share_between(0.5, 100)]
    [0.4, 0.6]
    """
    if n < 1:
        return 0.0, 1.0
    z = NORMAL**2 / n
    middle, half = share + z / 2, math.sqrt(z * (share * (1 - share) + z / 4))
    return (middle - half) / (1 + z), (middle + half) / (1 + z)


def _montecarlo(result: MonteCarlo) -> Iterator[str]:
    ranked = sorted(result.summaries, key=lambda row: -row.mean_musd)
    if len(ranked) < 2:
        return
    best, second = ranked[0], ranked[1]
    for row in result.differences:
        if {row.first, row.second} == {best.strategy, second.strategy}:
            sign = 1.0 if row.first == best.strategy else -1.0
            low, high = sorted((sign * row.low_musd, sign * row.high_musd))
            if low > 0:
                yield (
                    f"Over these draws {best.strategy} earns more on average than {second.strategy}, the next: {musd(sign * row.mean_musd)} "
                    f"(95 % from {musd(low)} to {musd(high)})."
                )
            else:
                yield (
                    f"These draws do not tell whether {best.strategy} or {second.strategy} earns more on average: the difference lies "
                    f"between {musd(low)} and {musd(high)} with 95 %."
                )
    low, high = share_between(best.wins, result.runs["done"])
    yield f"{best.strategy} is the best choice in {best.wins:.0%} of the draws (95 % from {low:.0%} to {high:.0%})."
    safe = result.summary(result.choice.robust[0])
    yield f"Whoever fears regret takes {safe.strategy}: at worst {musd(safe.largest_regret_musd)} short of the best of a draw."


def _sensitivity(result: Sensitivity) -> Iterator[str]:
    if isinstance(result, SobolIndices):
        ranked = [(row.parameter, row.total.estimate, row.total.low, row.total.high) for row in result.indices]
        what = "share of the variance"
    elif isinstance(result, ElementaryEffects):
        ranked = [
            (row.parameter, row.mu_star_musd.estimate, row.mu_star_musd.low, row.mu_star_musd.high)
            for row in result.indices
        ]
        what = "mean effect"
    else:
        return
    ranked.sort(key=lambda row: -row[1])
    if len(ranked) > 1:
        rivals = [name for name, _, _, high in ranked[1:] if high >= ranked[0][2]]
        if rivals:
            told = " or ".join([ranked[0][0], *rivals[:3]]) + (
                f", or {len(rivals) - 3} more" if len(rivals) > 3 else ""
            )
            yield f"Which number matters most these points do not tell: {told}; their intervals overlap."
        else:
            yield f"What matters most is {ranked[0][0]}: its {what} exceeds that of every other number beyond the error of these points."
    if result.against:
        share = result.outcome.positive
        others = result.against[0] if len(result.against) == 1 else "all others"
        yield f"{result.strategy} is worth more than {others} at {share:.0%} of the points."


def _discovered(result: Discovered) -> Iterator[str]:
    one, rivals = result.strategy, result.against[0] if len(result.against) == 1 else "all others"
    if not isinstance(result, Wins):
        return
    low, high = share_between(result.win_share, result.draws)
    yield f"{one} beats {rivals} in {result.win_share:.0%} of the draws (95 % from {low:.0%} to {high:.0%})."
    if not isinstance(result, Regions) or not result.boxes:
        yield "No region of the numbers is told apart in which that is otherwise."
        return
    box = result.boxes[0]
    names = " and ".join(row.parameter for row in box.restrictions)
    sure = box.held_out if box.held_out is not None and box.held_out.points else box.score
    kept = " on draws that were kept back" if sure is not box.score else ""
    yield f"It depends on {names}: inside the first box it wins {sure.density:.0%} of the time{kept}."


def _frontier(result: Frontier) -> Iterator[str]:
    if len(result.named) < 2:
        return
    phase = result.phase
    rich = max(result.named, key=lambda row: row.payoff_musd)
    strong = max(result.named, key=lambda row: row.leverage_musd[phase])
    if rich is strong:
        yield f"Of the named strategies {rich.label} has both the most payoff and the most leverage."
    else:
        cost = rich.payoff_musd - strong.payoff_musd
        gain = strong.leverage_musd[phase] - rich.leverage_musd[phase]
        yield (
            f"Of the named strategies {rich.label} has the most payoff and {strong.label} the most leverage: "
            f"{musd(cost)} of payoff for {musd(gain)} of leverage."
        )
    wasted = [row.label for row in result.named if not row.is_efficient]
    if wasted:
        yield f"Something on the menu is better in revenue, cost and leverage at once than {', '.join(wasted)}."
    else:
        yield "No named strategy is beaten in revenue, cost and leverage at once."


def _threshold(result: Threshold) -> Iterator[str]:
    one, other = result.strategy, result.against
    gap = result.values_musd[one] - result.values_musd[other]
    leads, trails = (one, other) if gap >= 0 else (other, one)
    if result.parameters is None:
        return
    blocks = nearest_first(result)
    turning = [block for block in blocks if block.break_evens]
    inside = [block for block in turning if block.is_inside]
    if not turning:
        yield f"None of these numbers, alone, makes {trails} better than {leads}."
        return
    first = (inside or turning)[0]
    turn = min(first.break_evens, key=lambda turn: abs(turn.value - first.now))
    side = "above" if turn.value > first.now else "below"
    yield f"Whoever prefers {trails} to {leads} believes that {first.parameter} lies {side} {first.shown(turn.value)}, or something like it."
    stated = [block for block in blocks if block.low is not None]
    if inside:
        yield f"{len(inside)} of {len(stated)} numbers with a stated range turn it inside that range."
    elif stated:
        yield "No stated range reaches that far."
    else:
        yield "No range is stated for them: how likely that is the file does not say."


def _backtest(result: Backtest) -> Iterator[str]:
    judged, skill = result.windows.judge, result.skill
    if not judged.judged:
        yield "Nothing is on record that the model could be judged on."
        return
    share = judged.hits / judged.judged
    low, high = share_between(share, judged.judged)
    yield f"{judged.hits} of {judged.judged} judged figures are met ({share:.0%}; such a record fits a rate from {low:.0%} to {high:.0%})."
    if skill.skill is None or skill.model is None or skill.naive is None:
        return
    better = "better" if skill.skill > 0 else "no better"
    yield (
        f"It forecasts {better} than taking for granted that nothing happens: off by {skill.model:.1f} tolerances on average, against "
        f"{skill.naive:.1f}, and nearer on {skill.nearer} of {skill.moments}."
    )
    if high < 0.5:
        yield "Most figures are missed: quote the order of strategies, not tonnes of a month."
