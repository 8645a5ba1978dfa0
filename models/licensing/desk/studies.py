"""The studies by name: the question, and the page that shows the answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.desk.study import StudyPage, deliver
from coercivity.models.licensing.pages.studies import discover as discover_page
from coercivity.models.licensing.pages.studies import montecarlo as montecarlo_page
from coercivity.models.licensing.pages.studies import sensitivity as sensitivity_page
from coercivity.models.licensing.pages.studies import sweep as sweep_page
from coercivity.models.licensing.studies.discover import discovered
from coercivity.models.licensing.studies.montecarlo import montecarlo
from coercivity.models.licensing.studies.sensitivity import sensitivity
from coercivity.models.licensing.studies.sweep import sweep

STUDIES: dict[str, tuple[Callable[..., Any], StudyPage]] = {
    "sweep": (sweep, sweep_page),
    "montecarlo": (montecarlo, montecarlo_page),
    "sensitivity": (sensitivity, sensitivity_page),
    "discover": (discovered, discover_page),
}


def study(name: str, instance: Instance, asked: Mapping[str, Any], run: Mapping[str, Any], is_quiet: bool) -> None:
    """Do a study and deliver it; raises as :func:`coercivity.models.licensing.desk.study.deliver`.

    Parameters
    ----------
    asked : keyword arguments of the study
    run : all options of the command
    """
    ask, page = STUDIES[name]
    deliver(name, instance, partial(ask, **asked), run, is_quiet, page)
