"""Rivals in the buyers' program of the audit: what they sell, order and keep standing, scenario by scenario.

Where plants pay to stand the decision here is what stands, not what has closed: it grows by no more than what
arrives, and every year of it is paid in the scenario in which it stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from coercivity.engine.programs.hot import Floats
from coercivity.models.licensing.audit import rules as rules
from coercivity.models.licensing.data.quantity import month_index

if TYPE_CHECKING:
    from coercivity.models.licensing.audit.program import ScenarioProgram


class RivalRows:
    """Rivals of one instance, written into the program of one claim."""

    def __init__(self, program: ScenarioProgram) -> None:
        self.program, self.audit, self.instance = program, program.audit, program.instance
        self.named = list(self.instance.rivals.values())
        self.parts: list[tuple[float, float, float]] = []
        self.lines: list[int] = []
        for j, rival in enumerate(self.named):
            for part in rules.parts(rival):
                self.lines.append(j)
                self.parts.append(part)
        self.several = [line for line, j in enumerate(self.lines) if self.lines.count(j) > 1]
        self.standing = [line for line, j in enumerate(self.lines) if self.named[j].standing_cost is not None]
        self.years = self.audit.length / 12.0
        self.at_first = np.array([self._at_first(line) for line in range(len(self.lines))])
        self.serves: dict[int, Floats] = {}
        self.starved: dict[tuple[int, int], Floats] = {}
        for line, j in enumerate(self.lines):
            expansion = self.named[j].expansion
            if expansion is not None:
                self.serves[line] = sum(
                    (
                        share * self.audit.service(float(expansion.lead_time) + late)
                        for share, late in rules.coming(self.named[j])
                    ),
                    np.zeros((len(self.years), len(self.years))),
                )

    def _at_first(self, line: int) -> Floats:
        """What a line could make in every period [t] without an order or a closure, tonnes."""
        rival, first = self.named[self.lines[line]], self.audit.first
        whole = self.parts[line][0]
        made = np.full(len(first), float(rival.capacity)) * self.years
        for addition in rival.committed:
            for share, late in rules.coming(rival):
                ran = first + self.audit.length - np.maximum(first, month_index(addition.begins) + late)
                made = made + share * float(addition.capacity) * np.maximum(0.0, ran) / 12.0
        return np.asarray(whole * made)

    def orders(self) -> None:
        """No order that comes too late, or before orders are possible."""
        program, at = self.program, self.program.blocks["expansion"]
        for line, j in enumerate(self.lines):
            expansion = self.named[j].expansion
            if expansion is None:
                program.upper[at[:, :, line]] = 0.0
                continue
            opens = month_index(expansion.opens) if expansion.opens else int(self.audit.first[0])
            late = (self.serves[line].sum(axis=1) == 0) | (self.audit.first < opens)
            program.upper[at[:, late, line]] = 0.0

    def costs(self, w: int, t: int) -> None:
        """What a kilogram costs, what an order costs, what it costs to stand."""
        audit, program, at = self.audit, self.program, self.program.blocks
        odds, money = program.chance[w], program.chance[w] * program.factor[t]
        first, last = int(audit.first[t]), int(audit.first[t] + audit.length[t])
        for j, rival in enumerate(self.named):
            gates = [
                self.parts[line][1] - rules.guaranteed(self.instance, rival, self.parts[line][1], first, last)
                for line, owner in enumerate(self.lines)
                if owner == j
            ]
            gate = gates[0] if len(gates) == 1 else 0.0
            for v, line in enumerate(self.several):
                if self.lines[line] == j:
                    program.cost[at["made"][w, t, v]] = money * gates[line - self.lines.index(j)]
            for b, name in enumerate(audit.blocs):
                if name in rival.serves:
                    program.cost[at["rival_sales"][w, t, j, b]] = money * (gate + float(rival.serves[name]))
                else:
                    program.upper[at["rival_sales"][w, t, j, b]] = 0.0
        for line, served in self.serves.items():
            rival = self.named[self.lines[line]]
            expansion = rival.expansion
            assert expansion is not None
            yearly = rules.annuity(self.parts[line][2], float(self.instance.cost_of_capital), float(expansion.life)) * (
                1.0 - rules.paid_by_treasury(rival, first)
            )
            yearly *= 1.0 - audit.funded(t, audit.rivals[self.lines[line]])
            years = float((served[t] * audit.length * program.factor).sum()) / 12.0
            program.cost[at["expansion"][w, t, line]] = odds * yearly * years
        for u, line in enumerate(self.standing):
            upkeep = float(self.named[self.lines[line]].standing_cost or 0.0)
            program.cost[at["standing"][w, t, u]] = money * upkeep * self.years[t]

    def rows(self, w: int, t: int) -> None:
        """What may be sold in a period of a scenario."""
        at = self.program.blocks
        for j in sorted({self.lines[line] for line in self.several}):
            made = at["made"][w, t, [v for v, line in enumerate(self.several) if self.lines[line] == j]]
            sold = at["rival_sales"][w, t, j].ravel()
            values = np.concatenate([np.ones(len(sold)), -np.ones(len(made))])
            self.program.row(np.concatenate([sold, made]), values, -np.inf, 0.0)
        for line, j in enumerate(self.lines):
            sold = at["rival_sales"][w, t, j].ravel()
            if line in self.several:
                sold = at["made"][w, t, [self.several.index(line)]]
            if line in self.standing:
                stands = at["standing"][w, t, self.standing.index(line)]
                values = np.append(np.ones(len(sold)), -self.years[t])
                self.program.row(np.append(sold, stands), values, -np.inf, 0.0)
                self._stands(w, t, line)
                continue
            new, serves = self._ordered(w, t, line)
            values = np.concatenate([np.ones(len(sold)), -self.years[t] * serves])
            self.program.row(np.concatenate([sold, new]), values, -np.inf, float(self.at_first[line, t]))

    def feed(self, w: int, t: int) -> None:
        """What stands at first makes no more than its feed allows."""
        for j, rival in enumerate(self.named):
            if rival.feed is None:
                continue
            sold = self.program.blocks["rival_sales"][w, t, j].ravel()
            columns, values, limit = [sold], [np.ones(len(sold))], 0.0
            for line in (line for line, mine in enumerate(self.lines) if mine == j):
                new, serves = self._ordered(w, t, line)
                columns.append(new)
                values.append(-self.years[t] * serves)
                limit += float(self.at_first[line, t])
            if (w, j) not in self.starved:
                self.starved[w, j] = self._starved(w, j)
            idle = float(rival.feed.dependence) * self.starved[w, j][t]
            self.program.row(np.concatenate(columns), np.concatenate(values), -np.inf, limit * (1.0 - idle))

    def _starved(self, w: int, j: int) -> Floats:
        """Share of every period [t] for which a rival gets no feed: what is not licensed, once its stock is used up."""
        audit, feed = self.audit, self.named[j].feed
        assert feed is not None
        b = audit.blocs.index(feed.bloc or self.named[j].owner)
        k = audit.products.index(self.named[j].product)
        usual, given = audit.forecast[:, b, k], audit.licences[w, :, b, k]
        months = np.array([
            length * max(0.0, 1.0 - got / want) if want > 0 else 0.0
            for length, got, want in zip(audit.length, given, usual, strict=True)
        ])  # fmt: skip
        # What is missing up to a month less the stock, month by month: the part of it that the stock does not reach.
        beyond = np.maximum(0.0, np.cumsum(months) - float(feed.stock))
        starved: Floats = np.diff(beyond, prepend=0.0) / audit.length
        return starved

    def ties(self, w: int, t: int) -> None:
        """Contracts and by-products in a period of a scenario."""
        audit, at = self.audit, self.program.blocks["rival_sales"][w, t]
        for j, rival in enumerate(self.named):
            for bloc, contract in (rival.contract or {}).items():
                if contract.share is None:
                    continue
                # Of all that it sells, and of what goes there in particular.
                weight = np.full(at[j].shape, -float(contract.share))
                weight[audit.blocs.index(bloc)] += 1.0
                self.program.row(at[j], weight.ravel(), -np.inf, 0.0)
            if rival.by_product is not None:
                beside = at[audit.rivals.index(rival.by_product.of)].ravel()
                values = np.concatenate([np.ones(at[j].size), np.full(len(beside), -float(rival.by_product.ratio))])
                self.program.row(np.concatenate([at[j].ravel(), beside]), values, -np.inf, 0.0)

    def _ordered(self, w: int, t: int, line: int) -> tuple[np.ndarray, Floats]:
        """The orders that serve in a period, and the share of it in which they do."""
        if line not in self.serves:
            return np.zeros(0, dtype=int), np.zeros(0)
        orders = np.flatnonzero(self.serves[line][:, t] > 0)
        return self.program.blocks["expansion"][w, orders, line], self.serves[line][orders, t]

    def _stands(self, w: int, t: int, line: int) -> None:
        """What stands has stood before or arrives."""
        at = self.program.blocks["standing"][w, :, self.standing.index(line)]
        new, serves = self._ordered(w, t, line)
        columns, values = [at[t : t + 1], new], [np.ones(1), -serves]
        arrives = float(self.at_first[line, t] / self.years[t])
        if t:
            old, served = self._ordered(w, t - 1, line)
            columns += [at[t - 1 : t], old]
            values += [-np.ones(1), served]
            arrives -= float(self.at_first[line, t - 1] / self.years[t - 1])
        self.program.row(np.concatenate(columns), np.concatenate(values), -np.inf, arrives)

    def totals(self, w: int) -> None:
        """Orders stay within what can be ordered."""
        for line in self.serves:
            expansion = self.named[self.lines[line]].expansion
            assert expansion is not None
            at = self.program.blocks["expansion"][w, :, line]
            self.program.row(at, 1.0, -np.inf, self.parts[line][0] * float(expansion.potential))

    def left_standing(self, plan: Mapping[str, Floats]) -> Floats:
        """What stands in a claimed plan [w,t,u], t/yr: what was there and has arrived, less what has closed."""
        found = np.zeros((*plan["closed"].shape[:2], len(self.standing)))
        for u, line in enumerate(self.standing):
            found[..., u] = self.at_first[line] / self.years - plan["closed"][..., line]
            if line in self.serves:
                found[..., u] += plan["expansion"][..., line] @ self.serves[line]
        return found
