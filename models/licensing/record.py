"""What was recorded, to hold the model against: observations."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from models.licensing.quantity import Month, Name, Table, quantity


class Observation(Table):
    """A fact to hold the model against. ``fed`` says that the model was given it."""

    title: str
    strategy: Name
    measure: Literal["exports", "export_share", "shortage", "rival_world_share", "rival_foreign_share"]
    bloc: Name | None = None
    begins: Month
    ends: Month = Field(description="the last month, included")
    share: quantity("1", None) | None = Field(None, description="the recorded value, where it is a share")
    tonnes: quantity("t", None) | None = Field(None, description="the recorded value, where it is a mass")
    fed: bool = False
    note: str = ""
