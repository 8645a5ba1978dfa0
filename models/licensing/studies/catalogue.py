"""The studies by name: the question, and the page that shows the answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from models.licensing.instance import Instance
from models.licensing.studies.deliver import Page, deliver
from models.licensing.studies.discover import discovered
from models.licensing.studies.montecarlo import montecarlo
from models.licensing.studies.pages import discover as discover_page
from models.licensing.studies.pages import montecarlo as montecarlo_page
from models.licensing.studies.pages import sensitivity as sensitivity_page
from models.licensing.studies.pages import sweep as sweep_page
from models.licensing.studies.sensitivity import sensitivity
from models.licensing.studies.sweep import sweep

STUDIES: dict[str, tuple[Callable[..., Any], Page]] = {
    "sweep": (sweep, sweep_page),
    "montecarlo": (montecarlo, montecarlo_page),
    "sensitivity": (sensitivity, sensitivity_page),
    "discover": (discovered, discover_page),
}


def study(name: str, instance: Instance, asked: Mapping[str, Any], run: Mapping[str, Any], is_quiet: bool) -> None:
    """Do a study and deliver it; raises as :func:`models.licensing.studies.deliver.deliver`.

    Parameters
    ----------
    asked : keyword arguments of the study
    run : all options of the command
    """
    ask, page = STUDIES[name]
    deliver(name, instance, partial(ask, **asked), run, is_quiet, page)
