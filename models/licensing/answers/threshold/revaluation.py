"""Strategies weighed at changed values of an instance: what each is worth, with all ties resolved anew."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from coercivity.engine.data import document as documents
from coercivity.engine.data.values import same
from coercivity.engine.errors import InvalidInstance
from coercivity.models.licensing.announcement.announce import Announcement
from coercivity.models.licensing.buyers.evaluate import Followers, Layout, Response
from coercivity.models.licensing.buyers.programs import Programs
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.data.load import build
from coercivity.models.licensing.data.schema import shape
from coercivity.models.licensing.leader.commit import Game
from coercivity.models.licensing.market.arrays import Market, market_of

Changes = tuple[tuple[str, Any], ...]


@dataclass(frozen=True)
class Weighed:
    """Payoffs of some strategies at changed values: the value and its terms by strategy, million USD."""

    values: dict[str, float]
    terms: dict[str, dict[str, float]]


class _Remembering(Followers):
    """Followers who answer from memory what they were asked before: the same costs and the same limits."""

    def __init__(self, instance: Instance, base: Followers, memory: dict[bytes, Response]) -> None:
        super().__init__(instance, base.market, base.layout)
        self.hot = base.hot
        self.memory = memory

    def respond(self, announced: Announcement) -> Response:
        """The best response, with its program solved at most once."""
        costs, (_, sides) = self.layout.cost(announced), self.layout.limits(announced)
        key = hashlib.sha256(costs.tobytes() + sides.tobytes()).digest()
        if key not in self.memory:
            self.memory[key] = super().respond(announced)
        return replace(self.memory[key], announced=announced)


class Revaluation:
    """Weighs strategies at changed values of an instance; lives in a worker process."""

    def __init__(self, text: str, market: Market, layout: Layout, instance: Instance) -> None:
        self.document = documents.parse(text, "the effective instance")
        self.programs = Programs(market, layout)
        self._known = [(Followers(instance, market, layout), dict[bytes, Response]())]

    def instance(self, changes: Changes) -> Instance:
        """The instance with some values changed.

        Raises
        ------
        InvalidInstance
            A value is beyond what the format or its cross-checks allow.
        """
        document = self.document
        for path, value in changes:
            document = documents.replace(document, path, value, "threshold", shape())
        return build(document)

    def allows(self, changes: Changes) -> bool:
        """Whether the values may be written."""
        try:
            self.instance(changes)
        except InvalidInstance:
            return False
        return True

    def moves_market(self, changes: Changes) -> bool:
        """Whether the buyers' program has to be built again, whatever is announced."""
        return not same(market_of(self.instance(changes)), self._known[0][0].market)

    def weigh(self, changes: Changes, names: Sequence[str]) -> Weighed:
        """The payoffs of named strategies at changed values."""
        instance = self.instance(changes)
        market = market_of(instance)
        found = next((known for known in self._known if same(known[0].market, market)), None)
        if found is None:
            # The stated market has a program of its own; all others share one for each structure.
            found = (self.programs.followers(instance, market)[0], {})
            self._known = [self._known[0], found]
        game = Game(instance, _Remembering(instance, *found))
        evaluations = {name: game.evaluate(game.announce(name)) for name in names}
        return Weighed(
            {name: evaluation.optimistic for name, evaluation in evaluations.items()},
            {name: dict(evaluation.payoff.terms) for name, evaluation in evaluations.items()},
        )
