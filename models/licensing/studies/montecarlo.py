"""Monte-Carlo: the strategies under the uncertainty that the instance states, on the same draws, and what to choose."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from coercivity.engine.errors import UsageError
from coercivity.engine.study.axes import Distribution
from coercivity.engine.study.designs import Design, latin_hypercube, random_draws, sobol_sequence
from coercivity.engine.study.regret import (
    QUANTILES,
    Difference,
    Payoffs,
    Summary,
    choice,
    differences,
    dominance,
    expected_value_of_perfect_information,
    summaries,
)
from coercivity.models.licensing.reading.leverage import log_power
from coercivity.models.licensing.studies.outline import outline
from coercivity.models.licensing.studies.session import Session
from coercivity.models.licensing.studies.study import Outcomes, Study
from coercivity.models.licensing.studies.values import (
    Choice,
    Dominance,
    MonteCarlo,
    PairDifference,
    Quantiles,
    Reoptimised,
    StrategySummary,
    StudyAnswer,
    YearPower,
)
from coercivity.models.licensing.studies.vary import UNSTATED, Varied, uncertain, varied
from coercivity.models.licensing.studies.worker import OPTIMAL, What

SAMPLINGS = {"random": random_draws, "lhs": latin_hypercube, "sobol": sobol_sequence}


def drawn(found: Sequence[Varied], sampling: str, runs: int, seed: int) -> Design:
    """A sample of the axes."""
    return SAMPLINGS[sampling]([one.axis for one in found], runs, seed)


def montecarlo(
    session: Session,
    vary: Sequence[str] = (),
    unstated: Distribution = UNSTATED,
    runs: int = 500,
    seed: int = 1,
    sampling: str = "random",
    strategies: Sequence[str] = (),
    what: What = "evaluate",
) -> tuple[StudyAnswer, Study, Outcomes]:
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
    the result, of a shard its head alone, the study, and what came out of it

    Raises
    ------
    UsageError
        As :func:`coercivity.models.licensing.studies.vary.varied`; or fewer than two draws have a value.
    """
    found = varied(session.instance, vary, unstated) if vary else uncertain(session.instance, unstated)
    design = drawn(found, sampling, runs, seed)
    study = session.study(found, design, session.chosen(strategies), what)
    outcomes = session.ask(study, "draws")
    result = outline("montecarlo", session, study, outcomes)
    if session.effort.part is None:
        result = _weighed(result, outcomes)
    return result, study, outcomes


def _weighed(head: StudyAnswer, outcomes: Outcomes) -> MonteCarlo:
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
    reoptimised = None
    if OPTIMAL in outcomes.strategies:
        best = outcomes.payoff[done][:, outcomes.strategies.index(OPTIMAL)]
        held = payoffs.values[:, names.index(chosen.expected[0])]
        reoptimised = Reoptimised(float(best.mean()), payoffs.mean(best - held))
    return MonteCarlo(
        **vars(head),
        summaries=tuple(map(_summary, summaries(payoffs))),
        choice=Choice(tuple(chosen.expected), tuple(chosen.robust)),
        perfect_information_musd=expected_value_of_perfect_information(payoffs),
        differences=tuple(map(_difference, differences(payoffs))) if len(names) > 1 else (),
        dominance=Dominance(_pairs(names, order.first_order), _pairs(names, order.second_order)),
        power=tuple(_power(outcomes)),
        reoptimised=reoptimised,
    )


def _summary(row: Summary) -> StrategySummary:
    return StrategySummary(
        strategy=row.name,
        mean_musd=row.expected.value,
        standard_error_musd=row.expected.standard_error,
        quantiles_musd=Quantiles(*row.quantiles),
        wins=row.wins,
        ties=row.ties,
        largest_regret_musd=row.largest_regret,
        expected_regret_musd=row.expected_regret.value,
    )


def _difference(row: Difference) -> PairDifference:
    return PairDifference(row.first, row.second, row.mean.value, row.low, row.high, row.ahead)


def _pairs(names: Sequence[str], table: np.ndarray[Any, Any]) -> tuple[tuple[str, str], ...]:
    return tuple((names[i], names[j]) for i, j in zip(*np.nonzero(table), strict=True))


def _power(outcomes: Outcomes) -> Iterator[YearPower]:
    """Quantiles over the draws of the leader's share and of its market power −ln(1 − share), by strategy and year."""
    share = outcomes.share[outcomes.is_done]
    for at, name in enumerate(outcomes.strategies):
        for year in range(share.shape[2]):
            traded = share[:, at, year]
            traded = traded[np.isfinite(traded)]
            if len(traded):
                found = np.quantile(traded, QUANTILES, method="inverted_cdf").tolist()
                power = [log_power(value) if value < 1 else None for value in found]
                yield YearPower(name, outcomes.first_year + year, Quantiles(*found), Quantiles(*power))
