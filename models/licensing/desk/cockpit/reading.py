"""One strategy read at changed assumptions, on programs that stay hot: quick, and not certified.

As in a study the payoff is read from one linear program whose costs are tilted a little towards the leader, so that of
the best responses of indifferent buyers it is one that is best for the leader. Nothing is judged here: a certificate is
made in a process of its own (:mod:`coercivity.models.licensing.desk.cockpit.certifying`).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from coercivity.engine.errors import UsageError, check_name
from coercivity.models.licensing.announcement.announce import Announcement, path_from_rules, path_if_conceded
from coercivity.models.licensing.announcement.licences import Path
from coercivity.models.licensing.answers.backtest.measures import shortage
from coercivity.models.licensing.answers.results import expected, path_rows
from coercivity.models.licensing.answers.threshold.parameter import Parameter
from coercivity.models.licensing.answers.values import Answer, Commitment, LeaderPayoff
from coercivity.models.licensing.answers.verdict.first import first_page
from coercivity.models.licensing.buyers.assemble import Assembler, structure_of
from coercivity.models.licensing.buyers.evaluate import Followers, Response
from coercivity.models.licensing.buyers.programs import Program, Programs
from coercivity.models.licensing.buyers.window import Window
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.data.quantity import Quantity
from coercivity.models.licensing.data.strategies import Rule, Strategy
from coercivity.models.licensing.desk.cockpit.levers import leverage_by_year
from coercivity.models.licensing.desk.cockpit.wishes import GRID, RECORDS, Wish
from coercivity.models.licensing.leader.commit import Game
from coercivity.models.licensing.leader.payoff import payoff_of, probability_of
from coercivity.models.licensing.market.arrays import market_of
from coercivity.models.licensing.reading.accounts import accounts_of
from coercivity.models.licensing.studies.substitution import Writer
from coercivity.models.licensing.studies.worker import PointScreen, shares

KEPT = 256  # readings that are remembered
BASES = 64  # bases of strategies that a program remembers: a grid has more postures than anybody has time for
ALLOWED = 512  # values without a stated range of which it is known whether the format takes them


class Screen(PointScreen):
    """A screen that keeps what buyers heard, and their answer with its multipliers."""

    def __init__(self, followers: Followers, program: Program) -> None:
        super().__init__(followers, program, {})
        self.heard: Announcement | None = None

    def _bound(self, announced: Announcement) -> tuple[float, float, float, float]:
        self.heard = announced
        found = super()._bound(announced)
        while len(self.program.bases) > BASES:
            self.program.bases.pop(next(iter(self.program.bases)))
        return found

    def respond(self, announced: Announcement) -> tuple[Response, float, float]:
        """The buyers' answer, the pressure on the target in million USD, and the chance that it concedes."""
        high, _, _, _, chance = self.bound(announced)
        assert self.heard is not None
        # What is asked after this has the solver answer other questions.
        response = Response(self.followers.market, self.layout, self.heard, self.program.hot.solution())
        if self.followers.market.tree.conceded is not None:
            pressure = 0.0 if self.books.window is None else self._over_window(announced)
        else:
            pressure = 0.0 if self.concession is None else self._pressure(announced, high)
            chance = self._chance(pressure)
        return response, pressure, chance

    @property
    def layout(self) -> Any:
        """Where everything stands in the program."""
        return self.followers.layout

    def _over_window(self, announced: Announcement) -> float:
        assert self.books.window is not None
        fed = self.followers.instance.strategies[announced.name].fed if announced.fed else {}
        return float(self.books.window.spared(announced.path, fed))

    def _chance(self, pressure: float) -> float:
        return probability_of(self.concession, pressure, self._reference) if self.concession is not None else 0.0


@dataclass(frozen=True)
class Glimpse:
    """What the first page of a comparison reads of an answer, of which nothing is proved."""

    strategy: Commitment
    leader: LeaderPayoff
    observations: tuple[()] = ()

    @property
    def certificate(self) -> Unproved:
        """No certificate."""
        return Unproved()


@dataclass(frozen=True)
class Unproved:
    """What stands where a certificate would."""

    proof: str = "NOTHING"


@dataclass
class Point:
    """The instance at changed assumptions, and its program in the solver."""

    values: tuple[tuple[str, float], ...]
    instance: Instance
    followers: Followers
    screen: Screen
    game: Game


class Reader:
    """Reads strategies of one instance at changed assumptions; lives in one process."""

    def __init__(self, instance: Instance) -> None:
        self.stated = instance
        self.numbers = self.numbers_of(instance)
        market = market_of(instance)
        self.programs = Programs(market, Followers(instance, market).layout)
        self._window: Window | None = None
        self._window_program: Program | None = None
        self._point: Point | None = None
        self._kept: OrderedDict[Any, tuple[dict[str, Any], Glimpse]] = OrderedDict()
        self._allowed: dict[tuple[str, float], bool] = {}

    def read(self, wish: Wish) -> dict[str, Any]:
        """What a strategy is worth, by term, who pays, and the leader's share by year; plain data.

        Raises
        ------
        CoercivityError
            The values are refused, or the buyers' program has no solution.
        """
        return self._read(wish)[0]

    def verdict(self, wish: Wish) -> dict[str, Any]:
        """The words of a comparison over the named strategies, and over the grid where one is asked for."""
        wishes = [Wish(wish.values, name) for name in self.stated.strategies]
        wishes += [wish] if wish.postures is not None else []
        seen = [self._read(one)[1] for one in wishes]
        page = first_page(self._at(wish).instance, cast(list[Answer], seen), None, None)
        return {
            "sentences": [said.says for said in (*page.answer, *page.why)],
            "order": [vars(one) for one in page.standings],
        }

    def leverage(self, wish: Wish) -> dict[str, Any]:
        """What an unannounced cut-off would cost all buyers at the end of each year; raises as :meth:`read`."""
        self._check(wish)
        point = self._at(wish)
        response, _, _ = point.screen.respond(announced_of(point, wish))
        return leverage_by_year(point.instance, response)

    def instance(self, values: Mapping[str, float]) -> Instance:
        """The instance with numbers changed; raises as :meth:`read`."""
        return changed(self.stated, self.numbers, values, self._allowed)

    @staticmethod
    def numbers_of(instance: Instance) -> dict[str, Quantity]:
        """The numbers of an instance that can be changed, by path."""
        return {path: one for path, one in instance.quantities() if not path.startswith(RECORDS)}

    def _read(self, wish: Wish) -> tuple[dict[str, Any], Glimpse]:
        key = (wish.key, wish.strategy, wish.postures, wish.copied)
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        self._check(wish)
        found = self._kept[key] = self._found(wish, self._at(wish))
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return found

    def _check(self, wish: Wish) -> None:
        if wish.postures is None:
            check_name("strategy", wish.strategy, self.stated.strategies, "strategies")
        else:
            grid_path(self.stated, wish)

    def _at(self, wish: Wish) -> Point:
        """The point of a wish; programs of the point before are taken over."""
        if self._point is not None and self._point.values == wish.key:
            return self._point
        instance = self.instance(wish.values)
        self._point = None  # its program is another's from here on
        followers, program = self.programs.followers(instance)
        screen = Screen(followers, program)
        if screen.books.window is not None:
            self._prepare(screen.books.window)
        self._point = Point(wish.key, instance, followers, screen, Game(instance, followers))
        return self._point

    def _prepare(self, window: Window) -> None:
        """Give a window the program of the last one, changed to its numbers, so that Pyomo writes but one."""
        if self._window is None or not window.takes_over(self._window):
            if self._window_program is None or self._window_program.assembler.structure != structure_of(window.market):
                self._window_program = Program(Assembler(window.layout, window.market))
            layout = self._window_program.assembler.layout_for(window.market)
            self._window_program.hot.exchange(layout.program)
            window.take(layout, self._window_program.hot)
        self._window = window

    def _found(self, wish: Wish, point: Point) -> tuple[dict[str, Any], Glimpse]:
        screen, game = point.screen, point.game
        announced = announced_of(point, wish)
        response, pressure, chance = screen.respond(announced)
        payoff = payoff_of(screen.books, point.followers.announcer, response, pressure, chance)
        share = shares(point.followers, response.solution.primal)
        costs = accounts_of(point.instance, game.market, response).blocs
        short = expected(response, shortage(response)).sum(axis=0)
        named = None if wish.postures is not None else point.instance.strategies[wish.strategy]
        title = "The grid" if named is None else named.title
        rows = path_rows(game, announced.path)
        commitment = Commitment(wish.strategy, title, False, bool(announced.fed), {}, rows, {})
        leader = LeaderPayoff(payoff.value, payoff.terms, {}, chance, pressure)
        data = {
            "strategy": wish.strategy,
            "title": title,
            "value": payoff.value,
            "terms": payoff.terms,
            "probability": chance,
            "pressure": pressure,
            "cost": float(costs.sum()) / 1000.0,
            "shortage": float(short.sum()),
            # What open trade costs them is a reading of its own: the first answer does not wait for it.
            "blocs": [
                {"name": name, "title": bloc.title, "cost": float(costs[b]) / 1000.0, "shortage": float(short[b])}
                for b, (name, bloc) in enumerate(point.instance.blocs.items())
            ],
            "first_year": int(game.market.grid.start[0]) // 12,
            "share": share,
            "certified": False,
        }
        return data, Glimpse(commitment, leader)


def changed(
    instance: Instance,
    numbers: Mapping[str, Quantity],
    values: Mapping[str, float],
    allowed: dict[tuple[str, float], bool] | None = None,
) -> Instance:
    """An instance with numbers changed, within stated ranges or, where none is stated, within what the format takes.

    Parameters
    ----------
    allowed : whether the format takes a value, as far as known; to learn it the whole file is read again

    Raises
    ------
    CoercivityError
        There is no such number, or it may not have that value, or the values do not fit together.
    """
    parameters = [parameter_at(numbers, path, value) for path, value in values.items()]
    writer, known = Writer(instance, parameters), {} if allowed is None else allowed
    for one in parameters:
        if one.low is not None:
            continue
        key = (one.name, values[one.name])
        if key not in known:
            while len(known) >= ALLOWED:
                known.pop(next(iter(known)))
            known[key] = writer.allows(one, values[one.name])
        if not known[key]:
            what = f"{values[one.name]:g} {one.unit} is not a value that it may have"
            raise UsageError(one.name, what, f"see coercivity explain {one.name}")
    return writer.instance(list(values.values()))


def parameter_at(numbers: Mapping[str, Quantity], path: str, value: float) -> Parameter:
    """The number at a path as something that can be changed; refuses a value outside its stated range."""
    check_name("assumption", path, numbers, "numbers of this instance")
    one = numbers[path]
    if one.low is not None and one.high is not None and not one.low <= value <= one.high:
        what = f"{value:g} {one.unit} lies outside the range that the file states"
        raise UsageError(path, what, f"stay within {one.low:g} to {one.high:g} {one.unit}")
    return Parameter(path, "value", one.unit, (path,), (one.unit,), (one.value,), one.value, one.low, one.high)


def announced_of(point: Point, wish: Wish) -> Announcement:
    """What buyers hear of the strategy that a wish names, or of its grid."""
    if wish.postures is None:
        return point.followers.announcer.named(wish.strategy)
    strategy = grid_strategy(point.instance, wish)
    conceded = path_if_conceded(point.instance, strategy)
    return point.followers.announcer.announce(path_from_rules(point.instance, strategy), GRID, conceded=conceded)


def grid_path(instance: Instance, wish: Wish) -> Path:
    """The postures of a grid.

    Raises
    ------
    UsageError
        It names no such posture, or has not one for every phase, group and product.
    """
    return path_from_rules(instance, grid_strategy(instance, wish))


def grid_strategy(instance: Instance, wish: Wish) -> Strategy:
    """A strategy of the instance that says what a grid says; raises as :func:`grid_path`."""
    grid = wish.postures or ()
    sizes = (len(instance.phases), len(instance.groups), len(instance.products))
    is_whole = len(grid) == sizes[0] and all(
        len(groups) == sizes[1] and all(len(products) == sizes[2] for products in groups) for groups in grid
    )
    if not is_whole:
        fix = f"give {sizes[0]} phases of {sizes[1]} groups of {sizes[2]} products"
        raise UsageError("the grid", "it has not one posture for every phase, group and product", fix)
    rules = []
    for phase, groups in zip(instance.phases, grid, strict=True):
        for group, products in zip(instance.groups, groups, strict=True):
            for posture in products:
                check_name("the grid", posture, instance.postures, "postures")
            if len(set(products)) == 1:
                rules.append(Rule(posture=products[0], phase=phase, group=group))
                continue
            for product, posture in zip(instance.products, products, strict=True):
                rules.append(Rule(posture=posture, phase=phase, group=group, product=product))
    after: tuple[Rule, ...] = ()
    if wish.copied is not None:
        check_name("the grid", wish.copied, instance.strategies, "strategies")
        after = instance.strategies[wish.copied].if_conceded
    return Strategy(title="The grid of the cockpit", rules=tuple(rules), if_conceded=after)
