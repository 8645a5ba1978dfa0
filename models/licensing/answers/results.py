"""From an evaluated strategy to the answer that is printed and saved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from coercivity.engine.proof.certificate import Certificate
from coercivity.models.licensing.announcement.announce import Announcement
from coercivity.models.licensing.announcement.licences import Path
from coercivity.models.licensing.answers.backtest.measures import NOTHING, bloc_supply, observations, shortage
from coercivity.models.licensing.answers.reactions import reactions_of
from coercivity.models.licensing.answers.values import (
    AllBlocs,
    Answer,
    BlocTotals,
    CertificateBlock,
    Commitment,
    LeaderPayoff,
    MarketTotals,
    PathRow,
    Plan,
    Rents,
    Series,
    Shares,
    cut_off,
)
from coercivity.models.licensing.audit.certify import FOLLOWER_GAP
from coercivity.models.licensing.buyers.evaluate import Response
from coercivity.models.licensing.leader.commit import Evaluation, Game
from coercivity.models.licensing.market.periods import Floats
from coercivity.models.licensing.reading.accounts import Accounts, accounts_of, public_money
from coercivity.models.licensing.reading.leverage import Curve, CutOff, leverage_curve, log_power


@dataclass(frozen=True)
class Assessment:
    """One strategy, evaluated: everything that its report needs."""

    evaluation: Evaluation
    accounts: Accounts
    curve: Curve | None
    harm: tuple[float, ...]

    @property
    def response(self) -> Response:
        """The best response that is reported."""
        return self.evaluation.response


def assess(game: Game, announced: Announcement, cutoff: CutOff | None) -> Assessment:
    """Evaluate a strategy and everything reported about it."""
    return assess_evaluated(game, game.evaluate(announced), cutoff)


def assess_evaluated(game: Game, evaluation: Evaluation, cutoff: CutOff | None) -> Assessment:
    """Everything reported about a strategy that was evaluated."""
    curve = leverage_curve(game.instance, cutoff, evaluation.response) if cutoff is not None else None
    accounts = accounts_of(game.instance, game.market, evaluation.response)
    announced, cost = evaluation.announced, evaluation.response.cost
    harm = tuple(game.harm(announced, cost, bloc) for bloc in range(len(game.market.sets.blocs)))
    return Assessment(evaluation, accounts, curve, harm)


def answer_of(
    game: Game,
    assessment: Assessment,
    base: Assessment,
    certificate: Certificate,
    best_deviation: Sequence[PathRow] | None = None,
) -> Answer:
    """The answer to one strategy; pain is measured against ``base``."""
    evaluation, response = assessment.evaluation, assessment.response
    return Answer(
        strategy=_commitment(game, evaluation.announced),
        leader=_leader(game, evaluation, base.evaluation),
        market=_market(game, assessment, base),
        blocs=_blocs(game, assessment, base),
        all_blocs=AllBlocs(
            leverage_musd=_leverage(game, assessment.curve, len(game.market.sets.blocs)),
            asymmetry_musd=_asymmetry(game, assessment.curve),
        ),
        reactions=reactions_of(game, evaluation),
        series=_series(response),
        shares=shares_of(game, response),
        observations=observations(game, response, evaluation.announced.name),
        plan=Plan(
            exports_t=response.plan["imports"].sum(axis=3).round(9).tolist(),
            captured_rent_kusd=evaluation.payoff.rents["captured_rent"].tolist(),
            exporter_rent_kusd=evaluation.payoff.rents["exporter_rent"].tolist(),
        ),
        certificate=_certificate(certificate, best_deviation),
    )


def _leader(game: Game, evaluation: Evaluation, base: Evaluation) -> LeaderPayoff:
    payoff = evaluation.payoff
    found = LeaderPayoff(
        value_musd=payoff.value,
        terms_musd=payoff.terms,
        by_year={term: {str(year): value for year, value in flow.items()} for term, flow in payoff.by_year.items()},
        probability=payoff.probability,
        pressure_musd=payoff.pressure,
    )
    if not payoff.pressure > 0 or game.books.window is None:
        return found
    return replace(found, pays_from_probability=game.pays_from(evaluation.announced, base.optimistic))


def tariffs(game: Game, response: Response) -> float:
    """What buyers' governments take in tariffs, expected and discounted at the buyers' rate, million USD."""
    market, period = game.market, game.market.tree.period
    odds = response.announced.weight * market.discount[period]
    bought = response.plan["imports"].sum(axis=-1)
    return float((odds[:, None, None] * game.announcer.tariff[period] * bought).sum()) / 1000.0


def _market(game: Game, assessment: Assessment, base: Assessment) -> MarketTotals:
    response, accounts = assessment.response, assessment.accounts
    return MarketTotals(
        buyers_cost_musd=response.cost / 1000.0,
        market_pain_musd=(response.cost - base.response.cost) / 1000.0,
        shortage_t=float(expected(response, shortage(response)).sum()),
        leader_rents_musd=accounts.leader / 1000.0,
        outside_musd=accounts.outside / 1000.0,
        public_money_musd=public_money(game.market, response) / 1000.0,
        tariffs_musd=tariffs(game, response) if game.announcer.tariff.any() else None,
        reconciliation_gap_musd=(accounts.total - response.cost) / 1000.0,
    )


def _certificate(certificate: Certificate, best_deviation: Sequence[PathRow] | None) -> CertificateBlock:
    follower = next((check for check in certificate.follower_checks if check.name == FOLLOWER_GAP), None)
    return CertificateBlock(
        proof=certificate.proof.name,
        says=certificate.proof.sentence,
        value_musd=certificate.value,
        bound_musd=certificate.bound,
        optimistic_musd=certificate.optimistic,
        pessimistic_musd=certificate.pessimistic,
        follower_gap=follower.gap / follower.scale if follower else None,
        best_deviation_gain_musd=certificate.deviation_gain,
        attained=certificate.attained,
        assumptions=certificate.assumptions,
        checks=certificate.checks,
        best_deviation=best_deviation,
    )


def path_rows(game: Game, path: Path) -> list[PathRow]:
    """The postures by phase and group; by product where they differ."""
    rows = []
    for (phase, data), groups in zip(game.instance.phases.items(), path, strict=True):
        for group, postures in zip(game.market.sets.groups, groups, strict=True):
            if len(set(postures)) == 1:
                rows.append(PathRow(phase, data.begins, group, postures[0]))
                continue
            for product, posture in zip(game.market.sets.products, postures, strict=True):
                rows.append(PathRow(phase, data.begins, group, posture, product))
    return rows


def _commitment(game: Game, announced: Announcement) -> Commitment:
    strategy = game.instance.strategies.get(announced.name)
    fed = {month: float(tonnes) for month, tonnes in strategy.fed_volumes.items()} if strategy and announced.fed else {}
    return Commitment(
        name=announced.name,
        title=strategy.title if strategy else "The best commitment on the menu",
        is_optimum=strategy is None,
        fed=bool(fed),
        fed_volumes_t=fed,
        path=path_rows(game, announced.path),
        hazards=dict(zip(game.market.sets.phases, announced.hazard.tolist(), strict=True)),
    )


def expected(response: Response, value: Floats) -> Floats:
    """Expected value by period under the buyers' probabilities, of an array over nodes [n,…]."""
    weighted = value * response.announced.weight.reshape(-1, *[1] * (value.ndim - 1))
    found = np.zeros((len(response.market.grid), *value.shape[1:]))
    np.add.at(found, response.market.tree.period, weighted)
    return found


def _blocs(game: Game, assessment: Assessment, base: Assessment) -> dict[str, BlocTotals]:
    response, names = assessment.response, game.market.grid.names()
    trunk = slice(0, len(names))
    exports, rivals = bloc_supply(response)
    short = expected(response, shortage(response)).sum(axis=0)
    found = {}
    for b, (name, bloc) in enumerate(game.instance.blocs.items()):
        shares = _ratios(exports[trunk, b], exports[trunk, b] + rivals[trunk, b])
        found[name] = BlocTotals(
            title=bloc.title,
            group=bloc.group,
            cost_musd=float(assessment.accounts.blocs[b]) / 1000.0,
            pain_musd=float(assessment.accounts.blocs[b] - base.accounts.blocs[b]) / 1000.0,
            harm_musd=assessment.harm[b],
            shortage_t=float(short[b]),
            leader_share=dict(zip(names, shares, strict=True)),
            leverage_musd=_leverage(game, assessment.curve, b),
        )
    return found


def _ratios(parts: Floats, wholes: Floats) -> list[float | None]:
    return [float(part / whole) if whole > NOTHING else None for part, whole in zip(parts, wholes, strict=True)]


def _leverage(game: Game, curve: Curve | None, bloc: int) -> dict[str, dict[str, float]]:
    if curve is None:
        return {}
    names = game.market.grid.names()
    return {
        cut_off(length): {names[t]: float(curve.losses[row, position, bloc]) for row, t in enumerate(curve.periods)}
        for position, length in enumerate(curve.lengths)
    }


def _asymmetry(game: Game, curve: Curve | None) -> dict[str, dict[str, float]]:
    """The buyers' loss less the leader's from the same cut-off of all blocs."""
    if curve is None:
        return {}
    names = game.market.grid.names()
    gap = curve.losses[..., -1] - curve.forgone[..., -1]
    return {
        cut_off(length): {names[t]: float(gap[row, position]) for row, t in enumerate(curve.periods)}
        for position, length in enumerate(curve.lengths)
    }


def _series(response: Response) -> Series:
    """The paths while licences hold."""
    market = response.market
    trunk = slice(0, len(market.grid))
    exports, rivals = bloc_supply(response)
    price, unmet = response.price("demand_balance"), shortage(response)
    tonnes = market.demand.sum(axis=-1)
    mean = (price[trunk] * tonnes).sum(axis=(2, 3)) / np.maximum(tonnes.sum(axis=(2, 3)), 1e-12)
    names = market.sets.blocs
    shares, hhi = _concentration(response)
    return Series(
        periods=market.grid.names(),
        months=market.grid.length.tolist(),
        exports_t={name: exports[trunk, b].tolist() for b, name in enumerate(names)},
        shortage_t={name: unmet[trunk, b].tolist() for b, name in enumerate(names)},
        rivals_t=rivals[trunk].sum(axis=1).tolist(),
        stock_t=response.stock[trunk].sum(axis=(1, 2, 3)).tolist(),
        ordered_t_per_yr=response.plan["expansion"][trunk].sum(axis=1).tolist(),
        price_usd_per_kg={name: mean[:, b].tolist() for b, name in enumerate(names)},
        rents_usd_per_kg=_rents(response),
        leader_share=shares,
        log_power=[_power(share) for share in shares],
        hhi=hhi,
    )


def _concentration(response: Response) -> tuple[list[float | None], list[float | None]]:
    """The leader's share of what is bought abroad, and the Herfindahl index of sources, by period."""
    trunk = slice(0, len(response.market.grid))
    exports = response.plan["imports"][trunk].sum(axis=(1, 2, 3))
    rivals = response.plan["rival_sales"][trunk].sum(axis=(2, 3))
    total = exports + rivals.sum(axis=1)
    shares = _ratios(exports, total)
    others = [float(((r / all_) ** 2).sum()) if all_ > NOTHING else 0.0 for r, all_ in zip(rivals, total, strict=True)]
    return shares, [None if share is None else share**2 + rest for share, rest in zip(shares, others, strict=True)]


def _rents(response: Response) -> Rents:
    """What the scarce things earn while licences hold: licences by bloc, exporters, rivals and re-export routes."""
    market, sets = response.market, response.market.sets
    trunk = slice(0, len(market.grid))
    tonnes = market.demand.sum(axis=-1)
    licence = (response.price("export_licence")[trunk] * tonnes).sum(axis=(2, 3)) / np.maximum(
        tonnes.sum(axis=(2, 3)), 1e-12
    )
    rival, route = response.price("rival_capacity")[trunk], response.price("reexport_capacity")[trunk]
    return Rents(
        licence={name: licence[:, b].tolist() for b, name in enumerate(sets.blocs)},
        exporter=response.price("exporter_capacity")[trunk].tolist(),
        rival={name: rival[:, list(market.lines_of(j))].max(axis=1).tolist() for j, name in enumerate(sets.rivals)},
        leakage={name: route[:, r].tolist() for r, name in enumerate(sets.routes)},
    )


def shares_of(game: Game, response: Response) -> Shares:
    """Shares of the market at the turn of each decade."""
    foreign: dict[str, float | None] = {}
    world: dict[str, float | None] = {}
    hhi: dict[str, float | None] = {}
    for year in sorted(year for year in _years(response) if year % 10 == 0):
        exports, rivals, home = _market_of_year(game, response, year)
        total, key = exports + float(rivals.sum()), str(year)
        share = foreign[key] = exports / total if total > 0 else None
        world[key] = float(rivals.sum() / (total + home)) if total + home > 0 else None
        hhi[key] = None if share is None else float(share**2 + ((rivals / total) ** 2).sum())
    return Shares(
        leader_foreign=foreign,
        rivals_foreign={year: None if share is None else 1.0 - share for year, share in foreign.items()},
        rivals_world=world,
        hhi=hhi,
        log_power={year: _power(share) for year, share in foreign.items()},
    )


def _power(share: float | None) -> float | None:
    return None if share is None or share >= 1 else log_power(share)


def _years(response: Response) -> set[int]:
    return {int(month) // 12 for month in response.market.grid.start}


def _market_of_year(game: Game, response: Response, year: int) -> tuple[float, Floats, float]:
    """Exports, rivals' sales by rival, and the leader's use at home in a calendar year, tonnes, while licences hold."""
    market, leader = game.market, game.instance.leader
    weight = market.grid.overlap(12 * year, 12 * year + 12) / market.grid.length
    trunk = slice(0, len(market.grid))
    exports = response.plan["imports"][trunk].sum(axis=(1, 2, 3))
    rivals = response.plan["rival_sales"][trunk].sum(axis=(2, 3))
    home = float(leader.home_use) * market.grid.years * np.power(1.0 + float(leader.home_growth), market.grid.middle)
    return float(weight @ exports), np.asarray(weight @ rivals), float(weight @ home)
