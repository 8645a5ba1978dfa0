"""The Pareto set of a menu as sentences, tables, rows and a picture."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

from coercivity.engine.report.charts.page import files
from coercivity.engine.report.charts.studies import Plane
from coercivity.engine.report.text import Block, Column, Prose, Table, amount, number
from coercivity.models.licensing.pages.words import MONEY, Data, decimals, heading, musd, texts

SOURCE = "instance.yaml"
SHOWN = 20  # members in a table; the rest are in JSON and CSV
TOLD = 4  # rungs of the ladder told in words


def sentences(result: Data) -> list[str]:
    """What the set comes to in words: how large it is, at which rates of exchange who is best, who is left behind."""
    search, cut = result["search"], result["cut_off"]
    share = (
        ""
        if search["complete"]
        else f" ({number(100 * search['share'], 1)} % of them, in the order of the search: it was stopped)"
    )
    leverage = f"the loss of all buyers in an unannounced cut-off of {cut['months']:g} months after {cut['after']}"
    said = [
        f"Of {search['covered']:,} strategies on the menu{share} {result['efficient_in_three']:,} are efficient in revenue, "
        f"cost and leverage, {result['supported']:,} of them best for some weights; leverage is {leverage}."
    ]
    if len(result["phases"]) > 1:
        said.append(
            f"With leverage at the end of every phase ({', '.join(result['phases'])}) {result['efficient']:,} are efficient."
        )
    said += _ladder_says(result["members"], "worth_in_payoff", result["phase"], "Over " + _where(search["complete"]))
    named = "Among the named strategies alone"
    said += _ladder_says(result["named"], "worth_in_payoff_among_named", result["phase"], named)
    said += [_placed(block, result) for block in result["named"]]
    exact = result["exact"]
    said.append(
        f"Reading: {result['reading']}. {exact['evaluated']} strategies were evaluated again exactly: payoff differs by at "
        f"most {musd(exact['largest_difference_payoff_musd'])}, leverage by {musd(exact['largest_difference_leverage_musd'])}."
    )
    return said


def _where(complete: bool) -> str:
    """What the claims are about."""
    return "the menu" if complete else "the part of the menu that was searched"


def figures(block: Data) -> Data:
    """The figures of a strategy: those evaluated exactly where there are any, else those of the search."""
    return block["exact"] or block


def rungs(blocks: Sequence[Data], key: str) -> list[Data]:
    """The strategies that are best for some rate of exchange between payoff and leverage, by rising rate."""
    return sorted((block for block in blocks if block[key] is not None), key=lambda block: float(block[key][0]))


def _ladder_says(blocks: Sequence[Data], key: str, phase: str, where: str) -> Iterator[str]:
    best = rungs(blocks, key)
    if not best:
        return
    first = best[0]
    text = f"{where}, {first['label']} is best where payoff alone counts ({musd(figures(first)['payoff_musd'])})"
    yield text + ("." if len(best) > 1 else ", and whatever leverage is worth.")
    for before, block in list(itertools.pairwise(best))[:TOLD]:
        rate = block[key][0]
        one, other = figures(before), figures(block)
        given, gained = one["payoff_musd"] - other["payoff_musd"], _at(other, phase) - _at(one, phase)
        upper = "" if block[key][1] is None else f", until it is worth {amount(block[key][1], 3)}"
        yield (
            f"{block['label']} is best only if a dollar of buyers' loss is worth more than {amount(rate, 3)} dollars of payoff{upper}: "
            f"it gives up {musd(given)} of payoff for {musd(gained)} of leverage."
        )
    if len(best) > TOLD + 1:
        yield f"{len(best) - TOLD - 1} more follow at higher rates."


def _at(found: Data, phase: str) -> float:
    """Leverage at the end of a phase."""
    return float(found["leverage_musd"][phase])


def _placed(block: Data, result: Data) -> str:
    """Where a named strategy stands."""
    name = block["label"]
    if block["is_efficient"]:
        where = _where(result["search"]["complete"])
        return f"{name} is efficient: nothing on {where} is better in revenue, cost or leverage without being worse in another."
    other = next(member for member in result["members"] if member["label"] == block["dominated_by"])
    # Like with like: both as they were read in the search, unless both were evaluated exactly.
    is_exact = block["exact"] and other["exact"]
    own, better = (figures(block), figures(other)) if is_exact else (block, other)
    parts = [
        f"{number(better['revenue_musd'] - own['revenue_musd'], 0, True)} revenue",
        f"{number(better['cost_musd'] - own['cost_musd'], 0, True)} cost",
        f"{number(_at(better, result['phase']) - _at(own, result['phase']), 0, True)} leverage",
    ]
    also = block["dominated_by_named"]
    more = f"; of the named ones {', '.join(also)} {'does' if len(also) == 1 else 'do'} too" if also else ""
    return f"{name} is dominated: {other['label']} beats it in all three ({', '.join(parts)}, {MONEY}){more}."


def blocks(result: Data) -> list[Block]:
    """The report."""
    shown = _shown(result)
    return [
        Prose(heading(result), result["sentences"]),
        _figures("Named strategies", result["named"], result),
        _figures(f"Efficient strategies on the menu: {len(shown)} of {result['efficient_in_three']:,}", shown, result),
        _weights(shown),
        _paths(shown),
    ]


def _shown(result: Data) -> list[Data]:
    """Members in a table: those on the ladder, then the supported, then the other efficient ones; by payoff."""
    inner = [member for member in result["members"] if member["is_efficient_in_three"]]
    order = sorted(inner, key=lambda m: (m["worth_in_payoff"] is None, m["weights"] is None, -m["payoff_musd"]))
    return sorted(order[:SHOWN], key=lambda member: -float(member["payoff_musd"]))


def _figures(title: str, shown: Sequence[Data], result: Data) -> Table:
    phases = result["phases"]
    columns = [*texts("strategy"), *(Column(words) for words in ("payoff", "revenue", "cost"))]
    columns += [*(Column(f"leverage {phase}") for phase in phases), *texts("place")]
    rows = [
        [
            block["label"],
            *(figures(block)[f"{figure}_musd"] for figure in ("payoff", "revenue", "cost")),
            *(_at(figures(block), phase) for phase in phases),
            _place(block) + ("" if block["exact"] else " *"),
        ]
        for block in shown
    ]
    note = f"Payoff = revenue − cost. Leverage: at the end of the phase, {result['cut_off']['months']:g} months, all blocs."
    if any(not block["exact"] for block in shown):
        note += " *: as read in the search, not evaluated exactly."
    return Table(f"{title}, {MONEY}", columns, rows, decimals=decimals(rows), note=note)


def _place(block: Data) -> str:
    if "distance" in block:
        return "efficient" if block["is_efficient"] else f"under {block['dominated_by']}"
    return (
        "best for some rate" if block["worth_in_payoff"] else "for some weights" if block["weights"] else "unsupported"
    )


def _span(span: Sequence[float | None] | None) -> str:
    if span is None:
        return "never"
    low, high = span
    return f"{amount(low, 3)} and more" if high is None else f"{amount(low, 3)} to {amount(high, 3)}"


def _weights(shown: Sequence[Data]) -> Table:
    columns = [*texts("strategy"), *(Column(f"weight {words}") for words in ("revenue", "cost", "leverage"))]
    columns += texts("leverage worth, in revenue", "in payoff")
    rows = []
    for block in shown:
        weights = block["weights"] or {}
        inner = [weights.get(key) for key in ("revenue", "cost", "leverage")]
        rows.append([block["label"], *inner, _span(block["worth_in_revenue"]), _span(block["worth_in_payoff"])])
    note = (
        "Weights: an inner point of those for which it is best, on objectives scaled by their range over the set. "
        "Leverage worth: US dollars for a dollar of leverage, for some weight of cost; in payoff: revenue and cost weigh the same."
    )
    return Table("For which weights each is best", columns, rows, decimals=3, note=note)


def _paths(shown: Sequence[Data]) -> Table:
    phases = list(shown[0]["path"]) if shown else []
    rows = []
    for block in shown:
        cells = [" / ".join(dict.fromkeys(block["path"][phase].values())) if len(set(block["path"][phase].values())) == 1
                 else " / ".join(block["path"][phase].values()) for phase in phases]  # fmt: skip
        rows.append([block["label"], *cells])
    groups = " / ".join(next(iter(shown[0]["path"].values()))) if shown else ""
    return Table("Their postures by phase", texts("strategy", *phases), rows, stacks=True, note=f"Groups: {groups}.")


def rows(result: Data) -> list[dict[str, Any]]:
    """One row per strategy of the set and per named one, for CSV."""
    found = []
    for kind in ("members", "named"):
        for block in result[kind]:
            weights = block.get("weights") or {}
            span = block.get("worth_in_payoff") or block.get("worth_in_payoff_among_named") or (None, None)
            found.append(
                {
                    "strategy": block["label"],
                    "set": "menu" if kind == "members" else "named",
                    "reading": "exact" if block["exact"] else "search",
                    **{key: figures(block)[key] for key in ("payoff_musd", "revenue_musd", "cost_musd")},
                    **{f"leverage_{phase}_musd": value for phase, value in figures(block)["leverage_musd"].items()},
                    "efficient": block.get("is_efficient_in_three", block.get("is_efficient")),
                    "dominated_by": block.get("dominated_by"),
                    "distance": block.get("distance"),
                    **{f"weight_{key}": weights.get(key) for key in ("revenue", "cost", "leverage")},
                    "leverage_worth_low": span[0],
                    "leverage_worth_high": span[1],
                    "path": "; ".join(
                        f"{phase}: {' / '.join(groups.values())}" for phase, groups in block.get("path", {}).items()
                    ),
                }
            )
    return found


def planes(result: Data) -> list[Plane]:
    """Payoff and leverage of the set, of its best members at each rate, and of the named strategies."""
    phase = result["phase"]

    def points(found: Sequence[Data], series: str, is_named: bool) -> Iterator[dict[str, Any]]:
        for block in found:
            label = block["label"] if is_named else ""
            yield {
                "x": _at(figures(block), phase),
                "y": figures(block)["payoff_musd"],
                "series": series,
                "label": label,
            }

    inner = [member for member in result["members"] if member["is_efficient_in_three"]]
    best = rungs(result["members"], "worth_in_payoff")
    series = ["efficient on the menu", "best at some rate of exchange", "named"]
    found = [
        *points(inner, series[0], False),
        *points(best, series[1], True),
        *points(result["named"], series[2], True),
    ]
    title = f"Payoff and leverage at the end of {phase}"
    return [Plane("frontier", title, found, series[1:2], series, f"leverage, {MONEY}", f"payoff, {MONEY}")]


def drawn(result: Data) -> dict[str, str]:
    """The picture, and the page that shows it, by file name."""
    return files(planes(result), heading(result), result["sentences"])
