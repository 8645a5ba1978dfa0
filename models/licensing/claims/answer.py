"""The audit: one row per claim, what has drifted, and how many verdicts of each kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from coercivity.engine.errors import check_name
from coercivity.models.licensing.claims import files
from coercivity.models.licensing.claims.data import VERDICTS, Claim, Claims, Measure, in_unit
from coercivity.models.licensing.claims.formula import names
from coercivity.models.licensing.claims.measures import Models
from coercivity.models.licensing.claims.recompute import Judged, Recomputed, needed, questions, recomputed
from coercivity.models.licensing.claims.values import Asked, ClaimAudit, ClaimsAudit, FurtherFigure

SCHEMA_VERSION = 1
Progress = Callable[[str, int, int], None]


def _silent(stage: str, done: int, total: int) -> None:
    """No progress is wanted."""


def audited(
    name: str | None = None, only: str | None = None, skip_model: bool = False, progress: Progress = _silent
) -> ClaimsAudit:
    """Every claim of a file recomputed and judged.

    Parameters
    ----------
    name : a file of claims, the name of a shipped one, or None for the founding article's
    only : one claim, with nothing else but what it rests on
    skip_model : leave out what only the model can recompute

    Raises
    ------
    UsageError
        No such file, claim, instance or strategy.
    InvalidInstance
        The file of claims, or an instance that it asks, cannot be accepted; all findings.
    """
    claims = files.load(name)
    if only is not None:
        check_name("--claim", only, claims.claims, "claims")
    return result_of(claims, only, skip_model, progress)


def result_of(
    claims: Claims, only: str | None = None, skip_model: bool = False, progress: Progress = _silent
) -> ClaimsAudit:
    """The audit of claims that were read before; raises as :func:`audited`."""
    wanted = needed(claims, only) if only else set(claims.claims)
    asked = questions(claims, wanted)
    pairs = {(one.instance, name) for one in asked for name in (one.strategy, one.against) if name}
    models = Models(progress, total=len(pairs))

    def ask(question: Measure) -> float | None:
        return None if skip_model else models.value(question)

    found = recomputed(claims, ask, only)
    places = {key: number for number, key in enumerate(claims.claims, start=1)}
    rows = tuple(_row(claims, places[key], key, one) for key, one in found.items() if only in (None, key))
    verdicts = Counter(row.verdict for row in rows)
    return ClaimsAudit(
        schema_version=SCHEMA_VERSION,
        command="audit",
        name=claims.name,
        title=claims.title,
        article=_reference(claims, claims.article),
        counts={verdict: verdicts[verdict] for verdict in VERDICTS},
        kinds=dict(Counter(row.kind for row in rows)),
        skipped=sum(row.skipped for row in rows),
        drifted=sum(row.drift for row in rows),
        ok=not any(row.drift for row in rows),
        claims=rows,
        sources={key: _reference(claims, key) for row in rows for key in row.sources},
    )


def drift(result: ClaimsAudit) -> str:
    """What has drifted, in a sentence: the first difference and how many more there are; nothing where nothing has."""
    found = result.drifts
    more = f", and {len(found) - 1} more" if len(found) > 1 else ""
    return f"{found[0]}{more}" if found else ""


def _row(claims: Claims, number: int, name: str, judged: Judged) -> ClaimAudit:
    claim, figure, rates = judged.claim, judged.figure, claims.rates
    said = claim.article.value
    return ClaimAudit(
        number=number,
        name=name,
        kind=claim.kind,
        claim=claim.claim,
        article=claim.article.text,
        article_value=None if said is None else in_unit(said, claim.unit, rates),
        recomputed=figure.value,
        recorded=figure.recorded,
        unit=claim.unit,
        formula=claim.formula,
        worked=figure.worked,
        verdict=judged.verdict,
        recorded_verdict=claim.verdict,
        skipped=figure.skipped or any(one.skipped for one in judged.also.values()),
        drift=bool(judged.drifts),
        drifts=tuple(judged.drifts),
        finding=" ".join(claim.finding.split()),
        also=tuple(_further(claim, key, one) for key, one in judged.also.items()),
        model={key: Asked(**one.model_dump()) for key, one in claim.model.items()},
        sources=tuple(_cited(claims, claim)),
    )


def _further(claim: Claim, name: str, figure: Recomputed) -> FurtherFigure:
    """One further figure of a claim."""
    written = claim.also[name]
    return FurtherFigure(
        name=name,
        title=written.title,
        recomputed=figure.value,
        recorded=figure.recorded,
        unit=written.unit,
        formula=written.formula,
        worked=figure.worked,
        skipped=figure.skipped,
        drift=bool(figure.drift),
    )


def _cited(claims: Claims, claim: Claim) -> list[str]:
    """The sources of a claim and of the numbers and days in its formulas, each once."""
    formulas = [one.formula for one in (claim, *claim.also.values()) if one.formula]
    return list(dict.fromkeys([*claim.sources, *_behind(claims, claim, formulas)]))


def _behind(claims: Claims, claim: Claim, formulas: list[str]) -> list[str]:
    """The sources behind formulas of a claim, through the earlier claims that they name."""
    found: list[str] = []
    for name in [used for formula in formulas for used in names(formula)]:
        fact = claim.inputs.get(name) or claims.facts.get(name)
        day = claim.dates.get(name) or claims.dates.get(name)
        found += [*(fact.source if fact else ()), *(day.sources if day else ())]
        if name in claims.claims and claims.claims[name] is not claim:
            earlier = claims.claims[name]
            found += _behind(claims, earlier, [earlier.formula] if earlier.formula else [])
    return found


def _reference(claims: Claims, name: str) -> str:
    source = claims.sources[name]
    return ", ".join(part for part in (source.publisher, source.title, source.date, source.url) if part)
