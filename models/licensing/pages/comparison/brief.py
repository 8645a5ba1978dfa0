"""A brief: one page on a saved result for somebody who reads nothing else; its figures are those of the result."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from coercivity.engine.data.values import sometimes
from coercivity.engine.report.sheet import LINES, Bars, Part, Sheet, clipped, lines_of
from coercivity.engine.report.text import Block, Column, Prose, Table, amount, number
from coercivity.models.glossary import meaning
from coercivity.models.licensing.answers.commands import Comparison, shortfall
from coercivity.models.licensing.answers.subject import Subject
from coercivity.models.licensing.answers.values import Answer
from coercivity.models.licensing.answers.verdict.first import Statement
from coercivity.models.licensing.answers.verdict.hinges import TIE, first_of, is_tie, ranking
from coercivity.models.licensing.answers.verdict.verdict import Turn
from coercivity.models.licensing.answers.verify import Saved
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.data.provenance import counts, sources_table
from coercivity.models.licensing.pages.words import MONEY, TERMS, decimals, musd, texts

SCHEMA_VERSION = 1
# What a page has room for at most; the report and the JSON hold the rest.
BLOCS, TURNS = 5, 3
TITLE, LONG = 60, 200


@dataclass(frozen=True)
class Room:
    """How many of each a page shows."""

    strategies: int = 8
    caveats: int = 2
    turns: int = TURNS
    blocs: int = BLOCS


# The first that fits is taken: caveats and strategies are what a page can best do without.
ROOMS = (
    *(Room(strategies, caveats) for caveats in (2, 1, 0) for strategies in (8, 7, 6, 5, 4, 3)),
    *(Room(3, 0, turns, blocs) for turns, blocs in ((2, 4), (2, 3), (1, 2), (0, 2), (0, 1))),
)


@dataclass(frozen=True)
class Standing:
    """One strategy in the order of payoffs."""

    strategy: str  # its name
    title: str  # in words
    is_optimum: bool  # whether it was searched for
    value_musd: float  # million USD; expected present value of the leader's payoff
    behind_musd: float  # million USD; by what it is worth less than the first
    ties: bool  # whether that is too little to tell it from the first
    probability: float  # 1; of a concession
    market_pain_musd: float  # million USD; rise of the buyers' cost over open trade


@dataclass(frozen=True)
class Payer:
    """What one bloc bears, under the answer and under what it is held against."""

    bloc: str  # its name
    title: str  # in words
    pain_musd: float  # million USD; rise of its cost over open trade
    shortage_t: float  # t; expected, over all periods
    pain_against_musd: float | None  # million USD; the same under the other strategy; None without one


@dataclass(frozen=True)
class Brief:
    """What one page says of a result."""

    schema_version: int  # of this layout
    command: str  # brief
    instance: Subject  # the game
    question: str  # what was asked
    alerts: Sequence[str]  # what a reader must know first: stopped, changed, of another version
    answer: str  # in a sentence or two
    why: Sequence[str]  # what it rests on, a sentence each
    strategy: str  # name of the strategy that the answer is about
    against: str | None  # name of the first that is worth clearly less; None where there is none
    standings: Sequence[Standing]  # the strategies, the best first
    difference_musd: Mapping[str, float]  # million USD; the answer's payoff less the other's, by term; alone, its own
    turns: Sequence[Turn]  # break-evens, as far as the page tells them
    payers: Sequence[Payer]  # who bears most of it
    blocs: int  # blocs that there are
    sure: Sequence[str]  # how sure that is, a sentence each
    caveats: Sequence[str]  # what to read with care, as the instance says
    provenance: Sequence[str]  # of what, by which version, when, and how to check it
    # what turns it, searched over all stated ranges, as the first page of the result says it
    hinges: Sequence[Statement] | None = sometimes()


def brief_of(saved: Saved, result: str, is_sealed: bool, version: str | None) -> Brief:
    """The brief of a saved result.

    Parameters
    ----------
    result : as the command that checks it takes it
    is_sealed : whether it is as it was saved
    version : of the program that reads it
    """
    told, instance = saved.told, saved.instance
    ranked = ranking(told.answers)
    best = ranked[0]
    tied = [one for one in ranked if is_tie(one, best)]
    first = first_of(told.answers)
    against = next((one for one in ranked if one not in tied), None)
    titles = {one.strategy.name: clipped(one.strategy.title, TITLE) for one in ranked}
    difference = _difference(first, against)
    return Brief(
        schema_version=SCHEMA_VERSION,
        command="brief",
        instance=told.instance,
        question=f"Which strategy should {_inside(clipped(instance.leader.title, TITLE))} commit to?",
        alerts=list(_alerts(saved, is_sealed, version)),
        answer=" ".join(_answer(first, best, tied, against, titles)),
        why=[_why(difference, against, titles), _path(instance, first)],
        strategy=first.strategy.name,
        against=against.strategy.name if against else None,
        standings=[_standing(one, best, tied) for one in ranked],
        difference_musd=difference,
        turns=list(told.verdict.hinges[:TURNS]) if isinstance(told, Comparison) else [],
        payers=_payers(first, against),
        blocs=len(first.blocs),
        sure=list(_sure(saved, first, best)),
        caveats=list(instance.caveats),
        provenance=list(_provenance(saved, result)),
        hinges=list(told.first.hinges) if isinstance(told, Comparison) and told.first and told.hinges else None,
    )


def _value(answer: Answer) -> float:
    return answer.leader.value_musd


def _inside(title: str) -> str:
    """A title inside a sentence: its article is written small."""
    return f"the {title[4:]}" if title.startswith("The ") else title


def _alerts(saved: Saved, is_sealed: bool, version: str | None) -> Iterator[str]:
    if not is_sealed:
        yield "CHANGED: this result is not as it was saved; verify it before you use it."
    less = shortfall(saved.told, None)
    if less:
        yield clipped(f"STOPPED or unproved: {less}.", LONG)
    made = (saved.told.manifest.get("versions") or {}).get("coercivity")
    if made != version:
        yield clipped(f"STALE: made by version {made or 'unknown'}, read by {version}; solve it again.", LONG)


def _answer(
    first: Answer, best: Answer, tied: Sequence[Answer], against: Answer | None, titles: Mapping[str, str]
) -> Iterator[str]:
    title = titles[first.strategy.name]
    yield f"{title} {'pays the leader most' if against or len(tied) > 1 else 'is worth'}: {musd(_value(first))}."
    if best is not first:
        yield f"The best on the menu is worth {musd(_value(best))}: a tie."
    ties = [titles[one.strategy.name] for one in tied if one is not first and one is not best]
    if ties:
        yield clipped(f"Ties within {TIE:.1%}: {', '.join(ties)}.", LONG)
    if against:
        yield f"{titles[against.strategy.name]} follows, {musd(_value(first) - _value(against))} behind."


def _difference(first: Answer, against: Answer | None) -> dict[str, float]:
    theirs = against.leader.terms_musd if against else {}
    return {term: value - theirs.get(term, 0.0) for term, value in first.leader.terms_musd.items()}


def _why(difference: Mapping[str, float], against: Answer | None, titles: Mapping[str, str]) -> str:
    """The two largest terms of the difference to the next strategy; of the payoff, where it stands alone."""
    largest = sorted((item for item in difference.items() if item[1]), key=lambda item: -abs(item[1]))[:2]
    places = decimals([[value for _, value in largest]])
    told = " and ".join(f"{TERMS.get(term, term)} {number(value, places, sign=True)}" for term, value in largest)
    if not largest:
        return "No term of the payoff is other than zero."
    if against is None:
        return f"The payoff is mainly, in {MONEY}: {told}."
    return f"The difference to {titles[against.strategy.name]} is mainly, in {MONEY}: {told}."


def _path(instance: Instance, answer: Answer) -> str:
    """What the leader commits to, phase by phase."""
    phases: dict[tuple[str, str], dict[str, list[str]]] = {}
    for row in answer.strategy.path:
        posture = instance.postures[row.posture].title
        words = posture if row.product is None else f"{posture} ({row.product})"
        groups = phases.setdefault((row.phase, row.begins), {}).setdefault(words, [])
        groups += [row.group] * (row.group not in groups)
    told = [
        f"{phase} from {begins}: " + ", ".join(f"{words} for {', '.join(groups)}" for words, groups in postures.items())
        for (phase, begins), postures in phases.items()
    ]
    return clipped(f"What it commits to: {'; '.join(told)}.", 2 * LONG)


def _standing(one: Answer, best: Answer, tied: Sequence[Answer]) -> Standing:
    return Standing(
        strategy=one.strategy.name,
        title=one.strategy.title,
        is_optimum=one.strategy.is_optimum,
        value_musd=_value(one),
        behind_musd=_value(best) - _value(one),
        ties=one in tied,
        probability=one.leader.probability,
        market_pain_musd=one.market.market_pain_musd,
    )


def _payers(first: Answer, against: Answer | None) -> list[Payer]:
    """The blocs that bear most, under either strategy."""
    found = []
    for name, bloc in first.blocs.items():
        other = against.blocs[name].pain_musd if against else None
        found.append(Payer(name, bloc.title, bloc.pain_musd, bloc.shortage_t, other))
    return sorted(found, key=lambda one: -max(abs(one.pain_musd), abs(one.pain_against_musd or 0.0)))[:BLOCS]


def _sure(saved: Saved, first: Answer, best: Answer) -> Iterator[str]:
    name = saved.told.instance.name
    proved = f"Proof: {first.certificate.says}."
    if best is not first:
        proved += f" Of the best on the menu: {best.certificate.says}."
    yield clipped(proved, 2 * LONG)
    rows = counts(sources_table(saved.instance))
    yield f"Of {rows['total']} numbers {rows['assumed']} are assumed and {rows['stale']} stale: coercivity sources {name}"
    judged = [fact for one in saved.told.answers for fact in one.observations if fact.window == "judge"]
    facts = {fact.name: fact for fact in judged if fact.inside is not None}
    if facts:
        hits = sum(bool(fact.inside) for fact in facts.values())
        yield f"Of {len(facts)} judged facts on record the model meets {hits}: coercivity backtest {name}"
    yield f"How often it is best over all stated ranges was not looked at here: coercivity montecarlo {name}"


def _provenance(saved: Saved, result: str) -> Iterator[str]:
    manifest, instance = saved.told.manifest, saved.told.instance
    version = (manifest.get("versions") or {}).get("coercivity") or "of unknown version"
    date = str(manifest.get("finished") or "on an unknown date")[:16]
    money = f"; {instance.money}" if instance.money else ""
    yield f"Instance {clipped(instance.name, TITLE)}, hash {instance.hash[:12]}; coercivity {version}, {date}{money}."
    yield f"Check it: coercivity verify {clipped(result, TITLE)}. What a word means: coercivity explain WORD"


# -- the page ------------------------------------------------------------------------------------------------------


def sheet(brief: Brief) -> Sheet:
    """The brief as one page; where it is too long, less is shown, and how much is left out."""
    sheets = [_sheet(brief, room) for room in ROOMS]
    return next((one for one in sheets if lines_of(one) <= LINES), sheets[-1])


def _sheet(brief: Brief, room: Room) -> Sheet:
    parts: list[Part] = [*_parts(brief, room)]
    places = decimals([[one.value_musd for one in brief.standings]])
    bars = [(one.title, one.value_musd, number(one.value_musd, places)) for one in brief.standings[: room.strategies]]
    parts.insert(1, Bars(f"Payoff to the leader, {MONEY}, expected present value", bars))
    title = clipped(f"{brief.question} {brief.instance.title}", 2 * TITLE)
    heads = {column.title for part in parts if isinstance(part, Table) for column in part.columns}
    known = {head: meaning(head.partition(",")[0]) for head in heads}
    words = {head: word.says for head, word in known.items() if word is not None}
    return Sheet(title, brief.alerts, brief.answer, parts, brief.provenance, words)


def blocks(brief: Brief) -> list[Block]:
    """The brief for a terminal."""
    head = Prose(brief.question, [brief.instance.heading, *brief.alerts, brief.answer])
    return [head, *_parts(brief, ROOMS[0]), Prose("", brief.provenance)]


def _parts(brief: Brief, room: Room) -> Iterator[Block]:
    yield Prose("Why", brief.why)
    yield _ranking(brief, room.strategies)
    if brief.hinges:
        told = [one for one in brief.hinges if one.code == "hinge"][: room.turns]
        yield Prose("What it hinges on", [one.says for one in [*told, brief.hinges[-1]]])
    elif brief.turns:
        yield Prose("What it hinges on", [_turn(brief, turn) for turn in brief.turns[: room.turns]])
    yield _who_pays(brief, room.blocs)
    shown = [clipped(f"Read with care: {words}", LONG) for words in brief.caveats[: room.caveats]]
    left = len(brief.caveats) - len(shown)
    more = [f"{left} more caveat{'s' if left > 1 else ''} in the report."] if left else []
    yield Prose("How sure", [*brief.sure, *shown, *more])


def _ranking(brief: Brief, most: int) -> Table:
    rows = [
        [clipped(one.title, TITLE), one.value_musd, one.behind_musd, one.probability, one.market_pain_musd]
        for one in brief.standings[:most]
    ]
    columns = [*texts("strategy"), Column("payoff"), Column("behind"), Column("concession, %", "percent")]
    left = len(brief.standings) - len(rows)
    note = f"{left} more in the report." if left else ""
    money = [[row[1], row[2], row[4]] for row in rows]
    title = f"The strategies, {MONEY}"
    return Table(title, [*columns, Column("market pain")], rows, emphasis=0, decimals=decimals(money), note=note)


def _turn(brief: Brief, turn: Turn) -> str:
    titles = {one.strategy: clipped(one.title, TITLE) for one in brief.standings}
    over = titles.get(turn.overtaken_by or "", "another one")
    side = "above" if turn.break_even > turn.now else "below"
    span = f"{amount(turn.low)} to {amount(turn.high)}"
    inside = f"{'inside' if turn.inside_range else 'outside'} the range {span}"
    support = "no range is stated" if turn.low == turn.high else inside
    at = f"{amount(turn.break_even)} {turn.unit}"
    return f"{turn.parameter.capitalize()}: {over} overtakes {side} {at} (now {amount(turn.now)}; {support})."


def _who_pays(brief: Brief, most: int) -> Table:
    titles = {one.strategy: clipped(one.title, TITLE // 2) for one in brief.standings}
    columns = [*texts("bloc"), Column("pain"), Column("shortage, t")]
    rows = [[clipped(one.title, TITLE // 2), one.pain_musd, one.shortage_t] for one in brief.payers[:most]]
    if brief.against:
        columns.append(Column(f"pain, {titles[brief.against]}"))
        rows = [[*row, one.pain_against_musd] for row, one in zip(rows, brief.payers, strict=False)]
    note = f"{brief.blocs - len(rows)} more in the report." if brief.blocs > len(rows) else ""
    return Table(f"Who pays, {MONEY}", columns, rows, decimals=decimals(rows), note=note)
