"""The points of a study as tables: what was varied, and what every strategy was worth."""

from __future__ import annotations

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype

from coercivity.engine.report.text import harmless
from coercivity.models.licensing.studies.study import Outcomes, Study
from coercivity.models.licensing.studies.worker import OPTIMAL


def points(study: Study, outcomes: Outcomes) -> pd.DataFrame:
    """One row a point: its values in the units of the parameters, how it ended, and why where it has no answer."""
    status = ["not run" if one is None else one.value for one in outcomes.status]
    messages = [outcomes.messages.get(row, "") for row in range(len(status))]
    head = pd.DataFrame({"point": np.arange(len(status)), "status": status, "message": messages})
    columns = [f"{one.parameter.name} [{one.parameter.unit}]" for one in study.varied]
    return pd.concat([head, pd.DataFrame(study.design.values, columns=columns)], axis=1)


def payoffs(outcomes: Outcomes) -> pd.DataFrame:
    """One row a point and strategy, for points that have an answer; regret is against the best named strategy."""
    rows, names = np.flatnonzero(outcomes.is_done), outcomes.strategies
    named = [at for at, name in enumerate(names) if name != OPTIMAL]
    payoff = outcomes.payoff[rows]
    best = payoff[:, named].max(axis=1, keepdims=True) if len(rows) else payoff[:, :1]
    years = range(outcomes.first_year, outcomes.first_year + outcomes.share.shape[2])
    share = outcomes.share[rows].reshape(-1, outcomes.share.shape[2])
    return pd.DataFrame(
        {
            "point": np.repeat(rows, len(names)),
            "strategy": np.tile(np.array(names, dtype=object), len(rows)),
            "payoff_musd": payoff.ravel(),
            "regret_musd": (best - payoff).ravel(),
            "probability": outcomes.probability[rows].ravel(),
            "pressure_musd": outcomes.pressure[rows].ravel(),
            **{f"share_{year}": share[:, at] for at, year in enumerate(years)},
        }
    )


def texts(study: Study, outcomes: Outcomes) -> dict[str, str]:
    """Both tables as CSV, by file name; every number with all its digits."""
    frames = {"points.csv": points(study, outcomes), "payoffs.csv": payoffs(outcomes)}
    return {name: _csv(frame) for name, frame in frames.items()}


def joined(study: Study, outcomes: Outcomes) -> str:
    """Every point and strategy in one row with the values of the point, as CSV; a point without an answer has one row."""
    frame = points(study, outcomes).merge(payoffs(outcomes), on="point", how="left")
    return _csv(frame)


def _csv(frame: pd.DataFrame) -> str:
    """A table as CSV, its texts such that no spreadsheet takes one for a formula."""
    words = {name: frame[name].map(harmless) for name in frame.columns if not is_numeric_dtype(frame[name])}
    return str(frame.assign(**words).rename(columns=harmless).to_csv(index=False, lineterminator="\n"))
