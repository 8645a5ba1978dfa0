"""Monte-Carlo: the strategies under the uncertainty that the instance states, on the same draws, and what to choose."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from coercivity.engine.errors import UsageError
from coercivity.engine.study.axes import Distribution
from coercivity.engine.study.designs import Design, latin_hypercube, random_draws, sobol_sequence
from coercivity.engine.study.regret import (
    QUANTILES,
    Estimate,
    Payoffs,
    choice,
    differences,
    dominance,
    expected_value_of_perfect_information,
    summaries,
)
from coercivity.models.licensing.reading.leverage import log_power
from coercivity.models.licensing.studies.outline import outline
from coercivity.models.licensing.studies.session import Lab
from coercivity.models.licensing.studies.study import Outcomes, Study
from coercivity.models.licensing.studies.vary import UNSTATED, Varied, uncertain, varied
from coercivity.models.licensing.studies.worker import OPTIMAL, What

SAMPLINGS = {"random": random_draws, "lhs": latin_hypercube, "sobol": sobol_sequence}


def drawn(found: Sequence[Varied], sampling: str, runs: int, seed: int) -> Design:
    """A sample of the axes."""
    return SAMPLINGS[sampling]([one.axis for one in found], runs, seed)


def montecarlo(
    lab: Lab,
    vary: Sequence[str] = (),
    unstated: Distribution = UNSTATED,
    runs: int = 500,
    seed: int = 1,
    sampling: str = "random",
    strategies: Sequence[str] = (),
    what: What = "evaluate",
) -> tuple[dict[str, Any], Study, Outcomes]:
    """Every strategy at the same draws: payoffs, chance of winning, regret, dominance, and the value of information.

    Parameters
    ----------
    unstated : distribution over ranges for which the instance names none
    vary : ``PATH`` or ``PATH=low:high``; default: every number of the instance that has a range
    runs : number of draws; ``sobol`` wants a power of two
    sampling : a key of :data:`SAMPLINGS`
    strategies : named ones to weigh; default: all

    Returns
    -------
    the result as plain data, the study, and what came out of it

    Raises
    ------
    UsageError
        As :func:`coercivity.models.licensing.studies.vary.varied`; or fewer than two draws have a value.
    """
    found = varied(lab.instance, vary, unstated) if vary else uncertain(lab.instance, unstated)
    design = drawn(found, sampling, runs, seed)
    study = lab.study(found, design, lab.chosen(strategies), what)
    outcomes = lab.ask(study, "draws")
    result = outline("montecarlo", lab, study, outcomes)
    if lab.effort.part is None:
        result |= _weighed(outcomes)
    return result, study, outcomes


def _weighed(outcomes: Outcomes) -> dict[str, Any]:
    done = outcomes.is_done
    if done.sum() < 2:
        why = next(iter(outcomes.messages.values()), "")
        raise UsageError(
            "montecarlo", f"{int(done.sum())} draws have a value: {why}", "mend the instance, or draw more"
        )
    named = [at for at, name in enumerate(outcomes.strategies) if name != OPTIMAL]
    payoffs = Payoffs([outcomes.strategies[at] for at in named], outcomes.payoff[done][:, named])
    chosen, order = choice(payoffs), dominance(payoffs)
    names = payoffs.names
    result: dict[str, Any] = {
        "summaries": [
            {
                "strategy": row.name,
                "mean_musd": row.expected.value,
                "standard_error_musd": row.expected.standard_error,
                "quantiles_musd": dict(zip(map(_percent, QUANTILES), row.quantiles, strict=True)),
                "wins": row.wins,
                "ties": row.ties,
                "largest_regret_musd": row.largest_regret,
                "expected_regret_musd": row.expected_regret.value,
            }
            for row in summaries(payoffs)
        ],
        "choice": {"expected": list(chosen.expected), "robust": list(chosen.robust)},
        "perfect_information_musd": _estimate(expected_value_of_perfect_information(payoffs)),
        "differences": [
            {
                "first": row.first, "second": row.second, "mean_musd": row.mean.value, "low_musd": row.low,
                "high_musd": row.high, "ahead": row.ahead,
            }
            for row in differences(payoffs)
        ] if len(names) > 1 else [],
        "dominance": {
            kind: [[names[i], names[j]] for i, j in zip(*np.nonzero(table), strict=True)]
            for kind, table in (("first_order", order.first_order), ("second_order", order.second_order))
        },
        "power": _power(outcomes),
    }  # fmt: skip
    if OPTIMAL in outcomes.strategies:
        best = outcomes.payoff[done][:, outcomes.strategies.index(OPTIMAL)]
        held = payoffs.values[:, names.index(chosen.expected[0])]
        result["reoptimised"] = {
            "mean_musd": float(best.mean()),
            "gain_musd": _estimate(payoffs.mean(best - held)),
        }
    return result


def _estimate(found: Estimate) -> dict[str, float]:
    return {"value": found.value, "standard_error": found.standard_error}


def _percent(share: float) -> str:
    """The name of a quantile: ``p5``."""
    return f"p{100 * share:g}"


def _power(outcomes: Outcomes) -> list[dict[str, Any]]:
    """Quantiles over the draws of the leader's share and of its market power −ln(1 − share), by strategy and year."""
    share = outcomes.share[outcomes.is_done]
    found = []
    for at, name in enumerate(outcomes.strategies):
        for year in range(share.shape[2]):
            traded = share[:, at, year]
            traded = traded[np.isfinite(traded)]
            if not len(traded):
                continue
            quantiles = np.quantile(traded, [0.05, 0.25, 0.5, 0.75, 0.95], method="inverted_cdf").tolist()
            named = dict(zip(("p5", "p25", "p50", "p75", "p95"), quantiles, strict=True))
            power = {key: log_power(value) if value < 1 else None for key, value in named.items()}
            found.append({"strategy": name, "year": outcomes.first_year + year, "share": named, "power": power})
    return found
