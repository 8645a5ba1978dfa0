"""What every study says of itself: what was asked, of which points, and how they ended."""

from __future__ import annotations

from coercivity.engine.study.memory.content import program_version
from coercivity.models.licensing.answers.commands import reproduced
from coercivity.models.licensing.answers.subject import subject_of
from coercivity.models.licensing.studies.session import Session
from coercivity.models.licensing.studies.study import PACKAGES, Outcomes, Study
from coercivity.models.licensing.studies.values import DesignFacts, StudyAnswer, VariedFacts
from coercivity.models.licensing.studies.vary import Varied
from coercivity.models.licensing.studies.worker import TILT

BOUND = (
    f"Payoffs are upper bounds of the optimistic value, read from one program tilted by {TILT:g}; on the shipped instances "
    "they are exact to a tenth of a million USD."
)


def outline(command: str, session: Session, study: Study, outcomes: Outcomes) -> StudyAnswer:
    """The head of a result."""
    design = study.design
    return StudyAnswer(
        schema_version=1,
        command=command,
        instance=subject_of(session.instance),
        what=study.question.what,
        strategies=outcomes.strategies,
        design=DesignFacts(design.kind.value, len(design), design.seed, tuple(map(_varied, study.varied))),
        runs=dict(session.counts) | outcomes.counts(),
        failures=tuple(session.failures),
        shard=session.effort.part,
        caveats=tuple(session.instance.caveats),
        precision=BOUND,
        manifest=reproduced(session.instance) | {"program": program_version(*PACKAGES, libraries=("highspy",))},
    )


def _varied(one: Varied) -> VariedFacts:
    stated = vars(one.parameter.described()) | {"low": one.axis.low, "high": one.axis.high}
    return VariedFacts(**stated, distribution=one.axis.distribution)
