"""What every study says of itself: what was asked, of which points, and how they ended."""

from __future__ import annotations

from typing import Any

from coercivity.engine.study.memory.content import program_version
from coercivity.models.licensing.answers.commands import described, reproduced
from coercivity.models.licensing.studies.session import Lab
from coercivity.models.licensing.studies.study import PACKAGES, Outcomes, Study
from coercivity.models.licensing.studies.worker import TILT

BOUND = (
    f"Payoffs are upper bounds of the optimistic value, read from one program tilted by {TILT:g}; on the shipped instances "
    "they are exact to a tenth of a million USD."
)


def outline(command: str, lab: Lab, study: Study, outcomes: Outcomes) -> dict[str, Any]:
    """The head of a result, as plain data."""
    design = study.design
    return {
        "schema_version": 1,
        "command": command,
        "instance": described(lab.instance),
        "what": study.question.what,
        "strategies": list(outcomes.strategies),
        "design": {
            "kind": design.kind.value,
            "points": len(design),
            "seed": design.seed,
            "parameters": [
                {
                    **vars(one.parameter.described()),
                    "low": one.axis.low,
                    "high": one.axis.high,
                    "distribution": one.axis.distribution,
                }
                for one in study.varied
            ],
        },
        "runs": dict(lab.counts) | outcomes.counts(),
        "failures": lab.failures,
        "shard": lab.effort.part,
        "caveats": list(lab.instance.caveats),
        "precision": BOUND,
        "manifest": reproduced(lab.instance) | {"program": program_version(*PACKAGES, libraries=("highspy",))},
    }
