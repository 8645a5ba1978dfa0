"""The first page: the answer, why, what it hinges on, how sure, as sentences that are a code and its numbers.

Page, JSON and brief say the same because they read the same statements.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from coercivity.engine.report.text import amount, number
from coercivity.models.licensing.answers.values import Answer, Search
from coercivity.models.licensing.answers.verdict.hinges import TIE, Hinge, Hinges, first_of, is_tie, ranking
from coercivity.models.licensing.answers.verdict.wording import MONEY, TERMS, musd
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.data.provenance import counts, sources_table

BEST = "Best on the menu"
FOUND = "What the search has found"
LONG = 44  # letters of a title
TOLD = 3  # hinges that are told


@dataclass(frozen=True)
class Statement:
    """A sentence, and what it says: which one it is, and its numbers."""

    code: str  # which sentence it is
    says: str  # the sentence
    # million USD unless its code says otherwise; the numbers that it tells, by what they are
    numbers: Mapping[str, float] = field(default_factory=dict)
    strategies: Sequence[str] = ()  # names of the strategies that it is about, in its order


@dataclass(frozen=True)
class Standing:
    """One strategy in the order of payoffs."""

    strategy: str  # its name
    title: str  # in words
    value_musd: float  # million USD; expected present value of the leader's payoff
    behind_musd: float  # million USD; by what it is worth less than the first; negative for a tie that is worth more
    ties: bool  # whether that is too little to tell it from the first
    probability: float  # 1; of a concession


@dataclass(frozen=True)
class FirstPage:
    """What somebody reads who reads one screen."""

    answer: Sequence[Statement]  # what pays most, by how much, and what it consists in
    why: Sequence[Statement]  # what makes the difference to the next that is worth clearly less
    hinges: Sequence[Statement]  # what turns it
    sure: Sequence[Statement]  # how sure that is
    standings: Sequence[Standing]  # the strategies, the best first


def first_page(
    instance: Instance,
    answers: Sequence[Answer],
    search: Search | None,
    hinges: Hinges | None,
    uncertified: Mapping[str, float] | None = None,
) -> FirstPage:
    """The first page of a comparison.

    Parameters
    ----------
    hinges : what was found about stated ranges, None where nobody looked
    uncertified : what strategies that time was too short to answer are worth at a first look, million USD
    """
    ranked = ranking(answers)
    lead = first_of(answers)
    # What a search that was cut found below a named strategy is no best of anything.
    is_cut = search is not None and not search.complete
    beaten = [one for one in ranked if is_cut and one.strategy.is_optimum and not is_tie(one, ranked[0])]
    against = next((one for one in ranked if not is_tie(one, ranked[0]) and one not in beaten), None)
    titles = {one.strategy.name: FOUND if one in beaten else titled(one) for one in ranked}
    tied = [one for one in ranked if one is not lead and is_tie(one, ranked[0])]
    return FirstPage(
        answer=list(_answer(instance, lead, tied, against, search, answers)),
        why=[why(lead, against)],
        hinges=list(_hinges(hinges, titles)),
        sure=[*_uncertified(lead, len(answers), uncertified), *_sure(instance, answers)],
        standings=[
            Standing(
                one.strategy.name,
                titles[one.strategy.name],
                _value(one),
                _value(lead) - _value(one),
                one in tied,
                one.leader.probability,
            )
            for one in [lead, *(one for one in ranked if one is not lead)]
        ],
    )


def _value(answer: Answer) -> float:
    return answer.leader.value_musd


def titled(answer: Answer) -> str:
    """What a strategy is called in a sentence."""
    if answer.strategy.is_optimum:
        return BEST
    title = " ".join(answer.strategy.title.split())
    return title if len(title) <= LONG else title[: LONG - 1].rstrip() + "…"


def _answer(
    instance: Instance,
    lead: Answer,
    tied: Sequence[Answer],
    against: Answer | None,
    search: Search | None,
    answers: Sequence[Answer],
) -> Iterator[Statement]:
    proof = ", proved" if lead.certificate.proof == "OPTIMAL" else ""
    says = f"{titled(lead)} pays the leader most{proof}: {musd(_value(lead))} in present value"
    if against is not None:
        gap = _value(lead) - _value(against)
        says += f"; {titled(against)} is {musd(gap)} behind"
        yield Statement(
            "leads", f"{says}.", {"value": _value(lead), "behind": gap}, [lead.strategy.name, against.strategy.name]
        )
    else:
        yield Statement("alone", f"{says}.", {"value": _value(lead)}, [lead.strategy.name])
    if tied:
        names = " and ".join(titled(one) for one in tied)
        says = f"{names} {'tie' if len(tied) > 1 else 'ties'} with it (within {TIE:.1%})."
        yield Statement("ties", says, {"share": TIE}, [one.strategy.name for one in tied])
    named = next((one for one in ranking(answers) if not one.strategy.is_optimum), None)
    if lead.strategy.is_optimum and named is not None and named is not against:
        behind = _value(lead) - _value(named)
        says = f"Of the named strategies {titled(named)} comes first, {musd(behind)} behind."
        yield Statement("best_named", says, {"behind": behind}, [named.strategy.name])
    yield Statement("plan", f"It is: {plan(instance, lead)}.", {}, [lead.strategy.name])
    best = next((one for one in answers if one.strategy.is_optimum), None)
    if search is not None and not search.complete and best is not None:
        yield _looked(search, best, lead)


def _looked(search: Search, best: Answer, lead: Answer) -> Statement:
    """How far a search that is no proof has looked; what it found below a named strategy is not called the best."""
    told = search.best_first
    end = "" if told is not None and told.finished else "; time ended the search"
    what = "no proof (--prove)"
    if _value(best) < _value(lead) and not is_tie(best, lead):
        what = "it found nothing better"
    says = f"Looked at {search.screened:,} of {search.menu:,} strategies{end}: {what}."
    return Statement("searched", says, {"screened": search.screened, "menu": search.menu})


def plan(instance: Instance, answer: Answer) -> str:
    """What a strategy consists in, phase by phase; phases that follow each other with the same postures are one."""
    phases: dict[str, dict[str, list[str]]] = {}
    begins: dict[str, str] = {}
    for row in answer.strategy.path:
        title = instance.postures[row.posture].title
        title = title[:1].lower() + title[1:] if title[1:2].islower() else title
        words = title if row.product is None else f"{title} ({row.product})"
        groups = phases.setdefault(row.phase, {}).setdefault(words, [])
        groups += [row.group] * (row.group not in groups)
        begins.setdefault(row.phase, row.begins)
    told: list[str] = []
    before = ""
    for phase, postures in phases.items():
        words = ", ".join(f"{said} for {', '.join(to)}" for said, to in postures.items())
        words = next(iter(postures)) if len(postures) == 1 else words
        if words != before:
            told.append(f"from {begins[phase]} {words}")
        before = words
    return "; ".join(told)


def why(lead: Answer, against: Answer | None) -> Statement:
    """The two largest terms of the difference to the next strategy; of the payoff, where it stands alone."""
    theirs = against.leader.terms_musd if against else {}
    difference = {term: value - theirs.get(term, 0.0) for term, value in lead.leader.terms_musd.items()}
    largest = sorted((item for item in difference.items() if item[1]), key=lambda item: -abs(item[1]))[:2]
    places = 0 if any(abs(value) >= 100 for _, value in largest) else 1
    told = " and ".join(f"{TERMS.get(term, term)} {number(value, places, sign=True)}" for term, value in largest)
    names = [lead.strategy.name, *([against.strategy.name] if against else [])]
    if not largest:
        return Statement("why_nothing", "No term of the payoff is other than zero.", {}, names)
    if against is None:
        return Statement("why_alone", f"The payoff is mainly, in {MONEY}: {told}.", dict(largest), names)
    return Statement("why", f"Against {titled(against)}, in {MONEY}: {told}.", dict(largest), names)


def _hinges(hinges: Hinges | None, titles: Mapping[str, str]) -> Iterator[Statement]:
    if hinges is None:
        yield Statement("hinges_not_looked", "Not looked at: give it time, or --hinges.")
        return
    if hinges.note is not None:
        yield Statement("hinges_nothing", f"Nothing to look at: {hinges.note}.")
        return
    told = [*hinges.turns[:TOLD]]
    named = [one for one in hinges.named_turns if all(one.parameter != other.parameter for other in told)]
    for hinge in told:
        yield hinge_told(hinge, titles)
    for hinge in named[: max(0, TOLD - len(told))]:
        yield hinge_told(hinge, titles, "of the named ")
    found = len(hinges.turns)
    looked = hinges.looked_at.capitalize() + ("" if hinges.complete else " (--hinges: all)")
    end = f"; {found - TOLD} more turn it" if found > TOLD else ""
    if not found and not hinges.named_turns and hinges.looked:
        end = ": no stated range turns it" if hinges.complete else ": none of these turns it"
    yield Statement("hinges_looked", f"{looked}{end}.", {"looked": hinges.looked, "ranges": hinges.ranges})


def hinge_told(hinge: Hinge, titles: Mapping[str, str], among: str = "") -> Statement:
    """One hinge in a sentence; ``among`` says of whom the one that overtakes is first."""
    side = "above" if hinge.is_above else "below"
    at, now, low, high = (shown(value, hinge.unit) for value in (hinge.break_even, hinge.now, hinge.low, hinge.high))
    now, low = (text.removesuffix(hinge.unit).rstrip() for text in (now, low))
    over = titles.get(hinge.overtaken_by, hinge.overtaken_by)
    says = f"{hinge.parameter}: {among}{over} leads {side} {at} (now {now}; {low} to {high})."
    numbers = {"break_even": hinge.break_even, "now": hinge.now, "low": hinge.low, "high": hinge.high}
    return Statement("hinge", says, numbers, [hinge.leads, hinge.overtaken_by])


def shown(value: float, unit: str) -> str:
    """A value with its unit; a share as percent.

    >>> shown(0.0931, "1"), shown(0.08, "1/yr"), shown(6000.0, "million USD/yr")
    ('9.31 %', '8 %/yr', '6,000 million USD/yr')
    """
    if unit in ("1", "1/yr"):
        return f"{amount(100 * value, 3)} %" + ("/yr" if unit == "1/yr" else "")
    return f"{amount(value)} {unit}"


def _uncertified(lead: Answer, certified: int, left: Mapping[str, float] | None) -> Iterator[Statement]:
    """Which strategies time was too short to answer and to certify, and whether one of them might come first."""
    if not left:
        return
    listed = ", ".join(f"{name} {number(value, 0)}" for name, value in [*left.items()][:TOLD])
    more = f" and {len(left) - TOLD} more" if len(left) > TOLD else ""
    beyond = max(left.values()) - _value(lead) > TIE * abs(_value(lead))
    what = "one of the others may lead" if beyond else "none of the others leads"
    says = f"{certified} of {certified + len(left)} strategies are certified; at a first look {what}: {listed}{more}."
    yield Statement("uncertified", says, dict(left), list(left))


def _sure(instance: Instance, answers: Sequence[Answer]) -> Iterator[Statement]:
    rows = counts(sources_table(instance))
    share = rows["assumed"] / rows["total"] if rows["total"] else 0.0
    says = f"{share:.0%} of {rows['total']} numbers are assumed (sources)."
    yield Statement("assumed", says, {"assumed": rows["assumed"], "total": rows["total"]})
    facts = {fact.name: fact for one in answers for fact in one.observations if fact.window == "judge"}
    known = [fact for fact in facts.values() if fact.inside is not None]
    if known:
        hits = sum(bool(fact.inside) for fact in known)
        says = f"{hits} of {len(known)} judged facts are met (backtest)."
        yield Statement("record", says, {"met": hits, "judged": len(known)})
    yield Statement("draws_not_looked", "Draws not looked at (montecarlo).")
