"""The Pareto set of a menu in words."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from coercivity.engine.report.text import amount, number, sized
from coercivity.models.licensing.answers.frontier.values import Frontier, Member, Placed, figures, rungs
from coercivity.models.licensing.answers.verdict.wording import MONEY, musd

TOLD = 4  # rungs of the ladder told in words


def sentences(result: Frontier) -> tuple[str, ...]:
    """What the set comes to in words: how large it is, at which rates of exchange who is best, who is left behind."""
    search, cut = result.search, result.cut_off
    share = (
        ""
        if search.complete
        else f" ({number(100 * search.share, 1)} % of them, in the order of the search: it was stopped)"
    )
    leverage = f"the loss of all buyers in an unannounced cut-off of {cut.months:g} months after {cut.after}"
    said = [
        f"Of {search.covered:,} strategies on the menu{share} {result.efficient_in_three:,} are efficient in revenue, "
        f"cost and leverage, {result.supported:,} of them best for some weights; leverage is {leverage}."
    ]
    if len(result.phases) > 1:
        said.append(
            f"With leverage at the end of every phase ({', '.join(result.phases)}) {result.efficient:,} are efficient."
        )
    said += _ladder_says(result.members, result.phase, "Over " + _where(search.complete))
    said += _ladder_says(result.named, result.phase, "Among the named strategies alone")
    said += [_placed(block, result) for block in result.named]
    exact = result.exact
    said.append(
        f"Reading: {result.reading}. {exact.evaluated} strategies were evaluated again exactly: payoff differs by at "
        f"most {musd(exact.largest_difference_payoff_musd)}, leverage by {musd(exact.largest_difference_leverage_musd)}."
    )
    return tuple(said)


def _where(complete: bool) -> str:
    """What the claims are about."""
    return "the menu" if complete else "the part of the menu that was searched"


def _ladder_says(blocks: Sequence[Member] | Sequence[Placed], phase: str, where: str) -> Iterator[str]:
    best = rungs(blocks)
    if not best:
        return
    first = best[0]
    text = f"{where}, {first.label} is best where payoff alone counts ({musd(figures(first).payoff_musd)})"
    yield text + ("." if len(best) > 1 else ", and whatever leverage is worth.")
    for before, block in list(itertools.pairwise(best))[:TOLD]:
        one, other = figures(before), figures(block)
        given, gained = one.payoff_musd - other.payoff_musd, other.leverage_musd[phase] - one.leverage_musd[phase]
        low, high = block.rate or (0.0, None)
        upper = "" if high is None else f", until it is worth {amount(high, 3)}"
        yield (
            f"{block.label} is best only if a dollar of buyers' loss is worth more than {amount(low, 3)} dollars of payoff{upper}: "
            f"it gives up {musd(given)} of payoff for {musd(gained)} of leverage."
        )
    if len(best) > TOLD + 1:
        yield f"{len(best) - TOLD - 1} more follow at higher rates."


def _placed(block: Placed, result: Frontier) -> str:
    """Where a named strategy stands."""
    name = block.label
    if block.is_efficient:
        where = _where(result.search.complete)
        return f"{name} is efficient: nothing on {where} is better in revenue, cost or leverage without being worse in another."
    other = next(member for member in result.members if member.label == block.dominated_by)
    # Like with like: both as they were read in the search, unless both were evaluated exactly.
    own, better = (figures(block), figures(other)) if block.exact and other.exact else (block, other)
    leverage = better.leverage_musd[result.phase] - own.leverage_musd[result.phase]
    parts = [
        f"{sized(better.revenue_musd - own.revenue_musd, True)} revenue",
        f"{sized(better.cost_musd - own.cost_musd, True)} cost",
        f"{sized(leverage, True)} leverage",
    ]
    also = block.dominated_by_named
    more = f"; of the named ones {', '.join(also)} {'does' if len(also) == 1 else 'do'} too" if also else ""
    return f"{name} is dominated: {other.label} beats it in all three ({', '.join(parts)}, {MONEY}){more}."
