"""From an evaluated strategy to the figures that are printed and saved, as plain data ready for JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from coercivity.engine.proof.certificate import Certificate
from coercivity.models.licensing.announcement.announce import Announcement
from coercivity.models.licensing.announcement.licences import Path
from coercivity.models.licensing.answers.backtest.measures import bloc_supply, observations, shortage
from coercivity.models.licensing.answers.reactions import reactions_block
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

    @property
    def response(self) -> Response:
        """The best response that is reported."""
        return self.evaluation.response


def assess(game: Game, announced: Announcement, cutoff: CutOff | None) -> Assessment:
    """Evaluate a strategy and everything reported about it."""
    evaluation = game.evaluate(announced)
    curve = leverage_curve(game.instance, cutoff, evaluation.response) if cutoff is not None else None
    return Assessment(evaluation, accounts_of(game.instance, game.market, evaluation.response), curve)


def strategy_block(game: Game, assessment: Assessment, base: Assessment, certificate: Certificate) -> dict[str, Any]:
    """The report of one strategy; pain is measured against ``base``."""
    evaluation, response = assessment.evaluation, assessment.response
    return {
        "strategy": _strategy(game, evaluation.announced),
        "leader": {
            "value_musd": evaluation.payoff.value,
            "terms_musd": evaluation.payoff.terms,
            "by_year": {
                term: {str(year): value for year, value in flow.items()}
                for term, flow in evaluation.payoff.by_year.items()
            },
            "probability": evaluation.payoff.probability,
            "pressure_musd": evaluation.payoff.pressure,
        },
        "market": {
            "buyers_cost_musd": response.cost / 1000.0,
            "market_pain_musd": (response.cost - base.response.cost) / 1000.0,
            "shortage_t": float(expected(response, shortage(response)).sum()),
            "leader_rents_musd": assessment.accounts.leader / 1000.0,
            "outside_musd": assessment.accounts.outside / 1000.0,
            "public_money_musd": public_money(game.market, response) / 1000.0,
            "reconciliation_gap_musd": (assessment.accounts.total - response.cost) / 1000.0,
        },
        "blocs": _blocs(game, assessment, base),
        "all_blocs": {
            "leverage_musd": _leverage(game, assessment.curve, len(game.market.sets.blocs)),
            "asymmetry_musd": _asymmetry(game, assessment.curve),
        },
        "reactions": reactions_block(game, assessment),
        "series": _series(response),
        "shares": _shares(game, response),
        "observations": observations(game, response, evaluation.announced.name),
        "plan": {
            "exports_t": response.plan["imports"].sum(axis=3).round(9).tolist(),
            **{f"{term}_kusd": rent.tolist() for term, rent in evaluation.payoff.rents.items()},
        },
        "certificate": certificate_block(certificate),
    }


def certificate_block(certificate: Certificate) -> dict[str, Any]:
    """A certificate as plain data."""
    follower = next((check for check in certificate.follower_checks if check.name.startswith("follower gap")), None)
    return {
        "proof": certificate.proof.name,
        "says": certificate.proof.sentence,
        "value_musd": certificate.value,
        "bound_musd": certificate.bound,
        "optimistic_musd": certificate.optimistic,
        "pessimistic_musd": certificate.pessimistic,
        "follower_gap": follower.gap / follower.scale if follower else None,
        "best_deviation_gain_musd": certificate.deviation_gain,
        "attained": certificate.attained,
        "assumptions": list(certificate.assumptions),
        "checks": [
            {"name": c.name, "gap": c.gap, "scale": c.scale, "tolerance": c.tolerance, "ok": c.ok}
            for c in certificate.checks
        ],
    }


def path_rows(game: Game, path: Path) -> list[dict[str, str]]:
    """The postures by phase and group; by product where they differ."""
    rows = []
    for (phase, data), groups in zip(game.instance.phases.items(), path, strict=True):
        for group, postures in zip(game.market.sets.groups, groups, strict=True):
            for product, posture in zip(game.market.sets.products, postures, strict=True):
                row = {"phase": phase, "begins": data.begins, "group": group, "posture": posture}
                if len(set(postures)) > 1:
                    row["product"] = product
                if row not in rows:
                    rows.append(row)
    return rows


def _strategy(game: Game, announced: Announcement) -> dict[str, Any]:
    strategy = game.instance.strategies.get(announced.name)
    fed = {month: float(tonnes) for month, tonnes in strategy.fed_volumes.items()} if strategy and announced.fed else {}
    return {
        "name": announced.name,
        "title": strategy.title if strategy else "The best commitment on the menu",
        "is_optimum": strategy is None,
        "fed": bool(fed),
        "fed_volumes_t": fed,
        "path": path_rows(game, announced.path),
        "hazards": dict(zip(game.market.sets.phases, announced.hazard.tolist(), strict=True)),
    }


def expected(response: Response, value: Floats) -> Floats:
    """Expected value by period under the buyers' probabilities, of an array over nodes [n,…]."""
    weighted = value * response.announced.weight.reshape(-1, *[1] * (value.ndim - 1))
    found = np.zeros((len(response.market.grid), *value.shape[1:]))
    np.add.at(found, response.market.tree.period, weighted)
    return found


def _blocs(game: Game, assessment: Assessment, base: Assessment) -> dict[str, Any]:
    response, names = assessment.response, game.market.grid.names()
    trunk = slice(0, len(names))
    exports, rivals = bloc_supply(response)
    short = expected(response, shortage(response)).sum(axis=0)
    found = {}
    for b, (name, bloc) in enumerate(game.instance.blocs.items()):
        supply = exports[trunk, b] + rivals[trunk, b]
        shares = [
            float(x / total) if total > 1e-9 else None for x, total in zip(exports[trunk, b], supply, strict=True)
        ]
        found[name] = {
            "title": bloc.title,
            "group": bloc.group,
            "cost_musd": float(assessment.accounts.blocs[b]) / 1000.0,
            "pain_musd": float(assessment.accounts.blocs[b] - base.accounts.blocs[b]) / 1000.0,
            "shortage_t": float(short[b]),
            "leader_share": dict(zip(names, shares, strict=True)),
            "leverage_musd": _leverage(game, assessment.curve, b),
        }
    return found


def _leverage(game: Game, curve: Curve | None, bloc: int) -> dict[str, dict[str, float]]:
    if curve is None:
        return {}
    names = game.market.grid.names()
    return {
        f"{length:g} months": {
            names[t]: float(curve.losses[row, position, bloc]) for row, t in enumerate(curve.periods)
        }
        for position, length in enumerate(curve.lengths)
    }


def _asymmetry(game: Game, curve: Curve | None) -> dict[str, dict[str, float]]:
    """The buyers' loss less the leader's from the same cut-off of all blocs."""
    if curve is None:
        return {}
    names = game.market.grid.names()
    gap = curve.losses[..., -1] - curve.forgone[..., -1]
    return {
        f"{length:g} months": {names[t]: float(gap[row, position]) for row, t in enumerate(curve.periods)}
        for position, length in enumerate(curve.lengths)
    }


def _series(response: Response) -> dict[str, Any]:
    """The paths while licences hold."""
    market = response.market
    trunk = slice(0, len(market.grid))
    exports, rivals = bloc_supply(response)
    price, unmet = response.price("demand_balance"), shortage(response)
    tonnes = market.demand.sum(axis=-1)
    mean = (price[trunk] * tonnes).sum(axis=(2, 3)) / np.maximum(tonnes.sum(axis=(2, 3)), 1e-12)
    names = market.sets.blocs
    return {
        "periods": market.grid.names(),
        "months": market.grid.length.tolist(),
        "exports_t": {name: exports[trunk, b].tolist() for b, name in enumerate(names)},
        "shortage_t": {name: unmet[trunk, b].tolist() for b, name in enumerate(names)},
        "rivals_t": rivals[trunk].sum(axis=1).tolist(),
        "stock_t": response.stock[trunk].sum(axis=(1, 2, 3)).tolist(),
        "ordered_t_per_yr": response.plan["expansion"][trunk].sum(axis=1).tolist(),
        "price_usd_per_kg": {name: mean[:, b].tolist() for b, name in enumerate(names)},
        "rents_usd_per_kg": _rents(response),
        **_concentration(response),
    }


def _concentration(response: Response) -> dict[str, list[float | None]]:
    """The leader's share of what is bought abroad, its log power, and the Herfindahl index of sources, by period."""
    trunk = slice(0, len(response.market.grid))
    exports = response.plan["imports"][trunk].sum(axis=(1, 2, 3))
    rivals = response.plan["rival_sales"][trunk].sum(axis=(2, 3))
    total = exports + rivals.sum(axis=1)
    shares = [float(x / all_) if all_ > 1e-9 else None for x, all_ in zip(exports, total, strict=True)]
    others = [float(((r / all_) ** 2).sum()) if all_ > 1e-9 else 0.0 for r, all_ in zip(rivals, total, strict=True)]
    return {
        "leader_share": shares,
        "log_power": [None if share is None or share >= 1 else log_power(share) for share in shares],
        "hhi": [None if share is None else share**2 + rest for share, rest in zip(shares, others, strict=True)],
    }


def _rents(response: Response) -> dict[str, Any]:
    """What the scarce things earn while licences hold: licences by bloc, exporters, rivals and re-export routes."""
    market, sets = response.market, response.market.sets
    trunk = slice(0, len(market.grid))
    tonnes = market.demand.sum(axis=-1)
    licence = (response.price("export_licence")[trunk] * tonnes).sum(axis=(2, 3)) / np.maximum(
        tonnes.sum(axis=(2, 3)), 1e-12
    )
    rival, route = response.price("rival_capacity")[trunk], response.price("reexport_capacity")[trunk]
    return {
        "licence": {name: licence[:, b].tolist() for b, name in enumerate(sets.blocs)},
        "exporter": response.price("exporter_capacity")[trunk].tolist(),
        "rival": {name: rival[:, j].tolist() for j, name in enumerate(sets.rivals)},
        "leakage": {name: route[:, r].tolist() for r, name in enumerate(sets.routes)},
    }


def _shares(game: Game, response: Response) -> dict[str, dict[str, float | None]]:
    # Shares are told at the turn of each decade.
    years = sorted(year for year in _years(response) if year % 10 == 0)
    found: dict[str, dict[str, float | None]] = {
        key: {} for key in ("leader_foreign", "rivals_foreign", "rivals_world", "hhi", "log_power")
    }
    for year in years:
        exports, rivals, world = _market_of_year(game, response, year)
        total = exports + rivals.sum()
        share = exports / total if total > 0 else None
        found["leader_foreign"][str(year)] = share
        found["rivals_foreign"][str(year)] = None if share is None else 1.0 - share
        found["rivals_world"][str(year)] = float(rivals.sum() / (total + world)) if total + world > 0 else None
        found["hhi"][str(year)] = float(share**2 + ((rivals / total) ** 2).sum()) if share is not None else None
        found["log_power"][str(year)] = None if share is None or share >= 1 else log_power(share)
    return found


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
